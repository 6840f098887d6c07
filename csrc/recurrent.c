/* Long short-term memory along a sequence: one product and one pass over the gates for each step. */
#include "program.h"
#include "threads.h"

#include <string.h>

/* Where the states after step t (from 0 on) lie among all that is kept; see tgi_lstm. */
static size_t at_c(const tgi_recurrence *s, size_t t) { return t + 1 < s->steps ? 4 * s->steps + t : 6 * s->steps - 1; }
static size_t at_h(const tgi_recurrence *s, size_t t) { return 5 * s->steps - 1 + t; }

/* Sequences know nothing of each other: threads take some each, from the first step to the last. They have at least so many,
 * or products have too few rows to be fast, and at least so many operations in all steps. */
enum { LEAST_ROWS = 8 };
static const double WORTH_A_THREAD = 4e6;

static int threads_for(const tgi_recurrence *s, int (*there)(void)) {
    const double operations = 8.0 * (double)s->steps * (double)s->rows * (double)s->units * (double)s->units;
    return tgi_threads_for(operations, WORTH_A_THREAD, (double)(s->rows / LEAST_ROWS), there);
}

/* What the products of one thread need, if there are so many. */
static size_t work_of_one(const tgi_kernels *K, int kind, const tgi_recurrence *s, int threads) {
    const size_t rows = (s->rows + (size_t)threads - 1) / (size_t)threads;
    const size_t forward = tgi_product_work(K, kind, rows, 4 * s->units, s->units);
    const size_t back = tgi_product_work(K, kind, rows, s->units, 4 * s->units);
    return ((forward > back ? forward : back) + 127) / 64 * 64;
}

size_t tgi_lstm_work(const tgi_kernels *K, int kind, const tgi_recurrence *s) {
    const size_t turned = 4 * s->units * s->units * (kind == TGI_FLOAT32 ? 4 : 8);
    size_t most = 0;
    for (int threads = threads_for(s, tgi_most_threads); threads > 0; threads--) {
        const size_t all = (size_t)threads * work_of_one(K, kind, s, threads);
        most = all > most ? all : most;
    }
    return most + turned + 128;
}

/* The weight with a row for each unit of the state before, as products want to read it: turned once for all steps. */
#define TURN(type)                                                                                                     \
    for (size_t i0 = 0; i0 < rows; i0 += 16)                                                                           \
        for (size_t j = 0; j < columns; j++)                                                                           \
            for (size_t i = i0; i < rows && i < i0 + 16; i++)                                                          \
    ((type *)out)[j * rows + i] = ((const type *)w)[i * columns + j]

static void turn(int kind, size_t rows, size_t columns, const void *w, void *out) {
    if (kind == TGI_FLOAT32)
        TURN(float);
    else
        TURN(double);
}

typedef struct {
    const tgi_kernels *K;
    int kind, threads, stopped;
    const tgi_recurrence *s;
    const char *given, *kept, *h, *c; /* given: backward, the cotangents */
    tgi_matrix weight;
    tgi_epilogue end;
    char *out, *work;
    size_t room;
} job;

/* Which sequences are those of a part. */
static size_t first_row(const job *j, int part) { return j->s->rows * (size_t)part / (size_t)j->threads; }

static void forward(void *what, int part, int thread) {
    job *j = what;
    const tgi_recurrence *s = j->s;
    const size_t item = j->kind == TGI_FLOAT32 ? 4 : 8, state = s->rows * s->units * item;
    const size_t row = first_row(j, part), rows = first_row(j, part + 1) - row, skipped = row * s->units * item;
    const char *h = j->h + skipped, *c = j->c + skipped;
    char *const kept = j->out, *const work = j->work + (size_t)thread * j->room;
    for (size_t t = 0; t < s->steps; t++) {
        const tgi_matrix before = {h, (ptrdiff_t)s->units, 1};
        char *gates = kept + 4 * (t * state + skipped);
        char *c_after = kept + at_c(s, t) * state + skipped, *h_after = kept + at_h(s, t) * state + skipped;
        if (!tgi_product(j->K, j->kind, rows, 4 * s->units, s->units, before, j->weight, &j->end, gates, work)) {
            j->stopped = 1;
            return;
        }
        j->K->lstm_step[j->kind](rows, s->units, j->given + 4 * (t * state + skipped), c, gates, c_after, h_after);
        h = h_after;
        c = c_after;
    }
}

static void backward(void *what, int part, int thread) {
    job *j = what;
    const tgi_recurrence *s = j->s;
    const size_t item = j->kind == TGI_FLOAT32 ? 4 : 8, state = s->rows * s->units * item;
    const size_t row = first_row(j, part), rows = first_row(j, part + 1) - row, skipped = row * s->units * item;
    const char *const g = j->given + skipped, *const kept = j->kept;
    char *const of_h = j->out + 4 * s->steps * state + skipped, *const of_c = of_h + state;
    char *const work = j->work + (size_t)thread * j->room;
    memset(of_h, 0, rows * s->units * item);
    memcpy(of_c, g + s->steps * state, rows * s->units * item);
    for (size_t t = s->steps; t-- > 0;) {
        const char *before = (t > 0 ? kept + at_c(s, t - 1) * state : j->c) + skipped;
        char *to = j->out + 4 * (t * state + skipped);
        const tgi_matrix gates = {to, 4 * (ptrdiff_t)s->units, 1};
        j->K->lstm_step_vjp[j->kind](rows, s->units, g + t * state, of_h, kept + 4 * (t * state + skipped), before,
                                     kept + at_c(s, t) * state + skipped, of_c, to);
        if (!tgi_product(j->K, j->kind, rows, s->units, 4 * s->units, gates, j->weight, &j->end, of_h, work)) {
            j->stopped = 1;
            return;
        }
    }
}

static int run(job *j, void (*part)(void *, int, int)) {
    j->threads = threads_for(j->s, tgi_threads_now);
    j->room = work_of_one(j->K, j->kind, j->s, j->threads);
    if (j->threads == 1) /* its products may be shared out */
        part(j, 0, 0);
    else
        tgi_share_out(j->threads, j->threads, part, j);
    return !j->stopped;
}

int tgi_lstm(const tgi_kernels *K, int kind, const tgi_recurrence *s, const void *given, const void *h, const void *c,
             const void *w, const void *bias, void *kept, void *work) {
    char *turned = (char *)(((size_t)work + 63) / 64 * 64);
    const size_t size = 4 * s->units * s->units * (kind == TGI_FLOAT32 ? 4 : 8);
    job j = {.K = K, .kind = kind, .s = s, .given = given, .h = h, .c = c, .out = kept, .end = {.function = -1, .bias = bias}};
    j.weight = (tgi_matrix){turned, 4 * (ptrdiff_t)s->units, 1};
    j.work = turned + (size + 63) / 64 * 64;
    turn(kind, 4 * s->units, s->units, w, turned);
    return run(&j, forward);
}

int tgi_lstm_vjp(const tgi_kernels *K, int kind, const tgi_recurrence *s, const void *g, const void *kept, const void *c_first,
                 const void *w, void *out, void *work) {
    job j = {.K = K, .kind = kind, .s = s, .given = g, .kept = kept, .c = c_first, .out = out, .end = {.function = -1}};
    j.weight = (tgi_matrix){w, (ptrdiff_t)s->units, 1};
    j.work = (char *)(((size_t)work + 63) / 64 * 64);
    return run(&j, backward);
}
