/* On how many threads a product runs. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings: threads meet three times for each block
 * of terms, and what one has written is far from the other. A network of 784-128-64-10 with 64 samples, whose largest
 * products have 12.8 million, took 300 us a step with those on two threads and 230 us on one. */
static const double WORTH_A_THREAD = 8e6;
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
