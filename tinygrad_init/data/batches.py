"""Samples in random order, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def batches(
    x: Array, y: Array, size: int | None = None, rng: np.random.Generator | int | None = None
) -> Iterator[tuple[Array, Array]]:
    """All samples once, in random order, `size` at a time (None: all at once, in their own order).

    The last batch has what is left.

    Raises
    ------
    ValueError
        `x` and `y` have different lengths, or `size` is not positive.
    """
    if len(x) != len(y):
        raise ValueError(f"batches: {len(x)} inputs but {len(y)} targets")
    if size is None:
        yield x, y
        return
    if size < 1:
        raise ValueError(f"batches: expected a size of at least 1, got {size}")
    order = np.random.default_rng(rng).permutation(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def split(x: Array, y: Array, share: float, rng: np.random.Generator | int | None = None) -> tuple[Array, ...]:
    """Two parts in random order, the second with `share` of the samples: x1, y1, x2, y2."""
    if not 0 <= share <= 1:
        raise ValueError(f"split: expected a share from 0 to 1, got {share}")
    order = np.random.default_rng(rng).permutation(len(x))
    cut = len(x) - round(share * len(x))
    first, second = order[:cut], order[cut:]
    return x[first], y[first], x[second], y[second]
