/* Elementary functions for float64 without branches, calls or tables, so that the compiler turns loops over them into
 * vector code. Included once for each instruction set, before float_math.inc.h (which uses the helpers) and
 * functions.inc.h.
 *
 * The method is the same everywhere: an exact reduction of the argument (Cody and Waite: the leading part of the
 * constant is so short that its product with a small integer is exact), a polynomial whose value is a small correction
 * of an exact leading term, and, where one rounding error more would show, its low part carried along. A product whose
 * rounding error matters is exact by the length of its factors, so that it makes no difference whether the compiler
 * contracts a * b + c. Between instruction sets only the last bits differ, within the bounds.
 *
 * The coefficients are weighted least-squares fits at Chebyshev nodes in 45-digit arithmetic, reweighted toward the
 * smallest largest error (tanh: rational interpolation); what is left of it is below 0.3 * 2^-53 of the result. A long
 * polynomial is evaluated in two or three pieces of x^4 or x^8, which do not wait for each other. The errors stated in
 * ulp are the largest seen on any instruction set among a million numbers; tests/test_math.py measures them anew. */
#include <float.h>
#include <stdint.h>
#include <string.h>

static inline double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double clamp(double x, double low, double high) { /* NaN stays NaN */
    x = x < low ? low : x;
    return x > high ? high : x;
}

static inline double with_sign_of(double x, double magnitude) {
    return from_bits(bits_of(magnitude) | (bits_of(x) & 0x8000000000000000u));
}

/* Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits. */
#define SHIFT 0x1.8p52
#define LN2_HIGH 0x1.62e42fefa3800p-1 /* 42 bits: exact times an exponent */
#define LN2_LOW 0x1.ef35793c76730p-45

/* e^(x + low) = 2^k (1 + r + rest), |r| < 0.35, shifted = k + SHIFT; low is small beside x. */
typedef struct {
    double shifted, r, rest;
} double_power;

static inline double_power double_exp_parts(double x, double low) {
    const double shifted = x * 1.4426950408889634074 + SHIFT, k = shifted - SHIFT;
    const double high = x - k * LN2_HIGH, minus_low = k * LN2_LOW - low;
    const double r = high - minus_low, r_low = (high - r) - minus_low;
    /* (e^r - 1 - r) / r² */
    const double r2 = r * r, r4 = r2 * r2;
    double p = 0.00833333333331169, p_high = 2.511550607769757e-08;
    p = p * r + 0.04166666666651422;
    p = p * r + 0.1666666666666669;
    p = p * r + 0.5000000000000013;
    p_high = p_high * r + 2.763135326594035e-07;
    p_high = p_high * r + 2.7557224041034965e-06;
    p_high = p_high * r + 2.480148971131444e-05;
    p_high = p_high * r + 0.00019841269908277084;
    p_high = p_high * r + 0.0013888888947275035;
    p = p + r4 * p_high;
    return (double_power){shifted, r, r * r * p + r_low};
}

/* 1 + r + rest as a rounded number and the low part that rounding lost */
static inline double double_fraction(double_power e, double *low) {
    const double high = 1 + e.r, rest = (1 - high) + e.r + e.rest, fraction = high + rest;
    *low = (high - fraction) + rest;
    return fraction;
}

/* 2^k for -1022 <= k <= 1023 */
static inline double double_power_of_2(double shifted) {
    return from_bits((bits_of(shifted) << 52) + 0x3ff0000000000000u);
}

/* x 2^k for any k that the functions below meet: in two steps, as 2^k itself may be out of range */
static inline double double_scaled(double x, double shifted) {
    const uint64_t k = bits_of(shifted) - 0x4338000000000000u + 2048, half = k >> 1; /* of k + 2048 */
    return x * from_bits((half - 1) << 52) * from_bits((k - half - 1) << 52);
}

/* e^x within 1.0 ulp */
static inline double exp_double(double x) {
    const double_power e = double_exp_parts(clamp(x, -746, 710), 0);
    return double_scaled(1 + (e.r + e.rest), e.shifted);
}

/* e^x - 1 within 1.3 ulp: 2^k (1 + r + rest) - 1, where what adding 2^k - 1 and 2^k r loses is kept. All is halved,
 * as 2^1024 is too large. */
