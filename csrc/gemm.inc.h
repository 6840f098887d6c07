/* Matrix product C = A B with an epilogue, included once for each type and instruction set.
 *
 * The loops of Goto and van de Geijn (2008) around the kernels of micro_kernel.inc.h: panels of B pass through the cache
 * nearest to the core while a block of A stays in the next one. Operands are read in place where that is as fast, else
 * copied into contiguous rows block by block (pack.inc.h); so every layout is served by the same kernels.
 *
 * Which side is fused where. Forward: bias and φ on the tile before it is stored. Backward: δ = x̄ ⊙ φ' on the tile of the
 * product that makes x̄; as a prologue it would be computed anew by each of the three that read δ (for x̄, W̄ and b̄). */

/* A block of A (MC x KC, 393 KB) leaves room in a second cache of 512 KB for the panel of B that passes by; a block of B
 * (KC x NC, 4 MB) is for the third. Deeper blocks read and write C less often: float32, n = 1024, 84 % of the core's peak
 * with KC = 256, 88 % with 512. */
enum { T(MC) = 192, T(KC) = 2048 / sizeof(REAL), T(NC) = 2048 };

/* Contiguous rows of B are read in place unless many rows of A pass by (with 128 and 256 of them, 3 to 5 % faster than
 * packed), or they lie a multiple of 4096 bytes apart and share the same few places of the cache: 256 x 1024 x 1024 with B
 * fresh from memory took 7.8 ms in place, 5.8 ms packed. A is copied if it is large and C is wide enough to pay for it. */
enum { T(B_IN_PLACE) = 320, T(A_IN_PLACE) = 128 * 1024 / sizeof(REAL), T(WIDTH_FOR_A) = 64 };

/* How deep blocks are: k in the fewest even parts. */
static size_t T(depth)(size_t k) {
    if (k <= T(KC))
        return k;
    const size_t parts = (k + T(KC) - 1) / T(KC);
    return (k + parts - 1) / parts;
}

static int T(packs_a)(size_t m, size_t n, size_t k) { return n > T(WIDTH_FOR_A) && m * k > T(A_IN_PLACE); }
static int T(packs_b)(size_t m, const tgi_matrix *b) {
    const size_t step = (size_t)b->row_stride * sizeof(REAL);
    return b->column_stride != 1 || m > T(B_IN_PLACE) || (m > T(MC) / 2 && step % 4096 == 0);
}

/* Packed rows are apart by an odd number of vectors: rows at powers of two would share few places of the cache. */
static size_t T(stretch)(size_t length) { return ((length / T(LANES) + 1) | 1) * T(LANES); }

static size_t T(packed_a_size)(size_t m, size_t k) {
    const size_t depth = T(depth)(k), height = T(least)(m, T(MC));
    const size_t by_rows = height * T(stretch)(depth), by_columns = depth * T(stretch)(height);
    return by_rows > by_columns ? by_rows : by_columns;
}

static size_t T(gemm_work)(size_t m, size_t n, size_t k) {
    if (n == 1 && m > 1)
        return T(gemm_work)(1, m, k);
    const size_t a = T(packs_a)(m, n, k) ? T(packed_a_size)(m, k) : 0;
    return (a + T(least)(n, T(NC)) * T(depth)(k)) * sizeof(REAL) + 64;
}

static void T(row_sums)(size_t m, size_t k, const tgi_matrix *a, REAL *sums) {
    const REAL *row = a->data;
    const ptrdiff_t rs = a->row_stride, cs = a->column_stride;
    if (cs == 1) {
        for (size_t i = 0; i < m; i++, row += rs)
            sums[i] = T(sum_of_row)(k, row);
    } else if (rs == 1) {
        for (size_t i = 0; i < m; i += T(LANES))
            T(sums_of_columns)(k, T(least)(m - i, T(LANES)), row + i, cs, sums + i);
    } else {
        for (size_t i = 0; i < m; i++, row += rs) {
            sums[i] = 0;
            for (size_t p = 0; p < k; p++)
                sums[i] += row[(ptrdiff_t)p * cs];
        }
    }
}

