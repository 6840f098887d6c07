/* Elementwise functions and, directly under each, the cotangent of its input. Included once for each type: REAL is float
 * or double, T(name) the name with the type's suffix, W(name) a function of double that makes vector code: exact for
 * REAL = double (double_math.inc.h), and exact enough for float (float_math.inc.h). Formulas are computed in double and
 * rounded once.
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

/* Far from 0, where reducing the argument takes many more digits of pi, by <math.h>. The near_ functions are for loops
 * over numbers that are all near (elementwise.inc.h). */
static inline int T(near)(REAL x) { return !(M(fabs)(x) > NEAR); }
static inline REAL T(any_sin)(REAL x) { return T(near)(x) ? (REAL)W(near_sin)(x) : M(sin)(x); }
static inline REAL T(any_cos)(REAL x) { return T(near)(x) ? (REAL)W(near_cos)(x) : M(cos)(x); }

FUNCTION(sin, x) { NO_PARAMETER; return T(any_sin)(x); }
VJP(sin, x) { NO_PARAMETER; return T(gated)(g, T(any_cos)(x)); }
FUNCTION(near_sin, x) { NO_PARAMETER; return (REAL)W(near_sin)(x); }
VJP(near_sin, x) { NO_PARAMETER; return T(gated)(g, (REAL)W(near_cos)(x)); }

FUNCTION(cos, x) { NO_PARAMETER; return T(any_cos)(x); }
VJP(cos, x) { NO_PARAMETER; return T(gated)(g, -T(any_sin)(x)); }
FUNCTION(near_cos, x) { NO_PARAMETER; return (REAL)W(near_cos)(x); }
VJP(near_cos, x) { NO_PARAMETER; return T(gated)(g, -(REAL)W(near_sin)(x)); }

FUNCTION(abs, x) { NO_PARAMETER; return M(fabs)(x); }
VJP(abs, x) { NO_PARAMETER; return x > 0 ? g : x == 0 ? 0 : -g; }

FUNCTION(erf, x) { NO_PARAMETER; return (REAL)W(erf)(x); }
VJP(erf, x) { NO_PARAMETER; return T(gated)(g, (REAL)(1.1283791670955126 * W(exp)(-(double)x * x))); }

FUNCTION(tanh, x) { NO_PARAMETER; return (REAL)W(tanh)(x); }
/* Not 1 - out * out, of which hardly a digit is left where out is near 1 or -1. */
VJP(tanh, out) { NO_PARAMETER; return T(gated)(g, (1 - out) * (1 + out)); }

FUNCTION(sigmoid, x) { NO_PARAMETER; return (REAL)W(logistic)(x); }
VJP(sigmoid, out) { NO_PARAMETER; return T(gated)(g, out * (1 - out)); }

FUNCTION(relu, x) { NO_PARAMETER; return x < 0 ? 0 : x; } /* NaN stays NaN */
VJP(relu, out) { NO_PARAMETER; return out > 0 ? g : 0; }

FUNCTION(leaky_relu, x) { return x > 0 ? x : p * x; }
VJP(leaky_relu, x) { return x > 0 ? g : p * g; }

FUNCTION(elu, x) { return x > 0 ? x : (REAL)(p * W(expm1)(x)); }
VJP(elu, x) { return x > 0 ? g : T(gated)(g, (REAL)(p * W(exp)(x))); }

#ifndef SELU_SCALE /* Klambauer et al. 2017, eq. 14; the product of scale and alpha, rounded once */
#define SELU_SCALE 1.0507009873554804934
#define SELU_PRODUCT 1.7580993408473768
#endif
FUNCTION(selu, x) { NO_PARAMETER; return (REAL)(x > 0 ? SELU_SCALE * x : SELU_PRODUCT * W(expm1)(x)); }
VJP(selu, x) { NO_PARAMETER; return T(gated)(g, (REAL)(x > 0 ? SELU_SCALE : SELU_PRODUCT * W(exp)(x))); }

/* Where a tail has long underflowed: keeps infinity times zero from becoming NaN. */
static inline double T(moderate)(double x) { return clamp(x, -1000, 1000); }

FUNCTION(gelu, x) { NO_PARAMETER; return (REAL)W(gelu)(x); }
VJP(gelu, x) { NO_PARAMETER; return T(gated)(g, (REAL)W(gelu_slope)(x)); }

FUNCTION(silu, x) { NO_PARAMETER; return (REAL)W(silu)(x); }
VJP(silu, x) {
    NO_PARAMETER;
    const double s = W(logistic)(x);
    return T(gated)(g, (REAL)(s * (1 + T(moderate)(x) * (1 - s))));
}

FUNCTION(softplus, x) { NO_PARAMETER; return (REAL)((x < 0 ? 0 : x) + W(softplus_tail)(fabs((double)x))); }
VJP(softplus, x) { NO_PARAMETER; return T(gated)(g, (REAL)W(logistic)(x)); }

FUNCTION(hard_sigmoid, x) { NO_PARAMETER; return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
VJP(hard_sigmoid, x) { NO_PARAMETER; return x > -3 && x < 3 ? g / 6 : 0; }

FUNCTION(hardtanh, x) { NO_PARAMETER; return x < -1 ? -1 : x > 1 ? 1 : x; }
VJP(hardtanh, x) { NO_PARAMETER; return x > -1 && x < 1 ? g : 0; }

FUNCTION(mish, x) { NO_PARAMETER; return (REAL)W(mish)(x); }
VJP(mish, x) {
    NO_PARAMETER;
    const double t = W(tanh_softplus)(x);
    return T(gated)(g, (REAL)(t + T(moderate)(x) * (1 - t * t) * W(logistic)(x)));
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
