/* What each of the fuzzer's instructions must do, in plain loops of double. A result may differ from theirs by what
 * rounding can do: the comment beside each bound says why. Functions of numbers of any size, whose steps may overflow
 * or cancel, are compared between instruction sets, as are the classes of all results: NaN, infinite or neither. */
#include <float.h>

#include "test_fuzz.h"

static void mark(operand *x, ptrdiff_t at) { memset(x->due + at, 1, item_of(x->kind)); }

static _Noreturn void fail(const test_case *t, const operand *x, ptrdiff_t at, double wanted, double slack) {
    const double got = value_at(x->memory, x->kind, at);
    fprintf(stderr, "%s %s, kind %d, function %d, flag %d, shape", t->isa, tgi_code_names[t->in.code], t->in.kind,
            t->in.function, t->in.flag);
    for (int d = 0; d < t->in.ndim; d++)
        fprintf(stderr, " %td", t->in.shape[d]);
    fprintf(stderr, ": %.17g at byte %td of %zu, expected %.17g within %g\n", got, at, x->size, wanted, slack);
    abort();
}

void expect(const test_case *t, operand *x, ptrdiff_t at, double wanted, double slack) {
    const double got = value_at(x->memory, x->kind, at);
    /* Rounding may make it infinite. */
    const double vast = (x->kind == TGI_FLOAT32 ? FLT_MAX : DBL_MAX) * (1 - 0x1p-10);
    if (x->kind == TGI_FLOAT32)
        wanted = (float)wanted;
    mark(x, at);
    if (got == wanted || (isnan(got) && isnan(wanted)) || fabs(got - wanted) <= slack)
        return;
    if (fabs(got) > vast && fabs(wanted) > vast && signbit(got) == signbit(wanted))
        return;
    fail(t, x, at, wanted, slack);
}

/* Within some units in the last place, and of what cancels; or as on the first instruction set. */
static void expect_near(const test_case *t, operand *x, ptrdiff_t at, double wanted, double magnitude) {
    const double tiny = x->kind == TGI_FLOAT32 ? 0x1p-149 : 0x1p-1074;
    if (t->numbers == ANY_NUMBERS) {
        if (!t->compares) {
            mark(x, at);
            return;
        }
        wanted = value_at(x->earlier, x->kind, at);
    }
    expect(t, x, at, wanted, 16 * epsilon_of(x->kind) * (fabs(wanted) + magnitude) + 4 * tiny);
}

static void expect_same(const test_case *t, operand *x, ptrdiff_t at, const operand *from, ptrdiff_t from_at) {
    mark(x, at);
    if (memcmp(x->memory + at, from->before + from_at, item_of(x->kind)) != 0)
        fail(t, x, at, value_at(from->before, from->kind, from_at), 0);
}

/* By how much more than itself x^(y - 1) changes when y - 1 is rounded. */
static double steepness(double x, double y) {
    return x != 0 && isfinite(x) && isfinite(y) ? fabs(log(fabs(x))) * (1 + fabs(y)) : 0;
}

static void check_elementwise(test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B], *c = &t->of[TGI_C], *d = &t->of[TGI_D];
    operand *out = &t->of[t->result];
    const ptrdiff_t item = (ptrdiff_t)item_of(in->kind);
    const int f = in->function;
    ptrdiff_t i = 0;
    for (walk w = begin(in->ndim, in->shape); w.more; next(&w), i++) {
        const ptrdiff_t at = out->first + i * item;
        const double x = element(a, &w), y = b->memory ? element(b, &w) : 0, z = c->memory ? element(c, &w) : 0;
        if (in->code == TGI_DO_select) {
            expect(t, out, at, x != 0 ? y : z, 0);
        } else if (in->code == TGI_DO_unary) {
            expect_near(t, out, at, tgi_scalar(f, x, 0, in->p[0]), 0);
        } else if (in->code == TGI_DO_unary_vjp) { /* 1 - out² and the like lose digits, of numbers near 1 */
            expect_near(t, out, at, tgi_scalar_vjp(f, 0, x, y, 0, y, in->p[0]), fabs(x));
        } else if (in->code == TGI_DO_binary) { /* cross entropy: x - x y cancels */
            const double lost = f == TGI_binary_cross_entropy_with_logits ? fabs(x) + fabs(x * y) : 0;
            expect_near(t, out, at, tgi_scalar(f, x, y, 0), lost);
        } else {
            const double value = d->memory ? element(d, &w) : 0;
            const double wanted = tgi_scalar_vjp(f, in->flag, x, y, z, value, 0);
            const double lost = f == TGI_binary_cross_entropy_with_logits ? fabs(x) * (1 + fabs(z)) : 0;
            const double steep = f == TGI_pow && in->flag == 0 ? fabs(wanted) * steepness(y, z) : 0;
            expect_near(t, out, at, wanted, lost + steep);
        }
    }
}

