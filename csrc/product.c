/* Products on several threads: each computes its own rows or columns of C as one thread would, term by term in the same
 * order, so the result does not depend on their number. */
#include "program.h"

#if defined(_OPENMP)
#include <omp.h>
static int most_threads(void) { return omp_get_num_procs(); }
static int threads_now(void) {
    const int most = most_threads(), now = omp_in_parallel() ? 1 : omp_get_max_threads();
    return now < most ? now : most;
}
#else
static int most_threads(void) { return 1; }
static int threads_now(void) { return 1; }
#endif

/* Shares are multiples of this many rows or columns, but for the last: whole vectors of every instruction set. */
enum { GRAIN = 32 };
/* Operations for each thread below which a further one costs more than it brings: 64 x 64 x 256, which has just so many,
 * took 10 us on two threads and 19 us on one. */
static const double WORTH_A_THREAD = 1e6;

/* The longer side of C is shared out: the operand that every thread then reads and packs as a whole is the smaller one. */
static size_t longer_side(size_t m, size_t n) { return m > n ? m : n; }

/* How many threads a product is worth, at most `most_of_all()`, which is not asked for small ones. */
static int threads_for(size_t m, size_t n, size_t k, int (*most_of_all)(void)) {
    const double flops = 2.0 * (double)m * (double)n * (double)k;
    if (flops < 2 * WORTH_A_THREAD)
        return 1;
    const double shares = (double)(longer_side(m, n) / GRAIN), worth = flops / WORTH_A_THREAD;
    const double most = shares < worth ? shares : worth;
    if (most < 2)
        return 1;
    const int there = most_of_all();
    return most < there ? (int)most : there;
}

/* Where the share of thread t begins: whole grains, as evenly as they go. */
static size_t begin_of(size_t total, int t, int threads) {
    const size_t grains = (total + GRAIN - 1) / GRAIN, begin = grains * (size_t)t / (size_t)threads * GRAIN;
    return begin < total ? begin : total;
}

/* The work memory of one thread, on lines of the cache of its own. */
static size_t work_of_one(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k) {
    return (K->gemm_work[kind](m, n, k) + 63) / 64 * 64;
}

size_t tgi_product_work(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k) {
    /* As if all processors took part: how many may is the user's to change between this and the product. */
    return (size_t)threads_for(m, n, k, most_threads) * work_of_one(K, kind, m, n, k);
}

/* Rows or columns `from` to `to` of the product. */
static void compute_share(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, const tgi_matrix *a,
                          const tgi_matrix *b, const tgi_epilogue *end, void *c, void *work, size_t from, size_t to) {
    const size_t item = kind == TGI_FLOAT32 ? sizeof(float) : sizeof(double);
    const int by_rows = m > n;
    const size_t skip = (by_rows ? from * n : from) * item; /* in C and what lies like it */
    const ptrdiff_t first = (ptrdiff_t)(from * item);
    tgi_matrix own_a = *a, own_b = *b;
    tgi_epilogue own = *end;
    if (by_rows)
        own_a.data = (const char *)a->data + first * a->row_stride;
    else
        own_b.data = (const char *)b->data + first * b->column_stride;
    if (end->kept)
        own.kept = (const char *)end->kept + skip;
    if (end->bias && !end->bias_of_rows == !by_rows)
        own.bias = (const char *)end->bias + first;
    if (end->row_sums && by_rows)
        own.row_sums = (char *)end->row_sums + first;
    else if (from > 0) /* they are those of all rows, once */
        own.row_sums = NULL;
    K->gemm[kind](by_rows ? to - from : m, by_rows ? n : to - from, k, &own_a, &own_b, &own, (char *)c + skip, n, work);
}

void tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                 const tgi_epilogue *end, void *c, void *work) {
    const int threads = threads_for(m, n, k, threads_now);
    if (threads == 1) {
        K->gemm[kind](m, n, k, &a, &b, end, c, n, work);
        return;
    }
    const size_t total = longer_side(m, n), room = work_of_one(K, kind, m, n, k);
#if defined(_OPENMP)
#pragma omp parallel for num_threads(threads) schedule(static, 1)
#endif
    for (int t = 0; t < threads; t++)
        compute_share(K, kind, m, n, k, &a, &b, end, c, (char *)work + (size_t)t * room, begin_of(total, t, threads),
                      begin_of(total, t + 1, threads));
}
