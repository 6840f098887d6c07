/* Products of ours beside those of BLAS libraries and the peak of the core, in turn and in short slices, so that what else
 * runs on the machine meets all alike. See products.py, which builds and runs this.
 *
 *     products ISA ROUNDS LIBRARY... -- TYPE:M:N:K:LAYOUT...
 *
 * A library is `tgi:PATH` (with tgi_product) or `blas:PATH:PREFIX` (with PREFIXcblas_sgemm). LAYOUT: nn x @ w, nt x @ w.T,
 * tn x.T @ w. For each product a line: its name and the best GFLOP/s of the peak; then for each library its best GFLOP/s,
 * and medians over the rounds: its share of the peak, and its speed divided by that of the first library, which is ours. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

enum { MOST = 8, MOST_ROUNDS = 2000 };
static const double SLICE = 3e-3; /* seconds: so few that a round of all is over before the machine changes */

typedef void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);

typedef struct {
    const tgi_kernels *kernels; /* NULL: a BLAS */
    __typeof__(tgi_product) *product;
    __typeof__(tgi_product_work) *work_size;
    sgemm single;
    dgemm twice;
} library;

typedef struct {
    int kind, turned_a, turned_b;
    size_t m, n, k;
    void *a, *b, *c, *work;
} problem;

/* Of one thread its own time counts, not that of others which had its core in between; of several (PRODUCTS_THREADS is set)
 * the clock on the wall. */
static clockid_t clock_read = CLOCK_THREAD_CPUTIME_ID;

