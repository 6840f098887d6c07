/* Programs: the kernel calls of a captured function in the order in which they run, without Python.
 *
 * Every operand is a place: a slot (slot 0 is the program's own memory, others are arrays of the caller) and an offset in
 * bytes. Shapes and strides (in bytes) are part of the instruction, so nothing is looked up and nothing allocated.
 *
 * What an instruction may take for granted, and does not check:
 * - there are 1 to TGI_AXES axes; any of them may be empty, and then nothing is read or written, but for the results of
 *   reductions and products over nothing. Strides of axes of length 0 or 1 mean nothing;
 * - operands lie at multiples of their item's size, and each place but those that may be missing is an address, even of
 *   nothing (binary_vjp: b, c, d where the derivative does not read them; product: c, d, e; sgd: b;
 *   convolution: c; pooling: b, c);
 * - a result overlaps no operand, but that an elementwise one (unary to select) may be an operand without gaps itself.
 *   A copy within one array is right only where both sides are a single row without gaps;
 * - labels and indices are in range: of logits with no columns there are no rows;
 * - the limits of a check of whole numbers are whole numbers that an int64 can be;
 * - the places of a scalar instruction are all inside of the memory, also those that its function does not read.
 */
#ifndef TGI_PROGRAM_H
#define TGI_PROGRAM_H

#include "tgi.h"

#define TGI_AXES 8
enum { TGI_INT64 = 2 }; /* a third kind of number: labels and indices */

/* What an instruction does, with its operands a, b, c, d, e and its result `out`. */
#define TGI_CODES(C)                                                                                                   \
    C(unary)             /* out = f(a), shape[0] numbers without gaps */                                               \
    C(unary_vjp)         /* out = the cotangent from a, read from b */                                                 \
    C(binary)            /* out = f(a, b) over shape; out without gaps */                                              \
    C(binary_vjp)        /* out = the cotangent of input `flag` from a, read from inputs b, c and result d */          \
    C(select)            /* out = a != 0 ? b : c over shape; out without gaps */                                       \
    C(copy)              /* out = a over shape, any strides on both sides; `flag` is the kind of a */                  \
    C(reduce)            /* out = the last `reduced` axes of a reduced; `function` is a tgi_reduction */               \
    C(product)           /* out = a b with epilogue: bias c, kept d, row sums e; shape m, n, k; `flag`: bias of rows */ \
    C(cross_entropy)     /* out = losses of logits a and labels b, c = the probabilities; `flag`: by columns */        \
    C(cross_entropy_vjp) /* out from cotangent a, probabilities b, labels c; `flag`: by columns */                     \
    C(sgd)               /* weights out by gradients a, velocity b, learning rate c (a float64) */                     \
    C(adam)              /* weights out by gradients a, m b, learning rate c, v d, powers e */                         \
    C(gather)            /* out[i] = a[b[i]], shape[0] rows of shape[1] numbers */                                     \
    C(scatter)           /* out = 0 (shape[2] rows), then out[b[i]] += a[i] for shape[0] rows of shape[1] numbers */   \
    C(check)             /* stop unless all of a, shape[0] numbers without gaps, lie in [p[0], p[1]] */                \
    C(call)              /* stop: what comes here is not the machine's to do */                                        \
    C(convolution)       /* out of a and b as tgi_convolution says; bias c may be missing; `flag`: which */              \
    C(pooling)           /* out of a, b and c as tgi_pooling says; b and c may be missing where it does; `flag`: which */ \
    C(normalization)     /* out of a, b, ... as tgi_normalization says; shape outer, channels, inner; p[0] eps; `flag`: which */ \
    C(rows)              /* out of a, b, ... as tgi_of_rows says; shape rows, columns, queries; p[0] eps; `flag`: which */ \
    C(stack_product)     /* out = a b, stacks of matrices; shape: of the stack, then m, n, k; strides as in tgi_stack */ \
    C(lstm)              /* out = what tgi_lstm (`flag` 0; e may be missing) or tgi_lstm_vjp makes of a, b, c, d, e; shape steps, rows, units */ \
    C(scalars)           /* a run of instructions on single numbers, see tgi_scalar_instruction */                     \
    C(chain)             /* a chain of elementwise functions over shape[0] numbers, piece by piece, see tgi_chain */

#define TGI_ENUM_CODE(name) TGI_DO_##name,
enum tgi_code { TGI_CODES(TGI_ENUM_CODE) TGI_CODE_COUNT };
extern const char *const tgi_code_names[TGI_CODE_COUNT];

typedef struct {
    int64_t slot, offset; /* slot -1: nothing */
} tgi_place;

enum { TGI_A, TGI_B, TGI_C, TGI_D, TGI_E, TGI_OUT, TGI_PLACES };

/* One number from others, all in the program's memory at these offsets: the value of a function (`input` -1; function -1:
 * a copy of x) or the cotangent of its input 0 or 1, for which g is the cotangent of its result `value`. */
typedef struct {
    int16_t function;
    int8_t input;
    int8_t kind;
    int32_t g, x, y, value, out;
    double p;
} tgi_scalar_instruction;

/* One function of a chain. An operand is a register (0 <= number < TGI_REGISTERS: a piece of TGI_PIECE numbers), or -1 - i
 * for the chain's operand i, whose numbers are `each` apart (0: it is a single number). */
enum { TGI_REGISTERS = 12, TGI_PIECE = 512, TGI_OPERANDS = 16, TGI_STAGES = 32 };
typedef struct {
    int16_t code; /* unary, unary_vjp, binary, binary_vjp or select */
    int16_t function, flag;
    int16_t from[4], to;
    double p;
} tgi_stage;
typedef struct {
    int32_t stages, operands;
    tgi_stage stage[TGI_STAGES];
    tgi_place operand[TGI_OPERANDS];
    int32_t each[TGI_OPERANDS];
} tgi_chain;

