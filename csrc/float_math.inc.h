/* Elementary functions for float32, computed in double, and without branches or calls, so that the compiler turns loops
 * over them into vector code. Included once for each instruction set, after double_math.inc.h, whose helpers it uses,
 * and before functions.inc.h.
 *
 * Each has a relative error below 1e-9 for numbers that a float can be, so that one rounding to float at the end is
 * within 0.51 ulp of the truth, and a formula of several of them little more. Coefficients are interpolations at
 * Chebyshev nodes, Taylor coefficients or, of sine and cosine, least-squares fits; the error stated is the largest seen
 * against 40-digit arithmetic. */

/* e^x - 1 = *scale * *fraction + (*scale - 1) with a power of two as scale, for |x| < 700: x = k ln 2 + r, |r| <= ln(2)/2.
 * Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits. */
static inline double wide_exp_parts(double x, double *scale) {
    const double shifted = x * 1.4426950408889634074 + 0x1.8p52, k = shifted - 0x1.8p52;
    const double r = x - k * 0.69314718055994530942;
    double p = 0.00019899285575896282; /* (e^r - 1) / r; error 2.5e-10 */
    p = p * r + 0.0013941118895837;
    p = p * r + 0.00833329846980059;
    p = p * r + 0.04166635277111221;
    p = p * r + 0.16666666719028936;
    p = p * r + 0.5000000047146057;
    p = p * r + 1.0;
    *scale = from_bits((bits_of(shifted) << 52) + 0x3ff0000000000000u);
    return p * r;
}

static inline double wide_exp(double x) {
    double scale;
    const double fraction = wide_exp_parts(x, &scale);
    return scale + scale * fraction;
}

static inline double wide_expm1(double x) {
    double scale;
    const double fraction = wide_exp_parts(x, &scale);
    return scale * fraction + (scale - 1);
}

static inline double exp_wide(double x) { return wide_exp(clamp(x, -200, 200)); }

static inline double expm1_wide(double x) { return x == 0 ? x : wide_expm1(clamp(x, -200, 200)); }

/* ln of a positive, finite, normal double: x = 2^k m with m near 1, ln m = 2 atanh((m - 1) / (m + 1)); error 2e-11 */
static inline double wide_log(double x) {
    const uint64_t bits = bits_of(x), from_root_half = bits - 0x3fe6a09e667f3bcdu;
    const int64_t k = (int64_t)from_root_half >> 52;
    const double m = from_bits(bits - ((uint64_t)k << 52)), s = (m - 1) / (m + 1), z = s * s;
    double p = 0.11665290969120946;
    p = p * z + 0.14275408299855774;
    p = p * z + 0.20000060938486;
    p = p * z + 0.33333333277225824;
    /* k as a double without an instruction for it, which not every instruction set has */
    const double exponent = from_bits((uint64_t)(k + 0x4338000000000000)) - 0x1.8p52;
    return exponent * 0.69314718055994530942 + (2 * s + 2 * s * z * p);
}

static inline double log_wide(double x) {
    const double inside = wide_log(x > 0 && x <= 0x1p1000 ? x : 1.0);
    return x > 0 ? (x <= 0x1p1000 ? inside : x) : x == 0 ? -INFINITY : NAN;
}

/* Near 0, where 1 + x loses digits of x, the series; below 2^-12 its first term left out is below 1e-15. */
static inline double wide_log1p(double x) {
    const double small = x - x * x * (0.5 - x * (1.0 / 3 - 0.25 * x)), inside = wide_log(1.0 + x);
    return fabs(x) < 0x1p-12 ? small : inside;
}

static inline double log1p_wide(double x) {
    const double found = wide_log1p(x > -1 && x <= 0x1p1000 ? x : 0.0);
    return x > -1 ? (x <= 0x1p1000 ? found : x) : x == -1 ? -INFINITY : NAN;
}

/* ln(1 + e^-a) for a >= 0 */
static inline double softplus_tail_wide(double a) { return wide_log1p(wide_exp(clamp(-a, -200, 0))); }

/* tanh x = t / (t + 2) with t = e^(2x) - 1; beyond 10 it is 1 in float */
static inline double tanh_wide(double x) {
    const double t = wide_expm1(2 * clamp(x, -10, 10));
    return x == 0 ? x : t / (t + 2);
}

