/* Tests of the kernels without Python, to be run under the address and undefined-behaviour sanitizers: every kernel, on
 * every instruction set of this processor, in buffers that end where the data ends, against a plain loop. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Every layout of operands, with and without bias, function and derivative. */
static void test_gemm(const tgi_kernels *K, int kind) {
    const size_t sizes[] = {0, 1, 2, 7, 16, 33, 50, 130, 260, 4100};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t s = 0; s < count * count * count; s++) {
        const size_t m = sizes[s % count], n = sizes[s / count % count], k = sizes[s / count / count];
        if (m * n * k > 2000000)
            continue;
        const int turn_a = rand() & 1, turn_b = rand() & 1, with_bias = rand() & 1, with_kept = rand() & 1;
        const int function = rand() % 3 - 1 == 0 ? TGI_sigmoid : rand() & 1 ? TGI_abs : -1;
        void *a = filled(kind, m * k, -1, 1), *b = filled(kind, k * n, -1, 1), *bias = filled(kind, n, -1, 1),
             *kept = filled(kind, m * n, 0.1, 0.9), *c = filled(kind, m * n, 9, 9),
             *work = malloc(tgi_product_work(K, kind, m, n, k));
        const tgi_matrix A = {a, turn_a ? 1 : (ptrdiff_t)k, turn_a ? (ptrdiff_t)m : 1};
        const tgi_matrix B = {b, turn_b ? 1 : (ptrdiff_t)n, turn_b ? (ptrdiff_t)k : 1};
        const tgi_epilogue end = {with_bias ? bias : NULL, 0, function, 0, with_kept ? kept : NULL, NULL};
        tgi_product(K, kind, m, n, k, A, B, &end, c, work);
        for (int probe = 0; probe < 200 && m * n > 0; probe++) {
            const size_t i = (size_t)rand() % m, j = (size_t)rand() % n;
            double sum = with_bias ? get(bias, kind, j) : 0;
            for (size_t p = 0; p < k; p++)
                sum += get(a, kind, (size_t)(i * (size_t)A.row_stride + p * (size_t)A.column_stride)) *
                       get(b, kind, (size_t)(p * (size_t)B.row_stride + j * (size_t)B.column_stride));
            const double v = get(kept, kind, i * n + j);
            if (function >= 0)
                sum = with_kept ? tgi_scalar_vjp(function, 0, sum, v, 0, v, 0) : tgi_scalar(function, sum, 0, 0);
            const double tolerance = (kind == TGI_FLOAT32 ? 1e-6 : 1e-15) * (double)(k + 2);
            CHECK(fabs(get(c, kind, i * n + j) - sum) <= tolerance, "%s gemm %zux%zux%zu at (%zu, %zu): %g, expected %g",
                  K->isa, m, n, k, i, j, get(c, kind, i * n + j), sum);
        }
        free(a), free(b), free(bias), free(kept), free(c), free(work);
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

int main(void) {
    srand(1);
    test_scalar();
    CHECK(tgi_kernels_for("nonsense") == NULL, "an unknown instruction set");
    CHECK(tgi_kernels_for(NULL) == tgi_kernels_for(*tgi_isas()), "the best one comes first");
    for (const char *const *isa = tgi_isas(); *isa; isa++) {
        const tgi_kernels *K = tgi_kernels_for(*isa);
        for (int kind = TGI_FLOAT32; kind <= TGI_FLOAT64; kind++) {
            test_unary(K, kind);
            test_binary(K, kind);
            test_gemm(K, kind);
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