typedef struct {
    int32_t code, kind, function, flag, ndim, reduced;
    double p[6];
    tgi_place at[TGI_PLACES];
    ptrdiff_t shape[TGI_AXES], strides[TGI_PLACES][TGI_AXES];
    const tgi_scalar_instruction *scalars; /* shape[0] of them */
    const tgi_chain *chain;
    const tgi_windows *windows; /* of convolution and pooling; all arrays without gaps */
    ptrdiff_t rows;             /* of each part in which several threads run it; 0: it stays whole */
    ptrdiff_t first, last;      /* of a part that reads what lies beside it: its rows, or channels; both 0 in a whole */
} tgi_instruction;

/* Run the instructions from number `from` on; slots[0] is the program's memory, work has the most that any product or
 * convolution needs (tgi_product_work, tgi_convolution_work). Returns the number of the instruction that stopped the run, or `count`. With `seconds`, adds to
 * each instruction's place its time. */
int64_t tgi_run(const tgi_kernels *kernels, const tgi_instruction *program, int64_t from, int64_t count,
                char *const *slots, char *work, double *seconds);

/* Sharing an instruction out: what its `rows` have to be for parts of so many numbers (of TGI_PART, handing one out costs
 * little beside them), the run on several threads, and what those call: a part of it, and an update with the powers of
 * Adam's rule in another place. */
enum { TGI_PART = 1 << 15 };
ptrdiff_t tgi_rows_of_a_part(const tgi_instruction *instruction, ptrdiff_t numbers);
void tgi_run_shared(const tgi_kernels *kernels, const tgi_instruction *instruction, char *const *slots, int threads);
void tgi_run_part(const tgi_kernels *kernels, const tgi_instruction *part, char *const *slots);
void tgi_update(const tgi_kernels *kernels, const tgi_instruction *part, char *const *slots, double *powers);

/* C = A B as `gemm`, on several threads where the product is large. Returns 0 if it was stopped on the way, else 1. */
int tgi_product(const tgi_kernels *kernels, int kind, size_t m, size_t n, size_t k, tgi_matrix a, tgi_matrix b,
                const tgi_epilogue *epilogue, void *c, void *work);
/* What each thread of a long product asks now and then: whether it is not wanted any more. NULL: it always is. */
extern int (*tgi_ask)(void);
size_t tgi_product_work(const tgi_kernels *kernels, int kind, size_t m, size_t n, size_t k);

/* C = A B for each of the matrices; the results lie one behind the other. Returns 0 if it was stopped on the way, else 1. */
int tgi_stack_product(const tgi_kernels *kernels, int kind, const tgi_stack *stack, const void *a, const void *b, void *c,
                      void *work);
size_t tgi_stack_work(const tgi_kernels *kernels, int kind, const tgi_stack *stack);
/* The stack of an instruction. */
tgi_stack tgi_stack_of(const tgi_instruction *instruction);

/* Long short-term memory (see tgi_recurrence) of what is given to the gates (steps, rows, 4 units), first states h and c,
 * weight (4 units, units) and bias. What is kept, in arrays (rows, units): four for the gates of each step; c after all
 * steps but the last; h after all steps; the last c. Its derivative, from the cotangent of the last steps + 1 of them, what
 * was kept, the first c and the weight: of what was given; of the first h and c. Return 0 if stopped on the way, else 1. */
int tgi_lstm(const tgi_kernels *kernels, int kind, const tgi_recurrence *s, const void *given, const void *h, const void *c,
             const void *w, const void *bias, void *kept, void *work);
int tgi_lstm_vjp(const tgi_kernels *kernels, int kind, const tgi_recurrence *s, const void *g, const void *kept,
                 const void *c, const void *w, void *out, void *work);
size_t tgi_lstm_work(const tgi_kernels *kernels, int kind, const tgi_recurrence *s);

/* How many bytes of work memory an instruction needs. */
size_t tgi_work_of(const tgi_kernels *kernels, const tgi_instruction *instruction);

/* Programs that travel (docs/programs.md): read from words, and refused unless running them can neither leave the memory
 * that they name nor meet what program.h forbids. Numbers that index get a check of their own before them. */
enum { TGI_PROGRAM_VERSION = 1 };
typedef struct {
    int64_t count, slots;          /* of instructions; of slots, the program's own memory among them */
    tgi_instruction *instructions;
    int64_t *written;              /* which instruction of the words each is */
    int64_t *sizes;                /* of slots, in bytes */
    size_t work;
} tgi_program;
/* The program, or NULL and what is `wrong`, with the number of the instruction (-1: of none). */
tgi_program *tgi_read_program(const tgi_kernels *kernels, const int64_t *words, int64_t count, const char **wrong,
                              int64_t *where);
void tgi_free_program(tgi_program *program);
/* What is wrong with an instruction, given the sizes of slots (NULL: nothing), and the check that its indices need (its code is
 * TGI_DO_call where they need none). */
const char *tgi_wrong_with(const tgi_instruction *instruction, const int64_t *sizes, int64_t slots, tgi_instruction *check);

/* A convolution as `convolve`, on several threads where it is large. Returns 0 if it was stopped on the way, else 1. */
int tgi_convolve(const tgi_kernels *kernels, int kind, int which, const tgi_windows *windows, const void *a, const void *b,
                 const void *bias, void *out, void *work);
size_t tgi_convolution_work(const tgi_kernels *kernels, int kind, int which, const tgi_windows *windows);

#endif
