/* From bytes to instructions: all that the recorder and the optimizer can make, and what program.h promises besides. */
#include "test_fuzz.h"

static int pick_unary(source *s) { return (int)pick(s, TGI_UNARY_FUNCTIONS); }
static int pick_differentiable_binary(source *s) {
    return TGI_UNARY_FUNCTIONS + (int)pick(s, TGI_RELATIONS - TGI_UNARY_FUNCTIONS);
}
static int pick_binary(source *s) { /* or a relation */
    return TGI_UNARY_FUNCTIONS + (int)pick(s, TGI_FUNCTIONS - TGI_UNARY_FUNCTIONS);
}

int reads_of(int function, int input) {
    static const int8_t reads[][2] = {
        [TGI_mul - TGI_UNARY_FUNCTIONS] = {READS_Y, READS_X},
        [TGI_div - TGI_UNARY_FUNCTIONS] = {READS_Y, READS_Y | READS_RESULT},
        [TGI_pow - TGI_UNARY_FUNCTIONS] = {READS_X | READS_Y, READS_X | READS_RESULT},
        [TGI_maximum - TGI_UNARY_FUNCTIONS] = {READS_X | READS_Y, READS_X | READS_Y},
        [TGI_minimum - TGI_UNARY_FUNCTIONS] = {READS_X | READS_Y, READS_X | READS_Y},
        [TGI_gated - TGI_UNARY_FUNCTIONS] = {READS_Y, READS_X},
        [TGI_gated_quotient - TGI_UNARY_FUNCTIONS] = {READS_Y, READS_X | READS_Y},
        [TGI_binary_cross_entropy_with_logits - TGI_UNARY_FUNCTIONS] = {READS_X | READS_Y, READS_X},
    };
    return reads[function - TGI_UNARY_FUNCTIONS][input];
}

static double pick_parameter(source *s) { return (double)pick(s, 9) / 4 - 1; } /* is the same in float */

static void make_elementwise(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const int strided = in->code == TGI_DO_binary || in->code == TGI_DO_select;
    const ptrdiff_t n = pick_shape(s, t, strided ? 1 + (int)pick(s, 5) : 1);
    in->p[0] = pick_parameter(s);
    if (in->code == TGI_DO_unary || in->code == TGI_DO_unary_vjp) {
        in->function = pick_unary(s);
        add_row(s, t, TGI_A, in->kind, n);
        if (in->code == TGI_DO_unary_vjp)
            add_row(s, t, TGI_B, in->kind, n);
    } else if (in->code == TGI_DO_binary_vjp) {
        in->function = pick_differentiable_binary(s);
        in->flag = (int)pick(s, 2);
        if (in->function == TGI_binary_cross_entropy_with_logits && t->numbers == NOT_FINITE)
            t->numbers = ANY_NUMBERS; /* an infinite target times a sigmoid that is 0 in one precision only */
        const int reads = reads_of(in->function, in->flag) | (int)pick(s, 8);
        add_row(s, t, TGI_A, in->kind, n);
        for (int o = 0; o < 3; o++)
            if (reads >> o & 1)
                add_row(s, t, TGI_B + o, in->kind, n);
    } else {
        in->function = in->code == TGI_DO_binary ? pick_binary(s) : 0;
        for (int o = 0; o < (in->code == TGI_DO_binary ? 2 : 3); o++)
            add(s, t, TGI_A + o, in->kind, in->ndim, in->shape, pick(s, 2) ? WHOLE : ANY_STRIDES);
    }
    add_result(s, t, n);
}

static void make_copy(source *s, test_case *t) {
    pick_shape(s, t, 1 + (int)pick(s, TGI_AXES));
    t->in.kind = (int)pick(s, 3);
    t->in.flag = (int)pick(s, 3);
    add(s, t, TGI_A, t->in.flag, t->in.ndim, t->in.shape, ANY_STRIDES);
    add(s, t, TGI_OUT, t->in.kind, t->in.ndim, t->in.shape, APART);
}

static void make_reduce(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    pick_shape(s, t, 1 + (int)pick(s, TGI_AXES));
    in->reduced = (int)pick(s, (unsigned)in->ndim + 1);
    in->function = (int)pick(s, TGI_NORM + 1);
    if (in->function == TGI_SUM && t->numbers == ANY_NUMBERS)
        t->numbers = NOT_FINITE; /* whether a sum overflows depends on the order of its terms */
    add(s, t, TGI_A, in->kind, in->ndim, in->shape, ANY_STRIDES);
    ptrdiff_t kept = 1;
    for (int d = 0; d < in->ndim - in->reduced; d++)
        kept *= in->shape[d];
    add_row(s, t, TGI_OUT, in->kind, kept);
}

