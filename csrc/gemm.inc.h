/* Matrix product C = A B with an epilogue, included once for each type and instruction set.
 *
 * The loops of Goto and van de Geijn (2008) around the kernels of micro_kernel.inc.h, in two orders. Of few rows all strips
 * of A, which are packed and stay in the second cache, pass by one panel of B after the other, which is in the first. Of many
 * it is the other way round: a strip of A stays in the first cache while the panels of a block of B, packed, pass by from the
 * second. Operands are read in place where that is as fast, else packed (pack.inc.h); so every layout is served by the same
 * kernels. Packing and multiplying are both done in parts, by as many threads as there are (threads.c).
 *
 * Which side is fused where. Forward: bias and φ on the tile before it is stored. Backward: δ = x̄ ⊙ φ' on the tile of the
 * product that makes x̄; as a prologue it would be computed anew by each of the three that read δ (for x̄, W̄ and b̄). */

/* A panel of B (KC x NR) takes 32 KB of the first cache, a block of it (KC x NC) 1 MB of the second; a block of A (MC x KC)
 * at most 2 MB, which wait in the third where it does not stay in the second. Up to BY_PANELS rows, strips pass by panels:
 * 256 x 1024 x 1024 6 % faster than by blocks of B, 128 x 512 x 784 turned 4 %; but with 1024 rows 2 to 20 % slower. Of
 * WHOLE_A numbers A is packed at once for all terms, and threads meet once instead of once for each block of them. */
enum { T(KC) = 256, T(NC) = 4096 / sizeof(REAL), T(MC) = 8192 / sizeof(REAL) };
enum { T(BY_PANELS) = 2048 / sizeof(REAL), T(WHOLE_A) = 448 * 1024 / sizeof(REAL) };

/* Contiguous rows of B are read in place unless many rows of A pass by, or they lie a multiple of 4096 bytes apart and share
 * the same few places of the cache: 256 x 1024 x 1024 with B fresh from memory took 7.8 ms in place, 5.8 ms packed. A is
 * copied if it is large and C is wide enough to pay for it. Where few terms are added, C counts, and is written row by row. */
enum { T(B_IN_PLACE) = 320, T(ALIASED_IN_PLACE) = 96 };
enum { T(A_IN_PLACE) = 128 * 1024 / sizeof(REAL), T(WIDTH_FOR_A) = 64, T(SHALLOW) = 64 };

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

/* How many terms of A are packed at once: all, if they stay in the second cache, for threads meet once for each block. */
static size_t T(terms)(size_t m, size_t k) { return m <= T(BY_PANELS) && m * k <= T(WHOLE_A) ? k : T(depth)(k); }

/* Numbers in so many rows, of so many terms, in whole lines of the cache. */
static size_t T(packed_size)(size_t length, size_t terms) { return (length * terms + T(LINE) - 1) / T(LINE) * T(LINE); }

static size_t T(gemm_work)(size_t m, size_t n, size_t k) {
    if (n == 1 && m > 1)
        return T(gemm_work)(1, m, k);
    const size_t a = T(packs_a)(m, n, k) ? T(packed_size)(T(least)(m, T(MC)), T(terms)(m, k)) : 0;
    const size_t b = m > T(BY_PANELS) ? T(packed_size)(T(least)(n, T(NC)), T(depth)(k)) : 0;
    return (a + b) * sizeof(REAL) + 64;
}

static inline const REAL *T(place)(const tgi_matrix *x, size_t i, size_t j) {
    return (const REAL *)x->data + (ptrdiff_t)i * x->row_stride + (ptrdiff_t)j * x->column_stride;
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
    REAL *packed_a, *packed_b; /* blocks; NULL: not packed so */
    int packs_panels;          /* of B, each when strips are to pass by */
    size_t i0, rows, j0, columns, p0, terms; /* the block of C, and which terms of it */
    size_t depth;                            /* of how many terms tiles take together */
    size_t strip;                            /* how many rows a tile has */
    size_t height, width;                    /* of a part of C */
    int by_strips;                           /* whether parts are computed row by row of tiles */
} T(product);

