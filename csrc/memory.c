/* What the process does with memory that arrays have given back. */
#include "tgi.h"

#include <stdlib.h>

/* A step of training gives back what the next one asks for. glibc hands pages at the end of the heap back to the system as
 * soon as 128 KB of them are free, and to get them anew costs a tenth of the step of 100 layers of 100 units. It learns from
 * what is freed: after one block of so many bytes, none of which is ever touched, it keeps twice as many. */
void tgi_keep_freed_memory(void) {
    void *volatile block = malloc((size_t)24 << 20);
    free(block);
}