static void make_product(source *s, test_case *t) {
    static const int16_t sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,   9,   11,  12,  13,  15,  16,   17,   24,  31,
                                    32, 33, 48, 50, 63, 64, 65, 97, 130, 193, 200, 260, 321, 400, 513, 1100, 2050};
    tgi_instruction *in = &t->in;
    ptrdiff_t *n = in->shape;
    in->ndim = 3;
    for (int d = 0; d < 3; d++)
        n[d] = sizes[pick(s, sizeof sizes / sizeof *sizes)];
    /* Seldom so large that A is packed, too: it takes long. */
    const ptrdiff_t most = pick(s, 256) == 255 ? 2500000 : 60000;
    for (int d = (int)pick(s, 3); n[0] * n[1] * n[2] > most; d = (d + 1) % 3)
        n[d] = n[d] > 64 ? n[d] / 8 : n[d] > 4 ? 3 : n[d];
    if (t->numbers == ANY_NUMBERS)
        t->numbers = NOT_FINITE;
    in->flag = (int)pick(s, 2);
    const unsigned with = pick(s, 16);
    in->function = with & 1 ? (pick(s, 2) ? TGI_relu : pick_unary(s)) : -1;
    in->p[0] = pick_parameter(s);
    const ptrdiff_t a[2] = {n[0], n[2]}, b[2] = {n[2], n[1]}, c[2] = {n[0], n[1]};
    add(s, t, TGI_A, in->kind, 2, a, ANY_STRIDES);
    add(s, t, TGI_B, in->kind, 2, b, ANY_STRIDES);
    if (with & 2)
        add_row(s, t, TGI_C, in->kind, n[in->flag ? 0 : 1]);
    if ((with & 5) == 5)
        add(s, t, TGI_D, in->kind, 2, c, WHOLE);
    if (with & 8)
        add_row(s, t, TGI_E, in->kind, n[0]);
    add(s, t, TGI_OUT, in->kind, 2, c, WHOLE);
    for (int o = TGI_A; o <= TGI_B; o++)
        for (int d = 0; d < 2; d++)
            in->strides[o][d] = t->of[o].strides[d] / (ptrdiff_t)item_of(in->kind);
}

/* Whole numbers from 0 to `end` - 1. */
static void add_indices(source *s, test_case *t, int which, ptrdiff_t n, ptrdiff_t end) {
    operand *x = add_row(s, t, which, TGI_INT64, n);
    for (ptrdiff_t i = 0; i < n; i++)
        set(x, x->first + 8 * i, (double)(random_bits(s) % (uint64_t)end));
}

static void make_cross_entropy(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const int forward = in->code == TGI_DO_cross_entropy;
    pick_shape(s, t, 2);
    const ptrdiff_t rows = in->shape[0], columns = rows > 0 && in->shape[1] == 0 ? in->shape[1] = 1 : in->shape[1];
    const ptrdiff_t lies[2] = {rows, columns};
    in->flag = (int)pick(s, 2);
    if (t->numbers == ANY_NUMBERS && forward)
        t->numbers = NOT_FINITE;
    if (forward)
        add(s, t, TGI_A, in->kind, 2, lies, WHOLE);
    else
        add_row(s, t, TGI_A, in->kind, rows);
    add_indices(s, t, forward ? TGI_B : TGI_C, rows, columns > 0 ? columns : 1);
    add(s, t, forward ? TGI_C : TGI_B, in->kind, 2, lies, WHOLE);
    if (forward)
        add_row(s, t, TGI_OUT, in->kind, rows);
    else
        add(s, t, TGI_OUT, in->kind, 2, lies, WHOLE);
    for (int o = 0; o < TGI_PLACES; o++) { /* those that lie like the logits, by columns */
        operand *x = &t->of[o];
        if (in->flag && x->memory && x->kind != TGI_INT64 && x->strides[1] != 0)
            x->strides[0] = (ptrdiff_t)item_of(in->kind), x->strides[1] = rows * (ptrdiff_t)item_of(in->kind);
    }
}

