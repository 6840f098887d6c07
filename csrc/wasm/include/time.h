#ifndef TGI_WASM_TIME_H
#define TGI_WASM_TIME_H

struct timespec {
    long tv_sec, tv_nsec;
};
enum { CLOCK_MONOTONIC };
int clock_gettime(int clock, struct timespec *now);

#endif
