"""Statistics of the numbers that flow through a layer; infinities and NaN are counted, not spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.backend import kernels
from ..records import Distribution

Array = np.ndarray[Any, Any]

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BINS = 40
MANY = 2**18
NORM = kernels.REDUCTIONS["norm"]
# Sums of squares up to this, and down to its inverse, have lost nothing on the way.
SAFE = {np.dtype(np.float32): 1e25, np.dtype(np.float64): 1e200}


def describe(values: Array) -> Distribution:
    """Statistics of an array of shape (samples, ...); everything after the first axis counts as units.

    Quantiles, but for the smallest and the largest number, are those of a sample where there are more than 2^18.
    """
    flat = np.asarray(values, np.float64).reshape(len(values), -1) if values.ndim else np.asarray(values).reshape(1, 1)
    finite = np.isfinite(flat)
    every = bool(finite.all())
    known = flat.reshape(-1) if every else flat[finite]
    if known.size == 0:
        nothing = (math.nan,) * len(QUANTILES)
        share = 1.0 if flat.size else 0.0
        return Distribution(flat.size, share, 0.0, math.nan, math.nan, math.nan, math.nan, nothing, (), ())
    with np.errstate(all="ignore"):
        top = float(np.max(np.abs(known))) or 1.0  # squares of what is scaled by it neither overflow nor underflow
        whole = flat / top if every else (np.where(finite, flat, np.nan) / top)[:, np.all(finite, axis=0)]
        counts, edges = histogram(known)
        return Distribution(
            count=flat.size,
            not_finite=1 - known.size / flat.size,
            zero=float(np.mean(flat == 0)),
            mean=float(np.mean(whole if every else known / top)) * top,
            rms=rms(known),
            across_samples=float(np.sqrt(np.mean(np.var(whole - whole[:1], axis=0)))) * top if whole.size else math.nan,
            across_units=float(np.std(np.mean(whole, axis=0))) * top if whole.size else math.nan,
            quantiles=quantiles(known),
            counts=counts,
            edges=edges,
        )


def quantiles(values: Array) -> tuple[float, ...]:
    """Those at `QUANTILES`."""
    some = values if values.size <= MANY else values[np.random.default_rng(0).integers(values.size, size=MANY)]
    inner = (float(q) for q in np.quantile(some, QUANTILES[1:-1]))
    return (float(np.min(values)), *inner, float(np.max(values)))


def histogram(values: Array) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Counts in bins of equal width from the smallest to the largest number, and the bins' edges."""
    low, high = float(np.min(values)), float(np.max(values))
    least = max(BINS * float(np.spacing(max(abs(low), abs(high)))), float(np.finfo(np.float64).tiny))
    if not math.isfinite(high - low) or high - low <= least:
        return (len(values),), (low, high)  # all alike, or too near or far apart for a width
    counts, edges = np.histogram(values, BINS, (low, high))
    return tuple(int(n) for n in counts), tuple(float(e) for e in edges)


def rms(values: Array) -> float:
    """Root mean square, in float64; it neither overflows nor underflows on the way. That of nothing is 0."""
    return spread(np.asarray(values, np.float64))


def spread(values: Array) -> float:
    """The same in the dtype of the numbers, where their order of magnitude is what matters."""
    return length(values) / math.sqrt(max(values.size, 1))


def length(values: Array) -> float:
    """The Euclidean norm of all numbers together; it neither overflows nor underflows on the way."""
    if values.dtype in SAFE and values.flags.c_contiguous:  # several times as fast
        flat = values.reshape(-1)
        with np.errstate(all="ignore"):
            square = float(np.dot(flat, flat))
        if 1 / SAFE[values.dtype] < square < SAFE[values.dtype]:
            return math.sqrt(square)
    return float(kernels.reduce(values, NORM, tuple(range(values.ndim)), False))


def ratio(numerator: float, denominator: float) -> float:
    """A quotient that is infinite, or NaN for 0/0 and what is no number, instead of an error."""
    if denominator == 0:
        return float("nan") if numerator == 0 or math.isnan(numerator) else float("inf")
    return numerator / denominator
