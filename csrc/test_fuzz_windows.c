/* Convolutions, pooling and normalization: made of bytes, and what they must do, window by window. */
#include "test_fuzz.h"

static ptrdiff_t over(const ptrdiff_t *n) { return n[0] * n[1] * n[2]; }

/* The place of number `i` among `n`, axis by axis. */
static void unravel(ptrdiff_t i, const ptrdiff_t *n, ptrdiff_t *at) {
    at[0] = i / (n[1] * n[2]), at[1] = i / n[2] % n[1], at[2] = i % n[2];
}

/* The element under position k of window p, or -1. */
static ptrdiff_t under(const tgi_windows *w, ptrdiff_t p, ptrdiff_t k) {
    ptrdiff_t window[3], position[3], found = 0;
    unravel(p, w->counts, window);
    unravel(k, w->size, position);
    for (int d = 0; d < 3; d++) {
        const ptrdiff_t i = window[d] * w->stride[d] + position[d] * w->dilation[d] - w->before[d];
        if (i < 0 || i >= w->lengths[d])
            return -1;
        found = found * w->lengths[d] + i;
    }
    return found;
}

/* How many numbers input, weight and result have. */
static void sizes_of(const tgi_windows *w, ptrdiff_t *sizes) {
    sizes[0] = w->samples * w->groups * w->inputs * over(w->lengths);
    sizes[1] = w->groups * w->outputs * w->inputs * over(w->size);
    sizes[2] = w->samples * w->groups * w->outputs * over(w->counts);
}

static void pick_windows(source *s, tgi_windows *w, int pooling) {
    static const int16_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 10, 14, 16, 17, 20, 33};
    const int squares = pooling && pick(s, 3) == 0; /* of four, side by side */
    w->samples = pick(s, 5);
    w->groups = w->inputs = w->outputs = 1;
    if (!pooling) {
        w->groups = 1 + pick(s, 3);
        w->inputs = pick(s, 8);
        w->outputs = pick(s, 40);
    }
    for (int d = 0; d < 3; d++) {
        const int flat = d == 0 && pick(s, 4) != 0;
        w->lengths[d] = flat ? 1 : lengths[pick(s, d == 2 ? 13 : 7)];
        w->size[d] = flat ? 1 : squares ? 2 : 1 + pick(s, 4);
        w->stride[d] = flat ? 1 : squares ? 2 : 1 + pick(s, 5);
        w->dilation[d] = flat || squares ? 1 : 1 + pick(s, 3);
        w->before[d] = flat || squares ? 0 : pick(s, pooling ? (unsigned)w->size[d] / 2 + 1 : 4);
        const ptrdiff_t room = w->lengths[d] + 2 * w->before[d] - (w->size[d] - 1) * w->dilation[d];
        w->counts[d] = room < 1 ? 1 : (room - 1) / w->stride[d] + 1;
        if (!squares && pick(s, 8) == 0) /* a window that hangs over the end, or one less than there could be */
            w->counts[d] += w->counts[d] > 1 && pick(s, 2) ? -1 : 1;
    }
}

void make_windows(source *s, test_case *t) {
    tgi_instruction *in = &t->in;
    tgi_windows *w = &t->windows;
    const int pooling = in->code == TGI_DO_pooling;
    ptrdiff_t sizes[3];
    pick_windows(s, w, pooling);
    sizes_of(w, sizes);
    in->windows = w;
    in->flag = (int)pick(s, pooling ? 5 : 3);
    in->ndim = 1;
    if (pooling) {
        const int back = in->flag == TGI_LARGEST_VJP || in->flag == TGI_MEAN_VJP;
        t->numbers = t->numbers == ANY_NUMBERS ? NOT_FINITE : t->numbers;
        add_row(s, t, TGI_A, in->kind, sizes[back ? 2 : 0]);
        if (in->flag == TGI_LARGEST_VJP || in->flag == TGI_AT_LARGEST) {
            const operand *x = add_row(s, t, TGI_B, in->kind, sizes[0]);
            operand *largest = add_row(s, t, TGI_C, in->kind, sizes[2]);
            for (ptrdiff_t i = 0; i < sizes[2]; i++) {
                double top = -INFINITY;
                for (ptrdiff_t k = 0; k < over(w->size); k++) {
                    const ptrdiff_t at = under(w, i % over(w->counts), k);
                    const double here = at < 0 ? top : number(x, i / over(w->counts) * over(w->lengths) + at);
                    top = here > top || isnan(here) ? here : top;
                }
                set(largest, largest->first + i * (ptrdiff_t)item_of(in->kind), top);
            }
        }
        in->shape[0] = sizes[back ? 0 : 2];
    } else {
        t->numbers = SMALL_NUMBERS; /* zeros around the image are multiplied, too */
        add_row(s, t, TGI_A, in->kind, sizes[in->flag == TGI_BY_INPUT ? 2 : 0]);
        add_row(s, t, TGI_B, in->kind, sizes[in->flag == TGI_BY_WEIGHT ? 2 : 1]);
        if (in->flag == TGI_FORWARD && pick(s, 2))
            add_row(s, t, TGI_C, in->kind, w->groups * w->outputs);
        in->shape[0] = sizes[in->flag == TGI_FORWARD ? 2 : in->flag == TGI_BY_INPUT ? 0 : 1];
    }
    add_row(s, t, TGI_OUT, in->kind, in->shape[0]);
}

