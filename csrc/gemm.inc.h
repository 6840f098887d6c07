/* Matrix product C = A B (+ bias), packed and blocked, included once for each type and instruction set.
 *
 * The five loops of Goto and van de Geijn (2008) around a micro-kernel that keeps an MR x NR tile of C in registers:
 * NC columns of B at a time are packed for the cache that the cores share, of which panels (KC x NR) pass through the
 * one nearest to the core, and blocks of A (MC x KC) stay in the one between. Packing reads any
 * layout, so transposed operands cost nothing extra. Tiles at the border are computed whole, on zeros, and stored in
 * part. */

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL), T(NR) = NR_VECTORS * VECTOR_BYTES / sizeof(REAL), T(MC) = MR * 16, T(KC) = 256, T(NC) = 4096 };

typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef REAL T(loose_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* a: k columns of MR numbers; b: k rows of NR numbers; tile: MR rows of NR numbers. */
static void T(micro_kernel)(size_t k, const REAL *restrict a, const REAL *restrict b, REAL *restrict tile) {
    T(vector) c[MR][NR_VECTORS] = {{{0}}};
    for (size_t p = 0; p < k; p++, a += MR, b += T(NR)) {
        T(vector) row[NR_VECTORS];
#pragma GCC unroll 8
        for (int j = 0; j < NR_VECTORS; j++)
            row[j] = ((const T(vector) *)b)[j];
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int j = 0; j < NR_VECTORS; j++)
                c[i][j] += a[i] * row[j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int j = 0; j < NR_VECTORS; j++)
            ((T(vector) *)tile)[i * NR_VECTORS + j] = c[i][j];
}

/* rows x k of A as columns of MR numbers, missing rows as zeros. */
static void T(pack_a)(size_t rows, size_t k, const REAL *a, ptrdiff_t rs, ptrdiff_t cs, REAL *restrict to) {
    for (size_t i0 = 0; i0 < rows; i0 += MR) {
        const size_t height = rows - i0 < MR ? rows - i0 : MR;
        const REAL *from = a + (ptrdiff_t)i0 * rs;
        for (size_t p = 0; p < k; p++, to += MR) {
            for (size_t i = 0; i < height; i++)
                to[i] = from[(ptrdiff_t)i * rs + (ptrdiff_t)p * cs];
            for (size_t i = height; i < MR; i++)
                to[i] = 0;
        }
    }
}

/* k x columns of B as panels of NR columns, missing columns as zeros. */
static void T(pack_b)(size_t k, size_t columns, const REAL *b, ptrdiff_t rs, ptrdiff_t cs, REAL *restrict to) {
    for (size_t j0 = 0; j0 < columns; j0 += T(NR)) {
        const size_t width = columns - j0 < T(NR) ? columns - j0 : T(NR);
        const REAL *from = b + (ptrdiff_t)j0 * cs;
        if (cs != 1 && rs == 1) { /* transposed: walk along memory, write across */
            for (size_t j = 0; j < T(NR); j++)
                for (size_t p = 0; p < k; p++)
                    to[p * T(NR) + j] = j < width ? from[(ptrdiff_t)j * cs + (ptrdiff_t)p] : 0;
            to += k * T(NR);
            continue;
        }
        for (size_t p = 0; p < k; p++, to += T(NR)) {
            for (size_t j = 0; j < width; j++)
                to[j] = from[(ptrdiff_t)p * rs + (ptrdiff_t)j * cs];
            for (size_t j = width; j < T(NR); j++)
                to[j] = 0;
        }
    }
}

/* Put a tile into C: the first block of k overwrites and adds the bias, later ones add. */
static void T(store_tile)(size_t rows, size_t columns, const REAL *restrict tile, const REAL *bias, int first,
                          REAL *restrict c, size_t n) {
    for (size_t i = 0; i < rows; i++, tile += T(NR), c += n) {
        if (!first)
            for (size_t j = 0; j < columns; j++)
                c[j] += tile[j];
        else if (bias)
            for (size_t j = 0; j < columns; j++)
                c[j] = tile[j] + bias[j];
        else
            for (size_t j = 0; j < columns; j++)
                c[j] = tile[j];
    }
}

static size_t T(round_up)(size_t n, size_t to) { return (n + to - 1) / to * to; }

static size_t T(gemm_work)(size_t m, size_t n, size_t k) {
    const size_t depth = k < T(KC) ? k : T(KC), height = m < T(MC) ? m : T(MC), width = n < T(NC) ? n : T(NC);
    return (T(round_up)(height, MR) + T(round_up)(width, T(NR))) * depth * sizeof(REAL) + 2 * 64;
}

static REAL *T(aligned)(void *work) { return (REAL *)(((size_t)work + 63) / 64 * 64); }

static void T(gemm)(size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b, const void *bias_, void *c_, void *work) {
    const REAL *A = a.data, *B = b.data, *bias = bias_;
    REAL *C = c_;
    if (k == 0) {
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                C[i * n + j] = bias ? bias[j] : 0;
        return;
    }
    const size_t depth_most = k < T(KC) ? k : T(KC), width_most = n < T(NC) ? n : T(NC);
    REAL *packed_b = T(aligned)(work);
    REAL *packed_a = T(aligned)(packed_b + T(round_up)(width_most, T(NR)) * depth_most);
    REAL tile[MR * NR_VECTORS * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
    for (size_t j0 = 0; j0 < n; j0 += T(NC))
    for (size_t p0 = 0; p0 < k; p0 += T(KC)) {
        const size_t width = n - j0 < T(NC) ? n - j0 : T(NC), depth = k - p0 < T(KC) ? k - p0 : T(KC);
        T(pack_b)(depth, width, B + (ptrdiff_t)p0 * b.row_stride + (ptrdiff_t)j0 * b.column_stride, b.row_stride,
                  b.column_stride, packed_b);
        for (size_t i0 = 0; i0 < m; i0 += T(MC)) {
            const size_t height = m - i0 < T(MC) ? m - i0 : T(MC);
            T(pack_a)(height, depth, A + (ptrdiff_t)i0 * a.row_stride + (ptrdiff_t)p0 * a.column_stride, a.row_stride,
                      a.column_stride, packed_a);
            for (size_t j = 0; j < width; j += T(NR)) {
                const size_t columns = width - j < T(NR) ? width - j : T(NR);
                for (size_t i = 0; i < height; i += MR) {
                    const size_t rows = height - i < MR ? height - i : MR;
                    T(micro_kernel)(depth, packed_a + i * depth, packed_b + j * depth, tile);
                    T(store_tile)(rows, columns, tile, bias ? bias + j0 + j : NULL, p0 == 0, C + (i0 + i) * n + j0 + j, n);
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
