/* Tests of the kernels without Python, to be run under the address and undefined-behaviour sanitizers: every kernel, on
 * every instruction set of this processor, in buffers that end where the data ends, against a plain loop. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

static int checks = 0, failures = 0;

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        checks++;                                                                                                      \
        if (!(condition)) {                                                                                            \
            failures++;                                                                                                \
            printf("%s:%d: ", __FILE__, __LINE__);                                                                     \
            printf(__VA_ARGS__);                                                                                       \
            printf("\n");                                                                                              \
        }                                                                                                              \
    } while (0)

static double uniform(double low, double high) { return low + (high - low) * rand() / RAND_MAX; }

static double get(const void *data, int kind, size_t i) {
    return kind == TGI_FLOAT32 ? ((const float *)data)[i] : ((const double *)data)[i];
}

static void set(void *data, int kind, size_t i, double value) {
    if (kind == TGI_FLOAT32)
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

static void *filled(int kind, size_t n, double low, double high) {
    void *data = malloc(n ? n * (kind == TGI_FLOAT32 ? 4 : 8) : 1);
    for (size_t i = 0; i < n; i++)
        set(data, kind, i, uniform(low, high));
    return data;
}

static int close_to(double a, double b, double tolerance) {
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * (1 + fabs(b));
}

/* Values are those of the scalar function; derivatives those of central differences. */
static void test_unary(const tgi_kernels *K, int kind) {
    const double tolerance = kind == TGI_FLOAT32 ? 2e-5 : 1e-13;
    for (int f = 0; f < TGI_UNARY_FUNCTIONS; f++)
        for (size_t n = 0; n < 40; n += 3) {
            void *x = filled(kind, n, 0.3, 2.0), *g = filled(kind, n, -1, 1), *out = filled(kind, n, 0, 0),
                 *cotangent = filled(kind, n, 0, 0);
            K->unary[kind](f, n, x, 0.2, out);
            K->unary_vjp[kind](f, n, g, tgi_function_reads[f] == TGI_READS_OUT ? out : x, 0.2, cotangent);
            for (size_t i = 0; i < n; i++) {
                const double at = get(x, kind, i), p = kind == TGI_FLOAT32 ? (float)0.2 : 0.2, h = 1e-6;
                const double value = tgi_scalar(f, at, 0, p);
                const double slope = (tgi_scalar(f, at + h, 0, p) - tgi_scalar(f, at - h, 0, p)) / (2 * h);
                CHECK(close_to(get(out, kind, i), value, tolerance), "%s %s(%g) = %g, expected %g", K->isa,
                      tgi_function_names[f], at, get(out, kind, i), value);
                CHECK(close_to(get(cotangent, kind, i), get(g, kind, i) * slope, 1e-4) ||
                          fabs(at - 1) < 1e-5, /* the kink of hardtanh */
                      "%s derivative of %s at %g: %g, expected %g", K->isa, tgi_function_names[f], at,
                      get(cotangent, kind, i), get(g, kind, i) * slope);
            }
            free(x), free(g), free(out), free(cotangent);
        }
}

/* Three axes, of which each operand may miss some (stride 0), in every combination. */
static void test_binary(const tgi_kernels *K, int kind) {
    const ptrdiff_t shape[3] = {2, 3, 5}, item = kind == TGI_FLOAT32 ? 4 : 8;
    for (int f = TGI_UNARY_FUNCTIONS; f < TGI_FUNCTIONS; f++)
        for (int missing = 0; missing < 64; missing++) {
            ptrdiff_t strides[2][3];
            void *operand[2];
            for (int o = 0; o < 2; o++) {
                ptrdiff_t size = 1;
                for (int d = 2; d >= 0; d--) {
                    const int there = !(missing >> (3 * o + d) & 1);
                    strides[o][d] = there ? size * item : 0;
                    size *= there ? shape[d] : 1;
                }
                operand[o] = filled(kind, (size_t)size, 0.3, 2.0);
            }
            void *out = filled(kind, 30, 0, 0);
            K->binary[kind](f, 3, shape, operand[0], strides[0], operand[1], strides[1], out);
            for (ptrdiff_t i = 0; i < 30; i++) {
                const ptrdiff_t at[3] = {i / 15, i / 5 % 3, i % 5};
                double value[2];
                for (int o = 0; o < 2; o++) {
                    ptrdiff_t offset = 0;
                    for (int d = 0; d < 3; d++)
                        offset += at[d] * strides[o][d] / item;
                    value[o] = get(operand[o], kind, (size_t)offset);
                }
                const double expected = tgi_scalar(f, value[0], value[1], 0);
                CHECK(close_to(get(out, kind, (size_t)i), expected, kind == TGI_FLOAT32 ? 1e-5 : 1e-13),
                      "%s %s: %g, expected %g", K->isa, tgi_function_names[f], get(out, kind, (size_t)i), expected);
            }
            free(operand[0]), free(operand[1]), free(out);
        }
    const ptrdiff_t none[2] = {3, 0}, zero[2] = {0, 0};
    K->binary[kind](TGI_add, 2, none, NULL, zero, NULL, zero, NULL);
}

