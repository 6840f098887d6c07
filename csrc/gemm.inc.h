/* Matrix product C = A B with an epilogue, included once for each type and instruction set.
 *
 * The loops of Goto and van de Geijn (2008) around the kernels of micro_kernel.inc.h, but with the broadcast operand in the
 * cache nearest to the core: a strip of A stays there while a block of B passes by, whose panels follow each other in
 * memory as they are read. Operands are read in place where that is as fast, else packed block by block (pack.inc.h); so
 * every layout is served by the same kernels. Packing and multiplying are both done in parts, by as many threads as there
 * are (threads.c).
 *
 * Which side is fused where. Forward: bias and φ on the tile before it is stored. Backward: δ = x̄ ⊙ φ' on the tile of the
 * product that makes x̄; as a prologue it would be computed anew by each of the three that read δ (for x̄, W̄ and b̄). */

/* A block of B (KC x NC, at most 1 MB) stays in the second cache while strips of A (MR x KC, 12 or 24 KB, in the first) pass
 * by; those of a block of A (MC x KC, at most 2 MB) wait in the third. float32, n = 2048, of the core's peak: KC = 512 and
 * NC = 384 83 %, 384 and 512 84 %, 256 and 1024 87 %. */
enum { T(KC) = 256, T(NC) = 4096 / sizeof(REAL), T(MC) = 8192 / sizeof(REAL) };

/* Contiguous rows of B are read in place unless many rows of A pass by (with 128 and 256 of them, 3 to 5 % faster than
 * packed), or they lie a multiple of 4096 bytes apart and share the same few places of the cache: 256 x 1024 x 1024 with B
 * fresh from memory took 7.8 ms in place, 5.8 ms packed. A is copied if it is large and C is wide enough to pay for it. */
enum { T(B_IN_PLACE) = 320, T(ALIASED_IN_PLACE) = 96, T(A_IN_PLACE) = 128 * 1024 / sizeof(REAL), T(WIDTH_FOR_A) = 64 };

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
    return b->column_stride != 1 || m > T(B_IN_PLACE) || (m > T(ALIASED_IN_PLACE) && step % 4096 == 0);
}

/* Panels of so many columns or rows together, in whole lines of the cache. */
static size_t T(packed_size)(size_t length, size_t k) {
    return (length * T(depth)(k) + T(LINE) - 1) / T(LINE) * T(LINE);
}

