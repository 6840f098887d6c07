/* Whether an instruction that came from elsewhere keeps to what program.h takes for granted: every operand inside of the
 * memory, results apart from operands, functions that there are. */
#include "program.h"

#include <math.h>
#include <string.h>

typedef struct {
    int64_t slot, begin, end; /* bytes */
    int written, row;         /* a row without gaps */
} extent;

enum { MOST_EXTENTS = TGI_PLACES + TGI_OPERANDS };
typedef struct {
    const tgi_instruction *in;
    const int64_t *sizes;
    int64_t slots;
    extent of[MOST_EXTENTS];
    int count;
    const char *wrong;
} state;

static const char *const OUTSIDE = "an operand lies outside of the memory", *const MISSING = "an operand is missing",
                         *const NO_FUNCTION = "there is no such function", *const NO_SHAPE = "it has no such shape",
                         *const NO_KIND = "there is no such kind of number", *const NO_FLAG = "its flag has no meaning";

static int64_t item_of(int kind) { return kind == TGI_FLOAT32 ? 4 : 8; }

static void require(state *s, int holds, const char *wrong) {
    if (!holds && !s->wrong)
        s->wrong = wrong;
}

static const int64_t MOST_NUMBERS = (int64_t)1 << 44;

/* How many numbers so many axes hold; what nobody waits for is refused. */
static int64_t volume(state *s, int ndim, const ptrdiff_t *shape) {
    int64_t found = 1;
    for (int d = 0; d < ndim; d++) {
        require(s, shape[d] >= 0, NO_SHAPE);
        if (shape[d] == 0)
            return 0;
        if (found > MOST_NUMBERS / shape[d]) {
            require(s, 0, "it has too many numbers");
            return 0;
        }
        found *= shape[d];
    }
    return found;
}

/* An operand at a place, of numbers so large, which strides in bytes lead through. */
static void reach(state *s, tgi_place at, int64_t item, int ndim, const ptrdiff_t *shape, const int64_t *strides,
                  int written) {
    int64_t low = 0, high = 0, row = item;
    int empty = 0, whole = 1;
    require(s, at.slot >= 0, MISSING);
    require(s, at.slot < s->slots, "there is no such slot");
    if (s->wrong)
        return;
    for (int d = ndim - 1; d >= 0; d--) {
        empty |= shape[d] == 0;
        if (shape[d] <= 1)
            continue;
        if ((strides[d] < 0 ? -strides[d] : strides[d]) > MOST_NUMBERS / shape[d]) {
            s->wrong = OUTSIDE;
            return;
        }
        *(strides[d] < 0 ? &low : &high) += (shape[d] - 1) * strides[d];
        whole &= strides[d] == row;
        row = whole ? row * shape[d] : 0;
        require(s, strides[d] % item == 0, "an operand is not aligned");
    }
    const int64_t size = s->sizes[at.slot];
    require(s, at.offset % item == 0, "an operand is not aligned");
    if (empty) {
        require(s, at.offset >= 0 && at.offset <= size, OUTSIDE);
        return;
    }
    require(s, at.offset >= 0 && at.offset <= size && low >= -at.offset && high <= size - at.offset - item, OUTSIDE);
    if (!s->wrong)
        s->of[s->count++] = (extent){at.slot, at.offset + low, at.offset + high + item, written, whole};
}

/* An operand without gaps. */
static void row_at(state *s, tgi_place at, int64_t item, int64_t n, int written) {
    const ptrdiff_t length = (ptrdiff_t)n;
    require(s, n >= 0 && n == length, NO_SHAPE);
    reach(s, at, item, 1, &length, &item, written);
}

static void row(state *s, int which, int64_t n) { row_at(s, s->in->at[which], item_of(s->in->kind), n, 0); }
static void row_if_there(state *s, int which, int64_t n) {
    if (s->in->at[which].slot >= 0)
        row(s, which, n);
}
static void result(state *s, int which, int64_t n) { row_at(s, s->in->at[which], item_of(s->in->kind), n, 1); }

/* An operand that its strides lead through, counted in so many bytes. */
static void walked(state *s, int which, int64_t item, int ndim, const ptrdiff_t *shape, int64_t unit, int written) {
    int64_t strides[TGI_AXES];
    for (int d = 0; d < ndim; d++)
        strides[d] = s->in->strides[which][d] * unit;
    reach(s, s->in->at[which], item, ndim, shape, strides, written);
}

static void real_kind(state *s) { require(s, s->in->kind < TGI_INT64, NO_KIND); }
static void function_within(state *s, int function, int from, int to) {
    require(s, function >= from && function < to, NO_FUNCTION);
}

/* Which of x, y and the result the cotangent of an input is read from; a bit each. */
enum { X = 1, Y = 2, RESULT = 4 };
static int reads_of(int function, int input) {
    switch (function) {
    case TGI_mul:
    case TGI_gated:
        return input ? X : Y;
    case TGI_div:
        return input ? Y | RESULT : Y;
    case TGI_pow:
        return input ? X | RESULT : X | Y;
    case TGI_gated_quotient:
        return input ? X | Y : Y;
    case TGI_maximum:
    case TGI_minimum:
        return X | Y;
    case TGI_binary_cross_entropy_with_logits:
        return input ? X : X | Y;
    }
    return 0;
}

