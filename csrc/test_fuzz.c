/* Random instructions on every instruction set of this processor, for libFuzzer; with -DSTANDALONE a program that makes
 * up the bytes itself: test_fuzz [runs [seed]]. To be run under the address and undefined-behaviour sanitizers. */
#include "test_fuzz.h"

enum { CASES = 3 };

static void each_operand(test_case *t, void (*act)(operand *)) {
    for (int o = 0; o < TGI_PLACES; o++)
        if (t->of[o].memory)
            act(&t->of[o]);
    for (int o = 0; o < TGI_OPERANDS; o++)
        if (t->more[o].memory)
            act(&t->more[o]);
}

/* memcpy with nothing to copy is not for memory that ends nowhere; here it is never NULL. */
static void restore(operand *x) {
    memcpy(x->memory, x->before, x->size);
    memset(x->due, 0, x->size);
}
static void keep(operand *x) { memcpy(x->earlier, x->memory, x->size); }

static void untouched(const test_case *t, const operand *x) {
    for (size_t i = 0; i < x->size; i++)
        if (!x->due[i] && x->memory[i] != x->before[i]) {
            fprintf(stderr, "%s %s: byte %zu of %zu, which belongs to no result, was written to\n", t->isa,
                    tgi_code_names[t->in.code], i, x->size);
            abort();
        }
}

static void run(const tgi_kernels *K, test_case *cases, int count, int compares, int timed) {
    tgi_instruction program[CASES];
    char *slots[1 + CASES * (TGI_PLACES + TGI_OPERANDS)] = {NULL};
    double seconds[CASES] = {0};
    size_t work_size = 1;
    int64_t stop = count;
    for (int c = count - 1; c >= 0; c--) {
        test_case *t = &cases[c];
        const int first = 1 + c * (TGI_PLACES + TGI_OPERANDS);
        each_operand(t, restore);
        program[c] = t->in;
        for (int o = 0; o < TGI_PLACES; o++)
            slots[first + o] = t->of[o].memory;
        for (int o = 0; o < TGI_OPERANDS; o++)
            slots[first + TGI_PLACES + o] = t->more[o].memory;
        if (t->in.code == TGI_DO_scalars)
            slots[0] = t->more[0].memory;
        if (t->in.code == TGI_DO_product) {
            const ptrdiff_t *n = t->in.shape;
            const size_t needed = tgi_product_work(K, t->in.kind, (size_t)n[0], (size_t)n[1], (size_t)n[2]);
            work_size = needed > work_size ? needed : work_size;
        }
        if (t->in.code == TGI_DO_convolution) {
            const size_t needed = tgi_convolution_work(K, t->in.kind, t->in.flag, t->in.windows);
            work_size = needed > work_size ? needed : work_size;
        }
        if (t->in.code == TGI_DO_stack_product) {
            const tgi_stack stack = tgi_stack_of(&t->in);
            const size_t needed = tgi_stack_work(K, t->in.kind, &stack);
            work_size = needed > work_size ? needed : work_size;
        }
        if (t->in.code == TGI_DO_lstm) {
            const tgi_recurrence r = {(size_t)t->in.shape[0], (size_t)t->in.shape[1], (size_t)t->in.shape[2]};
            const size_t needed = tgi_lstm_work(K, t->in.kind, &r);
            work_size = needed > work_size ? needed : work_size;
        }
        if (must_stop(t))
            stop = c;
    }
    char *work = malloc(work_size);
    memset(work, 0xff, work_size); /* NaN */
    const int64_t stopped = tgi_run(K, program, 0, count, slots, work, timed ? seconds : NULL);
    if (stopped != stop) {
        fprintf(stderr, "%s: stopped at %d instead of %d\n", K->isa, (int)stopped, (int)stop);
        abort();
    }
    free(work);
    for (int c = 0; c < count; c++) {
        test_case *t = &cases[c];
        t->isa = K->isa;
        t->compares = compares;
        if (c < stop)
            check_case(K, t);
        for (int o = 0; o < TGI_PLACES; o++)
            untouched(t, &t->of[o]);
        for (int o = 0; o < TGI_OPERANDS; o++)
            untouched(t, &t->more[o]);
        if (!compares)
            each_operand(t, keep);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static test_case cases[CASES];
    source s = {data, size, 0x9e3779b97f4a7c15u};
    const int timed = pick(&s, 8) == 7;
    int count = 0, machine_memory = 1;
    while (count < CASES && make_case(&s, &cases[count], 1 + count * (TGI_PLACES + TGI_OPERANDS), machine_memory))
        machine_memory &= cases[count++].in.code != TGI_DO_scalars;
    if (count > 0)
        for (const char *const *isa = tgi_isas(); *isa; isa++)
            run(tgi_kernels_for(*isa), cases, count, isa != tgi_isas(), timed);
    for (int c = 0; c < count; c++)
        free_case(&cases[c]);
    return 0;
}

#if defined(STANDALONE)
int main(int count, char **words) {
    const long runs = count > 1 ? atol(words[1]) : 1000;
    uint64_t state = count > 2 ? strtoull(words[2], NULL, 10) : 1;
    for (long r = 0; r < runs; r++) {
        uint8_t bytes[240];
        for (size_t i = 0; i < sizeof bytes; i++) { /* Knuth's multiplier for linear congruences modulo 2^64 */
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)(state >> 56);
        }
        /* In a block of their own: what is read behind them is seen. */
        const size_t size = 1 + (size_t)(state >> 33) % sizeof bytes;
        uint8_t *data = malloc(size);
        memcpy(data, bytes, size);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    printf("%ld runs\n", runs);
    return 0;
}
#endif
