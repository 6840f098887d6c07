/* Copying blocks of a matrix of any layout into contiguous rows, included once for each type and instruction set. */

enum { T(SIDE) = 16 / sizeof(REAL) }; /* of the square blocks that are transposed in registers */
typedef REAL T(quad) __attribute__((vector_size(16), aligned(sizeof(REAL)), may_alias));

/* A SIDE x SIDE block. Zipping the rows of one half with those of the other turns it a bit at a time. */
static inline void T(transpose_block)(const REAL *from, ptrdiff_t from_row, REAL *to, ptrdiff_t to_row) {
    T(quad) x[T(SIDE)], y[T(SIDE)];
    for (int i = 0; i < T(SIDE); i++)
        x[i] = *(const T(quad) *)(from + i * from_row);
    for (int bit = 1; bit < T(SIDE); bit *= 2) {
        for (int i = 0; i < T(SIDE) / 2; i++) {
            y[2 * i] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_LOW);
            y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + T(SIDE) / 2], ZIP_HIGH);
        }
        for (int i = 0; i < T(SIDE); i++)
            x[i] = y[i];
    }
    for (int i = 0; i < T(SIDE); i++)
        *(T(quad) *)(to + i * to_row) = x[i];
}

/* to[i][j] = from[j][i]: columns of `from` become rows. */
static void T(pack_transposed)(size_t rows, size_t columns, const REAL *from, ptrdiff_t from_row, REAL *restrict to,
                               size_t to_row) {
    enum { STRETCH = 512 / sizeof(REAL) }; /* rows at a time: what is written stays in the nearest cache until its lines are full */
    for (size_t i0 = 0; i0 < rows; i0 += STRETCH) {
        const size_t end = rows - i0 < STRETCH ? rows : i0 + STRETCH;
        size_t j = 0;
        for (; j + T(SIDE) <= columns; j += T(SIDE)) {
            const REAL *at = from + (ptrdiff_t)j * from_row;
            size_t i = i0;
            for (; i + T(SIDE) <= end; i += T(SIDE))
                T(transpose_block)(at + i, from_row, to + i * to_row + j, (ptrdiff_t)to_row);
            for (; i < end; i++)
                for (size_t l = 0; l < T(SIDE); l++)
                    to[i * to_row + j + l] = at[(ptrdiff_t)l * from_row + (ptrdiff_t)i];
        }
        for (; j < columns; j++)
            for (size_t i = i0; i < end; i++)
                to[i * to_row + j] = from[(ptrdiff_t)j * from_row + (ptrdiff_t)i];
    }
}

static void T(pack)(size_t rows, size_t columns, const REAL *from, ptrdiff_t rs, ptrdiff_t cs, REAL *restrict to,
                    size_t to_row) {
    if (cs == 1) {
        for (; rows > 0; rows--, from += rs, to += to_row) {
            size_t j = 0;
            for (; j + T(LANES) <= columns; j += T(LANES))
                T(store)(to + j, T(load)(from + j));
            if (j < columns)
                T(store_part)(to + j, columns - j, T(load_part)(from + j, columns - j));
        }
    } else if (rs == 1) {
        T(pack_transposed)(rows, columns, from, cs, to, to_row);
    } else {
        for (; rows > 0; rows--, from += rs, to += to_row)
            for (size_t j = 0; j < columns; j++)
                to[j] = from[(ptrdiff_t)j * cs];
    }
}