static void elementwise(state *s) {
    const tgi_instruction *in = s->in;
    const int strided = in->code == TGI_DO_binary || in->code == TGI_DO_select;
    const int64_t n = volume(s, in->ndim, in->shape), item = item_of(in->kind);
    real_kind(s);
    require(s, strided || in->ndim == 1, NO_SHAPE);
    if (in->code == TGI_DO_unary || in->code == TGI_DO_unary_vjp) {
        function_within(s, in->function, 0, TGI_UNARY_FUNCTIONS);
        row(s, TGI_A, n);
        if (in->code == TGI_DO_unary_vjp)
            row(s, TGI_B, n);
    } else if (in->code == TGI_DO_binary_vjp) {
        function_within(s, in->function, TGI_UNARY_FUNCTIONS, TGI_RELATIONS);
        require(s, in->flag == 0 || in->flag == 1, NO_FLAG);
        row(s, TGI_A, n);
        for (int o = 0; o < 3; o++)
            if (reads_of(in->function, in->flag) >> o & 1)
                row(s, TGI_B + o, n);
            else
                row_if_there(s, TGI_B + o, n);
    } else {
        if (in->code == TGI_DO_binary)
            function_within(s, in->function, TGI_UNARY_FUNCTIONS, TGI_FUNCTIONS);
        for (int o = 0; o < (in->code == TGI_DO_binary ? 2 : 3); o++)
            walked(s, TGI_A + o, item, in->ndim, in->shape, 1, 0);
    }
    result(s, TGI_OUT, n);
}

static void copying(state *s) {
    const tgi_instruction *in = s->in;
    require(s, in->flag >= 0 && in->flag <= TGI_INT64, NO_KIND);
    volume(s, in->ndim, in->shape);
    walked(s, TGI_A, item_of(in->flag), in->ndim, in->shape, 1, 0);
    walked(s, TGI_OUT, item_of(in->kind), in->ndim, in->shape, 1, 1);
}

static void reducing(state *s) {
    const tgi_instruction *in = s->in;
    real_kind(s);
    function_within(s, in->function, 0, TGI_NORM + 1);
    volume(s, in->ndim, in->shape);
    walked(s, TGI_A, item_of(in->kind), in->ndim, in->shape, 1, 0);
    result(s, TGI_OUT, volume(s, in->ndim - in->reduced, in->shape));
}

static void products(state *s) {
    const tgi_instruction *in = s->in;
    const int stacks = in->ndim - 3;
    ptrdiff_t a[TGI_AXES], b[TGI_AXES];
    real_kind(s);
    require(s, in->code == TGI_DO_product ? stacks == 0 : stacks >= 1 && stacks <= TGI_STACKS, NO_SHAPE);
    if (s->wrong)
        return;
    memcpy(a, in->shape, sizeof(a));
    memcpy(b, in->shape, sizeof(b));
    const ptrdiff_t m = in->shape[stacks], n = in->shape[stacks + 1], k = in->shape[stacks + 2];
    a[stacks + 1] = b[stacks] = k;
    b[stacks + 1] = n;
    volume(s, in->ndim, in->shape);
    walked(s, TGI_A, item_of(in->kind), stacks + 2, a, item_of(in->kind), 0);
    walked(s, TGI_B, item_of(in->kind), stacks + 2, b, item_of(in->kind), 0);
    if (in->code == TGI_DO_product) {
        function_within(s, in->function, in->at[TGI_D].slot >= 0 ? 0 : -1, TGI_UNARY_FUNCTIONS);
        row_if_there(s, TGI_C, in->flag ? m : n);
        row_if_there(s, TGI_D, (int64_t)m * n);
        if (in->at[TGI_E].slot >= 0)
            result(s, TGI_E, m);
    }
    result(s, TGI_OUT, volume(s, stacks + 2, in->shape));
}

/* Indices of 64 bits, and the check that all lie in [0, end). */
static void indices(state *s, int which, int64_t n, int64_t end, tgi_instruction *check) {
    row_at(s, s->in->at[which], 8, n, 0);
    require(s, n == 0 || end > 0, "it picks from nothing");
    memset(check, 0, sizeof(*check));
    check->code = TGI_DO_check;
    check->kind = TGI_INT64;
    check->function = -1;
    check->ndim = 1;
    check->shape[0] = (ptrdiff_t)n;
    check->p[1] = (double)(end - 1);
    for (int o = TGI_A; o < TGI_PLACES; o++)
        check->at[o].slot = -1;
    check->at[TGI_A] = s->in->at[which];
}

