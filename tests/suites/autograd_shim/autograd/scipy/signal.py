"""`scipy.signal.convolve`, with autograd's options."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_init as tgi

from .of_arrays import of_arrays


@of_arrays
def convolve(a: Any, b: Any, axes: Any = None, dot_axes: Any = ((), ()), mode: str = "full") -> Any:
    """Convolution along pairs of axes; pairs of `dot_axes` are summed over, all others combined with each other.

    The axes of the result: the others of `a`, those of `b`, and the convolved ones.
    """
    if mode not in ("full", "valid"):
        raise NotImplementedError(f"convolve: expected mode 'full' or 'valid', got {mode!r}")
    pairs = [(i, i) for i in range(a.ndim)] if axes is None else list(zip(*axes, strict=True))
    names = iter("abcdefghijklmnopqrstuvwxyz")
    of_a, of_b = [next(names) for _ in a.shape], [next(names) for _ in b.shape]
    for i, j in zip(*dot_axes, strict=True):
        of_b[j] = of_a[i]
    convolved = {of_a[i] for i, _ in pairs} | {of_b[j] for _, j in pairs} | {of_a[i] for i in dot_axes[0]}
    slid = mode == "valid" and any(a.shape[i] < b.shape[j] for i, j in pairs)  # then b is the longer one
    long, short, of_long, of_short = (b, a, of_b, of_a) if slid else (a, b, of_a, of_b)
    result = [name for name in (*of_a, *of_b) if name not in convolved]
    for i, j in [(j, i) for i, j in pairs] if slid else pairs:
        if mode == "full":
            ends = [(0, 0)] * long.ndim
            ends[i] = (short.shape[j] - 1,) * 2
            long = np.pad(long, ends)
        elif long.shape[i] < short.shape[j]:
            raise ValueError("convolve: expected one array that is the longer one along all axes")
        long = long.unfold(i, short.shape[j], 1)  # the places in its windows are a last axis
        short = tgi.flip(short, j)
        of_long = [*of_long, of_short[j]]
        result.append(of_long[i])
    return tgi.einsum(f"{''.join(of_long)},{''.join(of_short)}->{''.join(result)}", long, short)
