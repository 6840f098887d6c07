/* Elementwise functions on bare numbers, for graphs of 0-d tensors: no array, no loop. */
#include <math.h>

#include "tgi.h"

#include "double_math.inc.h"

#define REAL double
#define T(name) name##_f64
#define M(name) name
#define W(name) name##_double
#include "functions.inc.h"
#include "binary.inc.h"

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

double tgi_scalar_vjp(int function, int input, double g, double x, double y, double out, double p) {
    switch (function) {
#define CASE(name, reads)                                                                                              \
    case TGI_##name:                                                                                                   \
        return T(name##_vjp)(g, TGI_READS_##reads == TGI_READS_OUT ? out : x, p);
        TGI_UNARY(CASE)
#undef CASE
#define CASE(name)                                                                                                     \
    case TGI_##name:                                                                                                   \
        return input == 0 ? T(name##_x_vjp)(g, x, y, out) : T(name##_y_vjp)(g, x, y, out);
        TGI_BINARY(CASE)
#undef CASE
    }
    return NAN;
}
