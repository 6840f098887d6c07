/* The kernels of tinygrad_init: plain pointers and sizes in, numbers out. Nothing here knows Python.
 *
 * The kernels are compiled once for each instruction set (kernels.inc.h); tgi_kernels_for() gives the table of one that
 * this processor has. Every kernel exists for float32 and float64.
 */
#ifndef TGI_H
#define TGI_H

#include <stddef.h>
#include <stdint.h>

#define TGI_MAX_DIMS 64 /* as many as NumPy allows */

/* Elementwise functions of one number and of two. One entry here and two inline functions in functions.inc.h make
 * a function; its number is its place. The second column says what its derivative is read from: the input x, the result
 * out, or nothing. */
#define TGI_UNARY(F)                                                                                                   \
    F(neg, NOTHING) F(exp, OUT) F(expm1, OUT) F(log, X) F(log1p, X) F(sqrt, OUT) F(sin, X) F(cos, X) F(abs, X)         \
    F(erf, X) F(tanh, OUT) F(sigmoid, OUT) F(relu, OUT) F(leaky_relu, X) F(elu, X) F(selu, X) F(gelu, X) F(silu, X)    \
    F(softplus, X) F(hard_sigmoid, X) F(hardtanh, X) F(mish, X) F(softsign, X)
#define TGI_BINARY(F)                                                                                                  \
    F(add) F(sub) F(mul) F(div) F(pow) F(maximum) F(minimum) F(gated) F(gated_quotient) F(binary_cross_entropy_with_logits)
/* Relations give 1 where they hold and 0 elsewhere. They have no derivative, so they are no operations, but are computed
 * like functions of two numbers. */
#define TGI_RELATION(F) F(less) F(less_equal) F(equal) F(not_equal)

enum tgi_reads { TGI_READS_NOTHING, TGI_READS_X, TGI_READS_OUT };

#define TGI_ENUM_UNARY(name, reads) TGI_##name,
#define TGI_ENUM_BINARY(name) TGI_##name,
enum tgi_function {
    TGI_UNARY(TGI_ENUM_UNARY)
    TGI_BINARY(TGI_ENUM_BINARY)
    TGI_RELATIONS, /* where they begin */
    TGI_before_relations = TGI_RELATIONS - 1,
    TGI_RELATION(TGI_ENUM_BINARY)
    TGI_FUNCTIONS
};
enum tgi_reduction { TGI_SUM, TGI_MAX, TGI_MIN, TGI_NORM };
#define TGI_COUNT_UNARY(name, reads) +1
enum { TGI_UNARY_FUNCTIONS = 0 TGI_UNARY(TGI_COUNT_UNARY) };

extern const char *const tgi_function_names[TGI_FUNCTIONS];
extern const int tgi_function_reads[TGI_UNARY_FUNCTIONS];

/* A function on bare numbers (y is ignored by functions of one), and the cotangent of its input 0 or 1. p is the
 * function's parameter, such as the slope of leaky_relu. */
double tgi_scalar(int function, double x, double y, double p);
double tgi_scalar_vjp(int function, int input, double g, double x, double y, double out, double p);

/* A matrix of any layout: element (i, j) is at data[i * row_stride + j * column_stride], strides counted in elements. */
typedef struct {
    const void *data;
    ptrdiff_t row_stride, column_stride;
} tgi_matrix;

/* What happens to a product before it is stored: a bias is added (bias[j] to column j or, with bias_of_rows, bias[i] to
 * row i), then the elementwise function is applied or, if `kept` is given (an array like C), its derivative multiplied,
 * read from there. Beside that, row_sums[i] becomes the sum of row i of A: the bias's cotangent, where A is δ turned. */
typedef struct {
    const void *bias; /* may be NULL */
    int bias_of_rows;
    int function; /* -1: none */
    double p;
    const void *kept; /* may be NULL */
    void *row_sums;   /* may be NULL */
    int *stopped;     /* for `tgi_stopped`; NULL: it goes on to the end */
} tgi_epilogue;

/* Whether a long product is not wanted any more. */
int tgi_stopped(int *stopped);

typedef struct {
    double momentum, weight_decay;
    int nesterov;
} tgi_sgd;