/* Every layout of operands, each field of the epilogue with and without the others, against the plain loop. */
typedef struct {
    size_t m, n, k;
    int a_layout, b_layout; /* 0: contiguous rows, 1: turned, 2: rows with gaps and columns apart, 3: one column for all */
    int bias;               /* 0: none, 1: of columns, 2: of rows */
    int function, with_kept, with_sums;
} product_case;

/* The strides of a matrix in one of the layouts above; returns how many numbers it takes. */
static size_t lay_out(int layout, size_t rows, size_t columns, tgi_matrix *x) {
    const ptrdiff_t strides[4][2] = {{(ptrdiff_t)columns, 1}, {1, (ptrdiff_t)rows}, {2 * (ptrdiff_t)columns + 3, 2}, {1, 0}};
    x->row_stride = strides[layout][0];
    x->column_stride = strides[layout][1];
    if (rows == 0 || columns == 0)
        return 0;
    return (rows - 1) * (size_t)x->row_stride + (columns - 1) * (size_t)x->column_stride + 1;
}

static double element(const tgi_matrix *x, int kind, size_t i, size_t j) {
    return get(x->data, kind, i * (size_t)x->row_stride + j * (size_t)x->column_stride);
}

static void check_product(const tgi_kernels *K, int kind, const product_case *t) {
    const size_t m = t->m, n = t->n, k = t->k;
    tgi_matrix A, B;
    A.data = filled(kind, lay_out(t->a_layout, m, k, &A), -1, 1);
    B.data = filled(kind, lay_out(t->b_layout, k, n, &B), -1, 1);
    void *bias = filled(kind, t->bias == 1 ? n : m, -1, 1), *kept = filled(kind, m * n, -0.9, 0.9),
         *c = filled(kind, m * n, 9, 9), *sums = filled(kind, m, 9, 9), *work = malloc(tgi_product_work(K, kind, m, n, k));
    const tgi_epilogue end = {
        t->bias ? bias : NULL, t->bias == 2, t->function, 0.2, t->with_kept ? kept : NULL, t->with_sums ? sums : NULL, NULL};
    tgi_product(K, kind, m, n, k, A, B, &end, c, work);
    const double tolerance = (kind == TGI_FLOAT32 ? 1e-6 : 1e-15) * (double)(k + 2);
    const size_t probes = m * n < 400 ? m * n : 200; /* all of them or some at random */
    for (size_t probe = 0; probe < probes; probe++) {
        const size_t at = probes == m * n ? probe : (size_t)rand() % (m * n), i = at / n, j = at % n;
        double sum = t->bias ? get(bias, kind, t->bias == 1 ? j : i) : 0;
        for (size_t p = 0; p < k; p++)
            sum += element(&A, kind, i, p) * element(&B, kind, p, j);
        const double v = get(kept, kind, at);
        if (t->function >= 0)
            sum = t->with_kept ? tgi_scalar_vjp(t->function, 0, sum, v, 0, v, 0.2) : tgi_scalar(t->function, sum, 0, 0.2);
        CHECK(fabs(get(c, kind, at) - sum) <= tolerance,
              "%s gemm %zux%zux%zu, layouts %d %d, bias %d, function %d, kept %d at (%zu, %zu): %g, expected %g", K->isa, m,
              n, k, t->a_layout, t->b_layout, t->bias, t->function, t->with_kept, i, j, get(c, kind, at), sum);
    }
    for (size_t i = 0; i < m && t->with_sums; i++) {
        double sum = 0;
        for (size_t p = 0; p < k; p++)
            sum += element(&A, kind, i, p);
        CHECK(close_to(get(sums, kind, i), sum, tolerance), "%s row sum %zu of %zux%zux%zu, layout %d: %g, expected %g",
              K->isa, i, m, n, k, t->a_layout, get(sums, kind, i), sum);
    }
    void *again = filled(kind, m * n, 7, 7);
    tgi_product(K, kind, m, n, k, A, B, &end, again, work);
    CHECK(memcmp(c, again, m * n * (kind == TGI_FLOAT32 ? 4 : 8)) == 0, "%s gemm %zux%zux%zu: not the same again", K->isa, m,
          n, k);
    free((void *)A.data), free((void *)B.data), free(bias), free(kept), free(c), free(sums), free(work), free(again);
}