void make_normalization(source *s, test_case *t) {
    static const char kinds[][6] = {"x", "xmww", "xxm", "xxmwm"};
    tgi_instruction *in = &t->in;
    const ptrdiff_t outer = 1 + pick(s, 4), channels = pick(s, 5), inner = 1 + pick(s, 200);
    const ptrdiff_t all = outer * channels * inner;
    in->flag = (int)pick(s, 4);
    in->p[0] = 0.25;
    in->ndim = 3;
    in->shape[0] = outer, in->shape[1] = channels, in->shape[2] = inner;
    t->numbers = SMALL_NUMBERS;
    for (int o = 0; kinds[in->flag][o]; o++) {
        const char kind = kinds[in->flag][o];
        operand *x = add_row(s, t, TGI_A + o, in->kind, kind == 'x' ? all : kind == 'm' ? 2 * channels : channels);
        for (ptrdiff_t c = 0; kind == 'm' && c < channels; c++) /* where variances are */
            set(x, x->first + (channels + c) * (ptrdiff_t)item_of(in->kind), uniform(s, 0.5, 2));
    }
    add_row(s, t, TGI_OUT, in->kind, in->flag == TGI_MOMENTS || in->flag == TGI_NORMALIZED_SUMS ? 2 * channels : all);
}

void check_normalization(test_case *t) {
    const tgi_instruction *in = &t->in;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B], *c = &t->of[TGI_C], *d = &t->of[TGI_D], *e = &t->of[TGI_E];
    operand *out = &t->of[TGI_OUT];
    const ptrdiff_t outer = in->shape[0], channels = in->shape[1], inner = in->shape[2], item = (ptrdiff_t)item_of(in->kind);
    const operand *x = in->flag > TGI_NORMALIZED ? b : a, *m = in->flag > TGI_NORMALIZED ? c : b;
    const double n = (double)(outer * inner);
    for (ptrdiff_t k = 0; k < channels; k++) {
        double sum = 0, squares = 0, products = 0, magnitude = 0;
        for (ptrdiff_t i = 0; i < outer * inner; i++) {
            const double v = number(x, (i / inner * channels + k) * inner + i % inner);
            sum += in->flag == TGI_MOMENTS ? v : number(a, (i / inner * channels + k) * inner + i % inner);
            magnitude += fabs(v) + fabs(number(a, (i / inner * channels + k) * inner + i % inner));
        }
        const double mean = in->flag == TGI_MOMENTS ? sum / n : number(m, k);
        const double scale = in->flag == TGI_MOMENTS ? 0 : 1 / sqrt(number(m, channels + k) + in->p[0]);
        for (ptrdiff_t i = 0; i < outer * inner; i++) {
            const ptrdiff_t at = (i / inner * channels + k) * inner + i % inner;
            const double above = number(x, at) - mean, g = number(a, at), unit = 32 * epsilon_of(in->kind);
            squares += above * above;
            products += g * above;
            magnitude += above * above + fabs(g * above);
            if (in->flag == TGI_NORMALIZED) {
                const double w = number(c, k);
                expect(t, out, out->first + at * item, above * scale * w + number(d, k),
                       unit * ((fabs(number(x, at)) + fabs(mean)) * scale * fabs(w) + fabs(number(d, k))));
            } else if (in->flag == TGI_NORMALIZED_VJP) {
                const double w = number(d, k), of_g = number(e, k) / n, slope = scale * number(e, channels + k) / n;
                expect(t, out, out->first + at * item, (g - of_g - above * slope) * scale * w,
                       unit * (fabs(g) + fabs(of_g) + (fabs(number(x, at)) + fabs(mean)) * fabs(slope)) * scale * fabs(w));
            }
        }
        /* Each term rounds once, and the mean. */
        const double slack = (n + 8) * epsilon_of(in->kind) * magnitude;
        if (in->flag == TGI_MOMENTS) {
            expect(t, out, out->first + k * item, mean, slack / n);
            expect(t, out, out->first + (channels + k) * item, squares / n, 2 * slack / n);
        } else if (in->flag == TGI_NORMALIZED_SUMS) {
            expect(t, out, out->first + k * item, sum, slack);
            expect(t, out, out->first + (channels + k) * item, products * scale, 2 * slack * scale);
        }
    }
}

