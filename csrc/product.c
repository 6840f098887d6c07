/* On how many threads a product runs. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings. A network of 784-128-64-10 with 64 samples,
 * whose largest products have 12.8 million, takes 195 us a step on two threads and 230 us on one; one of 100 layers of 100,
 * with products of 2.6 million, 6.3 ms on one and 6.9 on two. */
static const double WORTH_A_THREAD = 2e6;
/* Products of so many operations take long enough for somebody to lose patience: some hundredths of a second. */
static const double LONG = 4e9;

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
    const double operations = 2.0 * (double)m * (double)n * (double)k;
    int stopped = 0;
    tgi_epilogue end = *epilogue;
    end.stopped = operations > LONG ? &stopped : NULL;
    K->gemm[kind](m, n, k, &a, &b, &end, c, n, work, tgi_threads_for(operations, WORTH_A_THREAD, operations, tgi_threads_now));
    return !stopped;
}
