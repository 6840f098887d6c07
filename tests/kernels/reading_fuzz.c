/* Programs whose words are mutated, read and, where they are taken for programs, run, under the sanitizers: reading_fuzz
 * file times seed. The file holds words only. Memory is as large as the words say and no larger. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

static uint64_t state;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* As many numbers as an instruction goes through. */
static double size_of(const tgi_instruction *in) {
    double n = 1;
    for (int d = 0; d < in->ndim; d++)
        n *= (double)in->shape[d];
    for (int d = 0; in->windows && d < 3; d++)
        n *= (double)in->windows->size[d] * (double)in->windows->counts[d] * (double)in->windows->stride[d];
    return in->code == TGI_DO_lstm ? n * (double)in->shape[2] : n;
}

static int run(const tgi_program *p) {
    double work = 0, memory = 0;
    for (int64_t i = 0; i < p->count; i++)
        work += size_of(&p->instructions[i]);
    for (int64_t i = 0; i < p->slots; i++)
        memory += (double)p->sizes[i];
    if (work > 1e6 || memory > 1e8 || p->work > 100000000)
        return 0;
    char **slots = malloc((size_t)p->slots * sizeof(*slots));
    for (int64_t i = 0; i < p->slots; i++) {
        slots[i] = malloc((size_t)p->sizes[i]);
        for (int64_t k = 0; k < p->sizes[i]; k++)
            slots[i][k] = (char)(next() % 3);
    }
    char *space = malloc(p->work);
    tgi_run(tgi_kernels_for("baseline"), p->instructions, 0, p->count, slots, space, NULL);
    free(space);
    for (int64_t i = 0; i < p->slots; i++)
        free(slots[i]);
    free(slots);
    return 1;
}

int main(int count, char **words) {
    FILE *file = count == 4 ? fopen(words[1], "rb") : NULL;
    if (!file)
        return 2;
    static int64_t original[1 << 16], changed[1 << 16];
    const int64_t n = (int64_t)fread(original, 8, 1 << 16, file);
    fclose(file);
    long refused = 0, ran = 0;
    state = strtoull(words[3], NULL, 10) * 2 + 1;
    for (long i = 0; i < atol(words[2]); i++) {
        const char *wrong;
        int64_t where;
        memcpy(changed, original, (size_t)n * 8);
        for (uint64_t k = next() % 4; k < 4; k++) {
            int64_t *at = &changed[next() % (uint64_t)n];
            const uint64_t how = next() % 6;
            *at = how == 0   ? *at + (int64_t)(next() % 17) - 8
                  : how == 1 ? (int64_t)next()
                  : how == 2 ? (int64_t)1 << next() % 63
                  : how == 3 ? (int64_t)(next() % 40)
                  : how == 4 ? changed[next() % (uint64_t)n]
                             : -*at;
        }
        tgi_program *p = tgi_read_program(tgi_kernels_for("baseline"), changed, next() % 50 ? n : (int64_t)(next() % (uint64_t)n), &wrong, &where);
        if (!p)
            refused += wrong != NULL;
        else
            ran += run(p);
        tgi_free_program(p);
    }
    printf("%ld refused, %ld ran\n", refused, ran);
    return 0;
}
