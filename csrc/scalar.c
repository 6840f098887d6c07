/* Elementwise functions on bare numbers, for graphs of 0-d tensors: no array, no loop. */
#include <math.h>

#include "tgi.h"

#define REAL double
#define T(name) name##_f64
#define M(name) name
#define W(name) name
static double softplus_tail(double a) { return log1p(exp(-a)); }
#include "functions.inc.h"

#define NAME_UNARY(name, reads) #name,
#define NAME_BINARY(name) #name,
const char *const tgi_function_names[TGI_FUNCTIONS] = {TGI_UNARY(NAME_UNARY) TGI_BINARY(NAME_BINARY)
                                                          TGI_RELATION(NAME_BINARY)};

#define READS(name, reads) TGI_READS_##reads,
const int tgi_function_reads[TGI_UNARY_FUNCTIONS] = {TGI_UNARY(READS)};

double tgi_scalar(int function, double x, double y, double p) {
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        return T(name)(x, p);
        TGI_UNARY(CASE)
#undef CASE
#define CASE(name)                                                                                                     \
    case TGI_##name:                                                                                                   \
        return T(name)(x, y);
        TGI_BINARY(CASE)
        TGI_RELATION(CASE)
#undef CASE
    }
    return NAN;
}

/* The rules of functions of two numbers; those of one are in functions.inc.h. */
static double binary_vjp(int function, int input, double g, double x, double y, double out) {
    switch (function) {
    case TGI_add:
        return g;
    case TGI_sub:
        return input == 0 ? g : -g;
    case TGI_mul:
        return gated_f64(g, input == 0 ? y : x);
    case TGI_div:
        return g == 0 ? 0 : input == 0 ? g / y : gated_f64(g / y, -out);
    case TGI_pow:
        if (input == 0)
            return gated_f64(g, y == 0 ? 0 : y * pow(x, y - 1));
        return gated_f64(g, x == 0 ? 0 : out * log(x));
    case TGI_maximum: /* a tie is shared evenly */
        return x == y ? 0.5 * g : (x > y) == (input == 0) ? g : 0;
    case TGI_minimum:
        return x == y ? 0.5 * g : (x < y) == (input == 0) ? g : 0;
    case TGI_gated:
        return input == 0 ? gated_f64(g, y) : gated_f64(x, g);
    }
    return NAN;
}

double tgi_scalar_vjp(int function, int input, double g, double x, double y, double out, double p) {
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        return T(name##_vjp)(g, TGI_READS_##reads == TGI_READS_OUT ? out : x, p);
        TGI_UNARY(CASE)
#undef CASE
    }
    return binary_vjp(function, input, g, x, y, out);
}
