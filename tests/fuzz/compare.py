"""Whether two results differ by more than rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

# Of the largest number of an array. A few dozen operations on numbers near 1 lose a few digits; where they lose more,
# the oracle is asked how much its own results move with the last place of the input.
NEAR = {"float64": 1e-9, "float32": 2e-4}
MOVED_TIMES = 50.0
# How many times what an operation's rounding brings may differ between two ways to compute the same; the other
# precision shows what it brings there, so much more or less as its last place is larger or smaller.
ROUNDED_TIMES = {"float64": 1000 * 2.0**-29, "float32": 30.0}

Rounding = tuple[list[Any], Any]


def differs(ours: Any, theirs: Any, dtype: str, rounding: Rounding | None = None) -> str:
    """Where the results of all runs differ first, in words; nothing if they do not.

    What comes after a number that is not finite is passed over: a cotangent of zero times an infinite slope is zero
    here and NaN there, and what a kink makes of NaN is nobody's rule. `rounding` is what the oracle says about it.
    """
    if len(ours) != len(theirs):
        return f"{len(ours)} runs instead of {len(theirs)}"
    for run, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        for i, (x, y) in enumerate(zip(mine, other, strict=False)):
            if (x is None) != (y is None):
                return f"run {run}, value {i}: {x} instead of {y}"
            if x is None:
                continue
            if x.shape != y.shape or x.dtype != y.dtype:
                return f"run {run}, value {i}: shape {x.shape} and {x.dtype} instead of {y.shape} and {y.dtype}"
            told = np.isfinite(y) & (np.abs(y) < (1e30 if dtype == "float64" else 1e15))
            if not np.isfinite(y).any() and y.size:
                return ""
            if not told.any():
                continue
            allowed = NEAR[dtype] * max(1.0, float(np.max(np.abs(y[told]))))
            if rounding is not None:
                allowed += spread(rounding, run, i, y, told, dtype)
            with np.errstate(all="ignore"):
                wrong = told & ~(np.abs(x - y) <= allowed)
            if wrong.any():
                at = tuple(int(k[0]) for k in np.nonzero(wrong)) if y.ndim else ()
                return f"run {run}, value {i}, at {at}: {x[at]!r} instead of {y[at]!r}"
            if not np.isfinite(y).all():
                return ""
    return ""


def spread(rounding: Rounding, run: int, i: int, y: Any, told: Any, dtype: str) -> float:
    """How far rounding may bring a value of a run; what one number of an array loses another may lose as well."""
    moved, precise = rounding
    found = 0.0
    with np.errstate(all="ignore"):
        for results, times in [*((m, MOVED_TIMES) for m in moved), (precise, ROUNDED_TIMES[dtype])]:
            value = results[run][i]
            if value is not None:
                apart = float(np.max(np.abs(value - y)[told]))
                # Where the other precision shows something else altogether, nothing can be said.
                chaos = not apart <= 0.05 * max(1.0, float(np.max(np.abs(y[told]))))
                found = max(found, np.inf if chaos else times * apart)
    return found
