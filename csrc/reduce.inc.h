/* Sums and extremes over axes, included once for each type and instruction set. */

enum { T(STRETCH) = 256 }; /* terms that are added up in REAL before their sum goes into a double */

/* Doubles side by side: each takes every PARTS-th number, and halves are added to halves at the end. */
enum { T(PARTS) = 16 };

static inline void T(add_to_parts)(size_t n, const REAL *x, double *parts) {
    for (; n >= T(PARTS); n -= T(PARTS), x += T(PARTS))
        for (size_t l = 0; l < T(PARTS); l++)
            parts[l] += (double)x[l];
    for (size_t l = 0; l < n; l++)
        parts[l] += (double)x[l];
}

static inline double T(sum_of_parts)(double *parts) {
    for (size_t half = T(PARTS) / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            parts[l] += parts[l + half];
    return parts[0];
}

/* The sum of contiguous numbers: many partial sums side by side. */
static double T(sum_row)(size_t n, const REAL *x) {
    enum { SIDE = 4 * T(LANES) };
    double parts[T(PARTS)] = {0};
    while (n >= 2 * SIDE) {
        const size_t now = n < T(STRETCH) * SIDE ? n / SIDE * SIDE : (size_t)T(STRETCH) * SIDE;
        REAL lanes[SIDE] = {0};
        for (size_t i = 0; i < now; i += SIDE)
            for (size_t l = 0; l < SIDE; l++)
                lanes[l] += x[i + l];
        T(add_to_parts)(SIDE, lanes, parts);
        x += now;
        n -= now;
    }
    T(add_to_parts)(n, x, parts);
    return T(sum_of_parts)(parts);
}

/* So many rows stand side by side where they are no longer than the parts; of each, parts[l] is its number l. */
enum { T(ABREAST) = 64 };

/* Adds up the parts of rows of n numbers, in the order of `sum_row`, to which zeros beyond them make no difference. */
static inline void T(sum_abreast)(size_t n, double (*parts)[T(ABREAST)]) {
    for (size_t half = T(PARTS) / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half && l + half < n; l++)
            for (size_t r = 0; r < T(ABREAST); r++)
                parts[l][r] += parts[l + half][r];
}

/* Sums of such rows. */
static void T(sum_short_rows)(size_t rows, size_t n, const char *x, ptrdiff_t stride, REAL *out) {
    double parts[T(PARTS)][T(ABREAST)];
    for (size_t r0 = 0; r0 < rows; r0 += T(ABREAST), x += T(ABREAST) * stride, out += T(ABREAST)) {
        const size_t now = rows - r0 < T(ABREAST) ? rows - r0 : T(ABREAST);
        if (now < T(ABREAST)) /* what is added up beside them is thrown away */
            memset(parts, 0, n * sizeof(*parts));
        for (size_t r = 0; r < now; r++)
            for (size_t l = 0; l < n; l++)
                parts[l][r] = 0 + (double)((const REAL *)(x + (ptrdiff_t)r * stride))[l]; /* -0 becomes 0 */
        T(sum_abreast)(n, parts);
        for (size_t r = 0; r < now; r++)
            out[r] = (REAL)parts[0][r];
    }
}

/* total[j] += the sum of rows x[.][j] for a few columns of contiguous rows. */
static void T(sum_columns)(size_t rows, size_t columns, const REAL *x, ptrdiff_t stride, double *total) {
    enum { WIDTH = 4 * T(LANES) };
    for (size_t r0 = 0; r0 < rows; r0 += T(STRETCH)) {
        const size_t end = rows - r0 < T(STRETCH) ? rows : r0 + T(STRETCH);
        if (columns == WIDTH) {
            REAL lanes[WIDTH] = {0};
            for (size_t r = r0; r < end; r++)
                for (size_t j = 0; j < WIDTH; j++)
                    lanes[j] += x[(ptrdiff_t)r * stride + (ptrdiff_t)j];
            for (size_t j = 0; j < WIDTH; j++)
                total[j] += (double)lanes[j];
        } else {
            REAL lanes[WIDTH] = {0};
            for (size_t r = r0; r < end; r++)
                for (size_t j = 0; j < columns; j++)
                    lanes[j] += x[(ptrdiff_t)r * stride + (ptrdiff_t)j];
            for (size_t j = 0; j < columns; j++)
                total[j] += (double)lanes[j];
        }
    }
}

static REAL T(of_nothing)(int reduction) {
    return reduction == TGI_MAX ? -(REAL)INFINITY : reduction == TGI_MIN ? (REAL)INFINITY : 0;
}

static double T(fold)(int reduction, double a, double b) {
    if (reduction == TGI_SUM)
        return a + b;
    if (reduction == TGI_MAX)
        return T(maximum)((REAL)a, (REAL)b);
    return T(minimum)((REAL)a, (REAL)b);
}

/* The largest or smallest of contiguous numbers: many side by side, then one after the other. */
static double T(extreme_of_row)(int largest, size_t n, const REAL *x) {
    enum { SIDE = 4 * T(LANES) };
    REAL lanes[SIDE], found = x[0];
    size_t i = 0;
    if (n >= SIDE) {
        for (size_t l = 0; l < SIDE; l++)
            lanes[l] = x[l];
        for (i = SIDE; i + SIDE <= n; i += SIDE) {
            if (largest)
                for (size_t l = 0; l < SIDE; l++)
                    lanes[l] = T(maximum)(lanes[l], x[i + l]);
            else
                for (size_t l = 0; l < SIDE; l++)
                    lanes[l] = T(minimum)(lanes[l], x[i + l]);
        }
        for (size_t l = 0; l < SIDE; l++)
            found = largest ? T(maximum)(found, lanes[l]) : T(minimum)(found, lanes[l]);
    }
    for (; i < n; i++)
        found = largest ? T(maximum)(found, x[i]) : T(minimum)(found, x[i]);
    return (double)found;
}

/* The sum of (scale x)² over the given axes, added up in double. */
static double T(sum_of_squares)(double scale, int dims, const ptrdiff_t *n, ptrdiff_t (*s)[TGI_MAX_DIMS], const char *x) {
    enum { SIDE = 8 };
    ptrdiff_t at[TGI_MAX_DIMS] = {0};
    const int last = dims - 1;
    double lanes[SIDE] = {0}, total = 0;
    do {
        ptrdiff_t i = 0;
        if (s[0][last] == sizeof(REAL))
            for (; i + SIDE <= n[last]; i += SIDE)
                for (ptrdiff_t l = 0; l < SIDE; l++) {
                    const double v = scale * ((const REAL *)x)[i + l];
                    lanes[l] += v * v;
                }
        for (; i < n[last]; i++) {
            const double v = scale * *(const REAL *)(x + i * s[0][last]);
            total += v * v;
        }
    } while (T(next_row)(1, last, n, at, s, &x));
    for (int l = 0; l < SIDE; l++)
        total += lanes[l];
    return total;
}

static double T(fold_all)(int reduction, int dims, const ptrdiff_t *n, ptrdiff_t (*s)[TGI_MAX_DIMS], const char *x);

/* Squares of a double may overflow or underflow: then all numbers are scaled by the largest one first. */
static double T(norm_of)(int dims, const ptrdiff_t *n, ptrdiff_t (*s)[TGI_MAX_DIMS], const char *x) {
    const double total = T(sum_of_squares)(1, dims, n, s, x);
    if (sizeof(REAL) == sizeof(float) || (total > 1e-280 && total < 1e280) || total != total)
        return sqrt(total);
    const double high = T(fold_all)(TGI_MAX, dims, n, s, x), low = T(fold_all)(TGI_MIN, dims, n, s, x);
    const double top = fabs(high > -low ? high : -low);
    if (top == 0 || top - top != 0)
        return top;
    int exponent;
    frexp(top, &exponent);
    const double scale = ldexp(1, exponent < -1000 ? 1000 : -exponent); /* a power of two: scaling is exact */
    return sqrt(T(sum_of_squares)(scale, dims, n, s, x)) / scale;
}

/* One result: all numbers over the given axes. */
static double T(reduce_all)(int reduction, int dims, const ptrdiff_t *n, ptrdiff_t (*s)[TGI_MAX_DIMS], const char *x) {
    if (reduction != TGI_NORM)
        return T(fold_all)(reduction, dims, n, s, x);
    return dims == 0 ? fabs((double)*(const REAL *)x) : T(norm_of)(dims, n, s, x);
}

static double T(fold_all)(int reduction, int dims, const ptrdiff_t *n, ptrdiff_t (*s)[TGI_MAX_DIMS], const char *x) {
    double total = T(of_nothing)(reduction);
    const int last = dims - 1;
    ptrdiff_t at[TGI_MAX_DIMS] = {0};
    if (dims == 0)
        return *(const REAL *)x;
    do {
        if (reduction == TGI_SUM && s[0][last] == sizeof(REAL)) {
            total += T(sum_row)((size_t)n[last], (const REAL *)x);
        } else if (s[0][last] == sizeof(REAL)) {
            total = T(fold)(reduction, total, T(extreme_of_row)(reduction == TGI_MAX, (size_t)n[last], (const REAL *)x));
        } else {
            for (ptrdiff_t i = 0; i < n[last]; i++)
                total = T(fold)(reduction, total, *(const REAL *)(x + i * s[0][last]));
        }
    } while (T(next_row)(1, last, n, at, s, &x));
    return total;
}

static void T(reduce)(int reduction, int ndim, int reduced, const ptrdiff_t *shape, const void *x,
                      const ptrdiff_t *x_strides, void *out_) {
    enum { WIDTH = 4 * T(LANES) };
    const int kept = ndim - reduced;
    ptrdiff_t n[TGI_MAX_DIMS], s[1][TGI_MAX_DIMS], rn[TGI_MAX_DIMS], rs[1][TGI_MAX_DIMS], at[TGI_MAX_DIMS] = {0};
    const ptrdiff_t *const strides[1] = {x_strides}, *const reduced_strides[1] = {x_strides + kept};
    const int dims = T(merge_axes)(1, kept, shape, strides, n, s);
    const int reduced_dims = T(merge_axes)(1, reduced, shape + kept, reduced_strides, rn, rs);
    const char *from = x;
    REAL *out = out_;
    if (dims < 0)
        return;
    if (dims == 0) {
        n[0] = 1;
        s[0][0] = 0;
    }
    const int last = dims == 0 ? 0 : dims - 1;
    do {
        /* Rows of a matrix are added up column by column, as they lie. */
        if (reduction == TGI_SUM && reduced_dims == 1 && s[0][last] == sizeof(REAL) && n[last] > 1) {
            for (ptrdiff_t j = 0; j < n[last]; j += WIDTH) {
                const size_t columns = n[last] - j < WIDTH ? (size_t)(n[last] - j) : WIDTH;
                double total[WIDTH] = {0};
                T(sum_columns)((size_t)rn[0], columns, (const REAL *)from + j, rs[0][0] / (ptrdiff_t)sizeof(REAL), total);
                for (size_t l = 0; l < columns; l++)
                    out[j + (ptrdiff_t)l] = (REAL)total[l];
            }
        } else if (reduction == TGI_SUM && reduced_dims == 1 && rs[0][0] == sizeof(REAL) && rn[0] <= T(PARTS)) {
            T(sum_short_rows)((size_t)n[last], (size_t)rn[0], from, s[0][last], out);
        } else {
            for (ptrdiff_t j = 0; j < n[last]; j++)
                out[j] = reduced_dims < 0 ? T(of_nothing)(reduction)
                                          : (REAL)T(reduce_all)(reduction, reduced_dims, rn, rs, from + j * s[0][last]);
        }
        out += n[last];
    } while (T(next_row)(1, last, n, at, s, &from));
}
