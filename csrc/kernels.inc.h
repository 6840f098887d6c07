/* All kernels for one instruction set. An isa_*.c file sets ISA (its name), VECTOR_BYTES (the width of a register), MR
 * and NR_VECTORS (the register tile of the product) and includes this file. */
#include <math.h>
#include <string.h>

#include "tgi.h"
#include "threads.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define QUOTE_(a) #a
#define QUOTE(a) QUOTE_(a)

/* F for each number of rows that a tile of the product may have. */
#define ROWS_4(F) F(1) F(2) F(3) F(4)
#define ROWS_6(F) ROWS_4(F) F(5) F(6)
#define ROWS_8(F) ROWS_6(F) F(7) F(8)
#define ROWS_12(F) ROWS_8(F) F(9) F(10) F(11) F(12)
#define ROWS JOIN(ROWS_, MR)

#include "double_math.inc.h"
#include "float_math.inc.h"
#include "masks.inc.h"

/* For each type: the names' suffixes, and how the halves of two vectors of 16 bytes, or of each half of two of 32, are zipped
 * (pack.inc.h). */

#define REAL float
#define T(name) name##_f32
#define M(name) name##f
#define W(name) name##_wide
#define ZIP_LOW 0, 4, 1, 5
#define ZIP_HIGH 2, 6, 3, 7
#define BESIDE 0, 1, 2, 3, 4, 5, 6, 7
#define ZIP_LOWS 0, 8, 1, 9, 4, 12, 5, 13
#define ZIP_HIGHS 2, 10, 3, 11, 6, 14, 7, 15
#include "functions.inc.h"
#include "binary.inc.h"
#include "elementwise.inc.h"
#include "micro_kernel.inc.h"
#include "pack.inc.h"
#include "dot.inc.h"
#include "gemm.inc.h"
#include "lines.inc.h"
#include "convolution.inc.h"
#include "pooling.inc.h"
#include "reduce.inc.h"
#include "normalization.inc.h"
#include "loss.inc.h"
#include "rows.inc.h"
#include "recurrent.inc.h"
#include "update.inc.h"
#undef REAL
#undef T
#undef M
#undef W
#undef ZIP_LOW
#undef ZIP_HIGH
#undef BESIDE
#undef ZIP_LOWS
#undef ZIP_HIGHS

#define REAL double
#define T(name) name##_f64
#define M(name) name
#define W(name) name##_double
#define ZIP_LOW 0, 2
#define ZIP_HIGH 1, 3
#define BESIDE 0, 1, 2, 3
#define ZIP_LOWS 0, 4, 2, 6
#define ZIP_HIGHS 1, 5, 3, 7
#include "functions.inc.h"
#include "binary.inc.h"
#include "elementwise.inc.h"
#include "micro_kernel.inc.h"
#include "pack.inc.h"
#include "dot.inc.h"
#include "gemm.inc.h"
#include "lines.inc.h"
#include "convolution.inc.h"
#include "pooling.inc.h"
#include "reduce.inc.h"
#include "normalization.inc.h"
#include "loss.inc.h"
#include "rows.inc.h"
#include "recurrent.inc.h"
#include "update.inc.h"
#undef REAL
#undef T
#undef M
#undef W
#undef ZIP_LOW
#undef ZIP_HIGH
#undef BESIDE
#undef ZIP_LOWS
#undef ZIP_HIGHS

const tgi_kernels JOIN(tgi_kernels_, ISA) = {
    .isa = QUOTE(ISA),
    .unary = {unary_f32, unary_f64},
    .unary_vjp = {unary_vjp_f32, unary_vjp_f64},
    .binary = {binary_f32, binary_f64},
    .binary_vjp = {binary_vjp_f32, binary_vjp_f64},
    .select = {select_f32, select_f64},
    .reduce = {reduce_f32, reduce_f64},
    .cross_entropy = {cross_entropy_f32, cross_entropy_f64},
    .cross_entropy_vjp = {cross_entropy_vjp_f32, cross_entropy_vjp_f64},
    .sgd = {sgd_f32, sgd_f64},
    .adam = {adam_f32, adam_f64},
    .gemm = {gemm_f32, gemm_f64},
    .gemm_work = {gemm_work_f32, gemm_work_f64},
    .convolve = {convolve_f32, convolve_f64},
    .pool = {pool_f32, pool_f64},
    .normalize = {normalize_f32, normalize_f64},
    .rows = {rows_f32, rows_f64},
    .lstm_step = {lstm_step_f32, lstm_step_f64},
    .lstm_step_vjp = {lstm_step_vjp_f32, lstm_step_vjp_f64},
    .peak = {peak_f32, peak_f64},
};