static size_t T(gemm_work)(size_t m, size_t n, size_t k) {
    if (n == 1 && m > 1)
        return T(gemm_work)(1, m, k);
    const size_t a = T(packs_a)(m, n, k) ? T(packed_size)(T(least)(m, T(MC)), k) : 0;
    return (a + T(packed_size)(T(least)(n, T(NC)), k)) * sizeof(REAL) + 64;
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

/* A product that is computed in parts: what it is made of, how far it has come, and what its parts are. A thread takes a
 * part when it is through with another; which of them takes it makes no difference to a single bit, as k is divided by the
 * sizes alone, and all terms of a number are added up in the same order. */
typedef struct {
    size_t m, n, k;
    const tgi_matrix *a, *b;
    const tgi_epilogue *end;
    REAL *c;
    size_t ldc;
    int threads;
    REAL *packed_a, *packed_b; /* NULL: they are read in place */
    size_t i0, rows, j0, columns, p0, depth; /* the block of C, and which terms of it */
    size_t strip;                            /* how many rows a tile has */
    size_t height, width;                    /* of a part of C */
} T(product);

static inline size_t T(parts)(size_t total, size_t each) { return (total + each - 1) / each; }

/* How much goes into one part, whole grains: so that there are a few parts for each thread. */
static size_t T(part_size)(size_t total, size_t grain, size_t wanted) {
    return T(parts)(T(parts)(total, grain), wanted) * grain;
}

static void T(dots_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *a = P->a, *b = P->b;
    const tgi_epilogue *end = P->end;
    const REAL *bias = end->bias, *kept = end->kept;
    const size_t across = T(parts)(P->n, P->width), i0 = (size_t)part / across * P->height, j0 = (size_t)part % across * P->width;
    const size_t m = T(least)(i0 + P->height, P->m), n = T(least)(j0 + P->width, P->n);
    for (size_t i = i0; i < m; i += T(DOT_ROWS))
        for (size_t j = j0; j < n; j += T(DOT_COLUMNS))
            T(dots)(T(least)(m - i, T(DOT_ROWS)), T(least)(n - j, T(DOT_COLUMNS)), P->k,
                    (const REAL *)a->data + (ptrdiff_t)i * a->row_stride, a->row_stride,
                    (const REAL *)b->data + (ptrdiff_t)j * b->column_stride, b->column_stride, P->c + i * P->ldc + j, P->ldc,
                    end->row_sums && j == 0 ? (REAL *)end->row_sums + i : NULL);
    for (size_t i = i0; bias && i < m; i++)
        for (size_t j = j0; j < n; j++)
            P->c[i * P->ldc + j] += bias[end->bias_of_rows ? i : j];
    const size_t at = i0 * P->ldc + j0;
    if (end->function >= 0)
        T(apply)(end, m - i0, n - j0, P->c + at, kept ? kept + at : NULL, P->ldc);
}

/* Some strips of the block of A. */
static void T(pack_a_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *a = P->a;
    const size_t i = (size_t)part * P->height;
    const REAL *from = (const REAL *)a->data + (ptrdiff_t)(P->i0 + i) * a->row_stride + (ptrdiff_t)P->p0 * a->column_stride;
    T(pack_panels)(P->depth, T(least)(P->height, P->rows - i), P->strip, P->strip, from, a->column_stride, a->row_stride,
                   P->packed_a + i * P->depth);
}

/* Some panels of the block of B. */
static void T(pack_b_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *b = P->b;
    const size_t j = (size_t)part * P->width;
    const REAL *from = (const REAL *)b->data + (ptrdiff_t)P->p0 * b->row_stride + (ptrdiff_t)(P->j0 + j) * b->column_stride;
    T(pack_panels)(P->depth, T(least)(P->width, P->columns - j), T(NR), T(LANES), from, b->row_stride, b->column_stride,
                   P->packed_b + j * P->depth);
}

/* Some tiles of the block of C, strip by strip. */
static void T(multiply_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *a = P->a, *b = P->b;
    const tgi_epilogue *end = P->end;
    const REAL *bias = end->bias, *kept = end->kept, zero = 0;
    const size_t across = T(parts)(P->columns, P->width), p0 = P->p0, depth = P->depth;
    const size_t i_begin = (size_t)part / across * P->height, i_end = T(least)(i_begin + P->height, P->rows);
    const size_t j_begin = (size_t)part % across * P->width, j_end = T(least)(j_begin + P->width, P->columns);
    const REAL *A = (const REAL *)a->data + (ptrdiff_t)P->i0 * a->row_stride + (ptrdiff_t)p0 * a->column_stride;
    const REAL *B = (const REAL *)b->data + (ptrdiff_t)p0 * b->row_stride + (ptrdiff_t)P->j0 * b->column_stride;
    const int last = p0 + depth == P->k;
    T(tile) t;
    t.k = depth;
    t.a_row = a->row_stride * (ptrdiff_t)sizeof(REAL);
    t.a_column = a->column_stride * (ptrdiff_t)sizeof(REAL);
    t.b_row = b->row_stride;
    t.c_row = (ptrdiff_t)P->ldc;
    t.adds_vectors = p0 > 0 || (bias && !end->bias_of_rows);
    t.start_row = p0 > 0 ? t.c_row : bias && end->bias_of_rows;
    t.finish = !last || end->function != TGI_relu ? T(STORE) : kept ? T(RELU_VJP) : T(RELU);
    /* In variables of its own: the compiler cannot know that a tile leaves the product's description as it is. */
    const size_t strip = P->strip, row_end = P->rows, column_end = P->columns, ldc = P->ldc;
    const REAL *const packed_a = P->packed_a, *const packed_b = P->packed_b;
    const ptrdiff_t across_b = b->column_stride;
    const int adds = p0 > 0, of_rows = end->bias_of_rows;
    const REAL *start = !bias ? &zero : bias + (of_rows ? P->i0 : P->j0);
    REAL *const C = P->c + P->i0 * ldc + P->j0;
    if (kept)
        kept += P->i0 * ldc + P->j0;
    for (size_t i = i_begin; i < i_end; i += strip) {
        const size_t rows = T(least)(strip, row_end - i);
        t.a = packed_a ? packed_a + i * depth : A + (ptrdiff_t)i * a->row_stride;
        if (packed_a) {
            t.a_row = sizeof(REAL);
            t.a_column = (ptrdiff_t)(rows * sizeof(REAL));
        }
        for (size_t j = j_begin; j < j_end; j += t.columns) {
            const int wide = column_end - j >= T(NR);
            t.columns = wide ? T(NR) : T(least)(column_end - j, T(LANES));
            t.b = packed_b ? packed_b + j * depth : B + (ptrdiff_t)j * across_b;
            if (packed_b)
                t.b_row = (ptrdiff_t)t.columns;
            t.c = C + i * ldc + j;
            t.kept = kept ? kept + i * ldc + j : t.c;
            t.start = adds ? t.c : !bias ? &zero : start + (of_rows ? i : j);
            T(kernels)[rows - 1][!wide ? T(NARROW) : packed_a ? T(PACKED) : T(WIDE)](&t);
        }
    }
    const size_t at = i_begin * ldc + j_begin;
    if (last && end->function >= 0 && end->function != TGI_relu)
        T(apply)(end, i_end - i_begin, j_end - j_begin, C + at, kept ? kept + at : NULL, ldc);
}

/* A block of C: pack what it is made of, then multiply. */
static void T(multiply_block)(T(product) *P) {
    /* Strips are as even as they can be, for the lowest make the least of a row of B. */
    P->strip = T(parts)(P->rows, T(parts)(P->rows, MR));
    P->height = P->rows;
    P->width = P->columns;
    if (P->threads > 1) { /* a few parts for each; of whole rows, unless there are too few of these */
        const size_t wanted = 4 * (size_t)P->threads;
        P->height = T(part_size)(P->rows, P->strip, wanted);
        P->width = T(part_size)(P->columns, T(NR), wanted);
    }
    /* A thread begins with the same share of the parts each time (threads.c): what it has packed, or multiplied before, is
     * near. Packed in the middle of multiplying, two threads were slower than one. */
    const size_t down = T(parts)(P->rows, P->height), across = T(parts)(P->columns, P->width), few = 2 * (size_t)P->threads;
    if (P->packed_a && P->j0 == 0)
        tgi_share_out(P->threads, (int)down, T(pack_a_part), P);
    if (P->packed_b)
        tgi_share_out(P->threads, (int)across, T(pack_b_part), P);
    if (P->packed_b && P->columns > P->rows && across >= few) /* each all of A and its own panels of B */
        P->height = P->rows;
    else if (!P->packed_b && P->rows > 3 * MR && P->depth > 64) /* far apart, few of its rows stay near while A passes by */
        P->width = T(NR);
    else if (down >= few)
        P->width = P->columns;
    tgi_share_out(P->threads, (int)(T(parts)(P->rows, P->height) * T(parts)(P->columns, P->width)), T(multiply_part), P);
}

static void T(gemm_by_tiles)(T(product) *P, void *work) {
    REAL *aligned = (REAL *)(((size_t)work + 63) / 64 * 64);
    if (T(packs_b)(P->m, P->b)) {
        P->packed_b = aligned;
        aligned += T(packed_size)(T(least)(P->n, T(NC)), P->k);
    }
    if (T(packs_a)(P->m, P->n, P->k))
        P->packed_a = aligned;
    const size_t most = T(depth)(P->k);
    for (P->i0 = 0; P->i0 < P->m; P->i0 += T(MC)) {
        P->rows = T(least)(P->m - P->i0, T(MC));
        P->p0 = 0;
        do { /* once even if k = 0 */
            P->depth = T(least)(P->k - P->p0, most);
            for (P->j0 = 0; P->j0 < P->n; P->j0 += T(NC)) {
                if (P->end->stopped && tgi_stopped(P->end->stopped))
                    return;
                P->columns = T(least)(P->n - P->j0, T(NC));
                T(multiply_block)(P);
            }
            P->p0 += P->depth;
        } while (P->p0 < P->k);
    }
}

static void T(multiply)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b, const tgi_epilogue *end,
                        REAL *c, size_t ldc, void *work, int threads) {
    T(product) P = {.m = m, .n = n, .k = k, .a = a, .b = b, .end = end, .c = c, .ldc = ldc, .threads = threads};
    /* Along k where a tile would use less than half of its lanes, or too few rows would pay for turning B. */
    const int along_k = a->column_stride == 1 && b->row_stride == 1 && 2 * k >= T(LANES);
    if (along_k && (m < 4 || 2 * n <= T(LANES))) {
        P.height = m;
        P.width = n;
        if (threads > 1 && m > n)
            P.height = T(part_size)(m, T(DOT_ROWS), 4 * (size_t)threads);
        else if (threads > 1)
            P.width = T(part_size)(n, T(LINE), 4 * (size_t)threads);
        if (m > 0 && n > 0)
            tgi_share_out(threads, (int)(T(parts)(m, P.height) * T(parts)(n, P.width)), T(dots_part), &P);
    } else {
        if (end->row_sums)
            T(row_sums)(m, k, a, end->row_sums);
        T(gemm_by_tiles)(&P, work);
    }
}

static void T(gemm)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b, const tgi_epilogue *end,
                    void *c, size_t ldc, void *work, int threads) {
    if (n > 1 || (m == 1 && n == 1)) {
        T(multiply)(m, n, k, a, b, end, c, ldc, work, threads);
        return;
    }
    if (end->row_sums)
        T(row_sums)(m, k, a, end->row_sums);
    if (n == 1) { /* a column is a row of the transposed product, and rows are what vectors hold */
        const tgi_matrix at = {a->data, a->column_stride, a->row_stride}, bt = {b->data, b->column_stride, b->row_stride};
        tgi_epilogue turned = *end;
        turned.bias_of_rows = !end->bias_of_rows;
        turned.row_sums = NULL;
        T(multiply)(1, m, k, &bt, &at, &turned, c, m, work, threads);
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