/* Mostly one, and divisions are slow. */
static inline size_t T(parts)(size_t total, size_t each) { return total <= each ? 1 : (total + each - 1) / each; }

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
    const size_t each = T(parts)(n - j0, T(parts)(n - j0, DOT_COLUMNS)); /* blocks are as even as they can be */
    for (size_t i = i0; i < m; i += DOT_ROWS)
        for (size_t j = j0; j < n; j += each)
            T(dots)(T(least)(m - i, DOT_ROWS), T(least)(n - j, each), P->k,
                    (const REAL *)a->data + (ptrdiff_t)i * a->row_stride, a->row_stride,
                    (const REAL *)b->data + (ptrdiff_t)j * b->column_stride, b->column_stride, P->c + i * P->ldc + j, P->ldc);
    for (size_t i = i0; bias && i < m; i++)
        for (size_t j = j0; j < n; j++)
            P->c[i * P->ldc + j] += bias[end->bias_of_rows ? i : j];
    const size_t at = i0 * P->ldc + j0;
    if (end->function >= 0)
        T(apply)(end, m - i0, n - j0, P->c + at, kept ? kept + at : NULL, P->ldc);
}

/* The sums of some rows of A. */
static void T(sum_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const size_t i = (size_t)part * P->height;
    const tgi_matrix rows = {T(place)(P->a, i, 0), P->a->row_stride, P->a->column_stride};
    T(row_sums)(T(least)(P->height, P->m - i), P->k, &rows, (REAL *)P->end->row_sums + i);
}

/* Some strips of the block of A; those of the same terms lie together. */
static void T(pack_a_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *a = P->a;
    const size_t i = (size_t)part * P->height;
    for (size_t p = 0, depth; p < P->terms; p += depth) {
        depth = T(least)(P->terms - p, P->depth);
        T(pack_panels)(depth, T(least)(P->height, P->rows - i), P->strip, P->strip, T(place)(a, P->i0 + i, P->p0 + p),
                       a->column_stride, a->row_stride, P->packed_a + p * P->rows + i * depth);
    }
}

/* Some panels of the block of B. */
static void T(pack_b_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_matrix *b = P->b;
    const size_t j = (size_t)part * P->width;
    T(pack_panels)(P->terms, T(least)(P->width, P->columns - j), T(NR), T(LANES), T(place)(b, P->p0, P->j0 + j),
                   b->row_stride, b->column_stride, P->packed_b + j * P->terms);
}

