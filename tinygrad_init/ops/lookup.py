"""Rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .elementwise import where
from .reductions import max as largest
from .registry import Array
from .selection import places
from .shape import getitem, put_add
from .targets import require_between


def embedding(indices: Any, weight: Tensor, padding_index: int | None = None) -> Tensor:
    """The rows of a table whose numbers are given.

    Parameters
    ----------
    indices
        Whole numbers of any shape.
    weight
        Of shape (rows, features).
    padding_index
        A row into which no gradient flows.

    Returns
    -------
    Tensor
        Of the shape of the indices with one more axis, the features.

    Raises
    ------
    ValueError
        A number is that of no row.
    TypeError
        They are no whole numbers.
    """
    (weight,) = coerce("embedding", (weight,))
    if weight.ndim != 2:
        raise ValueError(f"embedding: expected a weight of shape (rows, features), got {weight.shape}")
    numbers, rows = places("embedding", indices), weight.shape[0]

    def error(found: Array) -> ValueError:
        return ValueError(f"embedding: expected numbers from 0 to {rows - 1}, got {found.min()} to {found.max()}")

    require_between(numbers, 0, rows - 1, error)
    found = getitem(weight, numbers)
    if padding_index is None:
        return found
    return where((numbers == padding_index)[..., None], found.detach(), found)


BAGS = ("sum", "mean", "max")


def embedding_bag(
    indices: Any,
    weight: Tensor,
    offsets: Any = None,
    mode: str = "mean",
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_index: int | None = None,
) -> Tensor:
    """Rows of a table by their numbers, each bag of them added up, averaged, or reduced to the largest.

    Parameters
    ----------
    indices
        Whole numbers of shape (bags, numbers), or all in a row with `offsets`.
    weight
        Of shape (rows, features).
    offsets
        Where in the row each bag begins; the first at 0.
    mode
        "sum", "mean" or "max".
    per_sample_weights
        Of the shape of the indices: what rows are multiplied by, with "sum" alone.
    include_last_offset
        Whether the last offset is the end of the last bag.
    padding_index
        A row that is in no bag.

    Returns
    -------
    Tensor
        Of shape (bags, features); zeros of a bag with nothing in it.

    Raises
    ------
    ValueError
        Shapes, offsets or the mode do not fit, or a number is that of no row.
    """
    name = "embedding_bag"
    numbers = places(name, indices)
    if mode not in BAGS or (per_sample_weights is not None and mode != "sum"):
        raise ValueError(f"{name}: expected mode out of {', '.join(BAGS)}, with per_sample_weights 'sum'; got {mode!r}")
    if numbers.ndim not in (1, 2) or (numbers.ndim == 1) == (offsets is None):
        raise ValueError(f"{name}: expected numbers (bags, numbers), or in a row with offsets, got {numbers.shape}")
    if numbers.ndim == 2:
        bags, row = np.repeat(np.arange(numbers.shape[0]), numbers.shape[1]), numbers.reshape(-1)
        count = numbers.shape[0]
    else:
        row, starts = numbers, places(name, offsets)
        ends = starts[1:] if include_last_offset else np.append(starts[1:], row.size)
        starts = starts[:-1] if include_last_offset else starts
        if np.any(starts[:1] != 0) or np.any(ends < starts) or np.any(ends > row.size):
            raise ValueError(f"{name}: expected offsets that begin with 0 and do not fall, got {offsets}")
        count, bags = len(starts), np.repeat(np.arange(len(starts)), ends - starts)
        row = row[: len(bags)]
    found = embedding(row, weight)
    kept = np.ones(row.shape, bool) if padding_index is None else row != padding_index
    if mode == "max":
        return _largest_of_bags(found, bags, kept, count)
    shares = kept.astype(found.dtype)
    if mode == "mean":
        shares = shares / np.maximum(np.bincount(bags, kept, count), 1)[bags].astype(found.dtype)
    if per_sample_weights is not None:
        (given,) = coerce(name, (per_sample_weights,))
        if given.shape != numbers.shape:
            raise ValueError(f"{name}: expected per_sample_weights of shape {numbers.shape}, got {given.shape}")
        found = found * (given.reshape(-1)[: len(row)] * shares).reshape(-1, 1)
    else:
        found = found * shares[:, np.newaxis]
    return put_add(found, (count, found.shape[1]), (bags,))


def _largest_of_bags(found: Tensor, bags: Array, kept: Array, count: int) -> Tensor:
    """Bags made equally long by -∞, and their largest; 0 where there is nothing."""
    at = np.flatnonzero(kept)
    sizes = np.bincount(bags[at], minlength=count)
    if not at.size:
        return put_add(found, (count, found.shape[1]), (bags,)) * 0.0
    inside = np.arange(sizes.max()) < sizes[:, np.newaxis]
    which = np.zeros(inside.shape, np.int64)
    which[inside] = at
    rows = where(inside[..., np.newaxis], getitem(found, which), -np.inf)
    return where((sizes > 0)[:, np.newaxis], largest(rows, axis=1), 0.0)
