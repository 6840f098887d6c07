/* Elementary functions for float32, computed in double, and without branches or calls, so that the compiler turns loops
 * over them into vector code. Included once for each instruction set, before functions.inc.h.
 *
 * Each has a relative error below 1e-9 for numbers that a float can be, so that one rounding to float at the end is
 * within 0.51 ulp of the truth, and a formula of several of them little more. Coefficients are interpolations at Chebyshev nodes or Taylor coefficients; the error stated is the largest seen against
 * 40-digit arithmetic. */
#include <stdint.h>
#include <string.h>

static inline double wide_from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t wide_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* e^x - 1 = *scale * *fraction + (*scale - 1) with a power of two as scale, for |x| < 700: x = k ln 2 + r, |r| <= ln(2)/2.
 * Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits. */
static inline double wide_exp_parts(double x, double *scale) {
    const double shifted = x * 1.4426950408889634074 + 0x1.8p52, k = shifted - 0x1.8p52;
    const double r = (x - k * 0x1.62e42fefa3800p-1) - k * 0x1.ef35793c76730p-45;
    double p = 1.0 / 3628800; /* the Taylor series: its first term left out is below 3e-13 of r */
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    *scale = wide_from_bits((wide_bits(shifted) << 52) + 0x3ff0000000000000u);
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

static inline double wide_clamp(double x, double low, double high) { /* NaN stays NaN */
    x = x < low ? low : x;
    return x > high ? high : x;
}

static inline double exp_wide(double x) { return wide_exp(wide_clamp(x, -200, 200)); }

static inline double expm1_wide(double x) { return x == 0 ? x : wide_expm1(wide_clamp(x, -200, 200)); }

/* ln of a positive, finite, normal double: x = 2^k m with m near 1, ln m = 2 atanh((m - 1) / (m + 1)); error 2e-12 */
static inline double wide_log(double x) {
    const uint64_t bits = wide_bits(x), from_root_half = bits - 0x3fe6a09e667f3bcdu;
    const int64_t k = (int64_t)from_root_half >> 52;
    const double m = wide_from_bits(bits - ((uint64_t)k << 52)), s = (m - 1) / (m + 1), z = s * s;
    double p = 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    /* k as a double without an instruction for it, which not every instruction set has */
    const double exponent = wide_from_bits((uint64_t)(k + 0x4338000000000000)) - 0x1.8p52;
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
static inline double softplus_tail_wide(double a) { return wide_log1p(wide_exp(wide_clamp(-a, -200, 0))); }

/* tanh x = t / (t + 2) with t = e^(2x) - 1; beyond 10 it is 1 in float */
static inline double tanh_wide(double x) {
    const double t = wide_expm1(2 * wide_clamp(x, -10, 10));
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
    const double a = fabs(x), b = wide_clamp(a, 0, 10), z = b * b;
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
    const double a = fabs(x), b = wide_clamp(a, 0, 10.5), tail = wide_erfcx(b) * wide_exp(-b * b);
    return x < 0 ? 2 - tail : tail;
}
