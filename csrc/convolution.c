/* Convolutions on several threads: each computes its own samples or, of the weight's cotangent, the rows of its own
 * channels, as one thread would. So the result does not depend on their number. */
#include "program.h"
#include "threads.h"

/* Operations for each thread below which a further one costs more than it brings, and those after which it is asked
 * whether the result is still wanted. */
static const double WORTH_A_THREAD = 1e6, BEFORE_ASKING = 1e9;

static double operations(const tgi_windows *w) {
    double n = 2.0 * (double)w->samples * (double)w->groups * (double)w->inputs * (double)w->outputs;
    for (int d = 0; d < 3; d++)
        n *= (double)w->counts[d] * (double)w->size[d];
    return n;
}

static ptrdiff_t parts_of(int which, const tgi_windows *w) {
    return which == TGI_BY_WEIGHT ? w->groups * w->inputs : w->samples;
}

static int threads_for(int which, const tgi_windows *w, int (*most_of_all)(void)) {
    return tgi_threads_for(operations(w), WORTH_A_THREAD, (double)parts_of(which, w), most_of_all);
}

static size_t work_of_one(const tgi_kernels *K, int kind, int which, const tgi_windows *w) {
    return (K->convolve[kind](which, w, 0, 0, NULL, NULL, NULL, NULL, NULL) + 127) / 64 * 64;
}

size_t tgi_convolution_work(const tgi_kernels *K, int kind, int which, const tgi_windows *w) {
    return (size_t)threads_for(which, w, tgi_most_threads) * work_of_one(K, kind, which, w) + 64;
}

typedef struct {
    const tgi_kernels *kernels;
    int kind, which, threads, stopped;
    const tgi_windows *w;
    const void *a, *b, *bias;
    void *out;
    char *work;
    size_t room;
} job;

static void compute_share(void *what, int t, int thread) {
    job *j = what;
    const ptrdiff_t parts = parts_of(j->which, j->w), end = parts * (t + 1) / j->threads;
    const double each = operations(j->w) / (double)(parts > 0 ? parts : 1);
    const ptrdiff_t at_once = each * (double)parts <= BEFORE_ASKING ? parts : each >= BEFORE_ASKING ? 1 : (ptrdiff_t)(BEFORE_ASKING / each);
    for (ptrdiff_t at = parts * t / j->threads; at < end; at += at_once) {
        if (at_once < parts && tgi_stopped(&j->stopped))
            return;
        j->kernels->convolve[j->kind](j->which, j->w, at, end - at < at_once ? end : at + at_once, j->a, j->b, j->bias, j->out,
                                      j->work + (size_t)thread * j->room);
    }
}

int tgi_convolve(const tgi_kernels *K, int kind, int which, const tgi_windows *w, const void *a, const void *b,
                 const void *bias, void *out, void *work) {
    char *aligned = (char *)(((size_t)work + 63) / 64 * 64);
    job j = {K, kind, which, threads_for(which, w, tgi_threads_now), 0, w, a, b, bias, out, aligned,
             work_of_one(K, kind, which, w)};
    if (j.threads == 1)
        compute_share(&j, 0, 0);
    else
        tgi_share_out(j.threads, j.threads, compute_share, &j);
    return !j.stopped;
}
