/* Programs from words: whole numbers of 64 bits in the order that docs/programs.md gives, numbers bit by bit among them. */
#include "program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const int64_t *at, *end;
    const char *wrong;
} source;

static int64_t take(source *s) {
    if (s->at < s->end)
        return *s->at++;
    s->wrong = "the words end before the program does";
    return 0;
}

/* A whole number that has to lie between two others. */
static int64_t take_within(source *s, int64_t low, int64_t high, const char *wrong) {
    const int64_t found = take(s);
    if (found >= low && found <= high)
        return found;
    s->wrong = s->wrong ? s->wrong : wrong;
    return low;
}

static double take_double(source *s) {
    const int64_t word = take(s);
    double found;
    memcpy(&found, &word, 8);
    return found;
}

/* Where all numbers are small enough that sums and products of a few of them with sizes of items stay in range. */
static const int64_t MOST = PTRDIFF_MAX > INT32_MAX ? (int64_t)1 << 40 : (int64_t)1 << 30;
static const char *const TOO_LARGE = "a number is too large";

static int small(source *s) { return (int)take_within(s, INT16_MIN, INT16_MAX, TOO_LARGE); }

static tgi_place take_place(source *s) {
    const int64_t slot = take_within(s, -1, INT32_MAX, "there is no such slot");
    return (tgi_place){slot, take_within(s, 0, MOST, "a place lies outside of the memory")};
}

static void *zeros(source *s, size_t size) {
    void *found = calloc(size ? size : 1, 1);
    if (!found)
        s->wrong = "there is no memory for the program";
    return found;
}

static void take_scalars(source *s, tgi_instruction *in) {
    enum { WORDS = 9 };
    if (in->shape[0] < 0 || in->shape[0] > (s->end - s->at) / WORDS) {
        s->wrong = "the words end before the program does";
        return;
    }
    tgi_scalar_instruction *to = zeros(s, (size_t)in->shape[0] * sizeof(*to));
    in->scalars = to;
    for (ptrdiff_t i = 0; to && i < in->shape[0]; i++) {
        to[i].function = (int16_t)small(s);
        to[i].input = (int8_t)take_within(s, -1, 1, "a function has no such input");
        to[i].kind = (int8_t)take_within(s, 0, 1, "there is no such kind of number");
        int32_t *const places[] = {&to[i].g, &to[i].x, &to[i].y, &to[i].value, &to[i].out};
        for (int o = 0; o < 5; o++)
            *places[o] = (int32_t)take_within(s, 0, INT32_MAX, "a place lies outside of the memory");
        to[i].p = take_double(s);
    }
}

static void take_chain(source *s, tgi_instruction *in) {
    tgi_chain *chain = zeros(s, sizeof(*chain));
    if (!chain)
        return;
    in->chain = chain;
    chain->stages = (int32_t)take_within(s, 0, TGI_STAGES, "a chain has too many stages");
    chain->operands = (int32_t)take_within(s, 0, TGI_OPERANDS, "a chain has too many operands");
    for (int i = 0; i < chain->stages; i++) {
        tgi_stage *to = &chain->stage[i];
        to->code = (int16_t)small(s);
        to->function = (int16_t)small(s);
        to->flag = (int16_t)small(s);
        for (int o = 0; o < 4; o++)
            to->from[o] = (int16_t)small(s);
        to->to = (int16_t)small(s);
        to->p = take_double(s);
    }
    for (int i = 0; i < chain->operands; i++) {
        chain->operand[i] = take_place(s);
        chain->each[i] = (int32_t)take_within(s, 0, 1, "an operand of a chain is neither a row nor a number");
    }
}

static void take_windows(source *s, tgi_instruction *in) {
    enum { WORDS = sizeof(tgi_windows) / sizeof(ptrdiff_t) };
    tgi_windows *windows = zeros(s, sizeof(*windows));
    if (!windows)
        return;
    in->windows = windows;
    for (int i = 0; i < WORDS; i++)
        ((ptrdiff_t *)windows)[i] = (ptrdiff_t)take_within(s, 0, (int64_t)1 << 20, TOO_LARGE);
}

