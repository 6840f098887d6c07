"""What the processor can do: its peak, and how fast it copies."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from tinygrad_init.kernels.backend import kernels


@cache
def peak(dtype: str) -> float:
    """Floating-point operations a second of nothing but fused multiply-adds: the best of several tries."""
    repeats, taken, best = 1000, 0.0, 0.0
    while taken < 5e-3:
        repeats *= 2
        began = time.perf_counter()
        kernels.peak(dtype == "float32", repeats)
        taken = time.perf_counter() - began
    for _ in range(20):
        began = time.perf_counter()
        done = kernels.peak(dtype == "float32", repeats)
        best = max(best, done / (time.perf_counter() - began))
    return best


@cache
def bandwidth(size: int) -> float:
    """Bytes a second that a copy of `size` bytes reads and writes: the best of several tries.

    A yardstick, no limit: memory that is written is often read first, unseen, which weighs less on two operands.
    """
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    copies, taken, best = 1, 0.0, 0.0
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(copies):
            np.copyto(target, source)
        taken = time.perf_counter() - began
        best = max(best, 2 * size * copies / taken)
        if taken < 2e-3:
            copies *= 2
    return best