static inline double expm1_double(double x) {
    const double_power e = double_exp_parts(clamp(x, -40, 710), 0);
    const double half = double_power_of_2(e.shifted - 1), less = half - 0.5, high = less + half * e.r;
    const double low = (less - high) + half * e.r, found = 2 * (high + (low + half * e.rest));
    return fabs(x) < 0x1p-54 ? x : found;
}

/* y = 2^k m with m from sqrt(1/2) to sqrt(2), for positive, finite, normal y */
static inline double double_split(double y, double *m) {
    const uint64_t bits = bits_of(y), k = (bits - 0x3fe6a09e667f3bcdu + 0x4000000000000000u) >> 52; /* k + 1024 */
    *m = from_bits(bits - (k << 52) + 0x4000000000000000u);
    return from_bits(k | 0x4330000000000000u) - (0x1p52 + 1024);
}

/* k ln 2 + ln(1 + f) + low, where ln(1 + f) = 2 atanh s = f - s (f - s² p) with s = f / (2 + f) */
static inline double double_log_sum(double k, double f, double low) {
    const double s = f / (2 + f), z = s * s;
    /* 2 (atanh(s) / s - 1) / z */
    const double z2 = z * z, z4 = z2 * z2;
    double p = 0.22222198493132758, p_high = 0.14796988472861586;
    p = p * z + 0.28571428743204247;
    p = p * z + 0.3999999999941065;
    p = p * z + 0.6666666666666735;
    p_high = p_high * z + 0.15313947013640464;
    p_high = p_high * z + 0.1818356839929117;
    p = p + z4 * p_high;
    const double high = k * LN2_HIGH + f, lost = (k * LN2_HIGH - high) + f;
    return high + (lost - (s * (f - z * p) - (k * LN2_LOW + low)));
}

/* ln x within 0.9 ulp */
static inline double log_double(double x) {
    const int subnormal = x < DBL_MIN;
    double m;
    const double k = double_split(subnormal ? x * 0x1p54 : x, &m);
    const double found = double_log_sum(subnormal ? k - 54 : k, m - 1, 0);
    return x > 0 ? (x <= DBL_MAX ? found : x) : x == 0 ? -INFINITY : NAN;
}

/* ln(1 + x + low) for finite x > -1. Unless 1 + x is between sqrt(1/2) and sqrt(2), where x itself is used, what
 * rounding 1 + x lost is put back to first order; 1 - f + f² is near enough to 1 / (1 + f) for so small a term. */
static inline double double_log1p(double x, double low) {
    const double y = 1 + x, back = y - 1, lost = (1 - (y - back)) + (x - back);
    double m;
    const double k = double_split(y, &m), f = k == 0 ? x : m - 1;
    const double rest = k == 0 ? low : y < 0x1p60 ? (lost + low) * double_power_of_2(SHIFT - k) : 0;
    return double_log_sum(k, f, rest * (1 - f + f * f));
}

/* ln(1 + x) within 0.9 ulp */
static inline double log1p_double(double x) {
    const double found = fabs(x) < 0x1p-54 ? x : double_log1p(x, 0);
    return x > -1 ? (x <= DBL_MAX ? found : x) : x == -1 ? -INFINITY : NAN;
}

/* ln(1 + e^-a) for a >= 0: within 1.0 ulp. From 40 on it is e^-a. */
static inline double softplus_tail_double(double a) {
    const double_power e = double_exp_parts(-clamp(a, 0, 746), 0);
    double low;
    const double fraction = double_fraction(e, &low), power = double_scaled(fraction, e.shifted);
    const double found = double_log1p(power, low * double_power_of_2(e.shifted));
    return a > 40 ? power : found;
}

/* tanh x within 1.4 ulp. Up to 0.625 it is x + x z n(z) / d(z) with z = x², above it 1 - 2 / (e^(2x) + 1): one
 * division serves both. */
static inline double tanh_double(double x) {
    const double a = clamp(fabs(x), 0, 22), z = a * a;
    const int small = a < 0.625;
    double n = -0.00019917792421745908;
    n = n * z - 0.02049879701412824;
    n = n * z - 0.3333333333333333;
    double d = 0.00020653360964084807;
    d = d * z + 0.02329132828494817;
    d = d * z + 0.4614963910423812;
    d = d * z + 1.0;
    const double_power e = double_exp_parts(2 * a, 0);
    const double power = double_power_of_2(e.shifted) * (1 + (e.r + e.rest));
    const double quotient = (small ? a * z * n : -2) / (small ? d : power + 1);
    return with_sign_of(x, (small ? a : 1) + quotient);
}

