/* On how many threads a product runs. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings: 64 x 64 x 256, which has just so many,
 * took 10 us on two threads and 19 us on one. */
static const double WORTH_A_THREAD = 1e6;

/* How many threads a product is worth, at most `most_of_all()`, which is not asked for small ones. */
static int threads_for(size_t m, size_t n, size_t k, int (*most_of_all)(void)) {
    const double flops = 2.0 * (double)m * (double)n * (double)k;
    if (flops < 2 * WORTH_A_THREAD)
        return 1;
    const double worth = flops / WORTH_A_THREAD;
    const int there = most_of_all();
    return worth < there ? (int)worth : there;
}

size_t tgi_product_work(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k) {
    return K->gemm_work[kind](m, n, k);
}

void tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                 const tgi_epilogue *end, void *c, void *work) {
    K->gemm[kind](m, n, k, &a, &b, end, c, n, work, threads_for(m, n, k, tgi_threads_now));
}