/* Some tiles of the block of C: the terms from the `p`th of the block on. */
static void T(multiply_terms)(const T(product) *P, size_t p, size_t i_begin, size_t i_end, size_t j_begin, size_t j_end,
                              REAL *panel) {
    const tgi_matrix *a = P->a, *b = P->b;
    const tgi_epilogue *end = P->end;
    const REAL *bias = end->bias, *kept = end->kept, zero = 0;
    const size_t depth = T(least)(P->terms - p, P->depth), p0 = P->p0 + p;
    /* In variables of its own: the compiler cannot know that a tile leaves the product's description as it is. */
    const size_t strip = P->strip, row_end = P->rows, column_end = P->columns, ldc = P->ldc;
    const REAL *const packed_a = P->packed_a ? P->packed_a + p * row_end : NULL, *const packed_b = P->packed_b;
    const int adds = p0 > 0, of_rows = end->bias_of_rows, by_strips = P->by_strips;
    const REAL *const A = T(place)(a, P->i0, p0), *const B = T(place)(b, p0, P->j0);
    const ptrdiff_t a_row = a->row_stride, b_row = b->row_stride, b_column = b->column_stride;
    const REAL *start = !bias ? &zero : bias + (of_rows ? P->i0 : P->j0);
    REAL *const C = P->c + P->i0 * ldc + P->j0;
    if (kept)
        kept += P->i0 * ldc + P->j0;
    T(tile) t;
    t.k = depth;
    t.a_row = a_row * (ptrdiff_t)sizeof(REAL);
    t.a_column = a->column_stride * (ptrdiff_t)sizeof(REAL);
    t.b_row = t.ahead_row = b_row;
    t.c_row = (ptrdiff_t)ldc;
    t.adds_vectors = adds || (bias && !of_rows);
    t.start_row = adds ? t.c_row : bias && of_rows;
    t.finish = p0 + depth < P->k || end->function != TGI_relu ? T(STORE) : kept ? T(RELU_VJP) : T(RELU);
    /* While strips pass by a panel that is not packed, they fetch rows of the next one: nobody else knows where they lie. */
    const size_t fetched = depth / T(ROUND); /* by one strip */
    const size_t first = by_strips || b_column != 1 ? depth : 0; /* depth: nothing is fetched */
    size_t ahead = first;
    for (size_t i = i_begin, j = j_begin; i < i_end && j < j_end;) {
        const int wide = column_end - j >= T(NR);
        const size_t rows = T(least)(strip, row_end - i);
        t.columns = wide ? T(NR) : T(least)(column_end - j, T(LANES));
        t.a = packed_a ? packed_a + i * depth : A + (ptrdiff_t)i * a_row;
        if (packed_a) {
            t.a_row = sizeof(REAL);
            t.a_column = (ptrdiff_t)(rows * sizeof(REAL));
        }
        t.b = packed_b ? packed_b + j * depth : panel ? panel : B + (ptrdiff_t)j * b_column;
        if (packed_b || panel)
            t.b_row = (ptrdiff_t)t.columns;
        if (panel && i == i_begin)
            T(pack)(depth, t.columns, B + (ptrdiff_t)j * b_column, b_row, b_column, panel);
        t.ahead = ahead + fetched <= depth && column_end - j >= 2 * T(NR) ? B + j + T(NR) + (ptrdiff_t)ahead * b_row : NULL;
        t.c = C + i * ldc + j;
        t.kept = kept ? kept + i * ldc + j : t.c;
        t.start = adds ? t.c : !bias ? &zero : start + (of_rows ? i : j);
        t.next = by_strips || i + strip >= i_end ? t.c + T(NR) : t.c + strip * ldc;
        T(kernels)[rows - 1][!wide ? T(NARROW) : packed_a ? T(PACKED) : T(WIDE)](&t);
        if (by_strips) {
            j += t.columns;
            if (j >= j_end) {
                j = j_begin;
                i += strip;
            }
        } else {
            ahead += fetched;
            i += strip;
            if (i >= i_end) {
                i = i_begin;
                j += t.columns;
                ahead = first;
            }
        }
    }
}

static void T(multiply_part)(void *product, int part, int thread) {
    (void)thread;
    const T(product) *P = product;
    const tgi_epilogue *end = P->end;
    const size_t across = T(parts)(P->columns, P->width);
    const size_t down = across == 1 ? (size_t)part : (size_t)part / across, i_begin = down * P->height;
    const size_t j_begin = ((size_t)part - down * across) * P->width;
    const size_t i_end = T(least)(i_begin + P->height, P->rows), j_end = T(least)(j_begin + P->width, P->columns);
    _Alignas(64) REAL panel[T(NR) * T(KC)]; /* the thread's own */
    size_t p = 0;
    do { /* once even if k = 0 */
        T(multiply_terms)(P, p, i_begin, i_end, j_begin, j_end, P->packs_panels ? panel : NULL);
        p += P->depth;
    } while (p < P->terms);
    const size_t at = (P->i0 + i_begin) * P->ldc + P->j0 + j_begin;
    if (P->p0 + P->terms == P->k && end->function >= 0 && end->function != TGI_relu)
        T(apply)(end, i_end - i_begin, j_end - j_begin, P->c + at, end->kept ? (const REAL *)end->kept + at : NULL, P->ldc);
}