static void make_update(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const int adam = in->code == TGI_DO_adam;
    const ptrdiff_t n = pick_shape(s, t, 1);
    t->numbers = SMALL_NUMBERS;
    in->flag = (int)pick(s, 2);
    add_row(s, t, TGI_A, in->kind, n);
    if (adam || pick(s, 2))
        add_row(s, t, TGI_B, in->kind, n);
    operand *rate = add_row(s, t, TGI_C, TGI_FLOAT64, 1);
    set(rate, rate->first, uniform(s, 0, 0.5));
    if (adam) {
        operand *v = add_row(s, t, TGI_D, in->kind, n), *powers = add_row(s, t, TGI_E, TGI_FLOAT64, 2);
        for (ptrdiff_t i = 0; i < n; i++)
            set(v, v->first + i * (ptrdiff_t)item_of(in->kind), uniform(s, 0.1, 2));
        set(powers, powers->first, uniform(s, 0.1, 1)), set(powers, powers->first + 8, uniform(s, 0.1, 1));
        in->p[0] = 0.875, in->p[1] = 0.96875, in->p[2] = 0x1p-20, in->p[3] = pick(s, 2) ? 0.125 : 0;
    } else {
        in->p[0] = 0.75, in->p[1] = pick(s, 2) ? 0.125 : 0;
    }
    add_row(s, t, TGI_OUT, in->kind, n);
}

static void make_picking(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const int gathers = in->code == TGI_DO_gather;
    const ptrdiff_t there = pick_length(s), n = there > 0 ? pick_length(s) : 0;
    if (gathers)
        in->kind = (int)pick(s, 3);
    const ptrdiff_t width = pick(s, 2) ? 1 : pick(s, 9);
    in->ndim = gathers ? 2 : 3;
    in->shape[0] = n;
    in->shape[1] = width;
    in->shape[2] = gathers ? 0 : there;
    add_row(s, t, TGI_A, in->kind, (gathers ? there : n) * width);
    add_indices(s, t, TGI_B, n, there);
    add_row(s, t, TGI_OUT, in->kind, (gathers ? n : there) * width);
}

static void make_check(source *s, test_case *t) {
    t->in.kind = (int)pick(s, 3);
    t->in.p[0] = -(double)pick(s, 12);
    t->in.p[1] = (double)pick(s, 12);
    add_row(s, t, TGI_A, t->in.kind, pick_shape(s, t, 1));
}

/* The machine's memory in two halves, so that a number of one kind is never taken for one of the other. */
static void make_scalars(source *s, test_case *t) {
    const ptrdiff_t size = 32;
    operand *x = &t->more[0];
    x->kind = TGI_FLOAT64;
    x->strides[0] = 8;
    allocate(s, t, x, 1, &size);
    for (int i = 0; i < 32; i++) {
        const float single = (float)random_number(s, t->numbers);
        memcpy(x->before + x->first + 4 * i, &single, 4);
    }
    t->in.ndim = 1;
    t->in.shape[0] = pick(s, SCALARS + 1);
    t->in.scalars = t->scalars;
    for (int i = 0; i < t->in.shape[0]; i++) {
        tgi_scalar_instruction *to = &t->scalars[i];
        int32_t *const places[] = {&to->g, &to->x, &to->y, &to->value, &to->out};
        to->kind = (int8_t)pick(s, 2);
        to->p = pick_parameter(s);
        to->input = (int8_t)((int)pick(s, 3) - 1);
        to->function = (int16_t)pick(s, to->input < 0 ? TGI_FUNCTIONS : TGI_RELATIONS);
        if (to->function < TGI_UNARY_FUNCTIONS && to->input == 1)
            to->input = 0;
        for (int o = 0; o < 5; o++)
            *places[o] = (int)x->first + (to->kind == TGI_FLOAT32 ? 4 * (int)pick(s, 32) : 128 + 8 * (int)pick(s, 16));
    }
}

/* One of the chain's operands, or a register that holds something. */
static int16_t pick_place(source *s, const tgi_chain *chain, unsigned filled) {
    const int found = (int)pick(s, TGI_REGISTERS);
    return (int16_t)(filled >> found & 1 ? found : -1 - (int)pick(s, (unsigned)chain->operands));
}

