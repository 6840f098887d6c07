/* The machine that runs programs: one instruction after the other, each a kernel call. */
#include "program.h"

#include <string.h>
#include <time.h>

#define NAME(name) #name,
const char *const tgi_code_names[TGI_CODE_COUNT] = {TGI_CODES(NAME)};

static inline double load(int kind, const char *at) {
    if (kind == TGI_FLOAT32)
        return *(const float *)at;
    return kind == TGI_FLOAT64 ? *(const double *)at : (double)*(const int64_t *)at;
}

static inline void store(int kind, char *at, double value) {
    if (kind == TGI_FLOAT32)
        *(float *)at = (float)value;
    else if (kind == TGI_FLOAT64)
        *(double *)at = value;
    else
        *(int64_t *)at = (int64_t)value;
}

/* Copy over any strides; numbers change their kind on the way if the two sides differ. */
static void copy(const tgi_instruction *in, const char *from, char *to) {
    ptrdiff_t at[TGI_AXES] = {0};
    const int last = in->ndim - 1;
    const ptrdiff_t *n = in->shape, *sf = in->strides[TGI_A], *st = in->strides[TGI_OUT];
    const int source = in->function, kind = in->kind;
    const ptrdiff_t item = kind == TGI_FLOAT32 ? 4 : 8;
    for (;;) {
        if (source == kind && sf[last] == item && st[last] == item) {
            memmove(to, from, (size_t)(n[last] * item));
        } else if (source == kind && kind == TGI_FLOAT32) {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                *(float *)(to + i * st[last]) = *(const float *)(from + i * sf[last]);
        } else if (source == kind) {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                memcpy(to + i * st[last], from + i * sf[last], 8);
        } else {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                store(kind, to + i * st[last], load(source, from + i * sf[last]));
        }
        int d = last - 1;
        for (; d >= 0; d--) {
            from += sf[d];
            to += st[d];
            if (++at[d] < n[d])
                break;
            from -= n[d] * sf[d];
            to -= n[d] * st[d];
            at[d] = 0;
        }
        if (d < 0)
            return;
    }
}

#define SCALARS(type)                                                                                                  \
    for (; s < end && s->kind == kind; s++) {                                                                          \
        const double x = *(const type *)(arena + s->x), y = *(const type *)(arena + s->y);                             \
        type *out = (type *)(arena + s->out);                                                                          \
        if (s->input < 0) {                                                                                            \
            if (s->function == TGI_mul)                                                                                \
                *out = (type)(x * y);                                                                                  \
            else if (s->function == TGI_add)                                                                           \
                *out = (type)(x + y);                                                                                  \
            else                                                                                                       \
                *out = (type)tgi_scalar(s->function, x, y, s->p);                                                      \
        } else {                                                                                                       \
            *out = (type)tgi_scalar_vjp(s->function, s->input, *(const type *)(arena + s->g), x, y,                    \
                                        *(const type *)(arena + s->value), s->p);                                      \
        }                                                                                                              \
    }

static void run_scalars(const tgi_instruction *in, char *arena) {
    const tgi_scalar_instruction *s = in->scalars, *const end = s + in->count;
    while (s < end) {
        const int kind = s->kind;
        if (kind == TGI_FLOAT32)
            SCALARS(float)
        else
            SCALARS(double)
    }
}

/* A chain of elementwise functions, TGI_PIECE numbers at a time: what lies between the stages never leaves the cache. */
static void run_chain(const tgi_kernels *K, const tgi_instruction *in, char *const *slots) {
    const tgi_chain *chain = in->chain;
    const int kind = in->kind;
    const ptrdiff_t item = kind == TGI_FLOAT32 ? 4 : 8;
    double registers[TGI_REGISTERS][TGI_PIECE] __attribute__((aligned(64)));
    for (ptrdiff_t begin = 0; begin < in->shape[0]; begin += TGI_PIECE) {
        const ptrdiff_t n = in->shape[0] - begin < TGI_PIECE ? in->shape[0] - begin : TGI_PIECE;
        for (int s = 0; s < chain->stages; s++) {
            const tgi_stage *stage = &chain->stage[s];
            char *at[3] = {0}, *to;
            ptrdiff_t strides[3];
            for (int o = 0; o < 3; o++) {
                const int from = stage->from[o];
                const int i = -1 - from;
                if (from >= 0) {
                    at[o] = (char *)registers[from];
                    strides[o] = item;
                } else {
                    at[o] = slots[chain->operand[i].slot] + chain->operand[i].offset + begin * item * chain->each[i];
                    strides[o] = item * chain->each[i];
                }
            }
            const int i = -1 - stage->to;
            to = stage->to >= 0 ? (char *)registers[stage->to]
                                : slots[chain->operand[i].slot] + chain->operand[i].offset + begin * item;
            if (stage->code == TGI_DO_unary)
                K->unary[kind](stage->function, (size_t)n, at[0], stage->p, to);
            else if (stage->code == TGI_DO_unary_vjp)
                K->unary_vjp[kind](stage->function, (size_t)n, at[0], at[1], stage->p, to);
            else if (stage->code == TGI_DO_binary)
                K->binary[kind](stage->function, 1, &n, at[0], &strides[0], at[1], &strides[1], to);
            else
                K->select[kind](1, &n, at[0], &strides[0], at[1], &strides[1], at[2], &strides[2], to);
        }
    }
}

