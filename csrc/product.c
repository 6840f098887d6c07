/* Products on several threads: each computes its own rows or columns of C, so the result does not depend on their number. */
#include "program.h"

#if defined(_OPENMP)
#include <omp.h>
static int threads_there(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }
#else
static int threads_there(void) { return 1; }
#endif

enum { GRAIN = 48 }; /* pieces are multiples of this many rows or columns: whole tiles of every instruction set */

/* Below some 2 Mflop a thread, waking it costs more than it brings. */
static int threads_for(size_t m, size_t n, size_t k) {
    const double flops = 2.0 * (double)m * (double)n * (double)k;
    const size_t pieces = ((m > n ? m : n) + GRAIN - 1) / GRAIN;
    size_t threads = (size_t)(flops / 2e6);
    threads = threads < pieces ? threads : pieces;
    if (threads < 2)
        return 1;
    const int most = threads_there();
    return threads < (size_t)most ? (int)threads : most;
}

static size_t share(size_t total, int threads) {
    const size_t pieces = (total + GRAIN - 1) / GRAIN;
    return (pieces + (size_t)threads - 1) / (size_t)threads * GRAIN;
}

size_t tgi_product_work(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k) {
    const int threads = threads_for(m, n, k);
    const size_t one = K->gemm_work[kind](m, n, k);
    return threads == 1 ? one : one * (size_t)threads;
}

void tgi_product(const tgi_kernels *K, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                 const tgi_epilogue *end, void *c, void *work) {
    const int threads = threads_for(m, n, k);
    if (threads == 1 || m < n) { /* pieces of columns would not be contiguous: only rows are shared out */
        if (threads == 1 || m < 2 * GRAIN) {
            K->gemm[kind](m, n, k, a, b, end, c, work);
            return;
        }
    }
    const size_t item = kind == TGI_FLOAT32 ? sizeof(float) : sizeof(double), rows = share(m, threads);
    const size_t room = K->gemm_work[kind](m, n, k);
#if defined(_OPENMP)
#pragma omp parallel for num_threads(threads) schedule(static, 1)
#endif
    for (int t = 0; t < threads; t++) {
        const size_t from = (size_t)t * rows, to = from + rows < m ? from + rows : m;
        if (from < to) {
            tgi_matrix mine = a;
            tgi_epilogue own = *end;
            mine.data = (const char *)a.data + (ptrdiff_t)(from * item) * a.row_stride;
            if (end->kept)
                own.kept = (const char *)end->kept + from * n * item;
            K->gemm[kind](to - from, n, k, mine, b, &own, (char *)c + from * n * item, (char *)work + (size_t)t * room);
        }
    }
}
