/* Long short-term memory along a sequence: one product and one pass over the gates for each step. */
#include "program.h"

#include <string.h>

/* Where the states after step t (from 0 on) lie among all that is kept; see tgi_lstm. */
static size_t at_c(const tgi_recurrence *s, size_t t) { return t + 1 < s->steps ? 4 * s->steps + t : 6 * s->steps - 1; }
static size_t at_h(const tgi_recurrence *s, size_t t) { return 5 * s->steps - 1 + t; }

size_t tgi_lstm_work(const tgi_kernels *K, int kind, const tgi_recurrence *s) {
    const size_t forward = tgi_product_work(K, kind, s->rows, 4 * s->units, s->units);
    const size_t back = tgi_product_work(K, kind, s->rows, s->units, 4 * s->units);
    const size_t turned = 4 * s->units * s->units * (kind == TGI_FLOAT32 ? 4 : 8);
    return (forward > back ? forward : back) + turned + 128;
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

int tgi_lstm(const tgi_kernels *K, int kind, const tgi_recurrence *s, const void *given_, const void *h, const void *c,
             const void *w, const void *bias, void *kept_, void *work) {
    const size_t item = kind == TGI_FLOAT32 ? 4 : 8, state = s->rows * s->units * item;
    const char *given = given_;
    char *kept = kept_;
    const tgi_epilogue end = {.function = -1, .bias = bias};
    char *turned = (char *)(((size_t)work + 63) / 64 * 64);
    const size_t size = 4 * s->units * s->units * item;
    const tgi_matrix weight = {turned, 4 * (ptrdiff_t)s->units, 1};
    turn(kind, 4 * s->units, s->units, w, turned);
    work = turned + (size + 63) / 64 * 64;
    for (size_t t = 0; t < s->steps; t++) {
        const tgi_matrix before = {h, (ptrdiff_t)s->units, 1};
        char *gates = kept + 4 * t * state, *c_after = kept + at_c(s, t) * state, *h_after = kept + at_h(s, t) * state;
        if (!tgi_product(K, kind, s->rows, 4 * s->units, s->units, before, weight, &end, gates, work))
            return 0;
        K->lstm_step[kind](s->rows, s->units, given + 4 * t * state, c, gates, c_after, h_after);
        h = h_after;
        c = c_after;
    }
    return 1;
}

int tgi_lstm_vjp(const tgi_kernels *K, int kind, const tgi_recurrence *s, const void *g_, const void *kept_,
                 const void *c_first, const void *w, void *out_, void *work) {
    const size_t item = kind == TGI_FLOAT32 ? 4 : 8, state = s->rows * s->units * item;
    const char *g = g_, *kept = kept_;
    char *out = out_, *of_h = out + 4 * s->steps * state, *of_c = of_h + state;
    const tgi_epilogue end = {.function = -1};
    const tgi_matrix weight = {w, (ptrdiff_t)s->units, 1};
    memset(of_h, 0, state);
    memcpy(of_c, g + s->steps * state, state);
    for (size_t t = s->steps; t-- > 0;) {
        const void *before = t > 0 ? kept + at_c(s, t - 1) * state : c_first;
        char *to = out + 4 * t * state;
        const tgi_matrix gates = {to, 4 * (ptrdiff_t)s->units, 1};
        K->lstm_step_vjp[kind](s->rows, s->units, g + t * state, of_h, kept + 4 * t * state, before,
                               kept + at_c(s, t) * state, of_c, to);
        if (!tgi_product(K, kind, s->rows, s->units, 4 * s->units, gates, weight, &end, of_h, work))
            return 0;
    }
    return 1;
}
