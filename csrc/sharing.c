/* Instructions over many numbers, on several threads: a part of one is the same instruction over some of its rows. Which
 * rows make a part depends on the shape alone, and no number on what lies beside it: the bits are those of one thread. */
#include "program.h"
#include "threads.h"

#include <string.h>

enum { VECTORS = 64 }; /* so many results fill whole vectors */

/* How many numbers a row has that goes along these axes. */
static ptrdiff_t numbers_of(const tgi_instruction *in, int from, int to) {
    ptrdiff_t numbers = 1;
    for (int d = from; d < to; d++)
        numbers *= in->shape[d];
    return numbers;
}

/* Whether the operands of a part are those of the whole, and its kernel is told which rows or channels are to be done. */
static int takes_range(const tgi_instruction *in) {
    return in->code == TGI_DO_normalization || (in->code == TGI_DO_rows && in->flag >= TGI_NORMALIZED_ROWS);
}

/* Along which axis it is cut. */
static int axis_of(const tgi_instruction *in) {
    return in->code == TGI_DO_normalization || (in->code == TGI_DO_rows && in->flag == TGI_NORMALIZED_ROWS_SUMS);
}

/* How far apart, in bytes, the rows of each operand lie. Returns how many numbers a row has; 0: it has to stay whole. */
static ptrdiff_t rows_of(const tgi_instruction *in, ptrdiff_t step[TGI_PLACES]) {
    const ptrdiff_t item = in->kind == TGI_FLOAT32 ? 4 : 8;
    memset(step, 0, TGI_PLACES * sizeof(*step));
    switch (in->code) {
    case TGI_DO_chain: /* its operands are its own */
        return 1;
    case TGI_DO_unary:
    case TGI_DO_unary_vjp:
    case TGI_DO_binary_vjp:
        step[TGI_A] = step[TGI_B] = step[TGI_C] = step[TGI_D] = step[TGI_OUT] = item;
        return 1;
    case TGI_DO_sgd:
    case TGI_DO_adam: /* c and e are single numbers */
        step[TGI_A] = step[TGI_B] = step[TGI_D] = step[TGI_OUT] = item;
        return 1;
    case TGI_DO_copy:
        if (in->ndim == 1 && in->flag == in->kind) /* within one array, perhaps */
            return 0;
        step[TGI_A] = in->strides[TGI_A][0];
        step[TGI_OUT] = in->strides[TGI_OUT][0];
        return numbers_of(in, 1, in->ndim);
    case TGI_DO_binary:
    case TGI_DO_select:
    case TGI_DO_reduce:
        if (in->reduced == in->ndim)
            return 0;
        for (int place = TGI_A; place <= TGI_C; place++)
            step[place] = in->strides[place][0];
        step[TGI_OUT] = item * numbers_of(in, 1, in->ndim - in->reduced);
        return numbers_of(in, 1, in->ndim);
    case TGI_DO_rows:
        if (takes_range(in))
            return in->shape[1 - axis_of(in)];
        step[TGI_A] = step[TGI_B] = step[TGI_OUT] = item * in->shape[1];
        return in->shape[1];
    case TGI_DO_normalization:
        return in->shape[0] * in->shape[2];
    case TGI_DO_cross_entropy:
    case TGI_DO_cross_entropy_vjp:
        if (in->flag) /* by columns */
            return 0;
        if (in->code == TGI_DO_cross_entropy) {
            step[TGI_A] = step[TGI_C] = item * in->shape[1];
            step[TGI_B] = sizeof(int64_t);
            step[TGI_OUT] = item;
        } else {
            step[TGI_B] = step[TGI_OUT] = item * in->shape[1];
            step[TGI_A] = item;
            step[TGI_C] = sizeof(int64_t);
        }
        return in->shape[1];
    }
    return 0;
}

/* Whether results are made a vector at a time: of rows that are long, one after the other. */
static int side_by_side(const tgi_instruction *in) {
    if (in->code == TGI_DO_reduce && in->strides[TGI_A][0] != (in->kind == TGI_FLOAT32 ? 4 : 8) && numbers_of(in, 1, in->ndim) > VECTORS)
        return 0;
    return in->ndim - in->reduced == 1 || (in->code == TGI_DO_rows && axis_of(in));
}

ptrdiff_t tgi_rows_of_a_part(const tgi_instruction *in, ptrdiff_t numbers) {
    ptrdiff_t step[TGI_PLACES];
    const ptrdiff_t all = in->shape[axis_of(in)], parts = rows_of(in, step) * all / numbers;
    if (parts < 2)
        return 0;
    ptrdiff_t rows = (all + parts - 1) / parts;
    if (side_by_side(in))
        rows = (rows + VECTORS - 1) / VECTORS * VECTORS;
    if (in->code == TGI_DO_rows && in->flag == TGI_CAUSAL_SOFTMAX) /* how much a row sees is counted from the first */
        rows = (rows + in->shape[2] - 1) / in->shape[2] * in->shape[2];
    return rows < all ? rows : 0;
}

typedef struct {
    const tgi_kernels *K;
    const tgi_instruction *in;
    char *const *slots;
    ptrdiff_t step[TGI_PLACES];
    double before[2], after[2]; /* the powers of Adam's rule, which has a step once */
} shared;

static void run_part(void *what, int number, int thread) {
    shared *s = what;
    tgi_instruction part = *s->in;
    tgi_chain chain;
    const int axis = axis_of(&part);
    const ptrdiff_t begin = number * part.rows, rest = part.shape[axis] - begin, item = part.kind == TGI_FLOAT32 ? 4 : 8;
    const ptrdiff_t rows = part.rows < rest ? part.rows : rest;
    (void)thread;
    if (takes_range(&part)) {
        part.first = begin;
        part.last = begin + rows;
    } else
        part.shape[0] = rows;
    for (int place = 0; place < TGI_PLACES; place++)
        part.at[place].offset += begin * s->step[place];
    if (part.code == TGI_DO_chain) {
        chain = *part.chain;
        for (int i = 0; i < chain.operands; i++)
            chain.operand[i].offset += begin * item * chain.each[i];
        part.chain = &chain;
    }
    if (part.code == TGI_DO_sgd || part.code == TGI_DO_adam) {
        double powers[2] = {s->before[0], s->before[1]};
        tgi_update(s->K, &part, s->slots, powers);
        if (number == 0)
            memcpy(s->after, powers, sizeof(powers));
    } else
        tgi_run_part(s->K, &part, s->slots);
}

void tgi_run_shared(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, int threads) {
    shared s = {.K = K, .in = in, .slots = slots};
    double *powers = NULL;
    rows_of(in, s.step);
    if (in->code == TGI_DO_adam) {
        powers = (double *)(slots[in->at[TGI_E].slot] + in->at[TGI_E].offset);
        memcpy(s.before, powers, sizeof(s.before));
    }
    tgi_share_out(threads, (int)((in->shape[axis_of(in)] + in->rows - 1) / in->rows), run_part, &s);
    if (powers)
        memcpy(powers, s.after, sizeof(s.after));
}