static void make_chain(source *s, test_case *t) {
    tgi_chain *chain = &t->chain;
    unsigned filled = 0; /* registers, a bit each */
    const ptrdiff_t n = pick_shape(s, t, 1), one = 1;
    t->in.chain = chain;
    chain->operands = 1 + (int)pick(s, TGI_OPERANDS);
    chain->stages = (int)pick(s, pick(s, 8) == 7 ? TGI_STAGES + 1 : 7);
    for (int i = 0; i < chain->operands; i++) {
        operand *x = &t->more[i];
        x->kind = t->in.kind;
        chain->each[i] = i == 0 || pick(s, 4) != 0; /* the first can be written to */
        x->strides[0] = chain->each[i] * (ptrdiff_t)item_of(x->kind);
        allocate(s, t, x, 1, chain->each[i] ? &n : &one);
        chain->operand[i].slot = t->slot + TGI_PLACES + i;
        chain->operand[i].offset = x->first;
    }
    for (int i = 0; i < chain->stages; i++) {
        static const int16_t codes[] = {TGI_DO_unary, TGI_DO_unary_vjp, TGI_DO_binary, TGI_DO_binary_vjp,
                                        TGI_DO_select};
        tgi_stage *stage = &chain->stage[i];
        stage->code = codes[pick(s, 5)];
        stage->flag = stage->code == TGI_DO_binary_vjp && pick(s, 2);
        stage->p = pick_parameter(s);
        if (stage->code == TGI_DO_unary || stage->code == TGI_DO_unary_vjp)
            stage->function = (int16_t)pick_unary(s);
        else
            stage->function = (int16_t)(stage->code == TGI_DO_binary ? pick_binary(s) : pick_differentiable_binary(s));
        /* The others take no single numbers. */
        const int walked = stage->code == TGI_DO_binary || stage->code == TGI_DO_select;
        for (int o = 0; o < 4; o++) {
            stage->from[o] = pick_place(s, chain, filled);
            if (!walked && stage->from[o] < 0 && !chain->each[-1 - stage->from[o]])
                stage->from[o] = -1;
        }
        stage->to = pick(s, 2) ? (int16_t)pick(s, TGI_REGISTERS) : pick_place(s, chain, 0);
        if (stage->to < 0 && !chain->each[-1 - stage->to])
            stage->to = -1;
        if (stage->to >= 0)
            filled |= 1u << stage->to;
    }
}

int make_case(source *s, test_case *t, int slot, int machine_memory) {
    static void (*const makers[TGI_CODE_COUNT])(source *, test_case *) = {
        [TGI_DO_unary] = make_elementwise,
        [TGI_DO_unary_vjp] = make_elementwise,
        [TGI_DO_binary] = make_elementwise,
        [TGI_DO_binary_vjp] = make_elementwise,
        [TGI_DO_select] = make_elementwise,
        [TGI_DO_copy] = make_copy,
        [TGI_DO_reduce] = make_reduce,
        [TGI_DO_product] = make_product,
        [TGI_DO_cross_entropy] = make_cross_entropy,
        [TGI_DO_cross_entropy_vjp] = make_cross_entropy,
        [TGI_DO_sgd] = make_update,
        [TGI_DO_adam] = make_update,
        [TGI_DO_gather] = make_picking,
        [TGI_DO_scatter] = make_picking,
        [TGI_DO_check] = make_check,
        [TGI_DO_convolution] = make_windows,
        [TGI_DO_normalization] = make_normalization,
        [TGI_DO_pooling] = make_windows,
        [TGI_DO_rows] = make_rows,
        [TGI_DO_stack_product] = make_stack_product,
        [TGI_DO_lstm] = make_lstm,
        [TGI_DO_scalars] = make_scalars,
        [TGI_DO_chain] = make_chain,
    };
    memset(t, 0, sizeof *t);
    if (s->left < 4)
        return 0;
    t->slot = slot;
    t->result = TGI_OUT;
    for (int o = 0; o < TGI_PLACES; o++)
        t->in.at[o].slot = -1;
    t->in.code = (int)pick(s, TGI_CODE_COUNT);
    if (!makers[t->in.code] || (t->in.code == TGI_DO_scalars && !machine_memory))
        t->in.code = TGI_DO_copy;
    const unsigned how = pick(s, 6);
    t->in.kind = how % 2;
    t->numbers = (int)how / 2;
    s->state += pick(s, 256);
    makers[t->in.code](s, t);
    if (pick(s, 2)) /* on several threads, if it can be shared out */
        t->in.rows = tgi_rows_of_a_part(&t->in, 1 + pick(s, 32));
    return 1;
}

void free_case(test_case *t) {
    for (int o = 0; o < TGI_PLACES; o++)
        free_operand(&t->of[o]);
    for (int o = 0; o < TGI_OPERANDS; o++)
        free_operand(&t->more[o]);
}
