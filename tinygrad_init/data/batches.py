"""Samples in random order, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .samples import same_length

Array = np.ndarray[Any, Any]


def batches(
    x: Array, y: Array, size: int | None = None, rng: np.random.Generator | int | None = None
) -> Iterator[tuple[Array, Array]]:
    """All samples once, in random order, `size` at a time (None: all at once, in their own order).

    The last batch has what is left. If that is less than half a batch, the others take it in, and some are larger by a
    sample or a few: statistics of a handful, as batch normalization would use them, lead astray.

    Raises
    ------
    ValueError
        `x` and `y` have different lengths, or `size` is not positive.
    """
    x, y = _indexable("batches", x, y)
    if size is None:
        yield x, y
        return
    if size < 1:
        raise ValueError(f"batches: expected a size of at least 1, got {size}")
    order = np.random.default_rng(rng).permutation(len(x))
    full, left = divmod(len(x), size)
    spread = full > 0 and 2 * left < size
    for i in range(full if spread else full + 1):
        chosen = order[i * len(x) // full : (i + 1) * len(x) // full] if spread else order[i * size : (i + 1) * size]
        yield x[chosen], y[chosen]


def _indexable(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Samples and targets of one length, which can be chosen by their numbers: tensors, or arrays of whatever kind."""
    same_length(name, x, y, 0)
    one, other = (values if isinstance(values, Tensor | np.ndarray) else np.asarray(values) for values in (x, y))
    return one, other


def split(x: Array, y: Array, share: float, rng: np.random.Generator | int | None = None) -> tuple[Array, ...]:
    """Two parts in random order, the second with `share` of the samples: x1, y1, x2, y2.

    Raises
    ------
    ValueError
        `x` and `y` have different lengths, or `share` is none.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"split: expected a share from 0 to 1, got {share}")
    x, y = _indexable("split", x, y)
    order = np.random.default_rng(rng).permutation(len(x))
    cut = len(x) - round(share * len(x))
    first, second = order[:cut], order[cut:]
    return x[first], y[first], x[second], y[second]
