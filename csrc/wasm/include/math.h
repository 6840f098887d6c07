/* What the kernels ask of a mathematical library, where there is none: the compiler's own instructions, and three functions
 * that the host brings (page/program.js). */
#ifndef TGI_WASM_MATH_H
#define TGI_WASM_MATH_H

#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)
#define fabs __builtin_fabs
#define fabsf __builtin_fabsf
#define sqrt __builtin_sqrt
#define sqrtf __builtin_sqrtf
#define copysign __builtin_copysign
#define copysignf __builtin_copysignf

#define HOST(name) __attribute__((import_module("host"), import_name(#name)))
HOST(sin) double host_sin(double x);
HOST(cos) double host_cos(double x);
HOST(pow) double host_pow(double x, double y);
#undef HOST
#define sin host_sin
#define cos host_cos
#define pow host_pow
#define sinf(x) ((float)host_sin(x))
#define cosf(x) ((float)host_cos(x))
#define powf(x, y) ((float)host_pow(x, y))
double ldexp(double x, int n);
double frexp(double x, int *n);

#endif
