"""Orders and sets of numbers as NumPy has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .numpy_calculus import _part, _tensor
from .numpy_places import ordered, sort
from .shape import _reshape, concatenate, getitem, put_add

__all__ = ["NUMPY_SETS"]


def _partition_order(numbers: Any, kth: Any, axis: int = -1, kind: Any = "introselect") -> Any:
    return apart(np.argpartition, numbers, kth, axis=axis, kind=kind)


def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """`np.partition`."""
    return ordered("partition", _partition_order)(a, kth, axis=axis, kind=kind)


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    equal_nan: bool = True,
) -> Any:
    """`np.unique`: each number once; its cotangent goes to the first of those that are equal."""
    ar = _tensor("unique", ar)
    asked: Any = {"return_inverse": return_inverse, "return_counts": return_counts}
    asked.update(return_index=True, axis=axis, equal_nan=equal_nan)
    found: Any = apart(np.unique, operand(ar), **asked)
    first = found[1]
    if axis is None:
        values = getitem(_reshape(ar, (ar.size,)), first)
    else:
        values = getitem(ar, (slice(None),) * (axis % ar.ndim) + (first,))
    rest = [discrete(x) for x in (found[1:] if return_index else found[2:])]
    return (values, *rest) if rest else values


def _unique(name: str, parts: tuple[int, ...]) -> Callable[..., Any]:
    def called(x: Any) -> Any:
        x = _tensor(name, x)
        values, index, inverse, counts = unique(x, True, True, True, equal_nan=False)
        kind = type(getattr(np, name)(np.zeros(1)))
        inverse = inverse.reshape(x.shape)
        return kind(*[(values, index, inverse, counts)[i] for i in parts])

    called.__doc__ = f"`np.{name}`."
    return called


def _set_of(name: str) -> Callable[..., Any]:
    def called(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
        a, b = coerce(f"np.{name}", (ar1, ar2))
        a, b = _reshape(a, (a.size,)), _reshape(b, (b.size,))
        both = concatenate([a, b])
        if name == "union1d":
            return unique(both)
        in_b, in_a = np.isin(operand(a), operand(b)), np.isin(operand(b), operand(a))
        if name == "intersect1d":
            return unique(getitem(a, in_b))
        if name == "setdiff1d":
            rest = getitem(a, ~in_b)
            return rest if assume_unique else unique(rest)
        return unique(getitem(both, np.concatenate([~in_b, ~in_a])))

    called.__doc__ = f"`np.{name}`."
    return called


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """`np.bincount` with weights, which are added up at whole numbers."""
    if weights is None:
        raise TypeError("np.bincount: counts whole numbers; a tensor of floats can be the weights")
    places = np.asarray(x.numpy() if isinstance(x, Tensor) else x)
    if places.dtype.kind not in "iub" or places.ndim != 1:
        raise TypeError(f"np.bincount: expected a vector of whole numbers, got {places.dtype}")
    return put_add(weights, (max(minlength, int(places.max(initial=-1)) + 1),), places)


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`np.trim_zeros` of a vector."""
    filt = _tensor("trim_zeros", filt)
    if filt.ndim != 1:
        raise TypeError("np.trim_zeros has a differentiable counterpart here for vectors alone")
    there = np.flatnonzero(operand(filt))
    if not there.size:
        return _part(filt, 0, 0, 0)
    kept = trim.lower()
    return _part(filt, 0, int(there[0]) if "f" in kept else None, int(there[-1]) + 1 if "b" in kept else None)


NUMPY_SETS: dict[str, Any] = {
    "partition": partition, "sort": sort, "unique": unique, "unique_all": _unique("unique_all", (0, 1, 2, 3)),
    "unique_counts": _unique("unique_counts", (0, 3)), "unique_inverse": _unique("unique_inverse", (0, 2)),
    "unique_values": lambda x: unique(x, equal_nan=False), "union1d": _set_of("union1d"),
    "intersect1d": _set_of("intersect1d"), "setdiff1d": _set_of("setdiff1d"), "setxor1d": _set_of("setxor1d"),
    "bincount": bincount, "trim_zeros": trim_zeros,
}  # fmt: skip
