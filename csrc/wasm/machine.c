/* The machine as a WebAssembly module: what its host may call, and what the other files ask of a C library. The host
 * (page/program.js) lays words and arrays into the memory that `tgi_room` gives, reads a program and runs it; all of it is
 * given back at once, with the module's instance. */
#include "../program.h"
#include "../threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT(name) __attribute__((export_name(#name)))

extern const tgi_kernels tgi_kernels_baseline;
extern char __heap_base;
static size_t used;

/* So many bytes of zeros that nobody else has, at a multiple of 64; NULL if there are none left. */
EXPORT(room) void *tgi_room(size_t size) {
    const size_t page = 1 << 16, begin = ((used ? used : (size_t)&__heap_base) + 63) / 64 * 64, there = __builtin_wasm_memory_size(0) * page;
    if (size > ((size_t)1 << 31) - begin)
        return NULL;
    if (begin + size > there && __builtin_wasm_memory_grow(0, (begin + size - there + page - 1) / page) == (size_t)-1)
        return NULL;
    used = begin + size;
    return (void *)begin;
}

void *calloc(size_t count, size_t size) {
    const uint64_t all = (uint64_t)count * size;
    return all > SIZE_MAX ? NULL : tgi_room((size_t)all);
}
void free(void *memory) { (void)memory; }

void *memcpy(void *restrict to, const void *restrict from, size_t n) { return memmove(to, from, n); }
void *memmove(void *to, const void *from, size_t n) {
    __asm__ volatile("local.get %0\n\tlocal.get %1\n\tlocal.get %2\n\tmemory.copy 0, 0" ::"r"(to), "r"(from), "r"(n) : "memory");
    return to;
}
void *memset(void *to, int byte, size_t n) {
    __asm__ volatile("local.get %0\n\tlocal.get %1\n\tlocal.get %2\n\tmemory.fill 0" ::"r"(to), "r"(byte), "r"(n) : "memory");
    return to;
}

/* x = found 2^n with 1/2 <= |found| < 1 */
double frexp(double x, int *n) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int exponent = (int)(bits >> 52 & 0x7ff);
    *n = 0;
    if (x == 0 || exponent == 0x7ff)
        return x;
    if (exponent == 0) {
        x = frexp(x * 0x1p64, n);
        *n -= 64;
        return x;
    }
    *n = exponent - 1022;
    bits = (bits & 0x800fffffffffffffu) | 0x3fe0000000000000u;
    memcpy(&x, &bits, 8);
    return x;
}

/* In steps, so that nothing is rounded twice but what ends among the subnormal numbers. */
double ldexp(double x, int n) {
    for (; n > 1000; n -= 1000)
        x *= 0x1p1000;
    for (; n < -960; n += 960)
        x *= 0x1p-960;
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, 8);
    return x * power;
}

__attribute__((import_module("host"), import_name("now"))) double host_now(void); /* milliseconds */
int clock_gettime(int clock, struct timespec *now) {
    const double ms = host_now();
    (void)clock;
    now->tv_sec = (long)(ms / 1000);
    now->tv_nsec = (long)((ms - 1000.0 * (double)now->tv_sec) * 1e6);
    return 0;
}

/* One thread does all. */
int tgi_most_threads(void) { return 1; }
int tgi_threads_now(void) { return 1; }
int tgi_threads_for(double operations, double each, double parts, int (*there)(void)) {
    (void)operations, (void)each, (void)parts, (void)there;
    return 1;
}
void tgi_share_out(int threads, int parts, void (*part)(void *what, int number, int thread), void *what) {
    (void)threads;
    for (int i = 0; i < parts; i++)
        part(what, i, 0);
}

/* What was wrong with the words that were read last, and with which instruction (-1: with none). */
static const char *wrong;
static int64_t where;
EXPORT(wrong) const char *tgi_wrong(void) { return wrong; }
EXPORT(where) int32_t tgi_where(void) { return (int32_t)where; }

typedef struct {
    tgi_program *program;
    char **slots;
    char *work;
    double *seconds;
} loaded;

/* A program, whose slots but the first are to be bound yet; NULL if something is wrong. */
EXPORT(read) loaded *tgi_read(const int64_t *words, int32_t count) {
    tgi_program *program = tgi_read_program(&tgi_kernels_baseline, words, count, &wrong, &where);
    if (!program)
        return NULL;
    loaded *found = calloc(1, sizeof(*found));
    if (found) {
        *found = (loaded){program, calloc((size_t)program->slots, sizeof(char *)), tgi_room(program->work + 64),
                          calloc((size_t)program->count + 1, sizeof(double))};
        if (found->slots && found->work && found->seconds && (found->slots[0] = tgi_room((size_t)program->sizes[0] + 64)))
            return found;
    }
    wrong = "there is no memory for the program";
    return NULL;
}

EXPORT(slots) int32_t tgi_slots(const loaded *p) { return (int32_t)p->program->slots; }
EXPORT(size) int32_t tgi_size(const loaded *p, int32_t slot) { return (int32_t)p->program->sizes[slot]; }
EXPORT(count) int32_t tgi_count(const loaded *p) { return (int32_t)p->program->count; }
EXPORT(place) char *tgi_place_of(const loaded *p, int32_t slot) { return p->slots[slot]; }
EXPORT(bind) void tgi_bind(loaded *p, int32_t slot, char *memory) { p->slots[slot] = memory; }

/* Run once; -1, or the number in the words of the instruction that stopped it. */
EXPORT(run) int32_t tgi_run_once(const loaded *p) {
    const int64_t at = tgi_run(&tgi_kernels_baseline, p->program->instructions, 0, p->program->count, p->slots, p->work, NULL);
    return at == p->program->count ? -1 : (int32_t)p->program->written[at];
}

/* Run so many times, and leave after each the number at `from`, of 4 or 8 bytes, in the next place from `to` on. */
EXPORT(repeat) int32_t tgi_repeat(const loaded *p, int32_t times, const char *from, char *to, int32_t item) {
    for (int32_t i = 0; i < times; i++) {
        const int32_t stopped = tgi_run_once(p);
        if (stopped >= 0)
            return stopped;
        memcpy(to + i * item, from, (size_t)item);
    }
    return -1;
}

/* Run once and add to the seconds of each instruction what it took; where those are. */
EXPORT(profile) double *tgi_profile(const loaded *p) {
    (void)tgi_run(&tgi_kernels_baseline, p->program->instructions, 0, p->program->count, p->slots, p->work, p->seconds);
    return p->seconds;
}
