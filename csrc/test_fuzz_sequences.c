/* Functions of rows, stacks of products and long short-term memory: made of bytes, and what they must do, in plain loops. */
#include "test_fuzz.h"

static const char rows_kinds[][6] = {"x", "x", "x", "xx", "xx", "xmww", "xxm", "xxmw"};

void make_rows(source *s, test_case *t) {
    static const int16_t lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 65, 300, 1100};
    tgi_instruction *in = &t->in;
    in->flag = (int)pick(s, 8);
    in->p[0] = 0.25;
    in->ndim = 3;
    const ptrdiff_t rows = in->shape[0] = 1 + pick(s, 9), columns = in->shape[1] = lengths[pick(s, 13)];
    in->shape[2] = 1 + pick(s, 70);
    t->numbers = in->flag < TGI_NORMALIZED_ROWS && t->numbers != SMALL_NUMBERS ? NOT_FINITE : SMALL_NUMBERS;
    for (int o = 0; rows_kinds[in->flag][o]; o++) {
        const char kind = rows_kinds[in->flag][o];
        operand *x = add_row(s, t, TGI_A + o, in->kind, kind == 'x' ? rows * columns : kind == 'm' ? 2 * rows : columns);
        for (ptrdiff_t i = 0; kind == 'm' && i < rows; i++) /* where variances are */
            set(x, x->first + (rows + i) * (ptrdiff_t)item_of(in->kind), uniform(s, 0.5, 2));
    }
    add_row(s, t, TGI_OUT, in->kind, in->flag == TGI_NORMALIZED_ROWS_SUMS ? 2 * columns : rows * columns);
}

static void check_softmax(test_case *t, ptrdiff_t i) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t columns = in->shape[1], item = (ptrdiff_t)item_of(in->kind), reach = i % in->shape[2] + 1;
    const ptrdiff_t n = in->flag == TGI_CAUSAL_SOFTMAX && reach < columns ? reach : columns;
    const double unit = epsilon_of(in->kind) * (8 + (in->kind == TGI_FLOAT64 ? (double)columns : 0));
    double top = -INFINITY, total = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        const double x = number(a, i * columns + j);
        top = x > top || isnan(x) ? x : top;
        if (isnan(x))
            break;
    }
    const double shift = isfinite(top) ? top : 0;
    for (ptrdiff_t j = 0; j < n; j++)
        total += exp(number(a, i * columns + j) - shift);
    for (ptrdiff_t j = 0; j < columns; j++) {
        const double x = number(a, i * columns + j) - shift, p = exp(x) / total;
        const ptrdiff_t at = out->first + (i * columns + j) * item;
        if (in->flag == TGI_LOG_SOFTMAX)
            expect(t, out, at, isinf(x) && x > 0 && isinf(total) ? NAN : x - log(total), unit * (4 + fabs(x)));
        else
            expect(t, out, at, j < n ? p : 0, unit * (1 + fabs(x)) * p + 0x1p-149);
    }
}

static void check_softmax_vjp(test_case *t, ptrdiff_t i) {
    const tgi_instruction *in = &t->in;
    const operand *g = &t->of[TGI_A], *p = &t->of[TGI_B];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t columns = in->shape[1], item = (ptrdiff_t)item_of(in->kind);
    const double unit = epsilon_of(in->kind) * (double)(columns + 8);
    double total = 0, magnitude = 0;
    for (ptrdiff_t j = i * columns; j < (i + 1) * columns; j++) {
        const double term = number(g, j) * (in->flag == TGI_SOFTMAX_VJP ? number(p, j) : 1);
        total += term;
        magnitude += fabs(term);
    }
    for (ptrdiff_t j = i * columns; j < (i + 1) * columns; j++) {
        const double v = number(p, j), of = number(g, j);
        if (in->flag == TGI_SOFTMAX_VJP)
            expect(t, out, out->first + j * item, v * (of - total), unit * fabs(v) * (fabs(of) + magnitude));
        else
            expect(t, out, out->first + j * item, of - exp(v) * total, unit * (fabs(of) + exp(v) * magnitude));
    }
}

