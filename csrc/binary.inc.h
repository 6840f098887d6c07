/* Functions of two numbers and, directly under each, the cotangents of x and of y, for which g is that of the result.
 * Included once for each type, after functions.inc.h. Cotangents of exactly zero stay zero (gated). */
#define FUNCTION(name) static inline REAL T(name)(REAL x, REAL y)
#define X_VJP(name) static inline REAL T(name##_x_vjp)(REAL g, REAL x, REAL y, REAL out)
#define Y_VJP(name) static inline REAL T(name##_y_vjp)(REAL g, REAL x, REAL y, REAL out)
#define NOT_READ(a, b, c) (void)(a), (void)(b), (void)(c)

FUNCTION(add) { return x + y; }
X_VJP(add) { NOT_READ(x, y, out); return g; }
Y_VJP(add) { NOT_READ(x, y, out); return g; }

FUNCTION(sub) { return x - y; }
X_VJP(sub) { NOT_READ(x, y, out); return g; }
Y_VJP(sub) { NOT_READ(x, y, out); return -g; }

FUNCTION(mul) { return x * y; }
X_VJP(mul) { NOT_READ(x, x, out); return T(gated)(g, y); }
Y_VJP(mul) { NOT_READ(y, y, out); return T(gated)(g, x); }

/* x / y and not x * (1 / y): the reciprocal of a tiny number overflows. */
FUNCTION(gated_quotient) { return x == 0 ? 0 : x / y; }
X_VJP(gated_quotient) { NOT_READ(x, x, out); return T(gated_quotient)(g, y); }
Y_VJP(gated_quotient) { NOT_READ(out, out, out); return -T(gated_quotient)(T(gated_quotient)(T(gated)(x, g), y), y); }

FUNCTION(div) { return x / y; }
X_VJP(div) { NOT_READ(x, x, out); return T(gated_quotient)(g, y); }
Y_VJP(div) { NOT_READ(x, x, x); return T(gated)(T(gated_quotient)(g, y), -out); }

FUNCTION(pow) { return y == 2 ? x * x : M(pow)(x, y); }
X_VJP(pow) { NOT_READ(out, out, out); return T(gated)(g, y == 0 ? 0 : y == 2 ? y * x : y * M(pow)(x, y - 1)); }
Y_VJP(pow) { NOT_READ(y, y, y); return T(gated)(g, x == 0 && out >= 0 && out <= 1 ? 0 : (REAL)(out * W(log)(x))); }

FUNCTION(maximum) { return x > y || x != x ? x : y; } /* NaN wins; a tie shares the cotangent evenly */
X_VJP(maximum) { NOT_READ(out, out, out); return x == y ? (REAL)0.5 * g : x > y ? g : 0; }
Y_VJP(maximum) { NOT_READ(out, out, out); return x == y ? (REAL)0.5 * g : x > y ? 0 : g; }

FUNCTION(minimum) { return x < y || x != x ? x : y; }
X_VJP(minimum) { NOT_READ(out, out, out); return x == y ? (REAL)0.5 * g : x < y ? g : 0; }
Y_VJP(minimum) { NOT_READ(out, out, out); return x == y ? (REAL)0.5 * g : x < y ? 0 : g; }

X_VJP(gated) { NOT_READ(x, x, out); return T(gated)(g, y); }
Y_VJP(gated) { NOT_READ(y, y, out); return T(gated)(x, g); }

/* -y ln s(x) - (1 - y) ln(1 - s(x)) of a logit x, s the logistic function; nothing cancels for y = 0 and 1 */
FUNCTION(binary_cross_entropy_with_logits) {
    return (REAL)((x < 0 ? 0 : (double)x) - (double)y * x + W(softplus_tail)(fabs((double)x)));
}
X_VJP(binary_cross_entropy_with_logits) {
    NOT_READ(out, out, out);
    const double e = W(exp)(-fabs((double)x)), small = e / (1 + e), large = 1 / (1 + e); /* s(-|x|) and s(|x|) */
    const double s = x < 0 ? small : large, rest = x < 0 ? large : small;
    return T(gated)(g, (REAL)((1 - y) * s - y * rest));
}
Y_VJP(binary_cross_entropy_with_logits) { NOT_READ(y, y, out); return T(gated)(g, -x); }

#undef FUNCTION
#undef X_VJP
#undef Y_VJP
#undef NOT_READ

/* Relations: 1 where they hold, else 0. */
static inline REAL T(less)(REAL x, REAL y) { return x < y; }
static inline REAL T(less_equal)(REAL x, REAL y) { return x <= y; }
static inline REAL T(equal)(REAL x, REAL y) { return x == y; }
static inline REAL T(not_equal)(REAL x, REAL y) { return x != y; }
