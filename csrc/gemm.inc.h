/* Matrix product C = A B with an epilogue, packed and blocked, included once for each type and instruction set.
 *
 * The loops of Goto and van de Geijn (2008) around a micro-kernel that keeps an MR x NR tile of C in registers: panels of
 * B (KC x NR) are packed and pass through the cache nearest to the core, blocks of A (MC x KC) stay in the next one.
 * Packing reads any layout, so transposed operands cost nothing extra. A small A is not packed but read in place. Tiles
 * at the border are computed whole, on repeated rows or on zeros, and stored in part.
 *
 * Which side is fused where. Forward: bias and φ on the tile before it is stored. Backward: δ = x̄ ⊙ φ' on the tile of the
 * product that makes x̄; as a prologue it would be computed anew by each of the three that read δ (for x̄, W̄ and b̄). */

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL), T(NR) = NR_VECTORS * VECTOR_BYTES / sizeof(REAL), T(MC) = MR * 16, T(KC) = 256, T(NC) = 4096 };
enum { T(SMALL_A) = 65536 / sizeof(REAL) }; /* elements of A up to which it is read in place: it stays in the cache */

typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef REAL T(loose_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* rows: where each of MR rows of A begins; step: from one column of A to the next; b: k rows of `vectors` vectors;
 * tile: MR rows of `vectors` vectors. `vectors` is a constant at each call. */
static inline __attribute__((always_inline)) void T(micro_kernel)(const int vectors, size_t k, const REAL *const *rows,
                                                                  ptrdiff_t step, const REAL *restrict b,
                                                                  REAL *restrict tile) {
    T(vector) c[MR][NR_VECTORS];
    const REAL *a[MR];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
        a[i] = rows[i];
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            c[i][j] = (T(vector)){0};
    }
    for (ptrdiff_t p = 0, end = (ptrdiff_t)k * step; p != end; p += step, b += vectors * T(LANES)) {
        T(vector) row[NR_VECTORS];
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            row[j] = ((const T(vector) *)b)[j];
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int j = 0; j < vectors; j++)
                c[i][j] += a[i][p] * row[j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            ((T(vector) *)tile)[i * vectors + j] = c[i][j];
}

/* The same for a packed block of A: k columns of MR numbers. */
static inline __attribute__((always_inline)) void T(packed_kernel)(const int vectors, size_t k, const REAL *restrict a,
                                                                   const REAL *restrict b, REAL *restrict tile) {
    T(vector) c[MR][NR_VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            c[i][j] = (T(vector)){0};
    for (size_t p = 0; p < k; p++, a += MR, b += vectors * T(LANES)) {
        T(vector) row[NR_VECTORS];
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            row[j] = ((const T(vector) *)b)[j];
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int j = 0; j < vectors; j++)
                c[i][j] += a[i] * row[j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++)
            ((T(vector) *)tile)[i * vectors + j] = c[i][j];
}

/* A tile of as many vectors as the width of the panel needs: narrow matrices do not pay for wide ones. */
static void T(tile_in_place)(int vectors, size_t k, const REAL *const *rows, ptrdiff_t step, const REAL *b, REAL *tile) {
    if (vectors == 1)
        T(micro_kernel)(1, k, rows, step, b, tile);
    else if (NR_VECTORS > 2 && vectors == 2)
        T(micro_kernel)(2, k, rows, step, b, tile);
    else
        T(micro_kernel)(NR_VECTORS, k, rows, step, b, tile);
}

static void T(tile_packed)(int vectors, size_t k, const REAL *a, const REAL *b, REAL *tile) {
    if (vectors == 1)
        T(packed_kernel)(1, k, a, b, tile);
    else if (NR_VECTORS > 2 && vectors == 2)
        T(packed_kernel)(2, k, a, b, tile);
    else
        T(packed_kernel)(NR_VECTORS, k, a, b, tile);
}

/* rows x k of A as columns of MR numbers, missing rows as zeros. */
static void T(pack_a)(size_t rows, size_t k, const REAL *a, ptrdiff_t rs, ptrdiff_t cs, REAL *restrict to) {
    for (size_t i0 = 0; i0 < rows; i0 += MR) {
        const size_t height = rows - i0 < MR ? rows - i0 : MR;
        const REAL *from = a + (ptrdiff_t)i0 * rs;
        if (height == MR && rs == 1) {
            for (size_t p = 0; p < k; p++, to += MR)
                for (size_t i = 0; i < MR; i++)
                    to[i] = from[(ptrdiff_t)i + (ptrdiff_t)p * cs];
            continue;
        }
        for (size_t p = 0; p < k; p++, to += MR) {
            for (size_t i = 0; i < height; i++)
                to[i] = from[(ptrdiff_t)i * rs + (ptrdiff_t)p * cs];
            for (size_t i = height; i < MR; i++)
                to[i] = 0;
        }
    }
}

/* One panel: k rows of `columns` numbers of B, each filled with zeros up to `width`. */
static void T(pack_b)(size_t k, size_t columns, size_t width, const REAL *b, ptrdiff_t rs, ptrdiff_t cs,
                      REAL *restrict to) {
    enum { STRETCH = 16 }; /* a transposed panel is written in pieces that stay in the nearest cache */
    if (cs == 1 && columns == T(NR)) {
        for (size_t p = 0; p < k; p++, b += rs)
            for (size_t j = 0; j < T(NR); j++)
                to[p * T(NR) + j] = b[j];
    } else if (rs == 1) {
        for (size_t p0 = 0; p0 < k; p0 += STRETCH) {
            const size_t end = k - p0 < STRETCH ? k : p0 + STRETCH;
            for (size_t j = 0; j < columns; j++)
                for (size_t p = p0; p < end; p++)
                    to[p * width + j] = b[(ptrdiff_t)j * cs + (ptrdiff_t)p];
        }
        if (columns < width)
            for (size_t p = 0; p < k; p++)
                for (size_t j = columns; j < width; j++)
                    to[p * width + j] = 0;
    } else {
        for (size_t p = 0; p < k; p++, to += width) {
            for (size_t j = 0; j < columns; j++)
                to[j] = b[(ptrdiff_t)p * rs + (ptrdiff_t)j * cs];
            for (size_t j = columns; j < width; j++)
                to[j] = 0;
        }
    }
}

/* Put a tile into C. The first block of k adds the bias, later ones what is there, and the last one applies φ, or the
 * derivative of φ, to what has become of it. */
static void T(store_tile)(size_t rows, size_t columns, size_t width, REAL *restrict tile, const tgi_epilogue *end,
                          size_t row, size_t column, int first, int last, REAL *restrict c, size_t n) {
    REAL *at = c + row * n + column;
    const REAL *bias = end->bias;
    if (first && !bias && (!last || end->function < 0)) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                at[i * n + j] = tile[i * width + j];
        return;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            tile[i * width + j] += !first ? at[i * n + j] : bias ? bias[end->bias_of_rows ? row + i : column + j] : 0;
    if (last && end->function >= 0 && end->kept) {
        REAL kept[MR * NR_VECTORS * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
        const REAL *from = (const REAL *)end->kept + row * n + column;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < width; j++)
                kept[i * width + j] = j < columns ? from[i * n + j] : 1;
        T(unary_vjp)(end->function, rows * width, tile, kept, end->p, tile);
    } else if (last && end->function >= 0) {
        T(unary)(end->function, rows * width, tile, end->p, tile);
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            at[i * n + j] = tile[i * width + j];
}

static size_t T(round_up)(size_t n, size_t to) { return (n + to - 1) / to * to; }

static size_t T(gemm_work)(size_t m, size_t n, size_t k) {
    if (n == 1 && m > 1)
        return T(gemm_work)(1, m, k);
    const size_t depth = k < T(KC) ? k : T(KC), height = m < T(MC) ? m : T(MC), width = n < T(NC) ? n : T(NC);
    return (T(round_up)(height, MR) + T(round_up)(width, T(NR))) * depth * sizeof(REAL) + 2 * 64;
}

static REAL *T(aligned)(void *work) { return (REAL *)(((size_t)work + 63) / 64 * 64); }

/* What is left of the product when there is nothing to add up: the epilogue of zeros. */
static void T(gemm_of_nothing)(size_t m, size_t n, const tgi_epilogue *end, REAL *c) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * n + j] = end->bias ? ((const REAL *)end->bias)[end->bias_of_rows ? i : j] : 0;
    if (end->function >= 0 && end->kept)
        T(unary_vjp)(end->function, m * n, c, end->kept, end->p, c);
    else if (end->function >= 0)
        T(unary)(end->function, m * n, c, end->p, c);
}

static void T(gemm)(size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b, const tgi_epilogue *end, void *c_,
                    void *work) {
    REAL *C = c_;
    if (end->row_sums)
        for (size_t i = 0; i < m; i++) {
            REAL sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += ((const REAL *)a.data)[(ptrdiff_t)i * a.row_stride + (ptrdiff_t)p * a.column_stride];
            ((REAL *)end->row_sums)[i] = sum;
        }
    if (k == 0) {
        T(gemm_of_nothing)(m, n, end, C);
        return;
    }
    if (n == 1 && m > 1) { /* a column is a row of the transposed product, and rows are what vectors hold */
        const tgi_matrix at = {a.data, a.column_stride, a.row_stride}, bt = {b.data, b.column_stride, b.row_stride};
        tgi_epilogue turned = *end;
        turned.bias_of_rows = !end->bias_of_rows;
        turned.row_sums = NULL;
        T(gemm)(1, m, k, bt, at, &turned, C, work);
        return;
    }
    const REAL *A = a.data, *B = b.data;
    const size_t depth_most = k < T(KC) ? k : T(KC), width_most = n < T(NC) ? n : T(NC);
    const int in_place = m * k <= T(SMALL_A);
    REAL *packed_b = T(aligned)(work);
    REAL *packed_a = T(aligned)(packed_b + T(round_up)(width_most, T(NR)) * depth_most);
    REAL tile[MR * NR_VECTORS * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
    for (size_t j0 = 0; j0 < n; j0 += T(NC))
    for (size_t p0 = 0; p0 < k; p0 += T(KC)) {
        const size_t width = n - j0 < T(NC) ? n - j0 : T(NC), depth = k - p0 < T(KC) ? k - p0 : T(KC);
        for (size_t i0 = 0; i0 < m; i0 += T(MC)) {
            const size_t height = m - i0 < T(MC) ? m - i0 : T(MC);
            const REAL *block = A + (ptrdiff_t)i0 * a.row_stride + (ptrdiff_t)p0 * a.column_stride;
            if (!in_place)
                T(pack_a)(height, depth, block, a.row_stride, a.column_stride, packed_a);
            for (size_t j = 0; j < width; j += T(NR)) {
                const size_t columns = width - j < T(NR) ? width - j : T(NR);
                const int vectors = columns == T(NR) ? NR_VECTORS : columns <= T(LANES) ? 1 : NR_VECTORS > 2 && columns <= 2 * T(LANES) ? 2 : NR_VECTORS;
                REAL *panel = packed_b + j * depth;
                if (i0 == 0)
                    T(pack_b)(depth, columns, (size_t)vectors * T(LANES),
                              B + (ptrdiff_t)p0 * b.row_stride + (ptrdiff_t)(j0 + j) * b.column_stride, b.row_stride,
                              b.column_stride, panel);
                for (size_t i = 0; i < height; i += MR) {
                    const size_t rows = height - i < MR ? height - i : MR;
                    if (in_place) {
                        const REAL *starts[MR];
                        for (size_t r = 0; r < MR; r++)
                            starts[r] = block + (ptrdiff_t)(i + (r < rows ? r : rows - 1)) * a.row_stride;
                        T(tile_in_place)(vectors, depth, starts, a.column_stride, panel, tile);
                    } else {
                        T(tile_packed)(vectors, depth, packed_a + i * depth, panel, tile);
                    }
                    T(store_tile)(rows, columns, (size_t)vectors * T(LANES), tile, end, i0 + i, j0 + j, p0 == 0,
                                  p0 + depth == k, C, n);
                }
            }
        }
    }
}

static double T(peak)(size_t repeats) {
    enum { CHAINS = 12 }; /* enough to hide the latency of one; with x they still fit into 16 registers */
    T(vector) sums[CHAINS], x = {0};
    /* Unrolled everywhere, or the compiler keeps the sums in memory. */
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        sums[i] = x + (REAL)i;
    x += (REAL)0.999;
    for (size_t r = 0; r < repeats; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = sums[i] * x + x;
    }
    volatile REAL sink = 0; /* what is written here has to be computed */
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        sink = sink + sums[i][0];
    return 2.0 * CHAINS * T(LANES) * (double)repeats;
}