static void cross_entropies(state *s, tgi_instruction *check) {
    const tgi_instruction *in = s->in;
    const int64_t rows = in->shape[0], columns = in->shape[1], all = volume(s, 2, in->shape);
    real_kind(s);
    require(s, in->ndim == 2, NO_SHAPE);
    require(s, in->flag == 0 || in->flag == 1, NO_FLAG);
    if (in->code == TGI_DO_cross_entropy) {
        row(s, TGI_A, all);
        indices(s, TGI_B, rows, columns, check);
        result(s, TGI_C, all);
        result(s, TGI_OUT, rows);
    } else {
        row(s, TGI_A, rows);
        row(s, TGI_B, all);
        indices(s, TGI_C, rows, columns, check);
        result(s, TGI_OUT, all);
    }
}

static void updating(state *s) {
    const tgi_instruction *in = s->in;
    const int64_t n = in->shape[0], item = item_of(in->kind);
    real_kind(s);
    require(s, in->ndim == 1, NO_SHAPE);
    row(s, TGI_A, n);
    row_at(s, in->at[TGI_C], 8, 1, 0);
    result(s, TGI_OUT, n);
    if (in->code == TGI_DO_adam) {
        result(s, TGI_B, n);
        result(s, TGI_D, n);
        row_at(s, in->at[TGI_E], 8, 2, 1);
    } else if (in->at[TGI_B].slot >= 0) {
        row_at(s, in->at[TGI_B], item, n, 1);
    }
}

static void picking(state *s, tgi_instruction *check) {
    const tgi_instruction *in = s->in;
    const int64_t n = in->shape[0], width = in->shape[1], item = item_of(in->kind);
    const tgi_place from = in->at[TGI_A];
    require(s, in->ndim == (in->code == TGI_DO_gather ? 2 : 3), NO_SHAPE);
    if (in->code == TGI_DO_gather) { /* its rows are all that there is room for */
        row(s, TGI_A, 0);
        const int64_t room = s->wrong ? 0 : s->sizes[from.slot] - from.offset;
        indices(s, TGI_B, n, width > 0 ? room / item / width : INT32_MAX, check);
        result(s, TGI_OUT, volume(s, 2, in->shape));
        return;
    }
    const ptrdiff_t rows[] = {in->shape[2], in->shape[1]};
    real_kind(s);
    row(s, TGI_A, volume(s, 2, in->shape));
    indices(s, TGI_B, n, in->shape[2], check);
    result(s, TGI_OUT, volume(s, 2, rows));
}

static void checking(state *s) {
    const tgi_instruction *in = s->in;
    const double low = in->p[0], high = in->p[1];
    require(s, in->ndim == 1, NO_SHAPE);
    require(s, in->kind != TGI_INT64 || (low >= -0x1p62 && low <= 0x1p62 && high >= -0x1p62 && high <= 0x1p62),
            "its limits are no whole numbers");
    row(s, TGI_A, in->shape[0]);
}

#include "checking_windows.inc.h"
#include "checking_chains.inc.h"

/* A result lies apart from everything else, or is an operand without gaps itself where numbers are taken one by one. */
static void apart(state *s) {
    const int code = s->in->code;
    const int in_place = code <= TGI_DO_select || code == TGI_DO_chain;
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < s->count; k++) {
            const extent *x = &s->of[i], *y = &s->of[k];
            if (i == k || !x->written || x->slot != y->slot || x->end <= y->begin || y->end <= x->begin)
                continue;
            const int same = x->begin == y->begin && x->end == y->end && x->row && y->row;
            const int moved = code == TGI_DO_copy && s->in->ndim == 1 && x->row && y->row && s->in->flag == s->in->kind;
            require(s, (in_place && same) || moved, "a result lies where an operand does");
        }
}

const char *tgi_wrong_with(const tgi_instruction *in, const int64_t *sizes, int64_t slots, tgi_instruction *check) {
    state s = {.in = in, .sizes = sizes, .slots = slots};
    check->code = TGI_DO_call;
    switch (in->code) {
    case TGI_DO_unary:
    case TGI_DO_unary_vjp:
    case TGI_DO_binary:
    case TGI_DO_binary_vjp:
    case TGI_DO_select:
        elementwise(&s);
        break;
    case TGI_DO_copy:
        copying(&s);
        break;
    case TGI_DO_reduce:
        reducing(&s);
        break;
    case TGI_DO_product:
    case TGI_DO_stack_product:
        products(&s);
        break;
    case TGI_DO_cross_entropy:
    case TGI_DO_cross_entropy_vjp:
        cross_entropies(&s, check);
        break;
    case TGI_DO_sgd:
    case TGI_DO_adam:
        updating(&s);
        break;
    case TGI_DO_gather:
    case TGI_DO_scatter:
        picking(&s, check);
        break;
    case TGI_DO_check:
        checking(&s);
        break;
    case TGI_DO_convolution:
    case TGI_DO_pooling:
        windows(&s);
        break;
    case TGI_DO_normalization:
    case TGI_DO_rows:
        normalizing(&s);
        break;
    case TGI_DO_lstm:
        remembering(&s);
        break;
    case TGI_DO_scalars:
        single_numbers(&s);
        break;
    case TGI_DO_chain:
        chaining(&s);
        break;
    default:
        return "it is not the machine's to do";
    }
    apart(&s);
    return s.wrong;
}
