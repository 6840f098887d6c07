/* The machine that runs programs: one instruction after the other, each a kernel call. */
#include "program.h"
#include "threads.h"

#include <string.h>
#include <time.h>

#define NAME(name) #name,
const char *const tgi_code_names[TGI_CODE_COUNT] = {TGI_CODES(NAME)};

/* Toward zero; what no int64 is near, NaN among it, becomes the least of them, as in NumPy on x86. C itself leaves that
 * undefined. */
static inline int64_t whole(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }

/* A row of numbers that change their kind on the way. */
static void convert_row(int source, int kind, ptrdiff_t n, const char *from, ptrdiff_t sf, char *to, ptrdiff_t st) {
#define CONVERT(source_kind, source_type, target_kind, target_type, converted)                                         \
    case 3 * source_kind + target_kind:                                                                                \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                            \
            const source_type x = *(const source_type *)(from + i * sf);                                               \
            *(target_type *)(to + i * st) = converted;                                                                 \
        }                                                                                                              \
        return;
    switch (3 * source + kind) {
        CONVERT(TGI_FLOAT32, float, TGI_FLOAT64, double, x)
        CONVERT(TGI_FLOAT32, float, TGI_INT64, int64_t, whole(x))
        CONVERT(TGI_FLOAT64, double, TGI_FLOAT32, float, (float)x)
        CONVERT(TGI_FLOAT64, double, TGI_INT64, int64_t, whole(x))
        CONVERT(TGI_INT64, int64_t, TGI_FLOAT32, float, (float)x) /* by way of double it would be rounded twice */
        CONVERT(TGI_INT64, int64_t, TGI_FLOAT64, double, (double)x)
    }
#undef CONVERT
}

/* One number, n times. */
static void repeat(int kind, ptrdiff_t n, const char *from, char *to) {
    if (kind == TGI_FLOAT32) {
        const float x = *(const float *)from;
        for (ptrdiff_t i = 0; i < n; i++)
            ((float *)to)[i] = x;
    } else {
        int64_t x; /* of either kind, bit by bit */
        memcpy(&x, from, 8);
        for (ptrdiff_t i = 0; i < n; i++)
            memcpy(to + 8 * i, &x, 8);
    }
}

/* Copy over any strides; numbers change their kind on the way if the two sides differ. */
static void copy(const tgi_instruction *in, const char *from, char *to) {
    ptrdiff_t at[TGI_AXES] = {0};
    const int last = in->ndim - 1;
    const ptrdiff_t *n = in->shape, *sf = in->strides[TGI_A], *st = in->strides[TGI_OUT];
    const int source = in->flag, kind = in->kind;
    const ptrdiff_t item = kind == TGI_FLOAT32 ? 4 : 8;
    for (int d = 0; d <= last; d++)
        if (n[d] == 0)
            return;
    for (;;) {
        if (source != kind) {
            convert_row(source, kind, n[last], from, sf[last], to, st[last]);
        } else if (sf[last] == item && st[last] == item) {
            memmove(to, from, (size_t)(n[last] * item));
        } else if (sf[last] == 0 && st[last] == item) {
            repeat(kind, n[last], from, to);
        } else if (kind == TGI_FLOAT32) {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                *(float *)(to + i * st[last]) = *(const float *)(from + i * sf[last]);
        } else {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                memcpy(to + i * st[last], from + i * sf[last], 8);
        }
        int d = last - 1;
        for (; d >= 0 && ++at[d] == n[d]; d--) {
            from -= (n[d] - 1) * sf[d];
            to -= (n[d] - 1) * st[d];
            at[d] = 0;
        }
        if (d < 0)
            return;
        from += sf[d];
        to += st[d];
    }
}

/* Single numbers of one kind, one after the other. The functions that graphs of them consist of come first; the others go
 * through the table. */
