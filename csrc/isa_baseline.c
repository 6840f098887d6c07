/* Kernels for any processor the compiler targets by default: SSE2 on x86-64, NEON on AArch64. */
#define ISA baseline
#define VECTOR_BYTES 16
#define MR 4
#define NR_VECTORS 2
#include "kernels.inc.h"
