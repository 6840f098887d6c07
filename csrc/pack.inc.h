/* Copying blocks of a matrix of any layout into panels, included once for each type and instruction set. In a panel some
 * columns lie as contiguous rows, one right behind the other, in the order in which a micro-kernel reads them. */

enum { T(SIDE) = 16 / sizeof(REAL), T(LINE) = 64 / sizeof(REAL) }; /* of blocks turned in registers; of the cache */
typedef REAL T(quad) __attribute__((vector_size(16), aligned(sizeof(REAL)), may_alias));
typedef REAL T(two_quads) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));

/* A SIDE x SIDE block. Zipping the rows of one half with those of the other turns it a bit at a time. From `there` on rows
 * are missing: the last one is read in their stead. */
static inline __attribute__((always_inline)) void T(turn)(size_t there, const REAL *from, ptrdiff_t from_row, REAL *to,
                                                          size_t to_row) {
    T(quad) x[T(SIDE)], y[T(SIDE)];
#pragma GCC unroll 4
    for (size_t i = 0; i < T(SIDE); i++)
        x[i] = *(const T(quad) *)(from + (ptrdiff_t)T(least)(i, there - 1) * from_row);
#pragma GCC unroll 2
    for (int bit = 1; bit < T(SIDE); bit *= 2) {
#pragma GCC unroll 2
        for (int i = 0; i < T(SIDE) / 2; i++) {
            y[2 * i] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_LOW);
            y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_HIGH);
        }
#pragma GCC unroll 4
        for (int i = 0; i < T(SIDE); i++)
            x[i] = y[i];
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < T(SIDE); i++)
        *(T(quad) *)(to + i * to_row) = x[i];
}

/* Two such blocks under each other, side by side in vectors. */
static inline __attribute__((always_inline)) void T(turn_two)(const REAL *from, ptrdiff_t from_row, REAL *to, size_t to_row) {
    T(two_quads) x[T(SIDE)], y[T(SIDE)];
#pragma GCC unroll 4
    for (int i = 0; i < T(SIDE); i++) {
        const REAL *low = from + i * from_row, *high = from + (i + T(SIDE)) * from_row;
#if VECTOR_BYTES > 16
        x[i] = (T(two_quads))load_two(low, high);
#else
        x[i] = __builtin_shufflevector(*(const T(quad) *)low, *(const T(quad) *)high, BESIDE);
#endif
    }
#pragma GCC unroll 2
    for (int bit = 1; bit < T(SIDE); bit *= 2) {
#pragma GCC unroll 2
        for (int i = 0; i < T(SIDE) / 2; i++) {
            y[2 * i] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_LOWS);
            y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_HIGHS);
        }
#pragma GCC unroll 4
        for (int i = 0; i < T(SIDE); i++)
            x[i] = y[i];
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < T(SIDE); i++)
        *(T(two_quads) *)(to + i * to_row) = x[i];
}

/* to[i][j] = from[j][i]: columns of `from` become rows. */
static void T(pack_transposed)(size_t rows, size_t columns, const REAL *from, ptrdiff_t from_row, REAL *restrict to) {
    const size_t odd = columns % T(SIDE), whole = columns - odd;
    /* Blocks of rows; what an odd one writes too much lies where the next row begins, so that there must be one: behind the
     * panel another thread may be writing. */
    const size_t even = odd == 0 ? rows - rows % T(SIDE) : rows > 0 ? (rows - 1) / T(SIDE) * T(SIDE) : 0;
    for (size_t i0 = 0; i0 < even; i0 += T(LINE)) { /* a line of the cache of each column, which is read from it once */
        const size_t end = T(least)(i0 + T(LINE), even);
        size_t i, j = 0;
        if (odd) /* first, so that what is right overwrites it */
            for (i = i0; i < end; i += T(SIDE))
                T(turn)(odd, from + (ptrdiff_t)whole * from_row + (ptrdiff_t)i, from_row, to + i * columns + whole, columns);
        for (; j + 2 * T(SIDE) <= columns; j += 2 * T(SIDE))
            for (i = i0; i < end; i += T(SIDE))
                T(turn_two)(from + (ptrdiff_t)j * from_row + (ptrdiff_t)i, from_row, to + i * columns + j, columns);
        if (j < whole)
            for (i = i0; i < end; i += T(SIDE))
                T(turn)(T(SIDE), from + (ptrdiff_t)j * from_row + (ptrdiff_t)i, from_row, to + i * columns + j, columns);
    }
    for (size_t i = even; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[i * columns + j] = from[(ptrdiff_t)j * from_row + (ptrdiff_t)i];
}

static void T(pack)(size_t rows, size_t columns, const REAL *from, ptrdiff_t rs, ptrdiff_t cs, REAL *restrict to) {
    if (cs == 1) {
        for (; rows > 0; rows--, from += rs, to += columns) {
            size_t j = 0;
            for (; j + T(LANES) <= columns; j += T(LANES))
                T(store)(to + j, T(load)(from + j));
            if (j < columns)
                T(store_part)(to + j, columns - j, T(load_part)(from + j, columns - j));
        }
    } else if (rs == 1) {
        T(pack_transposed)(rows, columns, from, cs, to);
    } else {
        for (; rows > 0; rows--, from += rs, to += columns)
            for (size_t j = 0; j < columns; j++)
                to[j] = from[(ptrdiff_t)j * cs];
    }
}

/* Panels of `step` columns each, then of `rest` or fewer, one behind the other. */
static void T(pack_panels)(size_t rows, size_t columns, size_t step, size_t rest, const REAL *from, ptrdiff_t rs,
                           ptrdiff_t cs, REAL *restrict to) {
    /* A few rows for all panels if they are contiguous, so that memory is read in order; else all for each. */
    const size_t at_once = cs == 1 ? 8 : rows;
    for (size_t i = 0; i < rows; i += at_once, from += (ptrdiff_t)at_once * rs) {
        const size_t count = T(least)(rows - i, at_once);
        for (size_t j = 0, now; j < columns; j += now) {
            now = columns - j >= step ? step : T(least)(columns - j, rest);
            T(pack)(count, now, from + (ptrdiff_t)j * cs, rs, cs, to + j * rows + i * now);
        }
    }
}