/* 1 / (1 + e^-x) is the number returned for x >= 0, and 2^k times it for x < 0: unscaled, so that silu multiplies by x
 * before the result becomes subnormal. Corrected to first order for what rounding e^-|x| and 1 + e^-|x| lost. */
static inline double double_logistic(double x, double *shifted) {
    const double_power e = double_exp_parts(-clamp(fabs(x), 0, 760), 0);
    double low;
    const double fraction = double_fraction(e, &low), scale = fabs(x) > 60 ? 0 : double_power_of_2(e.shifted);
    const double power = scale * fraction, d = 1 + power, d_low = (1 - d) + power + scale * low;
    const double q = (x < 0 ? fraction : 1) / d, inverse = 1.457 - 0.5 * d; /* within 5% of 1 / d */
    *shifted = x < 0 ? e.shifted : SHIFT;
    return q + ((x < 0 ? low : 0) - q * d_low) * inverse;
}

/* 1 / (1 + e^-x): within 1.2 ulp */
static inline double logistic_double(double x) {
    double shifted;
    const double y = double_logistic(x, &shifted);
    return double_scaled(y, shifted);
}

/* x / (1 + e^-x): within 2.4 ulp */
static inline double silu_double(double x) {
    double shifted;
    const double y = double_logistic(x, &shifted);
    return double_scaled((x < -760 ? -760 : x) * y, shifted);
}

/* tanh(ln(1 + e^x)), again unscaled. With e = e^-|x| it is e (2 + e) / (e (2 + e) + 2) for x < 0, else
 * 1 - 2 e² / (1 + 2 e + 2 e²). */
static inline double double_tanh_softplus(double x, double *shifted) {
    const double_power p = double_exp_parts(-clamp(fabs(x), 0, 760), 0);
    const double fraction = 1 + (p.r + p.rest), e = fabs(x) > 60 ? 0 : double_power_of_2(p.shifted) * fraction;
    const double numerator = x < 0 ? fraction * (2 + e) : -2 * e * e;
    const double denominator = x < 0 ? e * (2 + e) + 2 : 1 + 2 * e * (1 + e);
    *shifted = x < 0 ? p.shifted : SHIFT;
    return (x < 0 ? 0 : 1) + numerator / denominator;
}

static inline double tanh_softplus_double(double x) {
    double shifted;
    const double y = double_tanh_softplus(x, &shifted);
    return double_scaled(y, shifted);
}

/* x tanh(ln(1 + e^x)): within 4.2 ulp */
static inline double mish_double(double x) {
    double shifted;
    const double y = double_tanh_softplus(x, &shifted);
    return double_scaled((x < -760 ? -760 : x) * y, shifted);
}

/* erf(x) / x - 1 for z = x² up to 1 */
static inline double double_erf_series(double z) {
    const double z2 = z * z, z4 = z2 * z2;
    double p = -0.026866170643273797, p_middle = -1.4924744195023537e-05, p_high = -7.800877879555259e-10;
    p = p * z + 0.11283791670945237;
    p = p * z - 0.3761263890318355;
    p = p * z + 0.12837916709551256;
    p_middle = p_middle * z + 0.00012055295295179035;
    p_middle = p_middle * z - 0.00085483259888169;
    p_middle = p_middle * z + 0.005223977607404377;
    p_high = p_high * z + 1.372280410530636e-08;
    p_high = p_high * z - 1.6209134730707618e-07;
    p_high = p_high * z + 1.6447512107170366e-06;
    p = p + z4 * (p_middle + z4 * p_high);
    return p;
}

