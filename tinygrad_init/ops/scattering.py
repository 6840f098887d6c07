"""Tensors changed at places: added to, filled, copied over, reduced into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.modes import mode
from ..engine.operands import as_tensors
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor
from . import selection
from .elementwise import where
from .reductions import along
from .registry import Array
from .selection import new, places, take_along_axis
from .shape import _reshape, broadcast_to, getitem, one_axis, put_add
from .spelling import either
from .targets import require_between

__all__ = [
    "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "masked_scatter", "put", "scatter",
    "scatter_reduce", "take_along_dim",
]  # fmt: skip

Index = tuple[Any, ...]


def _count(values: Tensor, shape: tuple[int, ...], index: Index) -> Tensor:
    """How many values fall on each place."""
    return put_add(Tensor(np.ones(values.shape), values.dtype), shape, index)


def _row(x: Any) -> Any:
    """A tensor without axes as one of one element."""
    return x if x.ndim else _reshape(x, (1,))


def _last(shape: tuple[int, ...], index: Index) -> tuple[Array, Array]:
    """Which elements of a shape an index names, and which of the numbers written there is the last for its place."""
    order = np.full(shape, -1)
    numbers = np.arange(order[index].size).reshape(order[index].shape)
    order[index] = numbers
    return order >= 0, order[index] == numbers


def written(x: Any, index: Index, values: Any) -> Any:
    """x with values at an index; where a place is named twice the last value stands.

    A captured program does not look which one that is, and refuses to go on.
    """
    trace = mode.trace
    if trace is not None:
        values = broadcast_to(values, getitem(x.detach(), index).shape)
        count = operand(_count(values, x.shape, index))
        trace.recorder.check(count, 0, 1, lambda _: ValueError("in a captured program no place is written to twice"))
        return where(count > 0, put_add(values, x.shape, index), x)
    named, last = _last(x.shape, index)
    values = broadcast_to(values, last.shape)
    if is_discrete(x):
        out = operand(x).copy()
        out[index] = operand(values)
        return discrete(out)
    return where(named, put_add(where(last, values, 0.0), x.shape, index), x)


def _along(name: str, x: Any, axis: int, index: Any, source: Any) -> tuple[Any, Any, Index]:
    """Tensor, source and index for functions that go by slices along an axis."""
    if is_discrete(operand(x)) and isinstance(source, int):
        source = np.asarray(source, x.dtype)
    x, source = as_tensors(name, (x, source))
    flat = _row(x)
    at = one_axis(axis, flat.ndim, name)
    found = places(name, index).reshape(-1)
    if mode.trace is None and found.size and not (found.min() >= -flat.shape[at] and found.max() < flat.shape[at]):
        raise IndexError(f"{name}: places from {found.min()} to {found.max()} are not all among {flat.shape[at]}")
    wanted = (*flat.shape[:at], found.size, *flat.shape[at + 1 :])
    if source.ndim and source.size == math.prod(wanted):
        source = _reshape(source, wanted)
    if tuple(source.shape) not in (wanted, ()):
        raise ValueError(f"{name}: expected a source of shape {wanted}, got {source.shape}")
    return flat, broadcast_to(source, wanted), (slice(None),) * at + (found,)


def index_add(x: Any, axis: Any = None, index: Any = None, source: Any = None, alpha: float = 1, **torch: Any) -> Any:
    """x, to whose slices along an axis, by their numbers, those of `source` are added, alpha times."""
    axis = torch.pop("dim", axis)
    flat, values, where_ = _along("index_add", x, axis, index, source)
    values = values if alpha == 1 else alpha * values
    return _reshape(flat + put_add(values, flat.shape, where_), np.shape(operand(x)))


def index_copy(x: Any, axis: Any = None, index: Any = None, source: Any = None, **torch: Any) -> Any:
    """x with slices along an axis, by their numbers, replaced by those of `source`."""
    flat, values, where_ = _along("index_copy", x, torch.pop("dim", axis), index, source)
    return _reshape(written(flat, where_, values), np.shape(operand(x)))


def index_fill(x: Any, axis: Any = None, index: Any = None, value: Any = 0, **torch: Any) -> Any:
    """x with slices along an axis, by their numbers, filled with one number."""
    flat, values, where_ = _along("index_fill", x, torch.pop("dim", axis), index, value)
    if is_discrete(flat):
        return _reshape(written(flat, where_, values), np.shape(operand(x)))
    named = (
        put_add(Tensor(np.ones(values.shape), flat.dtype), flat.shape, where_) > 0
    )  # without looking at places, for programs
    return _reshape(where(named, value, flat), np.shape(operand(x)))


def index_put(x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """x with values at an index of several axes, or with them added there."""
    x, values = as_tensors("index_put", (x, values))
    where_ = tuple(operand(i) if isinstance(i, Storage) else np.asarray(i) for i in indices)
    shape = np.empty(x.shape, bool)[where_].shape
    if accumulate:
        return x + put_add(broadcast_to(values, shape), x.shape, where_)
    return written(x, where_, values)


def put(x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """x with numbers at places in the tensor as one long row, or with them added there."""
    x, source = as_tensors("put", (x, source))
    flat, found = _reshape(x, (x.size,)), places("put", index)
    values = _reshape(source, found.shape)
    done = flat + put_add(values, flat.shape, (found,)) if accumulate else written(flat, (found,), values)
    return _reshape(done, x.shape)


def masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    """x with numbers of `source`, in their order, where the mask holds."""
    x, source = as_tensors("masked_scatter", (x, source))
    held = operand(mask)
    shape = np.broadcast_shapes(x.shape, held.shape)
    held, x = np.broadcast_to(held, shape), broadcast_to(x, shape)
    places_ = np.cumsum(held.reshape(-1)).astype(
        np.int64
    )  # the number of each among those where the mask holds, from 1

    n = source.size

    def error(found: Array) -> ValueError:
        return ValueError(f"masked_scatter: the mask holds {int(found.max())} times, but there are {n} numbers")

    require_between(places_, 0, n, error)
    if n == 0 or places_.size == 0:
        return x
    taken = getitem(_reshape(source, (source.size,)), np.maximum(places_ - 1, 0))
    return where(held, _reshape(taken, shape), x)


def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """`take_along_axis`; without an axis from all elements in a row."""
    (x,) = as_tensors("take_along_dim", (x,))
    if dim is None:
        return getitem(_reshape(x, (x.size,)), (places("take_along_dim", indices).reshape(-1),))
    at, found = one_axis(dim, x.ndim, "take_along_dim"), places("take_along_dim", indices)
    lengths = np.broadcast_shapes(
        tuple(1 if i == at else n for i, n in enumerate(x.shape)),
        tuple(1 if i == at else n for i, n in enumerate(found.shape)),
    )
    wanted = tuple(found.shape[i] if i == at else n for i, n in enumerate(lengths))
    spread = broadcast_to(x, tuple(x.shape[i] if i == at else n for i, n in enumerate(lengths)))
    return take_along_axis(spread, np.broadcast_to(found, wanted), at)


@either
def scatter(x: Any, axis: int, index: Any, src: Any = None, reduce: str | None = None, **torch: Any) -> Any:
    """x with numbers written at places along an axis; where a place is named twice the last number stands.

    Parameters
    ----------
    src
        Numbers, or one for all places (PyTorch also calls that `value`).
    reduce
        "add" or "multiply" for what is to be done with what x has there, and None for nothing.
    """
    src = torch.get("value", src)
    if reduce is None:
        return selection.scatter(x, axis, index, src)
    if reduce not in ("add", "multiply"):
        raise ValueError(f"scatter: expected 'add' or 'multiply' as reduce, got {reduce!r}")
    found = places("scatter", index)
    numbers = src if hasattr(src, "ndim") and src.ndim else new(np.full(found.shape, src, x.dtype))
    return scatter_reduce(x, axis, found, numbers, "sum" if reduce == "add" else "prod")


REDUCE = ("sum", "prod", "mean", "amax", "amin")


@either
def scatter_reduce(x: Any, axis: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """x with numbers reduced into places along an axis.

    Parameters
    ----------
    axis, index, src
        As in `scatter_add`.
    reduce
        "sum", "prod", "mean", "amax" or "amin" of what falls on one place; extremes share a cotangent evenly.
    include_self
        Whether what x has there takes part; elements that no place names stay in either case.
    """
    x, src = as_tensors("scatter_reduce", (x, src))
    shape, x, src, found = x.shape, _row(x), _row(src), places("scatter_reduce", index)
    found = found if found.ndim else found.reshape(1)
    at = one_axis(axis, x.ndim, "scatter_reduce")
    selection.require_places_fit("scatter_reduce", found.shape, x.shape, at, src.shape)
    part = getitem(src, tuple(slice(n) for n in found.shape))
    return _reshape(_reduced("scatter_reduce", x, part, along(found, at), reduce, include_self), shape)


def index_reduce(x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """x with slices along an axis, by their numbers, into which those of `source` are reduced; as `scatter_reduce`."""
    flat, values, where_ = _along("index_reduce", x, dim, index, source)
    return _reshape(_reduced("index_reduce", flat, values, where_, reduce, include_self), np.shape(operand(x)))


def _reduced(name: str, x: Any, src: Any, index: Index, reduce: str, include: bool) -> Any:
    if reduce not in REDUCE:
        raise ValueError(f"{name}: expected one of {', '.join(REDUCE)} as reduce, got {reduce!r}")
    if not isinstance(x, Tensor):
        count = np.zeros(x.shape)
        np.add.at(count, index, 1.0)
        return _reduced_whole(operand(x), operand(src), index, reduce, include, count)
    count = operand(_count(src, x.shape, index))
    named = count > 0
    if reduce in ("sum", "mean"):
        total = put_add(src, x.shape, index) + (x if include else where(named, 0.0, x))
        return total / np.maximum(count + include, 1.0).astype(x.dtype) if reduce == "mean" else total
    if reduce == "prod":
        return _products(x if include else where(named, 1.0, x), src, index)
    return _extremes(x, src, index, reduce == "amax", named & (not include))


def _reduced_whole(x: Array, src: Array, index: Index, reduce: str, include: bool, count: Array) -> Any:
    out = x.copy()
    ufunc: Any = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}.get(reduce, np.add)
    if not include:
        bounds = np.iinfo(x.dtype) if x.dtype.kind != "b" else None
        start = {"prod": 1, "amax": bounds.min if bounds else 0, "amin": bounds.max if bounds else 1}.get(reduce, 0)
        out[count > 0] = start
    ufunc.at(out, index, src.astype(x.dtype))
    return new(out // np.maximum(count + include, 1).astype(x.dtype) if reduce == "mean" else out)


def _products(x: Tensor, src: Tensor, index: Index) -> Tensor:
    """Products place by place: one factor of each place after the other, so that zeros are no special case."""
    turn, seen = np.zeros(index_shape(x, index), np.int64), np.zeros(x.shape, np.int64)
    flat = np.arange(x.size).reshape(x.shape)[index]
    for where_ in np.ndindex(flat.shape):
        at = np.unravel_index(flat[where_], x.shape)
        turn[where_], seen[at] = seen[at], seen[at] + 1
    for k in range(int(turn.max(initial=-1)) + 1):
        mine = turn == k
        hit = np.zeros(x.shape)
        np.add.at(hit, index, mine.astype(float))
        x = x * (put_add(where(mine, src, 0.0), x.shape, index) + np.where(hit > 0, 0.0, 1.0).astype(x.dtype))
    return x


def index_shape(x: Tensor, index: Index) -> tuple[int, ...]:
    """The shape of what an index picks."""
    return np.empty(x.shape, bool)[index].shape


def _extremes(x: Tensor, src: Tensor, index: Index, largest: bool, left_out: Array) -> Tensor:
    numbers, values = operand(x), operand(src)
    out = np.where(left_out, -np.inf if largest else np.inf, numbers)
    (np.maximum if largest else np.minimum).at(out, index, values)
    mine, theirs = (numbers == out) & ~left_out, values == out[index]
    hits = mine.astype(x.dtype)
    np.add.at(hits, index, theirs.astype(x.dtype))
    hits = np.maximum(hits, 1)
    kept = where(mine, x, 0.0) + put_add(where(theirs, src, 0.0), x.shape, index)
    return kept / hits.astype(x.dtype)


METHODS.update({name: globals()[name] for name in __all__})