/* To whole numbers as NumPy does on x86: toward zero, and what is no such number becomes the least of them. */
static void check_copy(test_case *t) {
    const operand *a = &t->of[TGI_A];
    operand *out = &t->of[TGI_OUT];
    for (walk w = begin(t->in.ndim, t->in.shape); w.more; next(&w)) {
        const ptrdiff_t from = place_of(a, &w), at = place_of(out, &w);
        const double x = element(a, &w);
        if (a->kind == out->kind) {
            expect_same(t, out, at, a, from);
        } else if (out->kind == TGI_INT64) {
            int64_t got;
            memcpy(&got, out->memory + at, 8);
            mark(out, at);
            if (got != (x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN))
                fail(t, out, at, x, 0);
        } else if (a->kind == TGI_INT64 && out->kind == TGI_FLOAT32) {
            expect(t, out, at, (float)*(const int64_t *)(a->before + from), 0);
        } else {
            expect(t, out, at, x, 0);
        }
    }
}

static void check_reduce(test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A];
    operand *out = &t->of[TGI_OUT];
    const int kept = in->ndim - in->reduced;
    ptrdiff_t i = 0;
    for (walk w = begin(kept, in->shape); w.more; next(&w), i++) {
        const ptrdiff_t from = place_of(a, &w);
        double sum = 0, magnitude = 0, most = -INFINITY, least = INFINITY, terms = 0;
        long double squares = 0; /* has room for the squares of all doubles */
        for (walk r = begin(in->reduced, in->shape + kept); r.more; next(&r), terms++) {
            ptrdiff_t at = from;
            for (int d = 0; d < in->reduced; d++)
                at += r.at[d] * a->strides[kept + d];
            const double x = value_at(a->before, a->kind, at);
            sum += x;
            magnitude += fabs(x);
            most = isnan(x) || x > most ? x : most;
            least = isnan(x) || x < least ? x : least;
            squares += (long double)x * x;
        }
        const double norm = (double)sqrtl(squares), unit = epsilon_of(in->kind);
        const double wanted[] = {[TGI_SUM] = sum, [TGI_MAX] = most, [TGI_MIN] = least, [TGI_NORM] = norm};
        /* Each addition rounds once: n units of the sum of the magnitudes. */
        const double slack[TGI_NORM + 1] = {[TGI_SUM] = (terms + 4) * unit * magnitude,
                                            [TGI_NORM] = (terms + 8) * unit * norm + 0x1p-1073};
        expect(t, out, out->first + i * (ptrdiff_t)item_of(in->kind), wanted[in->function], slack[in->function]);
    }
}

