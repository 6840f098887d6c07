/* Elementwise functions and, directly under each, the cotangent of its input. Included once for each type:
 * REAL is float or double, T(name) the name with the type's suffix, M(name) the function of <math.h> for it.
 *
 * f(x, p): the value. f_vjp(g, v, p): g times the derivative, read from v = x or v = f(x) as tgi.h says. A cotangent of
 * exactly zero stays zero (gated), even where the derivative is infinite or NaN: a branch that `where` did not take must
 * not turn the gradient into NaN. */

static inline REAL T(gated)(REAL g, REAL derivative) { return g == 0 ? 0 : g * derivative; }

static inline REAL T(neg)(REAL x, REAL p) { (void)p; return -x; }
static inline REAL T(neg_vjp)(REAL g, REAL v, REAL p) { (void)v; (void)p; return -g; }

static inline REAL T(exp)(REAL x, REAL p) { (void)p; return M(exp)(x); }
static inline REAL T(exp_vjp)(REAL g, REAL out, REAL p) { (void)p; return T(gated)(g, out); }

static inline REAL T(expm1)(REAL x, REAL p) { (void)p; return M(expm1)(x); }
static inline REAL T(expm1_vjp)(REAL g, REAL out, REAL p) { (void)p; return T(gated)(g, out + 1); }

static inline REAL T(log)(REAL x, REAL p) { (void)p; return M(log)(x); }
static inline REAL T(log_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, 1 / x); }

static inline REAL T(log1p)(REAL x, REAL p) { (void)p; return M(log1p)(x); }
static inline REAL T(log1p_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, 1 / (1 + x)); }

static inline REAL T(sqrt)(REAL x, REAL p) { (void)p; return M(sqrt)(x); }
static inline REAL T(sqrt_vjp)(REAL g, REAL out, REAL p) { (void)p; return T(gated)(g, (REAL)0.5 / out); }

static inline REAL T(sin)(REAL x, REAL p) { (void)p; return M(sin)(x); }
static inline REAL T(sin_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, M(cos)(x)); }

static inline REAL T(cos)(REAL x, REAL p) { (void)p; return M(cos)(x); }
static inline REAL T(cos_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, -M(sin)(x)); }

static inline REAL T(abs)(REAL x, REAL p) { (void)p; return M(fabs)(x); }
static inline REAL T(abs_vjp)(REAL g, REAL x, REAL p) { (void)p; return x > 0 ? g : x == 0 ? 0 : -g; }

static inline REAL T(erf)(REAL x, REAL p) { (void)p; return M(erf)(x); }
static inline REAL T(erf_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, (REAL)1.1283791670955126 * M(exp)(-x * x)); }

static inline REAL T(tanh)(REAL x, REAL p) { (void)p; return M(tanh)(x); }
static inline REAL T(tanh_vjp)(REAL g, REAL out, REAL p) { (void)p; return T(gated)(g, 1 - out * out); }