/* The function, or its derivative, on a block of C that has just been computed. */
static void T(apply)(const tgi_epilogue *end, size_t rows, size_t columns, REAL *c, const REAL *kept, size_t ldc) {
    if (columns == ldc) {
        columns *= rows;
        rows = 1;
    }
    for (size_t i = 0; i < rows; i++) {
        if (kept)
            T(unary_vjp)(end->function, columns, c + i * ldc, kept + i * ldc, end->p, c + i * ldc);
        else
            T(unary)(end->function, columns, c + i * ldc, end->p, c + i * ldc);
    }
}

static void T(gemm_by_dots)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b,
                            const tgi_epilogue *end, REAL *c, size_t ldc) {
    const REAL *A = a->data, *bias = end->bias;
    for (size_t i = 0; i < m; i += T(DOT_ROWS), A += T(DOT_ROWS) * a->row_stride) {
        const size_t rows = T(least)(m - i, T(DOT_ROWS));
        const REAL *B = b->data;
        for (size_t j = 0; j < n; j += T(DOT_COLUMNS), B += T(DOT_COLUMNS) * b->column_stride)
            T(dots)(rows, T(least)(n - j, T(DOT_COLUMNS)), k, A, a->row_stride, B, b->column_stride, c + i * ldc + j, ldc,
                    end->row_sums && j == 0 ? (REAL *)end->row_sums + i : NULL);
    }
    for (size_t i = 0; bias && i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] += bias[end->bias_of_rows ? i : j];
    if (end->function >= 0)
        T(apply)(end, m, n, c, end->kept, ldc);
}

/* A block of A, `height` rows, in place or packed. */
static tgi_matrix T(block_of_a)(size_t height, size_t depth, const REAL *from, const tgi_matrix *a, REAL *packed) {
    tgi_matrix block = {from, a->row_stride, a->column_stride};
    if (!packed)
        return block;
    block.data = packed;
    if (a->row_stride == 1) {
        block.column_stride = (ptrdiff_t)T(stretch)(height);
        T(pack)(depth, height, from, a->column_stride, 1, packed, T(stretch)(height));
    } else {
        block.row_stride = (ptrdiff_t)T(stretch)(depth);
        block.column_stride = 1;
        T(pack)(height, depth, from, a->row_stride, a->column_stride, packed, T(stretch)(depth));
    }
    return block;
}

/* The tiles under each other that a block of A and a panel of B make; t is that of the first. Their heights are even. */
static void T(multiply_panel)(size_t height, const REAL *a, ptrdiff_t a_row, int wide, T(tile) *t) {
    for (unsigned left = (unsigned)height, strips = (left + MR - 1) / MR; strips > 0; strips--) {
        const unsigned now = strips == 1 ? left : (left + strips - 1) / strips;
        const ptrdiff_t rows = now;
        t->a = a;
        T(kernels)[now - 1][wide](t);
        a += rows * a_row;
        t->c += rows * t->c_row;
        t->kept += rows * t->c_row;
        t->start += rows * t->start_row;
        left -= now;
    }
}

/* A product that is computed block by block, and where its packed operands lie (NULL: they are read in place). */
typedef struct {
    const tgi_matrix *a, *b;
    const tgi_epilogue *end;
    REAL *c;
    size_t ldc;
    REAL *packed_a, *packed_b;
} T(product);