/* A block of C: pack what it is made of, then multiply. */
static void T(multiply_block)(T(product) *P) {
    /* Strips are as even as they can be, for the lowest make the least of a row of B. */
    P->strip = T(parts)(P->rows, T(parts)(P->rows, MR));
    P->height = P->rows;
    P->width = P->columns;
    if (P->threads > 1) {
        const size_t wanted = 4 * (size_t)P->threads; /* a few parts for each */
        P->height = T(part_size)(P->rows, P->strip, wanted);
        P->width = T(part_size)(P->columns, T(NR), wanted);
    }
    /* A thread begins with the same share of the parts each time (threads.c): what it has packed, or multiplied before, is
     * near. Packed in the middle of multiplying, two threads were slower than one. */
    const size_t down = T(parts)(P->rows, P->height), across = T(parts)(P->columns, P->width);
    if (P->packed_a && P->j0 == 0)
        tgi_share_out(P->threads, (int)down, T(pack_a_part), P);
    if (P->packed_b)
        tgi_share_out(P->threads, (int)across, T(pack_b_part), P);
    /* A strip stays near while the block of B passes by; if this is not packed, all strips pass by a panel of it, but where
     * terms are so few that it is C that counts. */
    P->by_strips = P->packed_b || (!P->packs_panels && P->terms <= T(SHALLOW));
    if (!P->by_strips && (across >= down || across >= 2 * (size_t)P->threads))
        P->height = P->rows;
    else
        P->width = P->columns;
    tgi_share_out(P->threads, (int)(T(parts)(P->rows, P->height) * T(parts)(P->columns, P->width)), T(multiply_part), P);
}

static void T(gemm_by_tiles)(T(product) *P, void *work) {
    const size_t terms = T(terms)(P->m, P->k);
    P->depth = T(depth)(P->k);
    REAL *aligned = (REAL *)(((size_t)work + 63) / 64 * 64);
    const int packs_b = T(packs_b)(P->m, P->b);
    P->packs_panels = packs_b && P->m <= T(BY_PANELS);
    if (packs_b && !P->packs_panels) {
        P->packed_b = aligned;
        aligned += T(packed_size)(T(least)(P->n, T(NC)), P->depth);
    }
    if (T(packs_a)(P->m, P->n, P->k))
        P->packed_a = aligned;
    for (P->i0 = 0; P->i0 < P->m; P->i0 += T(MC)) {
        P->rows = T(least)(P->m - P->i0, T(MC));
        P->p0 = 0;
        do { /* once even if k = 0 */
            P->terms = T(least)(P->k - P->p0, terms);
            for (P->j0 = 0; P->j0 < P->n; P->j0 += T(NC)) {
                if (P->end->stopped && tgi_stopped(P->end->stopped))
                    return;
                P->columns = T(least)(P->n - P->j0, T(NC));
                T(multiply_block)(P);
            }
            P->p0 += P->terms;
        } while (P->p0 < P->k);
    }
}

/* Whether vectors are to go along k, which both operands have side by side: where too few rows would pay for turning B, or
 * where what a tile's unused lanes would cost over all terms is more than what it costs to add up lanes at the end. */
static int T(goes_along_k)(const T(product) *P) {
    const size_t lanes = T(parts)(P->n, T(LANES)) * T(LANES);
    return P->a->column_stride == 1 && P->b->row_stride == 1 && 2 * P->k >= T(LANES) &&
           (P->m < 4 || 2 * P->n <= T(LANES) || (P->n <= 24 && (lanes - P->n) * P->k >= 6 * lanes * T(LANES)));
}

static void T(multiply)(size_t m, size_t n, size_t k, const tgi_matrix *a, const tgi_matrix *b, const tgi_epilogue *end,
                        REAL *c, size_t ldc, void *work, int threads) {
    T(product) P = {.m = m, .n = n, .k = k, .a = a, .b = b, .end = end, .c = c, .ldc = ldc, .threads = threads};
    if (end->row_sums) { /* some whole vectors of them in each part: which are computed together changes nothing */
        P.height = threads > 1 ? T(part_size)(m, 4 * T(LANES), (size_t)threads) : m;
        tgi_share_out(threads, (int)T(parts)(m, P.height), T(sum_part), &P);
    }
    if (!T(goes_along_k)(&P)) {
        T(gemm_by_tiles)(&P, work);
        return;
    }
    P.height = m;
    P.width = n;
    if (threads > 1 && m > n)
        P.height = T(part_size)(m, DOT_ROWS, 4 * (size_t)threads);
    else if (threads > 1)
        P.width = T(part_size)(n, T(LINE), 4 * (size_t)threads);
    if (m > 0 && n > 0)
        tgi_share_out(threads, (int)(T(parts)(m, P.height) * T(parts)(n, P.width)), T(dots_part), &P);
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