static inline REAL T(sigmoid)(REAL x, REAL p) {
    (void)p;
    REAL e = M(exp)(-M(fabs)(x)); /* of the negative side only: never overflows */
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
static inline REAL T(sigmoid_vjp)(REAL g, REAL out, REAL p) { (void)p; return T(gated)(g, out * (1 - out)); }

static inline REAL T(relu)(REAL x, REAL p) { (void)p; return x < 0 ? 0 : x; } /* NaN stays NaN */
static inline REAL T(relu_vjp)(REAL g, REAL out, REAL p) { (void)p; return out > 0 ? g : 0; }

static inline REAL T(leaky_relu)(REAL x, REAL slope) { return x > 0 ? x : slope * x; }
static inline REAL T(leaky_relu_vjp)(REAL g, REAL x, REAL slope) { return x > 0 ? g : slope * g; }

static inline REAL T(elu)(REAL x, REAL alpha) { return x > 0 ? x : alpha * M(expm1)(x); }
static inline REAL T(elu_vjp)(REAL g, REAL x, REAL alpha) { return x > 0 ? g : T(gated)(g, alpha * M(exp)(x)); }

#ifndef SELU_SCALE /* Klambauer et al. 2017, eq. 14 */
#define SELU_SCALE 1.0507009873554804934
#define SELU_ALPHA 1.6732632423543772848
#endif
static inline REAL T(selu)(REAL x, REAL p) { (void)p; return (REAL)SELU_SCALE * T(elu)(x, (REAL)SELU_ALPHA); }
static inline REAL T(selu_vjp)(REAL g, REAL x, REAL p) {
    (void)p;
    return (REAL)SELU_SCALE * T(elu_vjp)(g, x, (REAL)SELU_ALPHA);
}

static inline REAL T(normal_cdf)(REAL x) { return (REAL)0.5 * M(erfc)(x * (REAL)-0.70710678118654752440); }
static inline REAL T(normal_pdf)(REAL x) { return (REAL)0.39894228040143267794 * M(exp)((REAL)-0.5 * x * x); }
static inline REAL T(gelu)(REAL x, REAL p) { (void)p; return x * T(normal_cdf)(x); }
static inline REAL T(gelu_vjp)(REAL g, REAL x, REAL p) { (void)p; return T(gated)(g, T(normal_cdf)(x) + x * T(normal_pdf)(x)); }

static inline REAL T(silu)(REAL x, REAL p) { return x * T(sigmoid)(x, p); }
static inline REAL T(silu_vjp)(REAL g, REAL x, REAL p) {
    REAL s = T(sigmoid)(x, p);
    return T(gated)(g, s * (1 + x * (1 - s)));
}

static inline REAL T(softplus)(REAL x, REAL p) {
    (void)p;
    return (x > 0 || x != x ? x : 0) + M(log1p)(M(exp)(-M(fabs)(x)));
}
static inline REAL T(softplus_vjp)(REAL g, REAL x, REAL p) { return T(gated)(g, T(sigmoid)(x, p)); }

static inline REAL T(hard_sigmoid)(REAL x, REAL p) { (void)p; return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
static inline REAL T(hard_sigmoid_vjp)(REAL g, REAL x, REAL p) { (void)p; return x > -3 && x < 3 ? g / 6 : 0; }

static inline REAL T(hardtanh)(REAL x, REAL p) { (void)p; return x < -1 ? -1 : x > 1 ? 1 : x; }
static inline REAL T(hardtanh_vjp)(REAL g, REAL x, REAL p) { (void)p; return x > -1 && x < 1 ? g : 0; }

static inline REAL T(mish)(REAL x, REAL p) { return x * M(tanh)(T(softplus)(x, p)); }
static inline REAL T(mish_vjp)(REAL g, REAL x, REAL p) {
    REAL t = M(tanh)(T(softplus)(x, p));
    return T(gated)(g, t + x * (1 - t * t) * T(sigmoid)(x, p));
}

static inline REAL T(softsign)(REAL x, REAL p) { (void)p; return x / (1 + M(fabs)(x)); }
static inline REAL T(softsign_vjp)(REAL g, REAL x, REAL p) {
    (void)p;
    REAL d = 1 / (1 + M(fabs)(x));
    return T(gated)(g, d * d);
}

/* Functions of two numbers. */
static inline REAL T(add)(REAL x, REAL y) { return x + y; }
static inline REAL T(sub)(REAL x, REAL y) { return x - y; }
static inline REAL T(mul)(REAL x, REAL y) { return x * y; }
static inline REAL T(div)(REAL x, REAL y) { return x / y; }
static inline REAL T(pow)(REAL x, REAL y) { return y == 2 ? x * x : M(pow)(x, y); }
static inline REAL T(maximum)(REAL x, REAL y) { return x > y || x != x ? x : y; } /* NaN wins */
static inline REAL T(minimum)(REAL x, REAL y) { return x < y || x != x ? x : y; }
