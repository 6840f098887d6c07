/* On how many threads a product runs. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings: in a loop of nothing else 64 x 64 x 256,
 * which has a million for each of two, took 10 us on them and 19 us on one; in a network whose layers have 2.6 million,
 * 100 x 100 with 128 samples, all of that was lost on the way of what one thread had written to the other. */
static const double WORTH_A_THREAD = 2e6;
/* Products of so many pairs of numbers take long enough for somebody to lose patience: some hundredths of a second. */
static const double LONG = 2e9;

/* How many threads a product is worth, of those there are, which are not counted for small ones. */
static int threads_for(size_t m, size_t n, size_t k) {
    const double worth = 2.0 * (double)m * (double)n * (double)k / WORTH_A_THREAD;
    if (worth < 2)
        return 1;
    const int there = tgi_threads_now();
    return worth < there ? (int)worth : there;
}

size_t tgi_product_work(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k) {
    return K->gemm_work[kind](m, n, k);
}

int (*tgi_ask)(void);

int tgi_stopped(int *stopped) {
    if (tgi_ask && tgi_ask())
        __atomic_store_n(stopped, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(stopped, __ATOMIC_RELAXED);
}

int tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                const tgi_epilogue *epilogue, void *c, void *work) {
    int stopped = 0;
    tgi_epilogue end = *epilogue;
    end.stopped = (double)m * (double)n * (double)k > LONG ? &stopped : NULL;
    K->gemm[kind](m, n, k, &a, &b, &end, c, n, work, threads_for(m, n, k));
    return !stopped;
}