#define SCALARS(type)                                                                                           \
    for (; s < end && s->kind == kind; s++) {                                                                          \
        const type x = *(const type *)(memory + s->x), y = *(const type *)(memory + s->y);                             \
        type *const out = (type *)(memory + s->out);                                                                   \
        if (s->input < 0) {                                                                                            \
            if (s->function == TGI_mul)                                                                                \
                *out = x * y;                                                                                          \
            else if (s->function == TGI_add)                                                                           \
                *out = x + y;                                                                                          \
            else if (s->function == TGI_gated)                                                                         \
                *out = x == 0 ? 0 : x * y;                                                                             \
            else if (s->function == TGI_relu)                                                                          \
                *out = x < 0 ? 0 : x;                                                                                  \
            else if (s->function < 0)                                                                                  \
                *out = x;                                                                                              \
            else                                                                                                       \
                *out = (type)tgi_scalar(s->function, x, y, s->p);                                                      \
        } else {                                                                                                       \
            const type g = *(const type *)(memory + s->g);                                                             \
            if (s->function == TGI_mul)                                                                                \
                *out = g == 0 ? 0 : g * (s->input == 0 ? y : x);                                                       \
            else                                                                                                       \
                *out = (type)tgi_scalar_vjp(s->function, s->input, g, x, y, *(const type *)(memory + s->value), s->p); \
        }                                                                                                              \
    }

static void run_scalars(const tgi_instruction *in, char *memory) {
    const tgi_scalar_instruction *s = in->scalars, *const end = s + in->shape[0];
    while (s < end) {
        const int kind = s->kind;
        if (kind == TGI_FLOAT32)
            SCALARS(float)
        else
            SCALARS(double)
    }
}

static void run_stage(const tgi_kernels *K, int kind, const tgi_stage *stage, ptrdiff_t n, char *const *at,
                      const ptrdiff_t (*strides)[1], char *to) {
    switch (stage->code) {
    case TGI_DO_unary:
        K->unary[kind](stage->function, (size_t)n, at[0], stage->p, to);
        break;
    case TGI_DO_unary_vjp:
        K->unary_vjp[kind](stage->function, (size_t)n, at[0], at[1], stage->p, to);
        break;
    case TGI_DO_binary:
        K->binary[kind](stage->function, 1, &n, at[0], strides[0], at[1], strides[1], to);
        break;
    case TGI_DO_binary_vjp:
        K->binary_vjp[kind](stage->function, stage->flag, (size_t)n, at[0], at[1], at[2], at[3], to);
        break;
    default:
        K->select[kind](1, &n, at[0], strides[0], at[1], strides[1], at[2], strides[2], to);
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
            char *at[5];
            ptrdiff_t strides[4][1];
            for (int o = 0; o < 5; o++) {
                const int from = o < 4 ? stage->from[o] : stage->to, i = -1 - from;
                const ptrdiff_t each = from >= 0 ? item : item * chain->each[i];
                at[o] = from >= 0 ? (char *)registers[from]
                                  : slots[chain->operand[i].slot] + chain->operand[i].offset + begin * each;
                if (o < 4)
                    strides[o][0] = each;
            }
            run_stage(K, kind, stage, n, at, (const ptrdiff_t(*)[1])strides, at[4]);
        }
    }
}

/* Whether all numbers lie between two limits; NaN does not. */
#define WITHIN(type)                                                                                                   \
    do {                                                                                                               \
        const type *x = (const type *)a;                                                                               \
        const type low = (type)in->p[0], high = (type)in->p[1];                                                        \
        int outside = 0;                                                                                               \
        for (ptrdiff_t i = 0; i < in->shape[0]; i++)                                                                   \
            outside |= !(x[i] >= low) | !(x[i] <= high);                                                               \
        return !outside;                                                                                               \
    } while (0)

static int check(const tgi_instruction *in, const char *a) {
    if (in->kind == TGI_FLOAT32)
        WITHIN(float);
    if (in->kind == TGI_FLOAT64)
        WITHIN(double);
    WITHIN(int64_t);
}

static void gather(const tgi_instruction *in, const char *a, const int64_t *index, char *out) {
    const size_t item = in->kind == TGI_FLOAT32 ? 4 : 8, row = (size_t)in->shape[1] * item;
    if (row == 4)
        for (ptrdiff_t i = 0; i < in->shape[0]; i++)
            ((float *)out)[i] = ((const float *)a)[index[i]];
    else if (row == 8)
        for (ptrdiff_t i = 0; i < in->shape[0]; i++)
            memcpy(out + 8 * i, a + 8 * index[i], 8);
    else
        for (ptrdiff_t i = 0; i < in->shape[0]; i++)
            memmove(out + (size_t)i * row, a + (size_t)index[i] * row, row);
}