static void check_normalized_rows(test_case *t) {
    const tgi_instruction *in = &t->in;
    const int first = in->flag == TGI_NORMALIZED_ROWS;
    const operand *g = &t->of[TGI_A], *x = &t->of[first ? TGI_A : TGI_B], *m = &t->of[first ? TGI_B : TGI_C];
    const operand *w = &t->of[first ? TGI_C : TGI_D], *b = &t->of[TGI_D];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t rows = in->shape[0], columns = in->shape[1], item = (ptrdiff_t)item_of(in->kind);
    const double unit = 32 * epsilon_of(in->kind), n = (double)columns;
    for (ptrdiff_t j = 0; j < columns && in->flag == TGI_NORMALIZED_ROWS_SUMS; j++) {
        double sum = 0, products = 0, magnitude = 0;
        for (ptrdiff_t i = 0; i < rows; i++) {
            const double scale = 1 / sqrt(number(m, rows + i) + in->p[0]), of = number(g, i * columns + j);
            const double y = (number(x, i * columns + j) - number(m, i)) * scale;
            sum += of;
            products += of * y;
            magnitude += fabs(of) * (1 + (fabs(number(x, i * columns + j)) + fabs(number(m, i))) * scale);
        }
        expect(t, out, out->first + j * item, sum, unit * magnitude);
        expect(t, out, out->first + (columns + j) * item, products, unit * magnitude);
    }
    for (ptrdiff_t i = 0; i < rows && in->flag != TGI_NORMALIZED_ROWS_SUMS; i++) {
        const double scale = 1 / sqrt(number(m, rows + i) + in->p[0]), mean = number(m, i);
        double of_h = 0, slope = 0, magnitude = 0;
        for (ptrdiff_t j = 0; j < columns; j++) {
            const double h = number(g, i * columns + j) * number(w, j), above = number(x, i * columns + j) - mean;
            of_h += h / n;
            slope += h * above * scale / n;
            magnitude += fabs(h) * (1 + (fabs(above) + fabs(mean)) * scale);
        }
        for (ptrdiff_t j = 0; j < columns; j++) {
            const double v = number(x, i * columns + j), y = (v - mean) * scale, high = (fabs(v) + fabs(mean)) * scale;
            const ptrdiff_t at = out->first + (i * columns + j) * item;
            if (first)
                expect(t, out, at, y * number(w, j) + number(b, j), unit * (high * fabs(number(w, j)) + fabs(number(b, j))));
            else
                expect(t, out, at, (number(g, i * columns + j) * number(w, j) - of_h - y * slope) * scale,
                       unit * (magnitude * (1 + high)) * scale);
        }
    }
}

static void check_rows(test_case *t) {
    if (t->in.flag >= TGI_NORMALIZED_ROWS)
        check_normalized_rows(t);
    for (ptrdiff_t i = 0; i < t->in.shape[0] && t->in.flag < TGI_NORMALIZED_ROWS; i++) {
        if (t->in.flag < TGI_SOFTMAX_VJP)
            check_softmax(t, i);
        else
            check_softmax_vjp(t, i);
    }
}

void make_stack_product(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const int stacks = 1 + (int)pick(s, 3);
    ptrdiff_t a[TGI_AXES], b[TGI_AXES], all = 1;
    in->ndim = stacks + 3;
    for (int d = 0; d < stacks; d++)
        all *= a[d] = b[d] = in->shape[d] = pick(s, 5);
    for (int d = 0; d < 3; d++)
        in->shape[stacks + d] = pick(s, pick(s, 64) ? 20 : 140);
    t->numbers = t->numbers == ANY_NUMBERS ? NOT_FINITE : t->numbers;
    a[stacks] = in->shape[stacks], a[stacks + 1] = b[stacks] = in->shape[stacks + 2], b[stacks + 1] = in->shape[stacks + 1];
    add(s, t, TGI_A, in->kind, stacks + 2, a, ANY_STRIDES);
    add(s, t, TGI_B, in->kind, stacks + 2, b, ANY_STRIDES);
    for (int d = 0; d < stacks + 2; d++) {
        in->strides[TGI_A][d] /= (ptrdiff_t)item_of(in->kind);
        in->strides[TGI_B][d] /= (ptrdiff_t)item_of(in->kind);
    }
    add_row(s, t, TGI_OUT, in->kind, all * a[stacks] * b[stacks + 1]);
}

