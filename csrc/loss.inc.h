/* Softmax and cross entropy, and its derivative directly under it; once for each type and instruction set. Shifted by the
 * row's maximum (0 where that is infinite), so that nothing overflows. */

static inline REAL T(shift_of)(REAL top) { return top - top == 0 ? top : 0; }

/* The largest of n numbers, n > 0, but for NaN: with one in its row all that is made of the row is NaN anyway. */
static inline REAL T(above)(REAL x, REAL y) { return x > y ? x : y; }

static inline REAL T(top_of_row)(size_t n, const REAL *x) {
    enum { SIDE = T(LANES) };
    REAL lanes[SIDE], top = x[0];
    size_t j = 0;
    if (n >= SIDE) {
        for (size_t l = 0; l < SIDE; l++)
            lanes[l] = x[l];
        for (j = SIDE; j + SIDE <= n; j += SIDE)
            for (size_t l = 0; l < SIDE; l++)
                lanes[l] = T(above)(lanes[l], x[j + l]);
        for (size_t half = SIDE / 2; half > 0; half /= 2)
            for (size_t l = 0; l < half; l++)
                lanes[l] = T(above)(lanes[l], lanes[l + half]);
        top = lanes[0];
    }
    for (; j < n; j++)
        top = T(above)(top, x[j]);
    return top;
}

/* e^(x - shift) of a row; what does not fill a vector at its end is put into one. */
static void T(exponentials)(size_t n, const REAL *x, REAL shift, REAL *out) {
    REAL rest[T(LANES)] = {0};
    const size_t whole = n / T(LANES) * T(LANES);
    for (size_t j = 0; j < whole; j++)
        out[j] = T(exp)(x[j] - shift, 0);
    for (size_t j = whole; j < n; j++)
        rest[j - whole] = x[j] - shift;
    if (whole < n)
        for (size_t l = 0; l < T(LANES); l++)
            rest[l] = T(exp)(rest[l], 0);
    for (size_t j = whole; j < n; j++)
        out[j] = rest[j - whole];
}

/* Rows without gaps: one after the other, vectors along a row. Logarithms are taken of some rows at a time. */
static void T(cross_entropy_of_rows)(size_t rows, size_t columns, const REAL *x, const int64_t *labels, REAL *losses,
                                     REAL *p) {
    enum { TOGETHER = 256 };
    REAL shifted[TOGETHER]; /* the label's logit */
    for (size_t i0 = 0; i0 < rows; i0 += TOGETHER, losses += TOGETHER, labels += TOGETHER) {
        const size_t now = rows - i0 < TOGETHER ? rows - i0 : TOGETHER;
        for (size_t i = 0; i < now; i++, x += columns, p += columns) {
            const REAL shift = T(shift_of)(T(top_of_row)(columns, x));
            T(exponentials)(columns, x, shift, p);
            const REAL total = (REAL)T(sum_row)(columns, p);
            for (size_t j = 0; j < columns; j++)
                p[j] /= total;
            losses[i] = total;
            shifted[i] = x[labels[i]] - shift;
        }
        for (size_t i = 0; i < now; i++)
            losses[i] = T(log)(losses[i], 0);
        for (size_t i = 0; i < now; i++)
            losses[i] -= shifted[i];
    }
}

/* Columns without gaps: some rows at a time, vectors along a column. */
static void T(cross_entropy_of_columns)(size_t rows, size_t columns, const REAL *x, const int64_t *labels, REAL *losses,
                                        REAL *p) {
    enum { TOGETHER = 256 };
    REAL shift[TOGETHER], total[TOGETHER];
    for (size_t i0 = 0; i0 < rows; i0 += TOGETHER) {
        const size_t now = rows - i0 < TOGETHER ? rows - i0 : TOGETHER;
        const REAL *from = x + i0;
        REAL *to = p + i0;
        for (size_t i = 0; i < now; i++)
            shift[i] = from[i];
        for (size_t j = 1; j < columns; j++)
            for (size_t i = 0; i < now; i++)
                shift[i] = T(maximum)(shift[i], from[j * rows + i]);
        for (size_t i = 0; i < now; i++) {
            shift[i] = T(shift_of)(shift[i]);
            total[i] = 0;
        }
        for (size_t j = 0; j < columns; j++) {
            const REAL *column = from + j * rows;
            REAL *share = to + j * rows;
            for (size_t i = 0; i < now; i++) {
                share[i] = T(exp)(column[i] - shift[i], 0);
                total[i] += share[i];
            }
        }
        for (size_t j = 0; j < columns; j++)
            for (size_t i = 0; i < now; i++)
                to[j * rows + i] /= total[i];
        for (size_t i = 0; i < now; i++)
            losses[i0 + i] = T(log)(total[i], 0);
        for (size_t i = 0; i < now; i++)
            losses[i0 + i] -= from[(size_t)labels[i0 + i] * rows + i] - shift[i];
    }
}

