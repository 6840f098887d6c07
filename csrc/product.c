/* Products on several threads: each computes its own rows or columns of C as one thread would, term by term in the same
 * order, so the result does not depend on their number. */
#include "program.h"
#include "threads.h"

/* Shares are multiples of this many rows or columns, but for the last: whole vectors of every instruction set. */
enum { GRAIN = 32 };
/* Operations for each thread below which a further one costs more than it brings: 64 x 64 x 256, which has just so many,
 * took 10 us on two threads and 19 us on one. */
static const double WORTH_A_THREAD = 1e6;
/* Products of so many pairs of numbers take long enough for somebody to lose patience: some hundredths of a second. */
static const double LONG = 2e9;

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
    return (size_t)threads_for(m, n, k, tgi_most_threads) * work_of_one(K, kind, m, n, k);
}

/* A product that is shared out: `total` rows or columns, `room` bytes of work memory for each share. */
typedef struct {
    const tgi_kernels *kernels;
    int kind, threads;
    size_t m, n, k, total, room;
    const tgi_matrix *a, *b;
    const tgi_epilogue *end;
    char *c, *work;
} job;

/* Share t of the rows or columns of the product. */
static void compute_share(void *what, int t) {
    const job *p = what;
    const size_t item = p->kind == TGI_FLOAT32 ? sizeof(float) : sizeof(double);
    const size_t from = begin_of(p->total, t, p->threads), to = begin_of(p->total, t + 1, p->threads);
    const int by_rows = p->m > p->n;
    const size_t skip = (by_rows ? from * p->n : from) * item; /* in C and what lies like it */
    const ptrdiff_t first = (ptrdiff_t)(from * item);
    tgi_matrix a = *p->a, b = *p->b;
    tgi_epilogue own = *p->end;
    if (by_rows)
        a.data = (const char *)a.data + first * a.row_stride;
    else
        b.data = (const char *)b.data + first * b.column_stride;
    if (own.kept)
        own.kept = (const char *)own.kept + skip;
    if (own.bias && !own.bias_of_rows == !by_rows)
        own.bias = (const char *)own.bias + first;
    if (own.row_sums && by_rows)
        own.row_sums = (char *)own.row_sums + first;
    else if (from > 0) /* they are those of all rows, once */
        own.row_sums = NULL;
    p->kernels->gemm[p->kind](by_rows ? to - from : p->m, by_rows ? p->n : to - from, p->k, &a, &b, &own, p->c + skip, p->n,
                              p->work + (size_t)t * p->room);
}

int (*tgi_ask)(void);

int tgi_stopped(int *stopped) {
    if (tgi_ask && tgi_ask())
        __atomic_store_n(stopped, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(stopped, __ATOMIC_RELAXED);
}

int tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                const tgi_epilogue *epilogue, void *c, void *work) {
    const int threads = threads_for(m, n, k, tgi_threads_now);
    int stopped = 0;
    tgi_epilogue end = *epilogue;
    end.stopped = (double)m * (double)n * (double)k > LONG ? &stopped : NULL;
    if (threads == 1) {
        K->gemm[kind](m, n, k, &a, &b, &end, c, n, work);
        return !stopped;
    }
    job product = {K, kind, threads, m, n, k, longer_side(m, n), work_of_one(K, kind, m, n, k), &a, &b, &end, c, work};
    tgi_share_out(threads, compute_share, &product);
    return !stopped;
}