/* The product itself by a plain loop; what the epilogue's function makes of it from the same product without one. */
static void check_product(const tgi_kernels *K, test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B], *bias = &t->of[TGI_C], *kept = &t->of[TGI_D];
    operand *out = &t->of[TGI_OUT], *sums = &t->of[TGI_E];
    const ptrdiff_t m = in->shape[0], n = in->shape[1], k = in->shape[2], item = (ptrdiff_t)item_of(in->kind);
    const double unit = epsilon_of(in->kind) * (double)(k + 4); /* each term rounds once, and the bias */
    operand plain = *out;
    if (in->function >= 0) {
        const tgi_matrix A = {a->before + a->first, in->strides[TGI_A][0], in->strides[TGI_A][1]};
        const tgi_matrix B = {b->before + b->first, in->strides[TGI_B][0], in->strides[TGI_B][1]};
        const tgi_epilogue end = {bias->memory ? bias->before + bias->first : NULL, in->flag, -1, 0, NULL, NULL, NULL};
        char *work = malloc(tgi_product_work(K, in->kind, (size_t)m, (size_t)n, (size_t)k));
        plain.memory = malloc(out->size + 1);
        tgi_product(K, in->kind, (size_t)m, (size_t)n, (size_t)k, A, B, &end, plain.memory + plain.first, work);
        free(work);
    }
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++) {
            const ptrdiff_t at = out->first + (i * n + j) * item;
            double sum = bias->memory ? number(bias, in->flag ? i : j) : 0, magnitude = fabs(sum);
            if (m * n * k < 70000 || (i * n + j) % 61 == 0) {
                const char *x = a->before + a->first + i * a->strides[0], *y = b->before + b->first + j * b->strides[1];
                for (ptrdiff_t p = 0; p < k; p++, x += a->strides[1], y += b->strides[0]) {
                    const double term = value_at(x, in->kind, 0) * value_at(y, in->kind, 0);
                    sum += term;
                    magnitude += fabs(term);
                }
                expect(t, &plain, at, sum, unit * magnitude);
            }
            mark(out, at);
            if (in->function < 0)
                continue;
            const double z = value_at(plain.memory, in->kind, at), v = kept->memory ? number(kept, i * n + j) : 0;
            if (kept->memory)
                expect_near(t, out, at, tgi_scalar_vjp(in->function, 0, z, v, 0, v, in->p[0]), fabs(z));
            else
                expect_near(t, out, at, tgi_scalar(in->function, z, 0, in->p[0]), 0);
        }
    for (ptrdiff_t i = 0; i < m && sums->memory; i++) {
        double sum = 0, magnitude = 0;
        for (ptrdiff_t p = 0; p < k; p++) {
            const double x = value_at(a->before, in->kind, a->first + i * a->strides[0] + p * a->strides[1]);
            sum += x;
            magnitude += fabs(x);
        }
        expect(t, sums, sums->first + i * item, sum, unit * magnitude);
    }
    if (plain.memory != out->memory)
        free(plain.memory);
}

static void check_cross_entropy(test_case *t) {
    operand *logits = &t->of[TGI_A], *labels = &t->of[TGI_B], *p = &t->of[TGI_C], *out = &t->of[TGI_OUT];
    const ptrdiff_t rows = t->in.shape[0], columns = t->in.shape[1], item = (ptrdiff_t)item_of(t->in.kind);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t row = logits->first + i * logits->strides[0], own = p->first + i * p->strides[0];
        const ptrdiff_t label = *(const int64_t *)(labels->before + labels->first + 8 * i);
        double top = -INFINITY, low = INFINITY, total = 0;
        for (ptrdiff_t j = 0; j < columns; j++) {
            const double x = value_at(logits->before, t->in.kind, row + j * logits->strides[1]);
            top = isnan(x) || x > top ? x : top;
            low = x < low && x > -INFINITY ? x : low;
        }
        const double shift = isfinite(top) ? top : 0;
        for (ptrdiff_t j = 0; j < columns; j++)
            total += exp(value_at(logits->before, t->in.kind, row + j * logits->strides[1]) - shift);
        /* e^x turns an error of x - shift into a relative one; each term of the total rounds once. */
        const double range = isfinite(top) ? top - low : 0;
        const double unit = epsilon_of(t->in.kind) * ((double)columns + range + 16);
        for (ptrdiff_t j = 0; j < columns; j++) {
            const double x = value_at(logits->before, t->in.kind, row + j * logits->strides[1]);
            expect(t, p, own + j * p->strides[1], exp(x - shift) / total, unit * exp(x - shift) / total);
        }
        const double own_logit = value_at(logits->before, t->in.kind, row + label * logits->strides[1]);
        const double wanted = log(total) - (own_logit - shift);
        expect(t, out, out->first + i * item, wanted, unit * (1 + fabs(wanted)));
    }
}

static void check_cross_entropy_vjp(test_case *t) {
    const operand *g = &t->of[TGI_A], *p = &t->of[TGI_B], *labels = &t->of[TGI_C];
    operand *out = &t->of[TGI_OUT];
    for (ptrdiff_t i = 0; i < t->in.shape[0]; i++)
        for (ptrdiff_t j = 0; j < t->in.shape[1]; j++) {
            const ptrdiff_t at = out->first + i * out->strides[0] + j * out->strides[1];
            const double share = value_at(p->before, p->kind, p->first + i * p->strides[0] + j * p->strides[1]);
            const double by = number(g, i), less = number(labels, i) == (double)j ? 1 : 0;
            expect_near(t, out, at, by == 0 ? 0 : by * (share - less), fabs(by) * less);
        }
}

