#include <stdlib.h>

/* Through a volatile pointer the compiler neither sees that both calls get the same block, nor
 * may it leave out the block. */
static void release(void *block)
{
    void *volatile hidden = block;

    free(hidden);
}

/* Frees a block as often as asked. Twice is the bug. */
void free_a_block(int times)
{
    unsigned char *volatile block = malloc(40);

    if (block == NULL)
        return;
    block[0] = 1;
    for (volatile int i = 0; i < times; i++)
        release(block);
}
