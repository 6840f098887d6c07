/* Operands of the fuzzer's instructions: random numbers, in memory that holds just what the strides reach. */
#include <sys/mman.h>
#include <unistd.h>

#include "test_fuzz.h"

unsigned pick(source *s, unsigned n) {
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->at++ % n;
}

uint64_t random_bits(source *s) { /* xorshift64*, Vigna 2016 */
    s->state ^= s->state >> 12;
    s->state ^= s->state << 25;
    s->state ^= s->state >> 27;
    return s->state * 2685821657736338717u;
}

double uniform(source *s, double low, double high) {
    return low + (high - low) * ((double)(random_bits(s) >> 11) * 0x1p-53);
}

double random_number(source *s, int numbers) {
    static const double small[] = {0, -0.0, 1, -1, 3, -3, 0.5, 2}, odd[] = {NAN, INFINITY, -INFINITY};
    static const double any[] = {0x1p-149, -0x1p-1074, 0x1p-126, 0x1p-1022, 0x1.fffffep127, -0x1.fffffffffffffp1023,
                                 88.7,     -745.2,     0x1p63,   -0x1p63,   0x1p20,         0x1.0000001p20};
    const uint64_t kind = random_bits(s) >> 32, bits = random_bits(s);
    if (numbers != SMALL_NUMBERS && kind % 8 == 1)
        return odd[bits % 3];
    if (kind % 8 == 0)
        return small[bits % 8];
    if (numbers == ANY_NUMBERS && kind % 8 == 2)
        return any[bits % 12];
    if (numbers == ANY_NUMBERS && kind % 8 < 6) {
        double found;
        memcpy(&found, &bits, sizeof found);
        return found;
    }
    return uniform(s, -3, 3);
}

void set(operand *x, ptrdiff_t at, double number) {
    char *to = x->before + at;
    if (x->kind == TGI_FLOAT32)
        *(float *)to = (float)number;
    else if (x->kind == TGI_FLOAT64)
        *(double *)to = number;
    else
        *(int64_t *)to = (int64_t)number;
}

static void fill(source *s, const test_case *t, operand *x) {
    const size_t item = item_of(x->kind);
    for (size_t at = 0; at + item <= x->size; at += item) {
        const uint64_t bits = random_bits(s);
        if (x->kind != TGI_INT64)
            set(x, (ptrdiff_t)at, random_number(s, t->numbers));
        else if (t->numbers == SMALL_NUMBERS)
            set(x, (ptrdiff_t)at, (double)(bits % 19) - 9);
        else if (bits % 4 == 0) /* a little more than halfway between two floats, and not so by way of double */
            *(int64_t *)(x->before + at) = ((int64_t)1 << 30) * ((int64_t)1 << 24 | 1) + 1;
        else
            *(int64_t *)(x->before + at) = (int64_t)(bits >> (bits >> 8) % 64);
    }
}

/* Memory that ends where a page begins that may not be touched. What masked instructions read the sanitizer does not
 * see, but the processor does. */
static void map_before_fence(operand *x) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), most = (x->size + page - 1) / page * page;
    char *start = mmap(NULL, most + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + most, page, PROT_NONE) != 0)
        abort();
    x->mapped = most + page;
    x->memory = start + most - x->size;
}

void free_operand(operand *x) {
    if (x->mapped > 0)
        munmap(x->memory + x->size + sysconf(_SC_PAGESIZE) - x->mapped, x->mapped);
    else
        free(x->memory);
    free(x->before), free(x->earlier), free(x->due);
}

