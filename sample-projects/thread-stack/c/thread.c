#include <pthread.h>
#include <stddef.h>

#define PAGE 4096

struct job {
    size_t bytes;
    unsigned long sum;
};

/* Uses `bytes` of stack, one frame of a page at a time from the top down, as deep recursion does. */
static unsigned long descend(size_t bytes)
{
    volatile unsigned char frame[PAGE];

    for (size_t i = 0; i < PAGE; i++)
        frame[i] = (unsigned char)i;
    if (bytes <= PAGE)
        return frame[1];
    return descend(bytes - PAGE) + frame[1];
}

static void *run(void *argument)
{
    struct job *job = argument;

    job->sum = descend(job->bytes);
    return NULL;
}

/* Runs the job in a thread with the stack the C library gives by default, or with `stack` bytes
 * when that is not 0. Returns how many pages were used, 0 if there was no thread. */
unsigned long use_stack_in_a_thread(size_t bytes, size_t stack)
{
    struct job job = { bytes, 0 };
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) != 0)
        return 0;
    if (stack != 0 && pthread_attr_setstacksize(&attributes, stack) != 0)
        return 0;
    if (pthread_create(&thread, &attributes, run, &job) != 0)
        return 0;
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    return job.sum;
}
