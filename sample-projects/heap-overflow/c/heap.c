#include <stddef.h>
#include <stdlib.h>

/* Fills a block of 41 bytes with so many bytes, and frees it. More than 41 is the bug. Through
 * volatile pointers the compiler neither sees it nor may leave it out. */
void fill_a_block(size_t bytes)
{
    volatile unsigned char *volatile block = malloc(41);
    void *volatile released;

    if (block == NULL)
        return;
    for (volatile size_t i = 0; i < bytes; i++)
        block[i] = 0xa5;
    released = (void *)block;
    free(released);
}