#define SCATTER(type)                                                                                                  \
    for (ptrdiff_t i = 0; i < in->shape[0]; i++)                                                                       \
        for (ptrdiff_t j = 0; j < width; j++)                                                                          \
    ((type *)out)[index[i] * width + j] += ((const type *)a)[i * width + j]

static void scatter(const tgi_instruction *in, const char *a, const int64_t *index, char *out) {
    const ptrdiff_t width = in->shape[1];
    memset(out, 0, (size_t)(in->shape[2] * width) * (in->kind == TGI_FLOAT32 ? 4 : 8));
    if (in->kind == TGI_FLOAT32)
        SCATTER(float);
    else
        SCATTER(double);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline char *place(const tgi_instruction *in, char *const *slots, int which) {
    return in->at[which].slot < 0 ? NULL : slots[in->at[which].slot] + in->at[which].offset;
}
#define AT(which) place(in, slots, which)

void tgi_update(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, double *powers) {
    const size_t n = (size_t)in->shape[0];
    const double lr = *(const double *)AT(TGI_C);
    if (in->code == TGI_DO_sgd) {
        const tgi_sgd rule = {.momentum = in->p[0], .weight_decay = in->p[1], .nesterov = in->flag};
        K->sgd[in->kind](n, AT(TGI_OUT), AT(TGI_A), AT(TGI_B), &rule, lr);
    } else {
        const tgi_adam rule = {in->p[0], in->p[1], in->p[2], in->p[3], in->flag};
        K->adam[in->kind](n, AT(TGI_OUT), AT(TGI_A), AT(TGI_B), AT(TGI_D), powers, &rule, lr);
    }
}

static int product(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, char *work) {
    const tgi_matrix a = {AT(TGI_A), in->strides[TGI_A][0], in->strides[TGI_A][1]};
    const tgi_matrix b = {AT(TGI_B), in->strides[TGI_B][0], in->strides[TGI_B][1]};
    const tgi_epilogue end = {.bias = AT(TGI_C), .bias_of_rows = in->flag, .function = in->function, .p = in->p[0],
                              .kept = AT(TGI_D), .row_sums = AT(TGI_E)};
    return tgi_product(K, in->kind, (size_t)in->shape[0], (size_t)in->shape[1], (size_t)in->shape[2], a, b, &end,
                       AT(TGI_OUT), work);
}

static void normalize(const tgi_kernels *K, const tgi_instruction *in, char *const *slots) {
    const size_t last = (size_t)(in->last ? in->last : in->shape[1]);
    const tgi_channels s = {(size_t)in->shape[0], (size_t)in->shape[1], (size_t)in->shape[2], in->p[0], (size_t)in->first, last};
    const void *const from[] = {AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_D), AT(TGI_E)};
    K->normalize[in->kind](in->flag, &s, from, AT(TGI_OUT));
}

static void rows(const tgi_kernels *K, const tgi_instruction *in, char *const *slots) {
    const size_t last = (size_t)(in->last ? in->last : in->shape[in->flag == TGI_NORMALIZED_ROWS_SUMS]);
    const tgi_rows s = {(size_t)in->shape[0], (size_t)in->shape[1], (size_t)in->shape[2], in->p[0], (size_t)in->first, last};
    const void *const from[] = {AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_D)};
    K->rows[in->kind](in->flag, &s, from, AT(TGI_OUT));
}

tgi_stack tgi_stack_of(const tgi_instruction *in) {
    const int ndim = in->ndim - 3;
    tgi_stack s = {.ndim = ndim, .m = (size_t)in->shape[ndim], .n = (size_t)in->shape[ndim + 1],
                   .k = (size_t)in->shape[ndim + 2]};
    for (int d = 0; d < ndim; d++)
        s.counts[d] = in->shape[d];
    for (int d = 0; d < ndim + 2; d++) {
        s.a[d] = in->strides[TGI_A][d];
        s.b[d] = in->strides[TGI_B][d];
    }
    return s;
}

static int stack_product(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, char *work) {
    const tgi_stack s = tgi_stack_of(in);
    return tgi_stack_product(K, in->kind, &s, AT(TGI_A), AT(TGI_B), AT(TGI_OUT), work);
}

