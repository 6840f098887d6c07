/* The innermost loops of the matrix product, included once for each type and instruction set.
 *
 * A tile is up to MR rows by NR columns of C, held in registers while k columns of A and k rows of B pass by. There is a
 * kernel for each number of rows and for two widths: NR_VECTORS whole vectors, or one vector of which a part may be
 * used. So no tile computes rows that are not there, and nothing outside of the operands is read. A third one, for whole
 * vectors, has A in a panel of just that many rows: then all of them are under one address, and steps of k under a few. */

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL), T(NR) = NR_VECTORS * VECTOR_BYTES / sizeof(REAL) };
enum { T(ROUND) = 8 }; /* steps of k between which a kernel fetches something that is needed later */

static inline size_t T(least)(size_t a, size_t b) { return a < b ? a : b; }

typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef REAL T(loose_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef __typeof__((T(vector)){0} < (T(vector)){0}) T(lane_mask); /* all bits of a lane or none */

static inline T(vector) T(load)(const REAL *from) { return *(const T(loose_vector) *)from; }
static inline void T(store)(REAL *to, T(vector) v) { *(T(loose_vector) *)to = v; }

/* The first `count` lanes; the others are zeros when read and left alone when written. */
static inline T(vector) T(load_part)(const REAL *from, size_t count) {
#if VECTOR_BYTES > 16
    return (T(vector))load_words(from, count * (sizeof(REAL) / 4));
#else
    if (count == T(LANES))
        return T(load)(from);
    T(vector) v = {0};
#pragma GCC unroll 4
    for (size_t l = 0; l < T(LANES); l++) /* unrolled, or the vector goes through memory */
        v[l] = l < count ? from[l] : 0;
    return v;
#endif
}

static inline void T(store_part)(REAL *to, size_t count, T(vector) v) {
    if (count == T(LANES)) {
        T(store)(to, v);
        return;
    }
#if VECTOR_BYTES > 16
    store_words(to, count * (sizeof(REAL) / 4), (words)v);
#else
#pragma GCC unroll 4
    for (size_t l = 0; l < T(LANES); l++)
        if (l < count)
            to[l] = v[l];
#endif
}

enum T(finish) { T(STORE), T(RELU), T(RELU_VJP) }; /* what a kernel does to its sums on the way to C */

typedef struct {
    size_t k, columns; /* columns: of a narrow tile, at most LANES */
    const REAL *a;
    ptrdiff_t a_row, a_column; /* in bytes */
    const REAL *b, *ahead; /* ahead, unless NULL: rows of B that other tiles will read, of which each round fetches one */
    ptrdiff_t b_row, ahead_row;
    REAL *c;
    const REAL *next; /* of C: of the tile that comes after this one */
    ptrdiff_t c_row;
    /* The sums start from a number for each row (a bias of rows or, with start_row 0, zero) or from vectors (what is in C
     * already or, with start_row 0, a bias of columns). */
    const REAL *start;
    ptrdiff_t start_row;
    int adds_vectors;
    enum T(finish) finish;
    const REAL *kept; /* rows like C's; not read unless for RELU_VJP */
} T(tile);

static inline __attribute__((always_inline)) T(vector) T(load_column)(const int wide, size_t columns,
                                                                      const REAL *row, int j) {
    return wide ? T(load)(row + j * T(LANES)) : T(load_part)(row, columns);
}

enum T(width) { T(NARROW), T(WIDE), T(PACKED) }; /* of a kernel; PACKED: wide, with A in a panel */

/* One step along k: a row of B by a column of A, whose rows lie `share` at a time under one pointer. */
static inline __attribute__((always_inline)) void T(add_step)(const int rows, const int wide, const int share, size_t columns,
                                                              const char **a, ptrdiff_t a_row, ptrdiff_t a_column,
                                                              const REAL **b, ptrdiff_t b_row,
                                                              T(vector) (*c)[NR_VECTORS]) {
    const int vectors = wide ? NR_VECTORS : 1;
    T(vector) row[NR_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++)
        row[j] = T(load_column)(wide, columns, *b, j);
    *b += b_row; /* here, or gcc reads the row anew for each row of A: 3 x 96 x 6 took 110 ns instead of 70 */
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        const REAL factor = *(const REAL *)(a[i / share] + i % share * a_row);
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            c[i][j] += factor * row[j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i += share)
        a[i / share] += a_column;
}

/* `rows` and `width` are constants at each call. */
static inline __attribute__((always_inline)) void T(micro_kernel)(const int rows, const enum T(width) width,
                                                                  const T(tile) *t) {
    enum { SHARE = 3 }; /* rows of A under one pointer: x86 addresses p, p + stride and p + 2 stride */
    const int wide = width != T(NARROW), packed = width == T(PACKED), vectors = wide ? NR_VECTORS : 1;
    const int share = packed ? MR : SHARE;
    const size_t columns = t->columns;
    T(vector) c[MR][NR_VECTORS];
    const REAL *start = t->start;
    if (t->adds_vectors) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++, start += t->start_row)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                c[i][j] = T(load_column)(wide, columns, start, j);
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++, start += t->start_row)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                c[i][j] = *start - (T(vector)){0}; /* spread over the lanes; less zero changes nothing, not even -0 */
    }
    const ptrdiff_t a_row = packed ? (ptrdiff_t)sizeof(REAL) : t->a_row, b_row = t->b_row;
    const ptrdiff_t a_column = packed ? rows * (ptrdiff_t)sizeof(REAL) : t->a_column;
    const char *a[(MR + SHARE - 1) / SHARE];
    const REAL *b = t->b;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i += share)
        a[i / share] = (const char *)t->a + i * a_row;
    size_t p = t->k;
    if (packed) {
        /* Meanwhile the next tile's rows of C are fetched, one each round: all at once would keep B waiting. */
        const REAL *next = t->next, *ahead = t->ahead;
        for (int i = 0; p >= T(ROUND) && (i < rows || ahead); p -= T(ROUND), i++) {
            if (i < rows) {
                __builtin_prefetch(next, 1);
                __builtin_prefetch(next + T(NR) - 1, 1);
                next += t->c_row;
            }
            if (ahead) {
                __builtin_prefetch(ahead, 0, 2);
                __builtin_prefetch(ahead + T(NR) - 1, 0, 2);
                ahead += t->ahead_row;
            }
#pragma GCC unroll 1 /* whole rounds at once leave gcc short of registers */
            for (int q = 0; q < T(ROUND); q++)
                T(add_step)(rows, wide, share, columns, a, a_row, a_column, &b, b_row, c);
        }
#pragma GCC unroll 4
        for (; p > 0; p--)
            T(add_step)(rows, wide, share, columns, a, a_row, a_column, &b, b_row, c);
    }
    for (; p > 0; p--)
        T(add_step)(rows, wide, share, columns, a, a_row, a_column, &b, b_row, c);
    if (t->finish == T(RELU)) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                c[i][j] = (T(vector))((T(lane_mask))c[i][j] & ~(c[i][j] < 0)); /* NaN stays NaN */
    } else if (t->finish == T(RELU_VJP)) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++) {
                const T(vector) kept = T(load_column)(wide, columns, t->kept + i * t->c_row, j);
                c[i][j] = (T(vector))((T(lane_mask))c[i][j] & (kept > 0));
            }
    }
    REAL *to = t->c;
    const ptrdiff_t c_row = t->c_row;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++, to += c_row)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            if (wide)
                T(store)(to + j * T(LANES), c[i][j]);
            else
                T(store_part)(to, columns, c[i][j]);
        }
}

typedef void (*T(kernel))(const T(tile) *);
#define KERNELS(rows)                                                                                                  \
    static void T(narrow_##rows)(const T(tile) *t) { T(micro_kernel)(rows, T(NARROW), t); }                            \
    static void T(wide_##rows)(const T(tile) *t) { T(micro_kernel)(rows, T(WIDE), t); }                                \
    static void T(packed_##rows)(const T(tile) *t) { T(micro_kernel)(rows, T(PACKED), t); }
ROWS(KERNELS)
#undef KERNELS
#define NAMES(rows) {T(narrow_##rows), T(wide_##rows), T(packed_##rows)},
static const T(kernel) T(kernels)[MR][3] = {ROWS(NAMES)};
#undef NAMES