static void test_gemm(const tgi_kernels *K, int kind) {
    const int functions[] = {-1, TGI_relu, TGI_sigmoid, TGI_abs};
    /* Small ones in all combinations: fewer and more rows and columns than a tile, on both sides of each path. */
    const size_t small[][3] = {{0, 5, 3},   {5, 0, 3},   {1, 1, 1},   {1, 1, 0},    {7, 1, 40},  {1, 9, 40}, {3, 5, 0},
                               {6, 100, 2}, {3, 100, 6}, {1, 100, 3}, {6, 2, 100},  {3, 6, 100}, {1, 3, 100}, {16, 32, 4},
                               {3, 32, 16}, {16, 4, 32}, {3, 16, 32}, {13, 35, 17}, {100, 3, 6}, {32, 3, 16}, {27, 50, 9}};
    for (size_t s = 0; s < sizeof small / sizeof *small; s++)
        for (int way = 0; way < 4 * 4 * 3 * 4 * 2 * 2; way++) {
            const product_case t = {small[s][0],  small[s][1],         small[s][2],   way % 4,      way / 4 % 4,
                                    way / 16 % 3, functions[way / 48 % 4], way / 192 % 2, way / 384};
            check_product(K, kind, &t);
        }
    /* Larger ones, in which blocks and panels come to an end, with what falls by lot. */
    const size_t sizes[] = {1, 2, 7, 10, 16, 33, 64, 130, 260, 600, 4100};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t s = 0; s < count * count * count; s++) {
        const product_case t = {sizes[s % count], sizes[s / count % count], sizes[s / count / count],
                                rand() % 4,       rand() % 4,               rand() % 3,
                                functions[rand() % 4], rand() % 2,           rand() % 2};
        if (t.m * t.n * t.k <= 4000000)
            check_product(K, kind, &t);
    }
}

/* NaN and infinity reach exactly those results that their terms belong to; zero times infinity is NaN. */
static void test_gemm_not_finite(const tgi_kernels *K, int kind) {
    const size_t sizes[][3] = {{3, 6, 100}, {6, 2, 100}, {6, 100, 2}, {16, 32, 16}, {70, 80, 300}, {200, 200, 20}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int way = 0; way < 2 * 2 * 3 * 2; way++) {
            const size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            const double odd[] = {NAN, INFINITY, -INFINITY}, value = odd[way / 4 % 3];
            tgi_matrix A, B;
            void *a = filled(kind, lay_out(way % 2, m, k, &A), 0, 0), *b = filled(kind, lay_out(way / 2 % 2, k, n, &B), 1, 1),
                 *c = filled(kind, m * n, 9, 9), *work = malloc(tgi_product_work(K, kind, m, n, k));
            A.data = a, B.data = b;
            const size_t i = (size_t)rand() % m, p = (size_t)rand() % k, j = (size_t)rand() % n;
            const int in_a = way / 12; /* in A it meets ones, in B zeros */
            if (in_a)
                set(a, kind, i * (size_t)A.row_stride + p * (size_t)A.column_stride, value);
            else
                set(b, kind, p * (size_t)B.row_stride + j * (size_t)B.column_stride, value);
            const tgi_epilogue end = {.function = way % 3 ? -1 : TGI_relu};
            tgi_product(K, kind, m, n, k, A, B, &end, c, work);
            for (size_t at = 0; at < m * n; at++) {
                const double got = get(c, kind, at);
                const double expected = in_a ? (at / n == i ? (end.function < 0 || isnan(value) ? value : fmax(value, 0)) : 0)
                                             : (at % n == j ? NAN : 0);
                CHECK(isnan(expected) ? isnan(got) : got == expected, "%s gemm of %g: %g, expected %g", K->isa, value, got,
                      expected);
            }
            free(a), free(b), free(c), free(work);
        }
}