/* Memory for all that the strides reach, some items further on at times. */
void allocate(source *s, test_case *t, operand *x, int ndim, const ptrdiff_t *shape) {
    const ptrdiff_t item = (ptrdiff_t)item_of(x->kind);
    ptrdiff_t low = 0, high = item, some = 1;
    for (int d = 0; d < ndim; d++) {
        const ptrdiff_t reach = (shape[d] - 1) * x->strides[d];
        *(reach < 0 ? &low : &high) += reach;
        some &= shape[d] > 0;
    }
    x->first = some ? (ptrdiff_t)pick(s, 4) * item - low : 0;
    x->size = some ? (size_t)(x->first + high) : 0;
    if (pick(s, 2))
        map_before_fence(x);
    else
        x->memory = malloc(x->size);
    x->before = malloc(x->size + 1);
    x->earlier = malloc(x->size + 1);
    x->due = malloc(x->size + 1);
    fill(s, t, x);
}

static void lay_out(source *s, operand *x, int ndim, const ptrdiff_t *shape, int how) {
    const ptrdiff_t item = (ptrdiff_t)item_of(x->kind);
    const unsigned way = how == WHOLE ? 0 : pick(s, 4); /* C order, any order, with gaps, and with odd strides */
    int order[TGI_AXES];
    ptrdiff_t step = way > 1 ? item * (1 + (ptrdiff_t)pick(s, 3)) : item;
    for (int d = 0; d < ndim; d++) {
        const int other = way > 0 ? (int)pick(s, (unsigned)d + 1) : d;
        order[d] = order[other];
        order[other] = d;
    }
    for (int i = ndim - 1; i >= 0; i--) {
        const int d = order[i];
        x->strides[d] = step;
        step *= shape[d] > 1 ? shape[d] : 1;
        if (way > 1)
            step += item * (ptrdiff_t)pick(s, 3);
        const unsigned odd = way == 3 ? pick(s, 6) : 0;
        if (odd == 1)
            x->strides[d] = -x->strides[d];
        else if (odd == 2 && (how == ANY_STRIDES || shape[d] == 1))
            x->strides[d] = 0;
        else if (odd == 3 && how == ANY_STRIDES)
            x->strides[d] = item * (ptrdiff_t)pick(s, 4);
        else if (odd == 4 && shape[d] <= 1) /* NumPy leaves them as they come */
            x->strides[d] = item * 1000003;
    }
}

operand *add(source *s, test_case *t, int which, int kind, int ndim, const ptrdiff_t *shape, int how) {
    operand *x = &t->of[which];
    x->kind = kind;
    lay_out(s, x, ndim, shape, how);
    allocate(s, t, x, ndim, shape);
    t->in.at[which].slot = t->slot + which;
    t->in.at[which].offset = x->first;
    memcpy(t->in.strides[which], x->strides, sizeof x->strides);
    return x;
}

operand *add_row(source *s, test_case *t, int which, int kind, ptrdiff_t n) {
    return add(s, t, which, kind, 1, &n, WHOLE);
}

/* The result of an elementwise step: in memory of its own or in that of an operand without gaps. */
void add_result(source *s, test_case *t, ptrdiff_t n) {
    const unsigned other = pick(s, 4);
    const ptrdiff_t item = (ptrdiff_t)item_of(t->in.kind);
    if (other < 3 && t->in.ndim == 1 && t->of[other].memory && t->of[other].strides[0] == item) {
        t->result = (int)other;
        t->in.at[TGI_OUT] = t->in.at[other];
    } else {
        add_row(s, t, TGI_OUT, t->in.kind, n);
    }
}

ptrdiff_t pick_length(source *s) {
    static const int16_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 33, 64, 70, 129, 257, 600, 1500};
    return lengths[pick(s, sizeof lengths / sizeof *lengths)];
}

/* Axes of which one may be long; not too many elements in all. Any of them may be empty. */
ptrdiff_t pick_shape(source *s, test_case *t, int ndim) {
    ptrdiff_t all = 1, reach = 1;
    t->in.ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        ptrdiff_t n = pick_length(s);
        if (reach * n > 4000)
            n = reach * 5 > 4000 ? 1 : 5;
        t->in.shape[d] = n;
        reach *= n > 0 ? n : 1;
        all *= n;
    }
    return all;
}
