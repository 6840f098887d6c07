/* Kernels for AVX-512: 32 registers of 64 bytes, 24 of them hold the tile of C. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h> /* all before the target changes: system headers keep the baseline's */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,prefer-vector-width=512")
#endif
#define ISA avx512
#define VECTOR_BYTES 64
#define MR 12
#define NR_VECTORS 2
#include "kernels.inc.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