/* Reductions of a 3 x 4 x n block over its last one or two axes, in each order of the axes. */
static void test_reduce(const tgi_kernels *K, int kind) {
    const ptrdiff_t item = kind == TGI_FLOAT32 ? 4 : 8, lengths[] = {0, 1, 5, 64, 70, 1000};
    const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int l = 0; l < 6; l++)
        for (int o = 0; o < 6; o++)
            for (int reduced = 1; reduced <= 2; reduced++)
                for (int what = TGI_SUM; what <= TGI_MIN; what++) {
                    const ptrdiff_t own[3] = {3, 4, lengths[l]}, strides[3] = {4 * own[2] * item, own[2] * item, item};
                    ptrdiff_t shape[3], turned[3];
                    for (int d = 0; d < 3; d++)
                        shape[d] = own[orders[o][d]], turned[d] = strides[orders[o][d]];
                    size_t kept = 1, each = 1;
                    for (int d = 0; d < 3; d++)
                        *(d < 3 - reduced ? &kept : &each) *= (size_t)shape[d];
                    void *x = filled(kind, 12 * (size_t)own[2], -1, 1), *out = filled(kind, kept, 9, 9);
                    K->reduce[kind](what, 3, reduced, shape, x, turned, out);
                    for (size_t i = 0; i < kept; i++) {
                        double expected = what == TGI_SUM ? 0 : what == TGI_MAX ? -INFINITY : INFINITY;
                        for (size_t j = 0; j < each; j++) {
                            size_t rest = i * each + j, at = 0;
                            for (int d = 2; d >= 0; d--) {
                                at += rest % (size_t)shape[d] * (size_t)(turned[d] / item);
                                rest /= (size_t)shape[d];
                            }
                            const double v = get(x, kind, at);
                            expected = what == TGI_SUM ? expected + v : what == TGI_MAX ? fmax(expected, v) : fmin(expected, v);
                        }
                        CHECK(close_to(get(out, kind, i), expected, kind == TGI_FLOAT32 ? 2e-5 : 1e-12),
                              "%s reduction %d: %g, expected %g", K->isa, what, get(out, kind, i), expected);
                    }
                    free(x), free(out);
                }
}

/* The condition picks; each operand may be stretched. */
static void test_select(const tgi_kernels *K, int kind) {
    const ptrdiff_t shape[2] = {3, 21}, item = kind == TGI_FLOAT32 ? 4 : 8;
    for (int missing = 0; missing < 64; missing++) {
        ptrdiff_t strides[3][2];
        void *operand[3];
        for (int o = 0; o < 3; o++) {
            ptrdiff_t size = 1;
            for (int d = 1; d >= 0; d--) {
                const int there = !(missing >> (2 * o + d) & 1);
                strides[o][d] = there ? size * item : 0;
                size *= there ? shape[d] : 1;
            }
            operand[o] = filled(kind, (size_t)size, -1, 1);
            for (ptrdiff_t i = 0; o == 0 && i < size; i++)
                set(operand[0], kind, (size_t)i, rand() & 1);
        }
        void *out = filled(kind, 63, 9, 9);
        K->select[kind](2, shape, operand[0], strides[0], operand[1], strides[1], operand[2], strides[2], out);
        for (ptrdiff_t i = 0; i < 63; i++) {
            double v[3];
            for (int o = 0; o < 3; o++)
                v[o] = get(operand[o], kind, (size_t)((i / 21 * strides[o][0] + i % 21 * strides[o][1]) / item));
            CHECK(get(out, kind, (size_t)i) == (v[0] != 0 ? v[1] : v[2]), "%s select", K->isa);
        }
        free(operand[0]), free(operand[1]), free(operand[2]), free(out);
    }
}

static void test_cross_entropy(const tgi_kernels *K, int kind) {
    for (size_t columns = 1; columns < 40; columns += 3) {
        const size_t rows = 4;
        void *x = filled(kind, rows * columns, -9, 9), *losses = filled(kind, rows, 0, 0), *g = filled(kind, rows, -1, 1),
             *p = filled(kind, rows * columns, 0, 0), *cotangent = filled(kind, rows * columns, 0, 0);
        int64_t labels[4];
        for (size_t i = 0; i < rows; i++)
            labels[i] = rand() % (int)columns;
        K->cross_entropy[kind](rows, columns, 0, x, labels, losses, p);
        K->cross_entropy_vjp[kind](rows, columns, 0, g, p, labels, cotangent);
        for (size_t i = 0; i < rows; i++) {
            double total = 0;
            for (size_t j = 0; j < columns; j++)
                total += exp(get(x, kind, i * columns + j));
            const double loss = log(total) - get(x, kind, i * columns + (size_t)labels[i]);
            CHECK(close_to(get(losses, kind, i), loss, kind == TGI_FLOAT32 ? 1e-5 : 1e-13), "%s cross entropy", K->isa);
            for (size_t j = 0; j < columns; j++) {
                const double share = exp(get(x, kind, i * columns + j)) / total;
                const double slope = get(g, kind, i) * (share - ((int64_t)j == labels[i]));
                CHECK(close_to(get(cotangent, kind, i * columns + j), slope, kind == TGI_FLOAT32 ? 1e-6 : 1e-14),
                      "%s its derivative", K->isa);
            }
        }
        free(x), free(losses), free(g), free(p), free(cotangent);
    }
}

