/* Normalization channel by channel, included once for each type and instruction set. Arrays are (outer, channels, inner)
 * without gaps; statistics two rows of a number for each channel. */

/* Σ (x - x0)(y - y0) of a row: many partial sums side by side, their sum in double. */
static double T(sum_of_products)(size_t n, const REAL *x, REAL x0, const REAL *y, REAL y0) {
    enum { SIDE = 4 * T(LANES) };
    double total = 0;
    while (n >= SIDE) {
        const size_t now = n < T(STRETCH) * SIDE ? n / SIDE * SIDE : (size_t)T(STRETCH) * SIDE;
        REAL lanes[SIDE] = {0};
        double parts[T(PARTS)] = {0};
        for (size_t i = 0; i < now; i += SIDE)
            for (size_t l = 0; l < SIDE; l++)
                lanes[l] += (x[i + l] - x0) * (y[i + l] - y0);
        T(add_to_parts)(SIDE, lanes, parts);
        total += T(sum_of_parts)(parts);
        x += now, y += now, n -= now;
    }
    for (size_t i = 0; i < n; i++)
        total += (double)(x[i] - x0) * (double)(y[i] - y0);
    return total;
}

/* Mean and variance of each channel. */
static void T(moments)(const tgi_channels *s, const REAL *x, REAL *out) {
    for (size_t c = s->first; c < s->last; c++) {
        const double n = (double)(s->outer * s->inner);
        double sum = 0, squares = 0;
        for (size_t o = 0; o < s->outer; o++)
            sum += T(sum_row)(s->inner, x + (o * s->channels + c) * s->inner);
        const REAL mean = (REAL)(sum / n);
        for (size_t o = 0; o < s->outer; o++) {
            const REAL *row = x + (o * s->channels + c) * s->inner;
            squares += T(sum_of_products)(s->inner, row, mean, row, mean);
        }
        out[c] = mean;
        out[s->channels + c] = (REAL)(squares / n);
    }
}

static double T(scale_of)(const tgi_channels *s, const REAL *moments, size_t c) {
    return 1 / sqrt((double)moments[s->channels + c] + s->eps);
}

static void T(normalized)(const tgi_channels *s, const REAL *x, const REAL *moments, const REAL *weight, const REAL *bias,
                          REAL *out) {
    for (size_t o = 0; o < s->outer; o++)
        for (size_t c = s->first; c < s->last; c++) {
            const size_t at = (o * s->channels + c) * s->inner;
            const REAL mean = moments[c], b = bias[c], factor = (REAL)(T(scale_of)(s, moments, c) * (double)weight[c]);
            for (size_t i = 0; i < s->inner; i++)
                out[at + i] = (x[at + i] - mean) * factor + b;
        }
}

/* Of each channel Σ g and Σ g y, where y is x normalized: the cotangents of bias and weight. */
static void T(normalized_sums)(const tgi_channels *s, const REAL *g, const REAL *x, const REAL *moments, REAL *out) {
    for (size_t c = s->first; c < s->last; c++) {
        double sum = 0, products = 0;
        for (size_t o = 0; o < s->outer; o++) {
            const size_t at = (o * s->channels + c) * s->inner;
            sum += T(sum_row)(s->inner, g + at);
            products += T(sum_of_products)(s->inner, g + at, 0, x + at, moments[c]);
        }
        out[c] = (REAL)sum;
        out[s->channels + c] = (REAL)(products * T(scale_of)(s, moments, c));
    }
}

/* The cotangent of x: w (g - mean of g - y · mean of g y) / √(σ² + ε), from those sums. */
static void T(normalized_vjp)(const tgi_channels *s, const REAL *g, const REAL *x, const REAL *moments, const REAL *weight,
                              const REAL *sums, REAL *out) {
    const double n = (double)(s->outer * s->inner);
    for (size_t o = 0; o < s->outer; o++)
        for (size_t c = s->first; c < s->last; c++) {
            const size_t at = (o * s->channels + c) * s->inner;
            const double scale = T(scale_of)(s, moments, c);
            const REAL mean = moments[c], factor = (REAL)(scale * (double)weight[c]), of_g = (REAL)((double)sums[c] / n);
            const REAL slope = (REAL)(scale * (double)sums[s->channels + c] / n);
            for (size_t i = 0; i < s->inner; i++)
                out[at + i] = (g[at + i] - of_g - (x[at + i] - mean) * slope) * factor;
        }
}

static void T(normalize)(int which, const tgi_channels *s, const void *const *from, void *out) {
    switch (which) {
    case TGI_MOMENTS:
        T(moments)(s, from[0], out);
        break;
    case TGI_NORMALIZED:
        T(normalized)(s, from[0], from[1], from[2], from[3], out);
        break;
    case TGI_NORMALIZED_SUMS:
        T(normalized_sums)(s, from[0], from[1], from[2], out);
        break;
    default:
        T(normalized_vjp)(s, from[0], from[1], from[2], from[3], from[4], out);
    }
}
