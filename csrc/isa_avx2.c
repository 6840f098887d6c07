/* Kernels for AVX2 with fused multiply-add: 16 registers of 32 bytes, 12 of them hold the tile of C. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h> /* all before the target changes: system headers keep the baseline's */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define ISA avx2
#define VECTOR_BYTES 32
#define MR 6
#define NR_VECTORS 2
#include "kernels.inc.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