static int lstm(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, char *work) {
    const tgi_recurrence s = {(size_t)in->shape[0], (size_t)in->shape[1], (size_t)in->shape[2]};
    if (in->flag)
        return tgi_lstm_vjp(K, in->kind, &s, AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_D), AT(TGI_OUT), work);
    return tgi_lstm(K, in->kind, &s, AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_D), AT(TGI_E), AT(TGI_OUT), work);
}

/* Returns whether the run may go on. */
static int run_one(const tgi_kernels *K, const tgi_instruction *in, char *const *slots, char *work) {
    const int kind = in->kind;
    const size_t n = (size_t)in->shape[0];
    switch (in->code) {
    case TGI_DO_unary:
        K->unary[kind](in->function, n, AT(TGI_A), in->p[0], AT(TGI_OUT));
        return 1;
    case TGI_DO_unary_vjp:
        K->unary_vjp[kind](in->function, n, AT(TGI_A), AT(TGI_B), in->p[0], AT(TGI_OUT));
        return 1;
    case TGI_DO_binary:
        K->binary[kind](in->function, in->ndim, in->shape, AT(TGI_A), in->strides[TGI_A], AT(TGI_B), in->strides[TGI_B],
                        AT(TGI_OUT));
        return 1;
    case TGI_DO_binary_vjp:
        K->binary_vjp[kind](in->function, in->flag, n, AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_D), AT(TGI_OUT));
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
    case TGI_DO_product:
        return product(K, in, slots, work);
    case TGI_DO_cross_entropy:
        K->cross_entropy[kind](n, (size_t)in->shape[1], in->flag, AT(TGI_A), (const int64_t *)AT(TGI_B), AT(TGI_OUT),
                               AT(TGI_C));
        return 1;
    case TGI_DO_cross_entropy_vjp:
        K->cross_entropy_vjp[kind](n, (size_t)in->shape[1], in->flag, AT(TGI_A), AT(TGI_B), (const int64_t *)AT(TGI_C),
                                   AT(TGI_OUT));
        return 1;
    case TGI_DO_sgd:
    case TGI_DO_adam:
        tgi_update(K, in, slots, (double *)AT(TGI_E));
        return 1;
    case TGI_DO_gather:
        gather(in, AT(TGI_A), (const int64_t *)AT(TGI_B), AT(TGI_OUT));
        return 1;
    case TGI_DO_scatter:
        scatter(in, AT(TGI_A), (const int64_t *)AT(TGI_B), AT(TGI_OUT));
        return 1;
    case TGI_DO_check:
        return check(in, AT(TGI_A));
    case TGI_DO_convolution:
        return tgi_convolve(K, kind, in->flag, in->windows, AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_OUT), work);
    case TGI_DO_pooling:
        K->pool[kind](in->flag, in->windows, AT(TGI_A), AT(TGI_B), AT(TGI_C), AT(TGI_OUT));
        return 1;
    case TGI_DO_normalization:
        normalize(K, in, slots);
        return 1;
    case TGI_DO_rows:
        rows(K, in, slots);
        return 1;
    case TGI_DO_stack_product:
        return stack_product(K, in, slots, work);
    case TGI_DO_lstm:
        return lstm(K, in, slots, work);
    case TGI_DO_scalars:
        run_scalars(in, slots[0]);
        return 1;
    case TGI_DO_chain:
        run_chain(K, in, slots);
        return 1;
    }
    return 0;
}

void tgi_run_part(const tgi_kernels *K, const tgi_instruction *part, char *const *slots) {
    (void)run_one(K, part, slots, NULL);
}

int64_t tgi_run(const tgi_kernels *K, const tgi_instruction *program, int64_t from, int64_t count, char *const *slots,
                char *work, double *seconds) {
    for (int64_t i = from; i < count; i++) {
        const double start = seconds ? now() : 0;
        const int threads = program[i].rows ? tgi_threads_now() : 1;
        if (threads > 1)
            tgi_run_shared(K, &program[i], slots, threads);
        else if (!run_one(K, &program[i], slots, work))
            return i;
        if (seconds)
            seconds[i] += now() - start;
    }
    return count;
}