static double now(void) {
    struct timespec t;
    clock_gettime(clock_read, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *found(void *handle, const char *prefix, const char *name) {
    char whole[100];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    void *symbol = dlsym(handle, whole);
    if (!symbol)
        fprintf(stderr, "no %s\n", whole), exit(1);
    return symbol;
}

static library opened(char *what, const char *isa) {
    library l = {0};
    char *path = strchr(what, ':') + 1, *prefix = strchr(path, ':');
    if (prefix)
        *prefix++ = 0;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        fprintf(stderr, "%s\n", dlerror()), exit(1);
    if (what[0] == 't') {
        const tgi_kernels *(*kernels_for)(const char *) = found(handle, "", "tgi_kernels_for");
        l.kernels = kernels_for(isa);
        l.product = found(handle, "", "tgi_product");
        l.work_size = found(handle, "", "tgi_product_work");
    } else {
        l.single = found(handle, prefix ? prefix : "", "cblas_sgemm");
        l.twice = found(handle, prefix ? prefix : "", "cblas_dgemm");
    }
    return l;
}

static void multiply(const library *l, problem *p) {
    enum { ROWS = 101, PLAIN = 111, TURNED = 112 }; /* CBLAS's names for layouts */
    const ptrdiff_t m = (ptrdiff_t)p->m, n = (ptrdiff_t)p->n, k = (ptrdiff_t)p->k;
    const ptrdiff_t lda = p->turned_a ? m : k, ldb = p->turned_b ? k : n;
    if (l->kernels) {
        const tgi_matrix a = {p->a, p->turned_a ? 1 : lda, p->turned_a ? lda : 1};
        const tgi_matrix b = {p->b, p->turned_b ? 1 : ldb, p->turned_b ? ldb : 1};
        const tgi_epilogue end = {.function = -1};
        l->product(l->kernels, p->kind, p->m, p->n, p->k, a, b, &end, p->c, p->work);
    } else if (p->kind == TGI_FLOAT32) {
        l->single(ROWS, p->turned_a ? TURNED : PLAIN, p->turned_b ? TURNED : PLAIN, (int)m, (int)n, (int)k, 1, p->a, (int)lda,
                  p->b, (int)ldb, 0, p->c, (int)n);
    } else {
        l->twice(ROWS, p->turned_a ? TURNED : PLAIN, p->turned_b ? TURNED : PLAIN, (int)m, (int)n, (int)k, 1, p->a, (int)lda,
                 p->b, (int)ldb, 0, p->c, (int)n);
    }
}

/* Seconds of one product, from as many as fill a slice. Threads of the library before may be looking for work for some
 * hundredths of a second and keep a core busy, those of this one may be asleep. */
static double timed(const library *l, problem *p, int times) {
    if (clock_read != CLOCK_THREAD_CPUTIME_ID) {
        usleep(30000);
        multiply(l, p);
    }
    const double start = now();
    for (int i = 0; i < times; i++)
        multiply(l, p);
    return (now() - start) / times;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void *numbers(int kind, size_t count) {
    void *data = aligned_alloc(64, (count * 8 + 4095) / 4096 * 4096);
    for (size_t i = 0; i < count; i++) {
        const double v = 2.0 * rand() / RAND_MAX - 1;
        if (kind == TGI_FLOAT32)
            ((float *)data)[i] = (float)v;
        else
            ((double *)data)[i] = v;
    }
    return data;
}

static void measure(const char *name, problem *p, const library *libraries, int count, int rounds) {
    static double ratios[MOST][MOST_ROUNDS], shares[MOST][MOST_ROUNDS];
    double best[MOST], best_peak = 0, flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    int times[MOST];
    for (int l = 0; l < count; l++) {
        multiply(&libraries[l], p); /* the first call allocates and starts threads */
        times[l] = 1 + (int)(SLICE / timed(&libraries[l], p, 2));
        best[l] = 1e9;
    }
    for (int r = 0; r < rounds; r++) {
        double took[MOST];
        const double start = now(), work = libraries[0].kernels->peak[p->kind](300000);
        const double rate = work / (now() - start);
        best_peak = rate > best_peak ? rate : best_peak;
        for (int i = 0; i < count; i++) {
            const int l = r % 2 ? count - 1 - i : i; /* back and forth, so that nobody always follows the same one */
            took[l] = timed(&libraries[l], p, times[l]);
            best[l] = took[l] < best[l] ? took[l] : best[l];
        }
        for (int l = 0; l < count; l++) {
            ratios[l][r] = took[0] / took[l];
            shares[l][r] = flops / took[l] / rate;
        }
    }
    printf("%-22s %6.1f", name, best_peak / 1e9);
    for (int l = 0; l < count; l++) {
        qsort(ratios[l], (size_t)rounds, sizeof(double), ascending);
        qsort(shares[l], (size_t)rounds, sizeof(double), ascending);
        printf("  |%6.1f %4.1f%% %5.3f", flops / best[l] / 1e9, 100 * shares[l][rounds / 2], ratios[l][rounds / 2]);
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    library libraries[MOST];
    int count = 0, at = 3;
    if (getenv("PRODUCTS_THREADS"))
        clock_read = CLOCK_MONOTONIC;
    const char *isa = argv[1];
    const int rounds = atoi(argv[2]) < MOST_ROUNDS ? atoi(argv[2]) : MOST_ROUNDS;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++)
        if (count < MOST)
            libraries[count++] = opened(argv[at], isa);
    for (at++; at < argc; at++) {
        char type, layout[3];
        problem p = {0};
        if (sscanf(argv[at], "%c:%zu:%zu:%zu:%2s", &type, &p.m, &p.n, &p.k, layout) != 5)
            return fprintf(stderr, "not a product: %s\n", argv[at]), 1;
        p.kind = type == 'd' ? TGI_FLOAT64 : TGI_FLOAT32;
        p.turned_a = layout[0] == 't', p.turned_b = layout[1] == 't';
        p.a = numbers(p.kind, p.m * p.k), p.b = numbers(p.kind, p.k * p.n), p.c = numbers(p.kind, p.m * p.n);
        size_t most = 0;
        for (int l = 0; l < count; l++)
            if (libraries[l].kernels) {
                const size_t size = libraries[l].work_size(libraries[l].kernels, p.kind, p.m, p.n, p.k);
                most = size > most ? size : most;
            }
        p.work = malloc(most + 1);
        measure(argv[at], &p, libraries, count, rounds);
        free(p.a), free(p.b), free(p.c), free(p.work);
    }
    return 0;
}
