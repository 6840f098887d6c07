/* Sums along contiguous memory, included once for each type and instruction set: products whose operands both have their
 * k terms side by side, and the sums of A's rows. */

/* Quarters first, so that wide vectors need few steps. */
static inline REAL T(sum_lanes)(T(vector) v) {
    union {
        T(vector) whole;
        T(quad) quads[VECTOR_BYTES / 16];
    } parts = {v};
#pragma GCC unroll 4
    for (int half = VECTOR_BYTES / 32; half > 0; half /= 2)
#pragma GCC unroll 4
        for (int i = 0; i < half; i++)
            parts.quads[i] += parts.quads[i + half];
    const T(quad) q = parts.quads[0];
    return T(SIDE) == 4 ? (q[0] + q[1]) + (q[2 % T(SIDE)] + q[3 % T(SIDE)]) : q[0] + q[1];
}

/* Rows of C and columns at a time: so many sums that their latency is hidden and fit into the registers with their operands. */
#if VECTOR_BYTES == 64
#define DOT_ROWS 4
#define DOT_COLUMNS 5
#define COLUMNS(F, rows) F(rows, 1) F(rows, 2) F(rows, 3) F(rows, 4) F(rows, 5)
#define BLOCKS(F) COLUMNS(F, 1) COLUMNS(F, 2) COLUMNS(F, 3) COLUMNS(F, 4)
#else
#define DOT_ROWS 3
#define DOT_COLUMNS 3
#define COLUMNS(F, rows) F(rows, 1) F(rows, 2) F(rows, 3)
#define BLOCKS(F) COLUMNS(F, 1) COLUMNS(F, 2) COLUMNS(F, 3)
#endif

/* Rows of A, rows of B (columns of the product), and sums of their products lane by lane. */
typedef struct {
    const REAL *a, *b;
    ptrdiff_t a_row, b_row;
    T(vector) sum[DOT_ROWS][DOT_COLUMNS];
} T(dot_block);

/* The next `count` terms, LANES or fewer. */
static inline __attribute__((always_inline)) void T(add_products)(const int rows, const int columns, T(dot_block) *t,
                                                                  size_t count) {
    T(vector) x[DOT_ROWS], y[DOT_COLUMNS];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        x[i] = T(load_part)(t->a + i * t->a_row, count);
#pragma GCC unroll 5
    for (int j = 0; j < columns; j++)
        y[j] = T(load_part)(t->b + j * t->b_row, count);
    t->a += count;
    t->b += count;
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 5
        for (int j = 0; j < columns; j++)
            t->sum[i][j] += x[i] * y[j];
}

/* c[i][j] = the product of row i of A with row j of B. `rows` and `columns` are constants at each call. */
static inline __attribute__((always_inline)) void T(dot)(const int rows, const int columns, size_t k, const REAL *a,
                                                         ptrdiff_t a_row, const REAL *b, ptrdiff_t b_row, REAL *c,
                                                         size_t ldc) {
    T(dot_block) t = {a, b, a_row, b_row, {{{0}}}};
    for (; k >= T(LANES); k -= T(LANES))
        T(add_products)(rows, columns, &t, T(LANES));
    if (k > 0)
        T(add_products)(rows, columns, &t, k);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 5
        for (int j = 0; j < columns; j++)
            c[(size_t)i * ldc + (size_t)j] = T(sum_lanes)(t.sum[i][j]);
}

static void T(dots)(size_t rows, size_t columns, size_t k, const REAL *a, ptrdiff_t a_row, const REAL *b,
                    ptrdiff_t b_row, REAL *c, size_t ldc) {
    switch (rows * 8 + columns) {
#define BLOCK(rows, columns)                                                                                           \
    case rows * 8 + columns:                                                                                           \
        T(dot)(rows, columns, k, a, a_row, b, b_row, c, ldc);                                                          \
        return;
        BLOCKS(BLOCK)
#undef BLOCK
    }
}
#undef BLOCKS
#undef COLUMNS

/* The sum of one row: contiguous numbers. */
static REAL T(sum_of_row)(size_t k, const REAL *x) {
    T(vector) sum = {0};
    for (; k >= T(LANES); k -= T(LANES), x += T(LANES))
        sum += T(load)(x);
    if (k > 0)
        sum += T(load_part)(x, k);
    return T(sum_lanes)(sum);
}

/* sums[j] = the sum of column j of contiguous rows, for up to LANES columns. */
static void T(sums_of_columns)(size_t rows, size_t columns, const REAL *x, ptrdiff_t stride, REAL *sums) {
    enum { CHAINS = 4 }; /* side by side, to hide the latency of one addition */
    T(vector) sum[CHAINS] = {0};
    for (; rows >= CHAINS; rows -= CHAINS)
#pragma GCC unroll 4
        for (int c = 0; c < CHAINS; c++, x += stride)
            sum[c] += T(load_part)(x, columns);
    for (; rows > 0; rows--, x += stride)
        sum[0] += T(load_part)(x, columns);
    T(store_part)(sums, columns, (sum[0] + sum[1]) + (sum[2] + sum[3]));
}