static int check(const tgi_instruction *in, const char *a) {
    for (ptrdiff_t i = 0; i < in->shape[0]; i++) {
        if (in->code == TGI_DO_check && load(in->kind, a + i * (in->kind == TGI_FLOAT32 ? 4 : 8)) == 0)
            return 0;
        if (in->code == TGI_DO_check_labels && !(((const int64_t *)a)[i] >= 0 && ((const int64_t *)a)[i] < in->shape[1]))
            return 0;
    }
    return 1;
}

static void gather(const tgi_instruction *in, const char *a, const int64_t *index, char *out) {
    for (ptrdiff_t i = 0; i < in->shape[0]; i++)
        if (in->kind == TGI_FLOAT32)
            ((float *)out)[i] = ((const float *)a)[index[i]];
        else
            ((double *)out)[i] = ((const double *)a)[index[i]];
}

static void scatter(const tgi_instruction *in, const char *a, const int64_t *index, char *out) {
    memset(out, 0, (size_t)in->shape[1] * (in->kind == TGI_FLOAT32 ? 4 : 8));
    for (ptrdiff_t i = 0; i < in->shape[0]; i++)
        if (in->kind == TGI_FLOAT32)
            ((float *)out)[index[i]] += ((const float *)a)[i];
        else
            ((double *)out)[index[i]] += ((const double *)a)[i];
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define AT(place) (slots[in->at[place].slot] + in->at[place].offset)

static int run_one(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, char *work) {
    const int kind = in->kind;
    const size_t n = (size_t)in->shape[0];
    switch (in->code) {
    case TGI_DO_unary:
        K->unary[kind](in->function, n, AT(TGI_A), in->p, AT(TGI_OUT));
        return 1;
    case TGI_DO_unary_vjp:
        K->unary_vjp[kind](in->function, n, AT(TGI_A), AT(TGI_B), in->p, AT(TGI_OUT));
        return 1;
    case TGI_DO_binary:
        K->binary[kind](in->function, in->ndim, in->shape, AT(TGI_A), in->strides[TGI_A], AT(TGI_B), in->strides[TGI_B],
                        AT(TGI_OUT));
        return 1;
    case TGI_DO_select:
        K->select[kind](in->ndim, in->shape, AT(TGI_A), in->strides[TGI_A], AT(TGI_B), in->strides[TGI_B], AT(TGI_C),
                        in->strides[TGI_C], AT(TGI_OUT));
        return 1;
    case TGI_DO_copy:
        copy(in, AT(TGI_A), AT(TGI_OUT));
        return 1;
    case TGI_DO_reduce:
        K->reduce[kind](in->function, in->ndim, in->reduced, in->shape, AT(TGI_A), in->strides[TGI_A], AT(TGI_OUT));
        return 1;
    case TGI_DO_product: {
        const tgi_matrix a = {AT(TGI_A), in->strides[TGI_A][0], in->strides[TGI_A][1]};
        const tgi_matrix b = {AT(TGI_B), in->strides[TGI_B][0], in->strides[TGI_B][1]};
        const tgi_epilogue end = {in->with_bias ? AT(TGI_C) : NULL, 0, in->function, in->p,
                                  in->with_kept ? AT(TGI_D) : NULL};
        tgi_product(K, kind, n, (size_t)in->shape[1], (size_t)in->shape[2], a, b, &end, AT(TGI_OUT), work);
        return 1;
    }
    case TGI_DO_cross_entropy:
        K->cross_entropy[kind](n, (size_t)in->shape[1], AT(TGI_A), (const ptrdiff_t *)AT(TGI_B), AT(TGI_OUT), AT(TGI_C));
        return 1;
    case TGI_DO_cross_entropy_vjp:
        K->cross_entropy_vjp[kind](n, (size_t)in->shape[1], AT(TGI_A), AT(TGI_B), (const ptrdiff_t *)AT(TGI_C),
                                   AT(TGI_OUT));
        return 1;
    case TGI_DO_gather:
        gather(in, AT(TGI_A), (const int64_t *)AT(TGI_B), AT(TGI_OUT));
        return 1;
    case TGI_DO_scatter:
        scatter(in, AT(TGI_A), (const int64_t *)AT(TGI_B), AT(TGI_OUT));
        return 1;
    case TGI_DO_check:
    case TGI_DO_check_labels:
        return check(in, AT(TGI_A));
    case TGI_DO_scalars:
        run_scalars(in, slots[0]);
        return 1;
    case TGI_DO_elementwise:
        run_chain(K, in, slots);
        return 1;
    }
    return 0;
}

int64_t tgi_run(const tgi_kernels *K, const tgi_instruction *program, int64_t count, char *const *slots, char *work,
                double *seconds) {
    for (int64_t i = 0; i < count; i++) {
        const double start = seconds ? now() : 0;
        if (!run_one(K, &program[i], slots, work))
            return i;
        if (seconds)
            seconds[i] += now() - start;
    }
    return -1;
}