/* Rows without gaps that are no longer than the parts of a sum: some of them side by side. The numbers are those of
 * `cross_entropy_of_rows`: sums are added up as `sum_row` does. */
static void T(cross_entropy_of_short_rows)(size_t rows, size_t columns, const REAL *x, const int64_t *labels, REAL *losses,
                                           REAL *p) {
    REAL logits[T(PARTS)][T(ABREAST)] = {{0}}, shift[T(ABREAST)], total[T(ABREAST)];
    double parts[T(PARTS)][T(ABREAST)];
    for (size_t i0 = 0; i0 < rows; i0 += T(ABREAST), x += T(ABREAST) * columns, p += T(ABREAST) * columns) {
        const size_t now = rows - i0 < T(ABREAST) ? rows - i0 : T(ABREAST);
        for (size_t i = 0; i < now; i++)
            for (size_t j = 0; j < columns; j++)
                logits[j][i] = x[i * columns + j];
        for (size_t i = 0; i < T(ABREAST); i++)
            shift[i] = logits[0][i];
        for (size_t j = 1; j < columns; j++)
            for (size_t i = 0; i < T(ABREAST); i++)
                shift[i] = T(above)(shift[i], logits[j][i]);
        for (size_t i = 0; i < T(ABREAST); i++)
            shift[i] = T(shift_of)(shift[i]);
        for (size_t j = 0; j < columns; j++)
            for (size_t i = 0; i < T(ABREAST); i++) {
                logits[j][i] = T(exp)(logits[j][i] - shift[i], 0);
                parts[j][i] = (double)logits[j][i];
            }
        T(sum_abreast)(columns, parts);
        for (size_t i = 0; i < T(ABREAST); i++)
            total[i] = (REAL)parts[0][i];
        for (size_t j = 0; j < columns; j++)
            for (size_t i = 0; i < T(ABREAST); i++)
                logits[j][i] /= total[i];
        for (size_t i = 0; i < now; i++)
            for (size_t j = 0; j < columns; j++)
                p[i * columns + j] = logits[j][i];
        for (size_t i = 0; i < T(ABREAST); i++)
            total[i] = T(log)(total[i], 0);
        for (size_t i = 0; i < now; i++)
            losses[i0 + i] = total[i] - (x[i * columns + (size_t)labels[i0 + i]] - shift[i]);
    }
}

static void T(cross_entropy)(size_t rows, size_t columns, int by_columns, const void *logits, const int64_t *labels,
                             void *losses, void *probabilities) {
    if (by_columns)
        T(cross_entropy_of_columns)(rows, columns, logits, labels, losses, probabilities);
    else if (columns <= T(PARTS))
        T(cross_entropy_of_short_rows)(rows, columns, logits, labels, losses, probabilities);
    else
        T(cross_entropy_of_rows)(rows, columns, logits, labels, losses, probabilities);
}

static void T(cross_entropy_vjp)(size_t rows, size_t columns, int by_columns, const void *g_, const void *probabilities_,
                                 const int64_t *labels, void *cotangent_) {
    const REAL *g = g_, *p = probabilities_;
    REAL *cotangent = cotangent_;
    const size_t rs = by_columns ? 1 : columns, cs = by_columns ? rows : 1;
    if (by_columns) {
        for (size_t j = 0; j < columns; j++)
            for (size_t i = 0; i < rows; i++)
                cotangent[j * rows + i] = T(gated)(g[i], p[j * rows + i]);
    } else {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                cotangent[i * columns + j] = T(gated)(g[i], p[i * columns + j]);
    }
    for (size_t i = 0; i < rows; i++)
        cotangent[i * rs + (size_t)labels[i] * cs] = T(gated)(g[i], p[i * rs + (size_t)labels[i] * cs] - 1);
}