static void take_instruction(source *s, tgi_instruction *in) {
    in->code = (int32_t)take_within(s, 0, TGI_CODE_COUNT - 1, "there is no such instruction");
    in->kind = (int32_t)take_within(s, 0, TGI_INT64, "there is no such kind of number");
    in->function = small(s);
    in->flag = small(s);
    in->ndim = (int32_t)take_within(s, 1, TGI_AXES, "there are no arrays of so many axes");
    in->reduced = (int32_t)take_within(s, 0, in->ndim, "more axes are reduced than there are");
    for (int i = 0; i < 6; i++)
        in->p[i] = take_double(s);
    for (int o = 0; o < TGI_PLACES; o++)
        in->at[o] = take_place(s);
    for (int d = 0; d < in->ndim; d++)
        in->shape[d] = (ptrdiff_t)take_within(s, 0, MOST, "an axis has no such length");
    for (int o = 0; o < TGI_PLACES; o++)
        for (int d = 0; in->at[o].slot >= 0 && d < in->ndim; d++)
            in->strides[o][d] = (ptrdiff_t)take_within(s, -MOST, MOST, TOO_LARGE);
    if (s->wrong)
        return;
    if (in->code == TGI_DO_scalars)
        take_scalars(s, in);
    else if (in->code == TGI_DO_chain)
        take_chain(s, in);
    else if (in->code == TGI_DO_convolution || in->code == TGI_DO_pooling)
        take_windows(s, in);
}

size_t tgi_work_of(const tgi_kernels *K, const tgi_instruction *in) {
    const size_t n[] = {(size_t)in->shape[0], (size_t)in->shape[1], (size_t)in->shape[2]};
    const tgi_stack stack = in->code == TGI_DO_stack_product ? tgi_stack_of(in) : (tgi_stack){0};
    const tgi_recurrence sequence = {n[0], n[1], n[2]};
    switch (in->code) {
    case TGI_DO_product:
        return tgi_product_work(K, in->kind, n[0], n[1], n[2]);
    case TGI_DO_stack_product:
        return tgi_stack_work(K, in->kind, &stack);
    case TGI_DO_convolution:
        return tgi_convolution_work(K, in->kind, in->flag, in->windows);
    case TGI_DO_lstm:
        return tgi_lstm_work(K, in->kind, &sequence);
    }
    return 1;
}

static void read_all(const tgi_kernels *K, source *s, tgi_program *p, int64_t *where) {
    if (take(s) != TGI_PROGRAM_VERSION && !s->wrong)
        s->wrong = "it is of another version";
    p->slots = take_within(s, 1, s->end - s->at, "there are more slots than words");
    if (s->wrong || !(p->sizes = zeros(s, (size_t)p->slots * sizeof(*p->sizes))))
        return;
    for (int64_t i = 0; i < p->slots; i++)
        p->sizes[i] = take_within(s, 0, MOST, TOO_LARGE);
    const int64_t count = take_within(s, 0, s->end - s->at, "the words end before the program does");
    p->instructions = zeros(s, (size_t)(2 * count + 1) * sizeof(*p->instructions));
    p->written = zeros(s, (size_t)(2 * count + 1) * sizeof(*p->written));
    p->work = 1;
    for (int64_t i = 0; i < count && !s->wrong; i++) {
        tgi_instruction *in = &p->instructions[p->count], check;
        *where = i;
        p->written[p->count++] = i;
        take_instruction(s, in);
        s->wrong = s->wrong ? s->wrong : tgi_wrong_with(in, p->sizes, p->slots, &check);
        if (s->wrong)
            return;
        if (check.code == TGI_DO_check) {
            p->instructions[p->count] = *in;
            p->written[p->count++] = i;
            *in++ = check;
        }
        in->rows = tgi_rows_of_a_part(in, TGI_PART);
        const size_t work = tgi_work_of(K, in);
        p->work = work > p->work ? work : p->work;
    }
    *where = -1;
    if (!s->wrong && s->at != s->end)
        s->wrong = "there are words after its end";
}

tgi_program *tgi_read_program(const tgi_kernels *K, const int64_t *words, int64_t count, const char **wrong,
                              int64_t *where) {
    source s = {words, words + count, NULL};
    tgi_program *p = zeros(&s, sizeof(*p));
    *where = -1;
    if (p)
        read_all(K, &s, p, where);
    *wrong = s.wrong;
    if (!s.wrong)
        return p;
    tgi_free_program(p);
    return NULL;
}

void tgi_free_program(tgi_program *p) {
    if (!p)
        return;
    for (int64_t i = 0; p->instructions && i < p->count; i++) {
        free((void *)p->instructions[i].scalars);
        free((void *)p->instructions[i].chain);
        free((void *)p->instructions[i].windows);
    }
    free(p->instructions);
    free(p->written);
    free(p->sizes);
    free(p);
}