/* erf x within 1.8 ulp. Up to 1 the series, above it 1 - e^(ln erfc a), where the exponent is a polynomial. */
static inline double erf_double(double x) {
    const double a = fabs(x), t = clamp(a, 1, 6) - 1;
    const double t2 = t * t, t4 = t2 * t2, t8 = t4 * t4;
    double q = 2.634135051727082e-05, q_high = 1.7383142646096553e-11;
    q = q * t + 0.00023730017502205807;
    q = q * t - 0.0019778972353043673;
    q = q * t + 0.010033824553184323;
    q = q * t - 0.04156109796697163;
    q = q * t - 0.8431072563621728;
    q = q * t - 2.638967514234725;
    q = q * t - 1.8496055099332485;
    q_high = q_high * t - 3.6225473674485485e-10;
    q_high = q_high * t + 3.195704146260441e-09;
    q_high = q_high * t - 1.3817990947287896e-08;
    q_high = q_high * t + 7.779439311143533e-09;
    q_high = q_high * t + 2.9743378849779185e-07;
    q_high = q_high * t - 2.256397297984814e-06;
    q_high = q_high * t + 9.79371707868888e-06;
    q_high = q_high * t - 2.7286528784210398e-05;
    q = q + t8 * q_high;
    const double_power e = double_exp_parts(q, 0);
    const double outside = 1 - double_power_of_2(e.shifted) * (1 + (e.r + e.rest));
    return with_sign_of(x, a < 1 ? a + a * double_erf_series(a * a) : outside);
}

/* e^(-square - square_low) (2 a e^(a²) erfc(a)), for a from 0.7 to 27.4: the logarithm of what is in parentheses is a
 * polynomial in (a - 1.6) / (a + 1.1), added to the exponent. */
static inline double_power double_erfc_parts(double a, double square, double square_low) {
    const double t = (a - 1.6) / (a + 1.1);
    const double t2 = t * t, t4 = t2 * t2, t8 = t4 * t4;
    double p = 0.008405704705344259, p_middle = 0.00022898250890284095, p_high = -3.9128023934671985e-06;
    p = p * t - 0.019320815539829964;
    p = p * t + 0.03486243987835226;
    p = p * t - 0.04022050836550449;
    p = p * t + 0.11786376186670872;
    p = p * t - 0.32543199285690416;
    p = p * t + 0.36968351144641687;
    p = p * t - 0.021172999054445113;
    p_middle = p_middle * t - 0.00041795290022406546;
    p_middle = p_middle * t + 0.0005316389930614795;
    p_middle = p_middle * t - 0.0009351282875713547;
    p_middle = p_middle * t + 0.0016292912414546435;
    p_middle = p_middle * t - 0.002021956757724635;
    p_middle = p_middle * t + 0.004031013954388625;
    p_middle = p_middle * t - 0.006858484490234599;
    p_high = p_high * t + 1.7995979105794406e-05;
    p_high = p_high * t - 2.7702951225084574e-05;
    p_high = p_high * t + 1.6383727581042942e-05;
    p_high = p_high * t - 1.4795208489338454e-05;
    p_high = p_high * t + 3.670260135926299e-05;
    p_high = p_high * t - 6.549230194985381e-05;
    p_high = p_high * t + 0.00011491943015457203;
    p_high = p_high * t - 0.00014836718002298705;
    p = p + t8 * (p_middle + t8 * p_high);
    const double sum = p - square, back = sum + square, lost = (p - back) - (square + (sum - back));
    return double_exp_parts(sum, lost - square_low);
}

/* a² = the number returned + *low: the square of the leading 26 bits is exact. */
static inline double double_square(double a, double *low) {
    const double high = from_bits(bits_of(a) & 0xfffffffff8000000u);
    *low = (a - high) * (a + high);
    return high * high;
}

/* erfc x within 1.8 ulp. The series only up to 0.75: toward 1 its difference from 1 loses digits. */
static inline double erfc_double(double x) {
    const double a = clamp(fabs(x), 0.7, 27.4), high = 1 - x, lost = (1 - high) - x;
    double square_low, low;
    const double square = double_square(a, &square_low);
    const double_power e = double_erfc_parts(a, square, square_low);
    const double fraction = double_fraction(e, &low), q = fraction / (2 * a);
    const double tail = double_scaled(q + q * low * (2 - fraction), e.shifted); /* 2 - n: near enough to 1 / n */
    const double inside = high + (lost - x * double_erf_series(x * x));
    return fabs(x) < 0.75 ? inside : x < 0 ? 2 - tail : tail;
}

/* x times the normal distribution function: within 2.5 ulp. From 1 on x + gelu(-x), down from -1
 * -sqrt(1/8) (2 a e^(a²) erfc(a)) e^(-x²/2) with a = |x| / sqrt(2), and between them x (1/2 + x/2 + x p(x²)). */
