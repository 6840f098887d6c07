/* Which of the compiled instruction sets this processor has. */
#include <string.h>

#include "tgi.h"

extern const tgi_kernels tgi_kernels_baseline;
#if defined(__x86_64__)
extern const tgi_kernels tgi_kernels_avx2, tgi_kernels_avx512;
#endif

const char *const *tgi_isas(void) {
    static const char *names[4];
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
        names[count++] = "avx512";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        names[count++] = "avx2";
#endif
    names[count++] = "baseline";
    names[count] = NULL;
    return names;
}

const tgi_kernels *tgi_kernels_for(const char *wanted) {
    const char *const *names = tgi_isas();
    for (; wanted && *names && strcmp(*names, wanted) != 0; names++)
        ;
    if (!*names)
        return NULL;
#if defined(__x86_64__)
    if (strcmp(*names, "avx512") == 0)
        return &tgi_kernels_avx512;
    if (strcmp(*names, "avx2") == 0)
        return &tgi_kernels_avx2;
#endif
    return &tgi_kernels_baseline;
}