typedef struct {
    double beta1, beta2, eps, weight_decay;
    int decoupled; /* whether the weights shrink by lr * weight_decay apart from the gradient (AdamW) */
} tgi_adam;

/* Windows over up to three axes behind samples and channels: position k of window p is the element
 * p * stride + k * dilation - before; where there is none it counts as zero, and in maxima not at all. Channels fall into groups, each with so many of the input and of the output; pooling knows only samples. */
typedef struct {
    ptrdiff_t samples, groups, inputs, outputs;
    ptrdiff_t lengths[3], counts[3], size[3], stride[3], dilation[3], before[3];
} tgi_windows;

/* A convolution of x and weight; its derivative by x, of cotangent and weight; that by the weight, of x and cotangent. */
enum tgi_convolution { TGI_FORWARD, TGI_BY_INPUT, TGI_BY_WEIGHT };
/* The largest under each window of a; its derivative from cotangent a, input b and result c: each to the first of the
 * largest; of input-sized a what lies at those places. The mean, padding counted, and its derivative. */
enum tgi_pooling { TGI_LARGEST, TGI_LARGEST_VJP, TGI_AT_LARGEST, TGI_MEAN, TGI_MEAN_VJP };

/* Arrays (outer, channels, inner), each channel of which is normalized: x to (x - mean) / √(variance + eps) · weight + bias.
 * The operands: moments of x; x normalized, from x, moments (means, then variances), weight and bias; sums, from cotangent,
 * x and moments (the cotangents of bias and weight); the cotangent of x, from cotangent, x, moments, weight and sums. */
typedef struct {
    size_t outer, channels, inner;
    double eps;
    size_t first, last; /* channels that are to be done */
} tgi_channels;
enum tgi_normalization { TGI_MOMENTS, TGI_NORMALIZED, TGI_NORMALIZED_SUMS, TGI_NORMALIZED_VJP };

/* Rows of so many numbers without gaps, each by itself. The operands: softmax and log_softmax of x; the softmax of x where
 * row i of each `queries` rows sees its first i + 1 columns and gives the others 0; their derivatives, from cotangent and
 * result. Then rows normalized, as channels are above, but that weight and bias have a number for each column: x normalized,
 * from x, moments, weight and bias; sums over the rows, from cotangent, x and moments; the cotangent of x, from cotangent,
 * x, moments and weight. */
typedef struct {
    size_t rows, columns, queries;
    double eps;
    size_t first, last; /* where rows are normalized: those that are to be done; of sums over rows, columns */
} tgi_rows;
enum tgi_of_rows {
    TGI_SOFTMAX, TGI_LOG_SOFTMAX, TGI_CAUSAL_SOFTMAX, TGI_SOFTMAX_VJP, TGI_LOG_SOFTMAX_VJP,
    TGI_NORMALIZED_ROWS, TGI_NORMALIZED_ROWS_SUMS, TGI_NORMALIZED_ROWS_VJP
};

/* Stacks of matrices A (m x k) and B (k x n): along `ndim` axes so many of them, `a` and `b` elements apart (0: the same);
 * behind these stand the strides of a matrix's rows and columns. */
enum { TGI_STACKS = 5 };
typedef struct {
    int ndim;
    ptrdiff_t counts[TGI_STACKS], a[TGI_STACKS + 2], b[TGI_STACKS + 2];
    size_t m, n, k;
} tgi_stack;

/* A sequence of so many steps, on so many rows (samples). */
typedef struct {
    size_t steps, rows, units;
} tgi_recurrence;

