/* Rows without gaps, each by itself, included once for each type and instruction set: softmax along rows, and
 * normalization of each row; and what undoes them. */

/* Shifted by the largest, as in loss.inc.h. Row i of `queries` in a row sees its first i + 1 numbers; the others get 0. */
static void T(softmax_of_rows)(const tgi_rows *s, int causal, const REAL *x, REAL *out) {
    size_t reach = 0;
    for (size_t i = 0; i < s->rows; i++, x += s->columns, out += s->columns) {
        reach = reach < s->queries ? reach + 1 : 1;
        const size_t n = causal && reach < s->columns ? reach : s->columns;
        /* As far as vectors reach, so that no number has to go alone. */
        const size_t vectors = (n + T(LANES) - 1) / T(LANES) * T(LANES), m = vectors < s->columns ? vectors : s->columns;
        if (n < m)
            for (size_t j = 0; j < m; j++)
                out[j] = j < n ? x[j] : -(REAL)INFINITY;
        const REAL *const seen = n < m ? out : x, shift = T(shift_of)(T(top_of_row)(m, seen));
        T(exponentials)(m, seen, shift, out);
        const REAL total = (REAL)T(sum_row)(m, out);
        for (size_t j = 0; j < m; j++)
            out[j] /= total;
        for (size_t j = n; j < s->columns; j++)
            out[j] = 0;
    }
}

static void T(log_softmax_of_rows)(const tgi_rows *s, const REAL *x, REAL *out) {
    enum { PIECE = 16 * T(LANES) };
    REAL piece[PIECE];
    for (size_t i = 0; i < s->rows; i++, x += s->columns, out += s->columns) {
        const REAL shift = T(shift_of)(T(top_of_row)(s->columns, x));
        double total = 0;
        for (size_t j0 = 0; j0 < s->columns; j0 += PIECE) {
            const size_t n = s->columns - j0 < PIECE ? s->columns - j0 : PIECE;
            T(exponentials)(n, x + j0, shift, piece);
            total += T(sum_row)(n, piece);
        }
        const REAL log_total = T(log)((REAL)total, 0);
        for (size_t j = 0; j < s->columns; j++)
            out[j] = (x[j] - shift) - log_total;
    }
}

/* out (g - Σ g out), from the softmax `out`. */
static void T(softmax_vjp_of_rows)(const tgi_rows *s, const REAL *g, const REAL *kept, REAL *out) {
    for (size_t i = 0; i < s->rows; i++, g += s->columns, kept += s->columns, out += s->columns) {
        const REAL total = (REAL)T(sum_of_products)(s->columns, g, 0, kept, 0);
        for (size_t j = 0; j < s->columns; j++)
            out[j] = kept[j] * (g[j] - total);
    }
}

/* g - e^out Σ g, from the logarithms `out`. */
static void T(log_softmax_vjp_of_rows)(const tgi_rows *s, const REAL *g, const REAL *kept, REAL *out) {
    for (size_t i = 0; i < s->rows; i++, g += s->columns, kept += s->columns, out += s->columns) {
        const REAL total = (REAL)T(sum_row)(s->columns, g);
        for (size_t j = 0; j < s->columns; j++)
            out[j] = g[j] - T(exp)(kept[j], 0) * total;
    }
}

/* Moments are means of all rows, then variances. */
static inline double T(scale_of_row)(const tgi_rows *s, const REAL *moments, size_t i) {
    return 1 / sqrt((double)moments[s->rows + i] + s->eps);
}

static void T(normalized_rows)(const tgi_rows *s, const REAL *x, const REAL *moments, const REAL *weight, const REAL *bias,
                               REAL *out) {
    x += s->first * s->columns;
    out += s->first * s->columns;
    for (size_t i = s->first; i < s->last; i++, x += s->columns, out += s->columns) {
        const REAL mean = moments[i], scale = (REAL)T(scale_of_row)(s, moments, i);
        for (size_t j = 0; j < s->columns; j++)
            out[j] = (x[j] - mean) * scale * weight[j] + bias[j];
    }
}