/* Cotangents of functions of two bare numbers against central differences. */
static void test_scalar(void) {
    for (int f = TGI_UNARY_FUNCTIONS; f < TGI_RELATIONS; f++)
        for (int round = 0; round < 100; round++) {
            const double x = uniform(0.3, 2), y = uniform(0.3, 2), g = uniform(-1, 1), h = 1e-6;
            const double out = tgi_scalar(f, x, y, 0);
            const double dx = (tgi_scalar(f, x + h, y, 0) - tgi_scalar(f, x - h, y, 0)) / (2 * h);
            const double dy = (tgi_scalar(f, x, y + h, 0) - tgi_scalar(f, x, y - h, 0)) / (2 * h);
            CHECK(close_to(tgi_scalar_vjp(f, 0, g, x, y, out, 0), g * dx, 1e-6), "%s by x", tgi_function_names[f]);
            CHECK(close_to(tgi_scalar_vjp(f, 1, g, x, y, out, 0), g * dy, 1e-6), "%s by y", tgi_function_names[f]);
        }
    CHECK(isnan(tgi_scalar(TGI_FUNCTIONS, 1, 1, 0)), "an unknown function");
    CHECK(isnan(tgi_scalar_vjp(TGI_FUNCTIONS, 0, 1, 1, 1, 1, 0)), "an unknown function");
}

/* A copy over any empty axis writes nothing; what no int64 is near becomes the least of them; an int64 is rounded to
 * float32 once. */
static void test_copy(void) {
    for (int empty = 0; empty < 3; empty++) {
        double from = 1, to = 2;
        char *slots[] = {NULL, (char *)&from, (char *)&to};
        tgi_instruction in = {.code = TGI_DO_copy, .kind = TGI_FLOAT64, .flag = TGI_FLOAT64, .ndim = 3, .shape = {1, 1, 1}};
        in.shape[empty] = 0;
        in.at[TGI_A].slot = 1, in.at[TGI_OUT].slot = 2;
        CHECK(tgi_run(tgi_kernels_for(NULL), &in, 0, 1, slots, NULL, NULL) == 1 && to == 2, "an empty axis %d", empty);
    }
    double from[] = {-1.5, 0x1p63, -0x1p63, NAN, -INFINITY, 0x1p62};
    const int64_t wanted[] = {-1, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, (int64_t)1 << 62};
    int64_t whole[6], long_one = ((int64_t)1 << 54) + ((int64_t)1 << 30) + 1;
    float single;
    char *slots[] = {(char *)from, (char *)whole, (char *)&long_one, (char *)&single};
    tgi_instruction in[2] = {{.code = TGI_DO_copy, .kind = TGI_INT64, .flag = TGI_FLOAT64, .ndim = 1, .shape = {6}},
                             {.code = TGI_DO_copy, .kind = TGI_FLOAT32, .flag = TGI_INT64, .ndim = 1, .shape = {1}}};
    in[0].strides[TGI_A][0] = in[0].strides[TGI_OUT][0] = 8;
    in[0].at[TGI_OUT].slot = 1, in[1].at[TGI_A].slot = 2, in[1].at[TGI_OUT].slot = 3;
    tgi_run(tgi_kernels_for(NULL), in, 0, 2, slots, NULL, NULL);
    CHECK(memcmp(whole, wanted, sizeof whole) == 0, "whole numbers");
    CHECK(single == 0x1p54f + 0x1p31f, "a long whole number became %a", single);
}

int main(void) {
    srand(1);
    test_scalar();
    test_copy();
    CHECK(tgi_kernels_for("nonsense") == NULL, "an unknown instruction set");
    CHECK(tgi_kernels_for(NULL) == tgi_kernels_for(*tgi_isas()), "the best one comes first");
    for (const char *const *isa = tgi_isas(); *isa; isa++) {
        const tgi_kernels *K = tgi_kernels_for(*isa);
        for (int kind = TGI_FLOAT32; kind <= TGI_FLOAT64; kind++) {
            test_unary(K, kind);
            test_binary(K, kind);
            test_gemm(K, kind);
            test_gemm_not_finite(K, kind);
            test_reduce(K, kind);
            test_select(K, kind);
            test_cross_entropy(K, kind);
            CHECK(K->peak[kind](2) > 0, "the count of operations");
        }
        printf("%s: done\n", *isa);
    }
    printf("%d passed, %d failed\n", checks - failures, failures);
    return failures > 0;
}