static void check_update(test_case *t) {
    const tgi_instruction *in = &t->in;
    const double *p = in->p, rate = number(&t->of[TGI_C], 0);
    operand *w = &t->of[TGI_OUT], *one = &t->of[TGI_B], *two = &t->of[TGI_D], *powers = &t->of[TGI_E];
    const double power1 = powers->memory ? number(powers, 0) * p[0] : 0;
    const double power2 = powers->memory ? number(powers, 1) * p[1] : 0;
    for (ptrdiff_t i = 0; i < in->shape[0]; i++) {
        const ptrdiff_t step = i * (ptrdiff_t)item_of(in->kind);
        const double x = number(w, i), g = number(&t->of[TGI_A], i), m = one->memory ? number(one, i) : 0;
        if (in->code == TGI_DO_sgd) { /* sums of a few terms */
            const double slope = g + p[1] * x, v = one->memory ? p[0] * m + slope : slope;
            const double size = fabs(g) + fabs(p[1] * x) + fabs(p[0] * m);
            const double by = one->memory && in->flag ? slope + p[0] * v : v;
            expect_near(t, w, w->first + step, x - rate * by, fabs(x) + size);
            if (one->memory)
                expect_near(t, one, one->first + step, v, size);
            continue;
        }
        const double decay = p[3], slope = g + (in->flag ? 0 : decay * x), size = fabs(g) + fabs(decay * x);
        const double mean = p[0] * m + (1 - p[0]) * slope, square = p[1] * number(two, i) + (1 - p[1]) * slope * slope;
        const double root = sqrt(square / (1 - power2)) + p[2], by = rate / (1 - power1) / root;
        /* The square is at least 0.1, so its root's relative error is no larger than its own. */
        const double wanted = (in->flag ? 1 - rate * decay : 1) * x - by * mean;
        expect_near(t, w, w->first + step, wanted, fabs(x) + 2 * by * (fabs(m) + size) * (1 + 10 * size * size));
        expect_near(t, one, one->first + step, mean, fabs(m) + size);
        expect_near(t, two, two->first + step, square, square + size * size);
    }
    if (in->code == TGI_DO_adam) {
        expect(t, powers, powers->first, power1, 0);
        expect(t, powers, powers->first + 8, power2, 0);
    }
}

static void check_picking(test_case *t) {
    const operand *a = &t->of[TGI_A], *index = &t->of[TGI_B];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t item = (ptrdiff_t)item_of(t->in.kind);
    const ptrdiff_t width = t->in.shape[1], all = t->in.code == TGI_DO_gather ? 0 : t->in.shape[2] * width;
    double *sums = calloc((size_t)all + 1, sizeof *sums);
    for (ptrdiff_t i = 0; i < t->in.shape[0] * width; i++) {
        const int64_t row = *(const int64_t *)(index->before + index->first + 8 * (i / width)), from = row * width + i % width;
        if (t->in.code == TGI_DO_gather)
            expect_same(t, out, out->first + i * item, a, a->first + from * item);
        else /* one after the other, as there, and rounded each time */
            sums[from] = t->in.kind == TGI_FLOAT32 ? (float)(sums[from] + number(a, i)) : sums[from] + number(a, i);
    }
    for (ptrdiff_t i = 0; i < all; i++)
        expect(t, out, out->first + i * item, sums[i], 0);
    free(sums);
}

static double scalar(const tgi_scalar_instruction *s, const char *memory) {
    const double x = value_at(memory, s->kind, s->x), y = value_at(memory, s->kind, s->y);
    if (s->input < 0)
        return tgi_scalar(s->function, x, y, s->p);
    const double g = value_at(memory, s->kind, s->g);
    return tgi_scalar_vjp(s->function, s->input, g, x, y, value_at(memory, s->kind, s->value), s->p);
}

/* The same functions in the same order, each rounded once: the same numbers. */
static void check_scalars(test_case *t) {
    operand *x = &t->more[0];
    char *memory = malloc(x->size);
    memcpy(memory, x->before, x->size);
    for (int i = 0; i < t->in.shape[0]; i++) {
        const tgi_scalar_instruction *s = &t->scalars[i];
        const double found = scalar(s, memory);
        if (s->kind == TGI_FLOAT32)
            *(float *)(memory + s->out) = (float)found;
        else
            *(double *)(memory + s->out) = found;
    }
    operand own = *x;
    for (int i = 0; i < t->in.shape[0]; i++) {
        own.kind = t->scalars[i].kind;
        expect(t, &own, t->scalars[i].out, value_at(memory, own.kind, t->scalars[i].out), 0);
    }
    free(memory);
}