/* Of each column Σ g and Σ g y, where y is x normalized: the cotangents of bias and weight. */
static void T(normalized_rows_sums)(const tgi_rows *s, const REAL *g, const REAL *x, const REAL *moments, REAL *out) {
    enum { WIDTH = 4 * T(LANES) };
    for (size_t j0 = s->first; j0 < s->last; j0 += WIDTH) {
        const size_t n = s->last - j0 < WIDTH ? s->last - j0 : WIDTH;
        double sums[WIDTH] = {0}, products[WIDTH] = {0};
        for (size_t r0 = 0; r0 < s->rows; r0 += T(STRETCH)) {
            const size_t end = s->rows - r0 < T(STRETCH) ? s->rows : r0 + T(STRETCH);
            REAL lanes[WIDTH] = {0}, more[WIDTH] = {0};
            for (size_t i = r0; i < end; i++) {
                const REAL *row = x + i * s->columns + j0, *of = g + i * s->columns + j0;
                const REAL mean = moments[i], scale = (REAL)T(scale_of_row)(s, moments, i);
                if (n == WIDTH)
                    for (size_t l = 0; l < WIDTH; l++) {
                        lanes[l] += of[l];
                        more[l] += of[l] * ((row[l] - mean) * scale);
                    }
                else
                    for (size_t l = 0; l < n; l++) {
                        lanes[l] += of[l];
                        more[l] += of[l] * ((row[l] - mean) * scale);
                    }
            }
            for (size_t l = 0; l < n; l++) {
                sums[l] += (double)lanes[l];
                products[l] += (double)more[l];
            }
        }
        for (size_t l = 0; l < n; l++) {
            out[j0 + l] = (REAL)sums[l];
            out[s->columns + j0 + l] = (REAL)products[l];
        }
    }
}

/* The cotangent of x: (h - mean of h - y · mean of h y) / √(σ² + ε), where h = w g. */
static void T(normalized_rows_vjp)(const tgi_rows *s, const REAL *g, const REAL *x, const REAL *moments, const REAL *weight,
                                   REAL *out) {
    const double n = (double)s->columns;
    x += s->first * s->columns;
    g += s->first * s->columns;
    out += s->first * s->columns;
    for (size_t i = s->first; i < s->last; i++, x += s->columns, g += s->columns, out += s->columns) {
        const double scale = T(scale_of_row)(s, moments, i);
        const REAL mean = moments[i], factor = (REAL)scale;
        for (size_t j = 0; j < s->columns; j++)
            out[j] = g[j] * weight[j];
        const REAL of_h = (REAL)(T(sum_row)(s->columns, out) / n);
        const REAL slope = (REAL)(T(sum_of_products)(s->columns, out, 0, x, mean) * scale * scale / n);
        for (size_t j = 0; j < s->columns; j++)
            out[j] = (out[j] - of_h - (x[j] - mean) * slope) * factor;
    }
}

static void T(rows)(int which, const tgi_rows *s, const void *const *from, void *out) {
    switch (which) {
    case TGI_SOFTMAX:
    case TGI_CAUSAL_SOFTMAX:
        T(softmax_of_rows)(s, which == TGI_CAUSAL_SOFTMAX, from[0], out);
        break;
    case TGI_LOG_SOFTMAX:
        T(log_softmax_of_rows)(s, from[0], out);
        break;
    case TGI_SOFTMAX_VJP:
        T(softmax_vjp_of_rows)(s, from[0], from[1], out);
        break;
    case TGI_LOG_SOFTMAX_VJP:
        T(log_softmax_vjp_of_rows)(s, from[0], from[1], out);
        break;
    case TGI_NORMALIZED_ROWS:
        T(normalized_rows)(s, from[0], from[1], from[2], from[3], out);
        break;
    case TGI_NORMALIZED_ROWS_SUMS:
        T(normalized_rows_sums)(s, from[0], from[1], from[2], out);
        break;
    default:
        T(normalized_rows_vjp)(s, from[0], from[1], from[2], from[3], out);
    }
}