/* What is to be found, its terms' magnitudes and how many they are. */
typedef struct {
    double *sum, *magnitude, *terms;
} sums;

static void add_term(sums *found, ptrdiff_t at, double x) {
    found->sum[at] += x;
    found->magnitude[at] += fabs(x);
    found->terms[at]++;
}

static void add_convolution(const test_case *t, sums *found) {
    const tgi_windows *w = &t->windows;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B];
    const ptrdiff_t windows = over(w->counts), positions = over(w->size), channels = w->groups * w->outputs;
    for (ptrdiff_t i = 0; i < w->samples * channels * w->inputs * windows * positions; i++) {
        const ptrdiff_t k = i % positions, p = i / positions % windows, c = i / positions / windows % w->inputs;
        const ptrdiff_t map = i / positions / windows / w->inputs, n = map / channels, o = map % channels;
        const ptrdiff_t at = under(w, p, k);
        if (at < 0)
            continue;
        const ptrdiff_t image = ((n * w->groups + o / w->outputs) * w->inputs + c) * over(w->lengths) + at;
        const ptrdiff_t weight = (o * w->inputs + c) * positions + k, result = map * windows + p;
        if (t->in.flag == TGI_FORWARD)
            add_term(found, result, number(a, image) * number(b, weight));
        else if (t->in.flag == TGI_BY_INPUT)
            add_term(found, image, number(a, result) * number(b, weight));
        else
            add_term(found, weight, number(a, image) * number(b, result));
    }
    for (ptrdiff_t i = 0; t->of[TGI_C].memory && i < w->samples * channels * windows; i++)
        add_term(found, i, number(&t->of[TGI_C], i / windows % channels));
}

static void add_pooling(const test_case *t, sums *found) {
    const tgi_windows *w = &t->windows;
    const operand *a = &t->of[TGI_A], *b = &t->of[TGI_B], *c = &t->of[TGI_C];
    const ptrdiff_t windows = over(w->counts), positions = over(w->size);
    const double share = t->in.kind == TGI_FLOAT32 ? (float)(1.0 / (double)positions) : 1.0 / (double)positions;
    for (ptrdiff_t i = 0; i < w->samples * windows; i++) {
        int open = 1;
        if (t->in.flag == TGI_LARGEST)
            found->sum[i] = -INFINITY;
        for (ptrdiff_t k = 0; k < positions; k++) {
            const ptrdiff_t inside = under(w, i % windows, k), at = i / windows * over(w->lengths) + inside;
            if (inside < 0)
                continue;
            if (t->in.flag == TGI_LARGEST) {
                const double x = number(a, at);
                found->sum[i] = x > found->sum[i] || isnan(x) ? x : found->sum[i];
            } else if (t->in.flag == TGI_MEAN) {
                add_term(found, i, number(a, at) * share);
            } else if (t->in.flag == TGI_MEAN_VJP) {
                add_term(found, at, number(a, i) * share);
            } else if (open && number(b, at) == number(c, i)) {
                open = 0;
                if (t->in.flag == TGI_AT_LARGEST)
                    found->sum[i] = number(a, at);
                else
                    add_term(found, at, number(a, i));
            }
        }
    }
}

void check_windows(test_case *t) {
    operand *out = &t->of[TGI_OUT];
    const size_t n = (size_t)t->in.shape[0];
    double *memory = calloc(3 * n + 1, sizeof(double));
    sums found = {memory, memory + n, memory + 2 * n};
    if (t->in.code == TGI_DO_convolution)
        add_convolution(t, &found);
    else
        add_pooling(t, &found);
    for (size_t i = 0; i < n; i++) /* each term rounds once, and its product */
        expect(t, out, out->first + (ptrdiff_t)(i * item_of(out->kind)), found.sum[i],
               (found.terms[i] + 4) * epsilon_of(out->kind) * (isfinite(found.magnitude[i]) ? found.magnitude[i] : 0));
    free(memory);
}