typedef struct {
    const char *isa;
    /* out[i] = f(x[i]); cotangent[i] = g[i] * f'(kept[i]) where kept is x or out as tgi_function_reads says. */
    void (*unary[2])(int function, size_t n, const void *x, double p, void *out);
    void (*unary_vjp[2])(int function, size_t n, const void *g, const void *kept, double p, void *cotangent);
    /* out = f(x, y) over a common shape; strides in bytes, 0 where an operand is stretched; out is contiguous. */
    void (*binary[2])(int function, int ndim, const ptrdiff_t *shape, const void *x, const ptrdiff_t *x_strides,
                      const void *y, const ptrdiff_t *y_strides, void *out);
    /* The cotangent of input 0 or 1 of a function of two numbers, all arrays of n numbers without gaps; those that the
     * derivative does not read may be NULL. */
    void (*binary_vjp[2])(int function, int input, size_t n, const void *g, const void *x, const void *y, const void *out,
                          void *cotangent);
    /* out = condition != 0 ? x : y, as `binary`. */
    void (*select[2])(int ndim, const ptrdiff_t *shape, const void *condition, const ptrdiff_t *condition_strides,
                      const void *x, const ptrdiff_t *x_strides, const void *y, const ptrdiff_t *y_strides, void *out);
    /* Reduce the last `reduced` of ndim axes; out is contiguous over the others. Sums of float32 are added up in double
     * every few hundred terms. NaN wins a maximum or minimum. Of no numbers the sum is 0, the maximum -inf. The norm is
     * the root of the sum of squares, which neither overflow nor underflow on the way. */
    void (*reduce[2])(int reduction, int ndim, int reduced, const ptrdiff_t *shape, const void *x,
                      const ptrdiff_t *x_strides, void *out);
    /* losses[i] = -ln softmax(row i of the logits)[labels[i]], and probabilities the softmax, laid out like the logits:
     * rows without gaps (row_stride = columns, column_stride = 1) or columns (1, rows). Labels lie in [0, columns).
     * Backward: the cotangent of row i is g[i] * (probabilities - one_hot(labels[i])). */
    void (*cross_entropy[2])(size_t rows, size_t columns, int by_columns, const void *logits, const int64_t *labels,
                             void *losses, void *probabilities);
    void (*cross_entropy_vjp[2])(size_t rows, size_t columns, int by_columns, const void *g, const void *probabilities,
                                 const int64_t *labels, void *cotangent);
    /* Updates in one pass: of n weights w by their gradients g. velocity may be NULL; see update.inc.h. */
    void (*sgd[2])(size_t n, void *w, const void *g, void *velocity, const tgi_sgd *rule, double lr);
    void (*adam[2])(size_t n, void *w, const void *g, void *m, void *v, double *powers, const tgi_adam *rule, double lr);
    /* C = A B with an epilogue: A is m x k, B is k x n, C is m x n with contiguous rows, ldc numbers from one to the next
     * (`kept` likewise), on so many threads. work has gemm_work(m, n, k) bytes. */
    void (*gemm[2])(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b,
                    const tgi_epilogue *epilogue, void *c, size_t ldc, void *work, int threads);
    size_t (*gemm_work[2])(size_t m, size_t n, size_t k);
    /* Parts `first` to `last` of a convolution: samples, but for TGI_BY_WEIGHT channels of the input. With bias, one number
     * for each channel, forward. With work NULL nothing is done; returns how many bytes it needs. */
    size_t (*convolve[2])(int which, const tgi_windows *w, ptrdiff_t first, ptrdiff_t last, const void *a, const void *b,
                          const void *bias, void *out, void *work);
    void (*pool[2])(int which, const tgi_windows *w, const void *a, const void *b, const void *c, void *out);
    void (*normalize[2])(int which, const tgi_channels *s, const void *const *from, void *out);
    void (*rows[2])(int which, const tgi_rows *s, const void *const *from, void *out);
    /* A step of long short-term memory and what undoes it, see recurrent.inc.h; rows without gaps. */
    void (*lstm_step[2])(size_t rows, size_t units, const void *given, const void *before, void *gates, void *c, void *h);
    void (*lstm_step_vjp[2])(size_t rows, size_t units, const void *g, const void *later, const void *gates,
                             const void *before, const void *c, void *of_c, void *out);
    /* How many floating-point operations a second this core does at best: `repeats` rounds of independent fused
     * multiply-adds in registers; returns their number, to be divided by the time that the call took. */
    double (*peak[2])(size_t repeats);
} tgi_kernels;

enum { TGI_FLOAT32 = 0, TGI_FLOAT64 = 1 };

/* The kernels for the best instruction set of this processor, or NULL if `wanted` (may be NULL) is not one it has. */
const tgi_kernels *tgi_kernels_for(const char *wanted);
/* The instruction sets compiled in and available here, best first; ends with NULL. */
const char *const *tgi_isas(void);

/* Let the process keep memory that is freed, so that the next step finds it; once is enough. See memory.c. */
void tgi_keep_freed_memory(void);

#endif
