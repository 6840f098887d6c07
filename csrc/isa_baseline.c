/* Kernels for any processor the compiler targets by default: SSE2 on x86-64 (16 registers, 8 of them hold the tile of C, as
 * multiplying takes one more without fused multiply-add), NEON on AArch64 (32 registers, 24 of them). */
#define ISA baseline
#define VECTOR_BYTES 16
#if defined(__aarch64__)
#define MR 8
#define NR_VECTORS 3
#else
#define MR 4
#define NR_VECTORS 2
#endif
#include "kernels.inc.h"