static inline double gelu_double(double x) {
    const double a = clamp(fabs(x), 0.99, 38.7), z = x * x, root_eighth = 0x1.6a09e667f3bcdp-2;
    const double z2 = z * z, z4 = z2 * z2;
    double p = -0.0011873282148146755, p_high = -9.028095502969886e-11;
    p = p * z + 0.009973557009984039;
    p = p * z - 0.06649038006690389;
    p = p * z - 0.10105771959856732;
    p_high = p_high * z + 2.227165915691736e-09;
    p_high = p_high * z - 4.117325695291885e-08;
    p_high = p_high * z + 6.659318599644382e-07;
    p_high = p_high * z - 9.444639908635058e-06;
    p_high = p_high * z + 0.00011543468326545374;
    p = p + z4 * p_high;
    const double high = 0.5 + 0.5 * x, lost = (0.5 - high) + 0.5 * x, inside = x * (high + (lost + x * p));
    double square_low, low;
    const double square = double_square(a, &square_low);
    const double_power e = double_erfc_parts(a * (2 * root_eighth), 0.5 * square, 0.5 * square_low);
    const double fraction = double_fraction(e, &low);
    const double lower = low * root_eighth + fraction * -0x1.bdd3413b26456p-56; /* what root_eighth lacks */
    const double tail = double_scaled(fraction * root_eighth + lower, e.shifted);
    return fabs(x) < 1 ? inside : x < 0 ? -tail : x - tail;
}

/* Φ(x) + x φ(x) */
static inline double gelu_slope_double(double x) {
    return 0.5 * erfc_double(x * -0.70710678118654752440) +
           clamp(x, -1000, 1000) * (0.39894228040143267794 * exp_double(-0.5 * x * x));
}

/* Sine (quarter = 0) and cosine (1) of |x| <= 2^20: within 0.8 ulp. x = k pi/2 + r with pi/2 in four parts, the
 * first three of which times k are exact; what the subtractions lose is kept in r_low. Then sin r or cos r by the
 * parity of k, and the sign by its next bit. */
static inline double double_sine(double x, uint64_t quarter) {
    const double shifted = x * 0.63661977236758134308 + SHIFT, k = shifted - SHIFT;
    const double r0 = x - k * 0x1.921fb54400000p+0;
    const double r1 = r0 - k * 0x1.0b4611a600000p-34, lost1 = (r0 - r1) - k * 0x1.0b4611a600000p-34;
    const double r2 = r1 - k * 0x1.3198a2e000000p-69, lost2 = (r1 - r2) - k * 0x1.3198a2e000000p-69;
    const double rest = lost1 + (lost2 - k * 0x1.b839a252049c0p-104);
    const double r = r2 + rest, r_low = (r2 - r) + rest, z = r * r;
    /* (sin(r) / r - 1) / z and (cos r - 1 + z/2) / z² */
    double s = 1.5896499590792343e-10;
    s = s * z - 2.5050753106586018e-08;
    s = s * z + 2.755731366051444e-06;
    s = s * z - 0.00019841269829718724;
    s = s * z + 0.008333333333322304;
    s = s * z - 0.16666666666666632;
    double c = -1.1359502827749623e-11;
    c = c * z + 2.087572049981822e-09;
    c = c * z - 2.755731433199249e-07;
    c = c * z + 2.480158728941138e-05;
    c = c * z - 0.0013888888888874008;
    c = c * z + 0.0416666666666666;
    const double sine = r + (r * z * s + r_low * (1 - 0.5 * z));
    const double high = 1 - 0.5 * z, lost = (1 - high) - 0.5 * z, cosine = high + (lost + (z * z * c - r * r_low));
    const uint64_t turn = bits_of(shifted) + quarter;
    const double found = (turn & 1) ? cosine : sine;
    return from_bits(bits_of(found) ^ (turn & 2) << 62);
}

#define NEAR 0x1p20 /* how far from 0 the sine above reaches */
static inline double near_sin_double(double x) { return x == 0 ? x : double_sine(x, 0); }
static inline double near_cos_double(double x) { return double_sine(x, 1); }

#undef SHIFT
#undef LN2_HIGH
#undef LN2_LOW
