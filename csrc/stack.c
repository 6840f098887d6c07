/* Products of stacks of matrices: small ones are shared out among threads whole, each computed as one thread would; large
 * ones are, one after the other, products on several threads. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings, and those after which it is asked
 * whether the result is still wanted. */
static const double WORTH_A_THREAD = 1e6, BEFORE_ASKING = 1e9;

static double operations(const tgi_stack *s) { return 2.0 * (double)s->m * (double)s->n * (double)s->k; }

static size_t matrices(const tgi_stack *s) {
    size_t n = 1;
    for (int d = 0; d < s->ndim; d++)
        n *= (size_t)s->counts[d];
    return n;
}

static int large(const tgi_stack *s) { return operations(s) >= 2 * WORTH_A_THREAD; }

static int threads_for(const tgi_stack *s, int (*most_of_all)(void)) {
    const double count = (double)matrices(s);
    return large(s) ? 1 : tgi_threads_for(count * operations(s), WORTH_A_THREAD, count, most_of_all);
}

static size_t work_of_one(const tgi_kernels *K, int kind, const tgi_stack *s) {
    const size_t wide = tgi_product_work(K, kind, s->m, s->n, s->k), one = K->gemm_work[kind](s->m, s->n, s->k);
    return ((wide > one ? wide : one) + 127) / 64 * 64;
}

size_t tgi_stack_work(const tgi_kernels *K, int kind, const tgi_stack *s) {
    return (size_t)threads_for(s, tgi_most_threads) * work_of_one(K, kind, s) + 64;
}

typedef struct {
    const tgi_kernels *kernels;
    const tgi_stack *s;
    const char *a, *b;
    char *c, *work;
    size_t room;
    int kind, threads, stopped;
} job;

static void compute_share(void *what, int t, int thread) {
    job *j = what;
    const tgi_stack *s = j->s;
    const size_t count = matrices(s), end = count * (size_t)(t + 1) / (size_t)j->threads;
    const ptrdiff_t item = j->kind == TGI_FLOAT32 ? 4 : 8;
    const tgi_epilogue plain = {.function = -1};
    double done = 0;
    for (size_t i = count * (size_t)t / (size_t)j->threads; i < end; i++) {
        ptrdiff_t a = 0, b = 0;
        size_t rest = i;
        for (int d = s->ndim - 1; d >= 0; d--) {
            const ptrdiff_t at = (ptrdiff_t)(rest % (size_t)s->counts[d]);
            rest /= (size_t)s->counts[d];
            a += at * s->a[d];
            b += at * s->b[d];
        }
        const tgi_matrix x = {j->a + a * item, s->a[s->ndim], s->a[s->ndim + 1]};
        const tgi_matrix y = {j->b + b * item, s->b[s->ndim], s->b[s->ndim + 1]};
        char *out = j->c + i * s->m * s->n * (size_t)item;
        if (large(s)) {
            if (!tgi_product(j->kernels, j->kind, s->m, s->n, s->k, x, y, &plain, out, j->work))
                j->stopped = 1;
        } else {
            j->kernels->gemm[j->kind](s->m, s->n, s->k, &x, &y, &plain, out, s->n, j->work + (size_t)thread * j->room, 1);
        }
        done += operations(s);
        if (done > BEFORE_ASKING) {
            done = 0;
            if (tgi_stopped(&j->stopped))
                return;
        }
    }
}

int tgi_stack_product(const tgi_kernels *K, int kind, const tgi_stack *s, const void *a, const void *b, void *c,
                      void *work) {
    char *aligned = (char *)(((size_t)work + 63) / 64 * 64);
    job j = {K, s, a, b, c, aligned, work_of_one(K, kind, s), kind, threads_for(s, tgi_threads_now), 0};
    if (j.threads == 1)
        compute_share(&j, 0, 0);
    else
        tgi_share_out(j.threads, j.threads, compute_share, &j);
    return !j.stopped;
}
