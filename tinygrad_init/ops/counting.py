"""Counts, sets and histograms: what is asked of the numbers themselves and has no derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.methods import METHODS
from ..engine.storage import Storage, operand
from ..kernels.apart import apart
from .reductions import Axis
from .registry import Array
from .selection import new, places
from .shape import normalize_axes, one_axis
from .spelling import either, refuse

__all__ = [
    "all", "any", "argwhere", "bincount", "bucketize", "count_nonzero", "histc", "nonzero",
    "searchsorted", "unique", "unique_consecutive",
]  # fmt: skip


def numbers(name: str, x: Any) -> Array:
    """The numbers themselves; refused while a function is being captured, where they are not known."""
    return x._numbers(name) if isinstance(x, Storage) else np.asarray(operand(x))


@either
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether an element is not zero (false), over axes, all of them by default."""
    found = operand(x)
    axes = normalize_axes(axis, found.ndim, "any")
    truths = found if found.dtype == np.bool_ else found != 0
    return discrete(
        np.max(truths, axis=axes, keepdims=keepdims) if found.size else np.any(truths, axes, None, keepdims)
    )


@either
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether no element is zero (false), over axes, all of them by default."""
    found = operand(x)
    axes = normalize_axes(axis, found.ndim, "all")
    truths = found if found.dtype == np.bool_ else found != 0
    return discrete(
        np.min(truths, axis=axes, keepdims=keepdims) if found.size else np.all(truths, axes, None, keepdims)
    )


@either
def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not zero, over axes, all of them by default."""
    found = operand(x)
    axes = normalize_axes(axis, found.ndim, "count_nonzero")
    return discrete(np.sum(found != 0, axis=axes, keepdims=keepdims))


def argwhere(x: Any) -> Any:
    """The places of elements that are not zero, a row for each."""
    return discrete(np.argwhere(numbers("argwhere", x)))


def nonzero(x: Any, *, as_tuple: bool | None = None) -> Any:
    """The places of elements that are not zero.

    Parameters
    ----------
    as_tuple
        True for one row of numbers for each axis, as in NumPy; False for a row for each place, as in PyTorch.

    Raises
    ------
    TypeError
        It is not said.
    """
    if as_tuple is None:
        raise refuse("nonzero(x)", "nonzero(x, as_tuple=True)", "argwhere(x)")
    found = np.nonzero(np.atleast_1d(numbers("nonzero", x)))
    return tuple(map(discrete, found)) if as_tuple else argwhere(x)


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each whole number from 0 on occurs in a row, or what its weights add up to."""
    found = places("bincount", x)
    if found.ndim != 1 or np.any(found < 0):
        raise ValueError(f"bincount: expected whole numbers of at least 0 in a row, got shape {found.shape}")
    if weights is None:
        return discrete(np.bincount(found, minlength=minlength))
    heavy = numbers("bincount", weights)
    counted = np.bincount(found, heavy, minlength)
    return new(counted.astype(heavy.dtype) if heavy.dtype.kind == "f" else counted)


def histc(x: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements lie in each of equal parts of [min, max], as floats; of their own range where both are equal.

    What is outside is not counted, NaN neither.
    """
    found = numbers("histc", x).reshape(-1)
    if bins < 1:
        raise ValueError(f"histc: expected at least one bin, got {bins}")
    low, high = float(min), float(max)
    if low == high and found.size:
        low, high = float(found.min()), float(found.max())
    if low == high:
        low, high = low - 1.0, high + 1.0
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"histc: expected a finite range, min below max, got [{low}, {high}]")
    inside = found[(found >= low) & (found <= high)].astype(np.float64)
    at = np.minimum(((inside - low) * (bins / (high - low))).astype(np.int64), bins - 1)
    return new(np.bincount(at, minlength=bins).astype(found.dtype if found.dtype.kind == "f" else np.float32))


