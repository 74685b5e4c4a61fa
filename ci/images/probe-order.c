/* The C code of probe-order-alloc.rs: it needs functions of libc that std itself does not pull in. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *order_allocate(size_t size, size_t align)
{
    void *pointer = 0;
    pthread_mutex_lock(&lock);
    if (posix_memalign(&pointer, align < sizeof(void *) ? sizeof(void *) : align, size))
        fputs("no memory\n", stderr);
    else if (size > 1 << 20)
        madvise(pointer, size, MADV_WILLNEED);
    pthread_mutex_unlock(&lock);
    return pointer;
}

void order_free(void *pointer)
{
    free(pointer);
}