/* Where a stage of a piece finds an operand, in the registers here or in the memory of the chain's operands. */
static char *stage_place(const test_case *t, double (*registers)[TGI_PIECE], char *const *memory, int from,
                         ptrdiff_t begin) {
    const operand *x = &t->more[from < 0 ? -1 - from : 0];
    return from < 0 ? memory[-1 - from] + x->first + begin * x->strides[0] : (char *)registers[from];
}

/* The same kernels on the same pieces, but the result of each is first formed apart: the same numbers. */
static void check_chain(const tgi_kernels *K, test_case *t) {
    static double registers[TGI_REGISTERS][TGI_PIECE], result[TGI_PIECE];
    char *memory[TGI_OPERANDS];
    const int kind = t->in.kind;
    const ptrdiff_t item = (ptrdiff_t)item_of(kind);
    for (int i = 0; i < t->chain.operands; i++) {
        memory[i] = malloc(t->more[i].size + 1);
        memcpy(memory[i], t->more[i].before, t->more[i].size);
    }
    for (ptrdiff_t begin = 0; begin < t->in.shape[0]; begin += TGI_PIECE)
        for (int i = 0; i < t->chain.stages; i++) {
            const tgi_stage *s = &t->chain.stage[i];
            const ptrdiff_t rest = t->in.shape[0] - begin, n = rest < TGI_PIECE ? rest : TGI_PIECE;
            char *at[4], *to = stage_place(t, registers, memory, s->to, begin);
            ptrdiff_t apart[4];
            for (int o = 0; o < 4; o++) {
                at[o] = stage_place(t, registers, memory, s->from[o], begin);
                apart[o] = s->from[o] < 0 ? t->more[-1 - s->from[o]].strides[0] : item;
            }
            if (s->code == TGI_DO_unary)
                K->unary[kind](s->function, (size_t)n, at[0], s->p, result);
            else if (s->code == TGI_DO_unary_vjp)
                K->unary_vjp[kind](s->function, (size_t)n, at[0], at[1], s->p, result);
            else if (s->code == TGI_DO_binary)
                K->binary[kind](s->function, 1, &n, at[0], &apart[0], at[1], &apart[1], result);
            else if (s->code == TGI_DO_binary_vjp)
                K->binary_vjp[kind](s->function, s->flag, (size_t)n, at[0], at[1], at[2], at[3], result);
            else
                K->select[kind](1, &n, at[0], &apart[0], at[1], &apart[1], at[2], &apart[2], result);
            memcpy(to, result, (size_t)(n * item));
        }
    for (int i = 0; i < t->chain.stages; i++) {
        operand *x = &t->more[t->chain.stage[i].to < 0 ? -1 - t->chain.stage[i].to : 0];
        for (ptrdiff_t j = 0; j < t->in.shape[0] && t->chain.stage[i].to < 0; j++)
            expect(t, x, x->first + j * item, value_at(memory[x - t->more], kind, x->first + j * item), 0);
    }
    for (int i = 0; i < t->chain.operands; i++)
        free(memory[i]);
}

int must_stop(const test_case *t) {
    int outside = 0;
    for (ptrdiff_t i = 0; t->in.code == TGI_DO_check && i < t->in.shape[0]; i++) {
        const double x = number(&t->of[TGI_A], i);
        outside |= !(x >= t->in.p[0] && x <= t->in.p[1]);
    }
    return outside;
}

void check_case(const tgi_kernels *K, test_case *t) {
    switch (t->in.code) {
    case TGI_DO_copy:
        check_copy(t);
        break;
    case TGI_DO_reduce:
        check_reduce(t);
        break;
    case TGI_DO_product:
        check_product(K, t);
        break;
    case TGI_DO_cross_entropy:
        check_cross_entropy(t);
        break;
    case TGI_DO_cross_entropy_vjp:
        check_cross_entropy_vjp(t);
        break;
    case TGI_DO_sgd:
    case TGI_DO_adam:
        check_update(t);
        break;
    case TGI_DO_gather:
    case TGI_DO_scatter:
        check_picking(t);
        break;
    case TGI_DO_scalars:
        check_scalars(t);
        break;
    case TGI_DO_chain:
        check_chain(K, t);
        break;
    case TGI_DO_normalization:
        check_normalization(t);
        break;
    case TGI_DO_convolution:
    case TGI_DO_pooling:
        check_windows(t);
        break;
    case TGI_DO_rows:
    case TGI_DO_stack_product:
    case TGI_DO_lstm:
        check_sequences(t);
        break;
    case TGI_DO_check:
        break; /* where it stops has been seen */
    default:
        check_elementwise(t);
    }
}
