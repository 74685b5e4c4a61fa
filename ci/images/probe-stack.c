/* A thread with the default stack that touches 512 KiB of it. */
#include <pthread.h>
#include <string.h>

enum { size = 512 * 1024 };

static void *touch(void *result)
{
    volatile char stack[size];
    int touched = 0;
    for (int i = 0; i < size; i += 256)
        stack[i] = 1;
    for (int i = 0; i < size; i += 256)
        touched += stack[i] * 256;
    *(int *)result = touched;
    return 0;
}

int touch_stack_in_thread(void)
{
    pthread_t thread;
    int touched = 0;
    if (pthread_create(&thread, 0, touch, &touched))
        return -1;
    pthread_join(thread, 0);
    return touched;
}