/* `height` rows and `width` columns of C from (i0, j0) on; the terms from p0 on, `depth` of them, which may be the last. */
static void T(multiply_block)(const T(product) *P, size_t i0, size_t height, size_t j0, size_t width, size_t p0,
                              size_t depth, int last) {
    const tgi_matrix *a = P->a, *b = P->b;
    const tgi_epilogue *end = P->end;
    const REAL *bias = end->bias, *kept = end->kept, zero = 0;
    const ptrdiff_t from_a = (ptrdiff_t)i0 * a->row_stride + (ptrdiff_t)p0 * a->column_stride;
    const tgi_matrix block = T(block_of_a)(height, depth, (const REAL *)a->data + from_a, a, P->packed_a);
    REAL *c = P->c + i0 * P->ldc + j0;
    if (kept)
        kept += i0 * P->ldc + j0;
    T(tile) t;
    t.k = depth;
    t.a_row = block.row_stride * (ptrdiff_t)sizeof(REAL);
    t.a_column = block.column_stride * (ptrdiff_t)sizeof(REAL);
    t.c_row = (ptrdiff_t)P->ldc;
    t.adds_vectors = p0 > 0 || (bias && !end->bias_of_rows);
    t.finish = !last || end->function != TGI_relu ? T(STORE) : kept ? T(RELU_VJP) : T(RELU);
    size_t step;
    for (size_t j = 0; j < width; j += step) {
        const int wide = width - j >= T(NR);
        step = wide ? T(NR) : T(least)(width - j, T(LANES));
        t.columns = step;
        t.b = (const REAL *)b->data + (ptrdiff_t)p0 * b->row_stride + (ptrdiff_t)(j0 + j) * b->column_stride;
        t.b_row = b->row_stride;
        if (P->packed_b) { /* by the first of the blocks under each other, for all of them */
            REAL *panel = P->packed_b + j * depth;
            if (i0 == 0)
                T(pack)(depth, step, t.b, b->row_stride, b->column_stride, panel, step);
            t.b = panel;
            t.b_row = (ptrdiff_t)step;
        }
        t.c = c + j;
        t.kept = (kept ? kept : c) + j;
        t.start = &zero;
        t.start_row = 0;
        if (p0 > 0) {
            t.start = t.c;
            t.start_row = t.c_row;
        } else if (bias) {
            t.start = bias + (end->bias_of_rows ? i0 : j0 + j);
            t.start_row = end->bias_of_rows;
        }
        T(multiply_panel)(height, block.data, block.row_stride, wide, &t);
    }
    if (last && end->function >= 0 && end->function != TGI_relu)
        T(apply)(end, height, width, c, kept, P->ldc);
}

static void T(gemm_by_tiles)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b,
                             const tgi_epilogue *end, REAL *c, size_t ldc, void *work) {
    REAL *aligned = (REAL *)(((size_t)work + 63) / 64 * 64);
    T(product) P = {a, b, end, c, ldc, NULL, NULL};
    if (T(packs_a)(m, n, k)) {
        P.packed_a = aligned;
        aligned += T(packed_a_size)(m, k);
    }
    if (T(packs_b)(m, b))
        P.packed_b = aligned;
    const size_t most = T(depth)(k);
    for (size_t j0 = 0; j0 < n; j0 += T(NC)) {
        size_t p0 = 0, depth;
        do { /* once even if k = 0 */
            depth = T(least)(k - p0, most);
            for (size_t i0 = 0; i0 < m; i0 += T(MC)) {
                if (end->stopped && tgi_stopped(end->stopped))
                    return;
                T(multiply_block)(&P, i0, T(least)(m - i0, T(MC)), j0, T(least)(n - j0, T(NC)), p0, depth, p0 + depth == k);
            }
            p0 += depth;
        } while (p0 < k);
    }
}

static void T(multiply)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b, const tgi_epilogue *end,
                        REAL *c, size_t ldc, void *work) {
    /* Along k where a tile would use less than half of its lanes, or too few rows would pay for turning B. */
    const int along_k = a->column_stride == 1 && b->row_stride == 1 && 2 * k >= T(LANES);
    if (along_k && (m < 4 || 2 * n <= T(LANES))) {
        T(gemm_by_dots)(m, n, k, a, b, end, c, ldc);
    } else {
        if (end->row_sums)
            T(row_sums)(m, k, a, end->row_sums);
        T(gemm_by_tiles)(m, n, k, a, b, end, c, ldc, work);
    }
}

static void T(gemm)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b, const tgi_epilogue *end,
                    void *c, size_t ldc, void *work) {
    if (n > 1 || (m == 1 && n == 1)) {
        T(multiply)(m, n, k, a, b, end, c, ldc, work);
        return;
    }
    if (end->row_sums)
        T(row_sums)(m, k, a, end->row_sums);
    if (n == 1) { /* a column is a row of the transposed product, and rows are what vectors hold */
        const tgi_matrix at = {a->data, a->column_stride, a->row_stride}, bt = {b->data, b->column_stride, b->row_stride};
        tgi_epilogue turned = *end;
        turned.bias_of_rows = !end->bias_of_rows;
        turned.row_sums = NULL;
        T(multiply)(1, m, k, &bt, &at, &turned, c, m, work);
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