static void check_stack_product(test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B];
    operand *out = &t->of[TGI_OUT];
    const int d = in->ndim - 3;
    const ptrdiff_t k = in->shape[d + 2];
    ptrdiff_t at = out->first;
    for (walk w = begin(d + 2, in->shape); w.more; next(&w), at += (ptrdiff_t)item_of(in->kind)) {
        ptrdiff_t x = a->first + w.at[d] * a->strides[d], y = b->first + w.at[d + 1] * b->strides[d + 1];
        double sum = 0, magnitude = 0;
        for (int e = 0; e < d; e++)
            x += w.at[e] * a->strides[e], y += w.at[e] * b->strides[e];
        for (ptrdiff_t p = 0; p < k; p++) {
            const double term = value_at(a->before, in->kind, x + p * a->strides[d + 1]) *
                                value_at(b->before, in->kind, y + p * b->strides[d]);
            sum += term;
            magnitude += fabs(term);
        }
        expect(t, out, at, sum, epsilon_of(in->kind) * (double)(k + 4) * magnitude);
    }
}

void make_lstm(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    const ptrdiff_t steps = in->shape[0] = 1 + pick(s, 4), rows = in->shape[1] = 1 + pick(s, 4);
    const ptrdiff_t units = in->shape[2] = 1 + pick(s, 20), state = rows * units;
    in->ndim = 3;
    in->flag = (int)pick(s, 2);
    t->numbers = SMALL_NUMBERS;
    if (in->flag) {
        add_row(s, t, TGI_A, in->kind, (steps + 1) * state);
        add_row(s, t, TGI_B, in->kind, 6 * steps * state);
        add_row(s, t, TGI_C, in->kind, state);
        add_row(s, t, TGI_D, in->kind, 4 * units * units);
    } else {
        add_row(s, t, TGI_A, in->kind, 4 * steps * state);
        add_row(s, t, TGI_B, in->kind, state);
        add_row(s, t, TGI_C, in->kind, state);
        add_row(s, t, TGI_D, in->kind, 4 * units * units);
        if (pick(s, 2))
            add_row(s, t, TGI_E, in->kind, 4 * units);
    }
    add_row(s, t, TGI_OUT, in->kind, (in->flag ? 4 * steps + 2 : 6 * steps) * state);
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

/* Each step from what was made of the one before it, so that errors do not add up. */
static void check_forward(test_case *t) {
    const tgi_instruction *in = &t->in;
    operand *out = &t->of[TGI_OUT];
    const operand *bias = &t->of[TGI_E];
    const ptrdiff_t steps = in->shape[0], units = in->shape[2], state = in->shape[1] * units, item = (ptrdiff_t)item_of(in->kind);
    const double unit = 64 * epsilon_of(in->kind) * (double)(units + 4);
#define FOUND(i) value_at(out->memory, in->kind, out->first + (i) * item)
    for (ptrdiff_t step = 0; step < steps; step++)
        for (ptrdiff_t i = 0; i < state; i++) {
            const ptrdiff_t row = i / units, j = i % units, gates = 4 * (step * state + row * units);
            const ptrdiff_t c_at = (step + 1 < steps ? 4 * steps + step : 6 * steps - 1) * state + i;
            const ptrdiff_t h_at = (5 * steps - 1 + step) * state + i;
            for (ptrdiff_t g = j; g < 4 * units; g += units) {
                double z = number(&t->of[TGI_A], gates + g) + (bias->memory ? number(bias, g) : 0);
                for (ptrdiff_t p = 0; p < units; p++)
                    z += number(&t->of[TGI_D], g * units + p) *
                         (step ? FOUND((5 * steps - 2 + step) * state + row * units + p) : number(&t->of[TGI_B], row * units + p));
                expect(t, out, out->first + (gates + g) * item, g / units == 2 ? tanh(z) : logistic(z), unit * 4);
            }
            const double before = step ? FOUND((4 * steps + step - 1) * state + i) : number(&t->of[TGI_C], i);
            const double c = FOUND(gates + units + j) * before + FOUND(gates + j) * FOUND(gates + 2 * units + j);
            expect(t, out, out->first + c_at * item, c, unit * (1 + fabs(before)));
            expect(t, out, out->first + h_at * item, FOUND(gates + 3 * units + j) * tanh(FOUND(c_at)), unit);
        }
}

static void check_back(test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *g = &t->of[TGI_A], *kept = &t->of[TGI_B], *first = &t->of[TGI_C], *w = &t->of[TGI_D];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t steps = in->shape[0], units = in->shape[2], state = in->shape[1] * units, item = (ptrdiff_t)item_of(in->kind);
    double *of_h = calloc((size_t)state, sizeof *of_h), *of_c = calloc((size_t)state, sizeof *of_c);
    double *size_c = calloc((size_t)state, sizeof *of_c), *size_h = calloc((size_t)state, sizeof *of_c);
    const double unit = 64 * epsilon_of(in->kind) * (double)(units + 4);
    for (ptrdiff_t i = 0; i < state; i++)
        size_c[i] = fabs(of_c[i] = number(g, steps * state + i));
    for (ptrdiff_t step = steps - 1; step >= 0; step--) {
        for (ptrdiff_t i = 0; i < state; i++) {
            const ptrdiff_t at = 4 * (step * state + i / units * units) + i % units;
            const double a = number(kept, at), f = number(kept, at + units), n = number(kept, at + 2 * units);
            const double o = number(kept, at + 3 * units), before = step ? number(kept, (4 * steps + step - 1) * state + i) : number(first, i);
            const double c = number(kept, (step + 1 < steps ? 4 * steps + step : 6 * steps - 1) * state + i), h = number(g, step * state + i) + of_h[i];
            const double through = of_c[i] + h * o * (1 - tanh(c) * tanh(c)), size = size_c[i] + (size_h[i] + fabs(h)) * fabs(o);
            const double parts[] = {n * a * (1 - a), before * f * (1 - f), a * (1 - n * n)};
            for (int p = 0; p < 3; p++)
                expect(t, out, out->first + (at + p * units) * item, through * parts[p], unit * size * 40);
            expect(t, out, out->first + (at + 3 * units) * item, h * tanh(c) * o * (1 - o), unit * (size_h[i] + fabs(h)) * 40);
            of_c[i] = through * f, size_c[i] = size * (1 + fabs(f));
        }
        for (ptrdiff_t i = 0; i < state; i++) { /* from what was found: the step before begins with its errors */
            of_h[i] = size_h[i] = 0;
            for (ptrdiff_t p = 0; p < 4 * units; p++) {
                const double term = value_at(out->memory, in->kind, out->first + (4 * (step * state + i / units * units) + p) * item) *
                                    number(w, p * units + i % units);
                of_h[i] += term;
                size_h[i] += fabs(term);
            }
        }
    }
    for (ptrdiff_t i = 0; i < state; i++) {
        expect(t, out, out->first + (4 * steps * state + i) * item, of_h[i], unit * size_h[i]);
        expect(t, out, out->first + ((4 * steps + 1) * state + i) * item, of_c[i], unit * size_c[i] * 40);
    }
    free(of_h), free(of_c), free(size_c), free(size_h);
}

void check_sequences(test_case *t) {
    if (t->in.code == TGI_DO_rows)
        check_rows(t);
    else if (t->in.code == TGI_DO_stack_product)
        check_stack_product(t);
    else if (t->in.flag)
        check_back(t);
    else
        check_forward(t);
}