def unique(
    x: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
    *,
    axis: int | None = None,
) -> Any:
    """The different elements (slices along an axis) in order; also where each went, and how often it occurs.

    Parameters
    ----------
    sorted
        They are in order in either case.
    return_inverse, return_counts
        Whether these come along, in this order.
    """
    found, at = numbers("unique", x), axis if dim is None else dim
    if at is not None:
        at = one_axis(at, found.ndim, "unique")
    unique_of: Any = np.unique  # of which NumPy has an overload for every choice
    parts = apart(unique_of, found, return_inverse=return_inverse, return_counts=return_counts, axis=at)
    if not isinstance(parts, tuple):
        return new(parts)
    if return_inverse and at is not None:
        parts = (parts[0], parts[1].reshape(-1), *parts[2:])
    return tuple(map(new, parts))


def unique_consecutive(
    x: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (slices along an axis) without those that repeat the one before; as `unique`."""
    found = numbers("unique_consecutive", x)
    rows = found.reshape(-1) if dim is None else np.moveaxis(found, one_axis(dim, found.ndim, "unique_consecutive"), 0)
    flat = rows.reshape(len(rows), rows.size // max(len(rows), 1))
    fresh = np.ones(len(rows), bool)
    fresh[1:] = np.any(flat[1:] != flat[:-1], axis=1)
    kept = rows[fresh] if dim is None else np.moveaxis(rows[fresh], 0, dim)
    out = [new(np.ascontiguousarray(kept))]
    if return_inverse:
        inverse = np.cumsum(fresh) - 1
        out.append(discrete(inverse.reshape(found.shape) if dim is None else inverse))
    if return_counts:
        starts = np.flatnonzero(fresh)
        out.append(discrete(np.diff(np.append(starts, len(rows)))))
    return out[0] if len(out) == 1 else tuple(out)


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    *,
    right: bool | None = None,
    side: str | None = None,
    sorter: Any = None,
    out_int32: bool = False,
) -> Any:
    """Where values would be put into numbers that are in order, so that they stay so.

    Parameters
    ----------
    sorted_sequence
        In order along the last axis; with more axes than one, values have the same others.
    right, side
        Whether behind equal ones: False, or "left", unless given.
    sorter
        The order of the sequence where it is not in order itself.
    out_int32
        Whether places are int32 instead of int64.
    """
    if side not in (None, "left", "right") or (right and side == "left"):
        raise ValueError(f"searchsorted: expected side 'left' or 'right', and right to say the same, got {side!r}")
    which: Any = "right" if right or side == "right" else "left"
    ordered, wanted = numbers("searchsorted", sorted_sequence), numbers("searchsorted", values)
    if sorter is not None:
        ordered = np.take_along_axis(ordered, places("searchsorted", sorter), -1)
    if ordered.ndim == 1:
        found = np.asarray(apart(np.searchsorted, ordered, wanted, which))
        return discrete(found.astype(np.int32 if out_int32 else np.int64))
    if ordered.shape[:-1] != wanted.shape[:-1]:
        raise ValueError(f"searchsorted: values of shape {wanted.shape} do not fit rows of shape {ordered.shape}")
    out = np.zeros(wanted.shape, np.int32 if out_int32 else np.int64)
    for row in np.ndindex(ordered.shape[:-1]):
        out[row] = np.searchsorted(ordered[row], wanted[row], which)
    return discrete(out)


def bucketize(x: Any, boundaries: Any | Sequence[float], *, right: bool = False, out_int32: bool = False) -> Any:
    """In which of the intervals between boundaries, which are in order, each element lies."""
    return searchsorted(boundaries, x, right=right, out_int32=out_int32)


METHODS.update(
    all=all, any=any, argwhere=argwhere, bincount=bincount, count_nonzero=count_nonzero, histc=histc, nonzero=nonzero,
    unique=unique, unique_consecutive=unique_consecutive,
)  # fmt: skip
