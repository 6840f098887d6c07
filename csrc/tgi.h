/* The kernels of tinygrad_init: plain pointers and sizes in, numbers out. Nothing here knows Python.
 *
 * The kernels are compiled once for each instruction set (kernels.inc.h); tgi_kernels_for() gives the table of one that
 * this processor has. Every kernel exists for float32 and float64.
 */
#ifndef TGI_H
#define TGI_H

#include <stddef.h>

#define TGI_MAX_DIMS 64 /* as many as NumPy allows */

/* Elementwise functions of one number and of two. One entry here and two inline functions in functions.inc.h make
 * a function; its number is its place. The second column says what its derivative is read from: the input x, the result
 * out, or nothing. */
#define TGI_UNARY(F)                                                                                                   \
    F(neg, NOTHING) F(exp, OUT) F(expm1, OUT) F(log, X) F(log1p, X) F(sqrt, OUT) F(sin, X) F(cos, X) F(abs, X)         \
    F(erf, X) F(tanh, OUT) F(sigmoid, OUT) F(relu, OUT) F(leaky_relu, X) F(elu, X) F(selu, X) F(gelu, X) F(silu, X)    \
    F(softplus, X) F(hard_sigmoid, X) F(hardtanh, X) F(mish, X) F(softsign, X)
#define TGI_BINARY(F) F(add) F(sub) F(mul) F(div) F(pow) F(maximum) F(minimum) F(gated)

enum tgi_reads { TGI_READS_NOTHING, TGI_READS_X, TGI_READS_OUT };

#define TGI_ENUM_UNARY(name, reads) TGI_##name,
#define TGI_ENUM_BINARY(name) TGI_##name,
enum tgi_function {
    TGI_UNARY(TGI_ENUM_UNARY)
    TGI_BINARY(TGI_ENUM_BINARY)
    TGI_FUNCTIONS
};
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

typedef struct {
    const char *isa;
    /* out[i] = f(x[i]); cotangent[i] = g[i] * f'(kept[i]) where kept is x or out as tgi_function_reads says. */
    void (*unary[2])(int function, size_t n, const void *x, double p, void *out);
    void (*unary_vjp[2])(int function, size_t n, const void *g, const void *kept, double p, void *cotangent);
    /* out = f(x, y) over a common shape; strides in bytes, 0 where an operand is stretched; out is contiguous. */
    void (*binary[2])(int function, int ndim, const ptrdiff_t *shape, const void *x, const ptrdiff_t *x_strides,
                      const void *y, const ptrdiff_t *y_strides, void *out);
    /* C = A B (+ bias added to every row): A is m x k, B is k x n, C is m x n, contiguous rows of length n. bias may be
     * NULL. work has tgi_gemm_work(m, n, k) bytes. */
    void (*gemm[2])(size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b, const void *bias, void *c, void *work);
    size_t (*gemm_work[2])(size_t m, size_t n, size_t k);
    /* How many floating-point operations a second this core does at best: `repeats` rounds of independent fused
     * multiply-adds in registers; returns their number, to be divided by the time that the call took. */
    double (*peak[2])(size_t repeats);
} tgi_kernels;

enum { TGI_FLOAT32 = 0, TGI_FLOAT64 = 1 };

/* The kernels for the best instruction set of this processor, or NULL if `wanted` (may be NULL) is not one it has. */
const tgi_kernels *tgi_kernels_for(const char *wanted);
/* The instruction sets compiled in and available here, best first; ends with NULL. */
const char *const *tgi_isas(void);

#endif