/* erfc(x) e^(x²) for x in [0, 10.5], a polynomial in (x - 3)/(x + 3); error 1e-10 */
static inline double wide_erfcx(double x) {
    const double t = (x - 3) / (x + 3);
    double p = -6.397355425347376e-06;
    p = p * t - 8.854037218044864e-06;
    p = p * t + 6.415111967537356e-05;
    p = p * t + 4.26952541649804e-05;
    p = p * t - 0.0005976119515116834;
    p = p * t + 0.0007084938667169669;
    p = p * t + 0.004269330154526996;
    p = p * t - 0.0243926066664104;
    p = p * t + 0.07166581284585924;
    p = p * t - 0.15011592951587213;
    p = p * t + 0.24560380271359056;
    p = p * t - 0.3262335601833334;
    return p * t + 0.17900115117538565;
}

/* erf x: below 1 a polynomial in x² (error 4e-11), above it 1 - erfc x */
static inline double erf_wide(double x) {
    const double a = fabs(x), b = clamp(a, 0, 10), z = b * b;
    double p = -9.667044571486996e-06;
    p = p * z + 0.00011265959025606609;
    p = p * z - 0.0008484080405535107;
    p = p * z + 0.005221031807858023;
    p = p * z - 0.026865430727670243;
    p = p * z + 0.11283782495236845;
    p = p * z - 0.3761263846802871;
    p = p * z + 1.1283791670615435;
    const double outside = 1 - wide_erfcx(b) * wide_exp(-z), found = b < 1 ? b * p : outside;
    return x == 0 ? x : x < 0 ? -found : found;
}

/* erfc x, exact also where it is tiny; 0 in float from 10.1 on */
static inline double erfc_wide(double x) {
    const double a = fabs(x), b = clamp(a, 0, 10.5), tail = wide_erfcx(b) * wide_exp(-b * b);
    return x < 0 ? 2 - tail : tail;
}

static inline double logistic_wide(double x) {
    return 1 / (1 + exp_wide(-x)); /* in double there is room for both sides */
}

/* tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); 1 in double from 20 on */
static inline double tanh_softplus_wide(double x) {
    const double e = exp_wide(x > 40 ? 40 : x), n = e * (e + 2);
    return n / (n + 2);
}

/* Far below 0 the other factor has long underflowed; the bound keeps infinity times zero from becoming NaN. */
static inline double silu_wide(double x) { return (x < -1000 ? -1000 : x) * logistic_wide(x); }
static inline double mish_wide(double x) { return (x < -1000 ? -1000 : x) * tanh_softplus_wide(x); }
static inline double gelu_wide(double x) {
    return (x < -1000 ? -1000 : x) * (0.5 * erfc_wide(x * -0.70710678118654752440));
}
/* Φ(x) + x φ(x): one e^(-x²/2) for both, below 1e-47 where the bound cuts it off. */
static inline double gelu_slope_wide(double x) {
    const double b = clamp(fabs(x) * 0.70710678118654752440, 0, 10.5), e = wide_exp(-b * b), tail = 0.5 * wide_erfcx(b) * e;
    return (x > 0 ? 1 - tail : tail) + clamp(x, -1000, 1000) * (0.39894228040143267794 * e);
}

/* Sine (quarter = 0) and cosine (1) of |x| <= 2^20 as in double_math.inc.h, with pi/2 in two parts; error 1e-10 */
static inline double wide_sine(double x, uint64_t quarter) {
    const double shifted = x * 0.63661977236758134308 + 0x1.8p52, k = shifted - 0x1.8p52;
    const double r = (x - k * 0x1.921fb54400000p+0) - k * 0x1.0b4611a626331p-34, z = r * r;
    double s = 2.718234324850152e-06;
    s = s * z - 0.0001983932663050073;
    s = s * z + 0.008333329359735974;
    s = s * z - 0.16666666641389108;
    double c = 2.443760070293608e-05;
    c = c * z - 0.001388735927412807;
    c = c * z + 0.041666646668060046;
    const uint64_t turn = bits_of(shifted) + quarter;
    const double found = (turn & 1) ? 1 + z * (z * c - 0.5) : r + r * z * s;
    return from_bits(bits_of(found) ^ (turn & 2) << 62);
}

static inline double near_sin_wide(double x) { return x == 0 ? x : wide_sine(x, 0); }
static inline double near_cos_wide(double x) { return wide_sine(x, 1); }
