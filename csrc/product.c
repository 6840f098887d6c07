/* On how many threads a product runs. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings: 64 x 64 x 256, which has just so many,
 * took 10 us on two threads and 19 us on one. */
static const double WORTH_A_THREAD = 1e6;

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

void tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                 const tgi_epilogue *end, void *c, void *work) {
    K->gemm[kind](m, n, k, &a, &b, end, c, n, work, threads_for(m, n, k));
}
