/* Elementwise functions and, directly under each, the cotangent of its input. Included once for each type: REAL is float
 * or double, T(name) the name with the type's suffix, W(name) a function of <math.h> in double: the very one for REAL =
 * double, and for float one that is exact enough and makes vector code (float_math.inc.h). Formulas are computed in
 * double and rounded once.
 *
 * f(x, p): the value. f_vjp(g, v, p): g times the derivative, read from v = x or v = f(x) as tgi.h says. A cotangent of
 * exactly zero stays zero (gated), even where the derivative is infinite or NaN: a branch that `where` did not take must
 * not turn the gradient into NaN. */

static inline REAL T(gated)(REAL g, REAL derivative) { return g == 0 ? 0 : g * derivative; }

/* Functions of one number; p is their parameter, which most of them do not have. */
#define FUNCTION(name, x) static inline REAL T(name)(REAL x, REAL p)
#define VJP(name, v) static inline REAL T(name##_vjp)(REAL g, REAL v, REAL p)
#define NO_PARAMETER (void)p

FUNCTION(neg, x) { NO_PARAMETER; return -x; }
VJP(neg, v) { NO_PARAMETER; (void)v; return -g; }

FUNCTION(exp, x) { NO_PARAMETER; return (REAL)W(exp)(x); }
VJP(exp, out) { NO_PARAMETER; return T(gated)(g, out); }

FUNCTION(expm1, x) { NO_PARAMETER; return (REAL)W(expm1)(x); }
VJP(expm1, out) { NO_PARAMETER; return T(gated)(g, out + 1); }

FUNCTION(log, x) { NO_PARAMETER; return (REAL)W(log)(x); }
VJP(log, x) { NO_PARAMETER; return T(gated)(g, 1 / x); }

FUNCTION(log1p, x) { NO_PARAMETER; return (REAL)W(log1p)(x); }
VJP(log1p, x) { NO_PARAMETER; return T(gated)(g, 1 / (1 + x)); }

FUNCTION(sqrt, x) { NO_PARAMETER; return M(sqrt)(x); }
VJP(sqrt, out) { NO_PARAMETER; return T(gated)(g, (REAL)0.5 / out); }

FUNCTION(sin, x) { NO_PARAMETER; return M(sin)(x); }
VJP(sin, x) { NO_PARAMETER; return T(gated)(g, M(cos)(x)); }

FUNCTION(cos, x) { NO_PARAMETER; return M(cos)(x); }
VJP(cos, x) { NO_PARAMETER; return T(gated)(g, -M(sin)(x)); }

FUNCTION(abs, x) { NO_PARAMETER; return M(fabs)(x); }
VJP(abs, x) { NO_PARAMETER; return x > 0 ? g : x == 0 ? 0 : -g; }

FUNCTION(erf, x) { NO_PARAMETER; return (REAL)W(erf)(x); }
VJP(erf, x) { NO_PARAMETER; return T(gated)(g, (REAL)(1.1283791670955126 * W(exp)(-(double)x * x))); }

FUNCTION(tanh, x) { NO_PARAMETER; return (REAL)W(tanh)(x); }
VJP(tanh, out) { NO_PARAMETER; return T(gated)(g, 1 - out * out); }

static inline double T(logistic)(double x) {
    const double e = W(exp)(-fabs(x)); /* of the negative side only: never overflows */
    return (x >= 0 ? 1 : e) / (1 + e);
}
FUNCTION(sigmoid, x) { NO_PARAMETER; return (REAL)T(logistic)(x); }
VJP(sigmoid, out) { NO_PARAMETER; return T(gated)(g, out * (1 - out)); }

FUNCTION(relu, x) { NO_PARAMETER; return x < 0 ? 0 : x; } /* NaN stays NaN */
VJP(relu, out) { NO_PARAMETER; return out > 0 ? g : 0; }

FUNCTION(leaky_relu, x) { return x > 0 ? x : p * x; }
VJP(leaky_relu, x) { return x > 0 ? g : p * g; }

FUNCTION(elu, x) { return x > 0 ? x : (REAL)(p * W(expm1)(x)); }
VJP(elu, x) { return x > 0 ? g : T(gated)(g, (REAL)(p * W(exp)(x))); }

#ifndef SELU_SCALE /* Klambauer et al. 2017, eq. 14 */
#define SELU_SCALE 1.0507009873554804934
#define SELU_ALPHA 1.6732632423543772848
#endif
FUNCTION(selu, x) { NO_PARAMETER; return (REAL)(SELU_SCALE * (x > 0 ? x : SELU_ALPHA * W(expm1)(x))); }
VJP(selu, x) { NO_PARAMETER; return T(gated)(g, (REAL)(SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * W(exp)(x)))); }

/* Where a tail has long underflowed: keeps infinity times zero from becoming NaN. */
static inline double T(not_below)(double x) { return x < -1000 ? -1000 : x; }
static inline double T(moderate)(double x) { return x > 1000 ? 1000 : T(not_below)(x); }

static inline double T(normal_cdf)(double x) { return 0.5 * W(erfc)(x * -0.70710678118654752440); }
static inline double T(normal_pdf)(double x) { return 0.39894228040143267794 * W(exp)(-0.5 * x * x); }
FUNCTION(gelu, x) { NO_PARAMETER; return (REAL)(T(not_below)(x) * T(normal_cdf)(x)); }
VJP(gelu, x) { NO_PARAMETER; return T(gated)(g, (REAL)(T(normal_cdf)(x) + T(moderate)(x) * T(normal_pdf)(x))); }

FUNCTION(silu, x) { NO_PARAMETER; return (REAL)(T(not_below)(x) * T(logistic)(x)); }
VJP(silu, x) {
    NO_PARAMETER;
    const double s = T(logistic)(x);
    return T(gated)(g, (REAL)(s * (1 + T(moderate)(x) * (1 - s))));
}

FUNCTION(softplus, x) { NO_PARAMETER; return (REAL)((x < 0 ? 0 : x) + W(softplus_tail)(fabs((double)x))); }
VJP(softplus, x) { NO_PARAMETER; return T(gated)(g, (REAL)T(logistic)(x)); }

FUNCTION(hard_sigmoid, x) { NO_PARAMETER; return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
VJP(hard_sigmoid, x) { NO_PARAMETER; return x > -3 && x < 3 ? g / 6 : 0; }

FUNCTION(hardtanh, x) { NO_PARAMETER; return x < -1 ? -1 : x > 1 ? 1 : x; }
VJP(hardtanh, x) { NO_PARAMETER; return x > -1 && x < 1 ? g : 0; }

/* tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); 1 in double from 20 on */
static inline double T(tanh_softplus)(double x) {
    const double e = W(exp)(x > 40 ? 40 : x), n = e * (e + 2);
    return n / (n + 2);
}
FUNCTION(mish, x) { NO_PARAMETER; return (REAL)(T(not_below)(x) * T(tanh_softplus)(x)); }
VJP(mish, x) {
    NO_PARAMETER;
    const double t = T(tanh_softplus)(x);
    return T(gated)(g, (REAL)(t + T(moderate)(x) * (1 - t * t) * T(logistic)(x)));
}

FUNCTION(softsign, x) { NO_PARAMETER; return x / (1 + M(fabs)(x)); }
VJP(softsign, x) {
    NO_PARAMETER;
    const REAL d = 1 / (1 + M(fabs)(x));
    return T(gated)(g, d * d);
}

#undef FUNCTION
#undef VJP
#undef NO_PARAMETER
