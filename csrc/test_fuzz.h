/* What the parts of the fuzzer share: instructions made of bytes (test_fuzz_cases.c), what they must do, in plain loops
 * (test_fuzz_expected.c), both for windows (test_fuzz_windows.c), and the runs (test_fuzz.c). */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* Bytes that decide what is done, and the state from which numbers follow. */
typedef struct {
    const uint8_t *at;
    size_t left;
    uint64_t state;
} source;

/* Which numbers the operands hold: small ones; with NaN and infinities among them; of any size. */
enum { SMALL_NUMBERS, NOT_FINITE, ANY_NUMBERS };

/* An operand in memory of its own that ends where its last element ends: what reads or writes further on is stopped by
 * the address sanitizer. Bytes that belong to no element must stay as they were. */
typedef struct {
    int kind;
    size_t size;     /* in bytes */
    size_t mapped;   /* 0, or how large the mapping is that the memory ends in, with the page behind it */
    ptrdiff_t first; /* where its element (0, ..., 0) lies */
    ptrdiff_t strides[TGI_AXES]; /* in bytes */
    char *memory;
    char *before;  /* what was in it before the run, and: */
    char *earlier; /* what the first of the instruction sets has made of it */
    char *due;     /* bytes that the instruction had to write */
} operand;

enum { SCALARS = 24 };
typedef struct {
    tgi_instruction in;
    operand of[TGI_PLACES];
    operand more[TGI_OPERANDS]; /* those of a chain, or the memory of scalars */
    int slot;   /* that of the first operand */
    int result; /* which operand the result goes to: TGI_OUT, or one that is overwritten by it */
    int numbers;
    tgi_scalar_instruction scalars[SCALARS];
    tgi_chain chain;
    tgi_windows windows;
    const char *isa;
    int compares; /* whether `earlier` is there */
} test_case;

static inline size_t item_of(int kind) { return kind == TGI_FLOAT32 ? 4 : 8; }
static inline double epsilon_of(int kind) { return kind == TGI_FLOAT32 ? 0x1p-23 : 0x1p-52; }

static inline double value_at(const char *memory, int kind, ptrdiff_t at) {
    if (kind == TGI_FLOAT32)
        return *(const float *)(memory + at);
    return kind == TGI_FLOAT64 ? *(const double *)(memory + at) : (double)*(const int64_t *)(memory + at);
}

/* Through all elements of a shape in C order: for (walk w = begin(...); w.more; next(&w)) */
typedef struct {
    int ndim, more;
    const ptrdiff_t *shape;
    ptrdiff_t at[TGI_AXES];
} walk;

static inline walk begin(int ndim, const ptrdiff_t *shape) {
    walk w = {.ndim = ndim, .more = 1, .shape = shape};
    for (int d = 0; d < ndim; d++)
        w.more &= shape[d] > 0;
    return w;
}

static inline void next(walk *w) {
    int d = w->ndim - 1;
    for (; d >= 0 && ++w->at[d] == w->shape[d]; d--)
        w->at[d] = 0;
    w->more = d >= 0;
}

static inline ptrdiff_t place_of(const operand *x, const walk *w) {
    ptrdiff_t at = x->first;
    for (int d = 0; d < w->ndim; d++)
        at += w->at[d] * x->strides[d];
    return at;
}

/* An operand's number `i`, of one without gaps, and its element at a place of the walk, before the run. */
static inline double number(const operand *x, ptrdiff_t i) {
    return value_at(x->before, x->kind, x->first + i * (ptrdiff_t)item_of(x->kind));
}
static inline double element(const operand *x, const walk *w) { return value_at(x->before, x->kind, place_of(x, w)); }

/* Which of x, y and the result the cotangent of an input of a function of two numbers is read from. */
enum { READS_X = 1, READS_Y = 2, READS_RESULT = 4 };
int reads_of(int function, int input);

/* A number below n from the next byte; 0 when there are none left. */
unsigned pick(source *s, unsigned n);
uint64_t random_bits(source *s);
double uniform(source *s, double low, double high);
double random_number(source *s, int numbers);
void set(operand *x, ptrdiff_t at, double number);

enum { WHOLE, APART, ANY_STRIDES }; /* without gaps in C order; each element in a place of its own; any */
void free_operand(operand *x);
void allocate(source *s, test_case *t, operand *x, int ndim, const ptrdiff_t *shape);
operand *add(source *s, test_case *t, int which, int kind, int ndim, const ptrdiff_t *shape, int how);
operand *add_row(source *s, test_case *t, int which, int kind, ptrdiff_t n);
void add_result(source *s, test_case *t, ptrdiff_t n);
ptrdiff_t pick_length(source *s);
ptrdiff_t pick_shape(source *s, test_case *t, int ndim);

/* Returns 0 if there are no bytes left. `machine_memory` says whether the memory of scalars may be used. */
int make_case(source *s, test_case *t, int slot, int machine_memory);
void free_case(test_case *t);
/* Ends the process unless the instruction has done what it must, and nothing else. */
void check_case(const tgi_kernels *K, test_case *t);
/* Rows, stacks and memory (test_fuzz_sequences.c). */
void make_rows(source *s, test_case *t);
void make_stack_product(source *s, test_case *t);
void make_lstm(source *s, test_case *t);
void check_sequences(test_case *t);
/* Convolutions, pooling and normalization. */
void make_normalization(source *s, test_case *t);
void check_normalization(test_case *t);
void make_windows(source *s, test_case *t);
void check_windows(test_case *t);
/* Ends the process unless a result is as wanted, up to what rounding can do. */
void expect(const test_case *t, operand *x, ptrdiff_t at, double wanted, double slack);
int must_stop(const test_case *t);

#endif
