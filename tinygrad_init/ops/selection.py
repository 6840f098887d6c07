"""Elements chosen by number or by order: sorting, the largest few, gathering and scattering.

Places are tensors of whole numbers, as comparisons are of booleans: neither has a derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor, wrap
from ..kernels.apart import apart
from .elementwise import where
from .reductions import along
from .registry import Array
from .results import Extreme
from .shape import _reshape, broadcast_to, getitem, in_a_row, one_axis, put_add
from .spelling import either


def places(name: str, indices: Any) -> Array:
    """Whole numbers as an array.

    Raises
    ------
    TypeError
        They are no whole numbers.
    """
    found = operand(indices)
    if found.size == 0:
        return found.astype(np.intp)
    if found.dtype.kind == "f" and isinstance(indices, Storage) and np.all(found == np.floor(found)):
        return found.astype(np.intp)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected whole numbers as places, got {found.dtype}")
    return found


def new(array: Array) -> Any:
    """A tensor that takes over an array of floats, whole numbers or booleans."""
    return wrap(array) if array.dtype.kind == "f" else discrete(array)


def _place(name: str, which: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    (x,) = as_tensors(name, (x,))
    if x.size == 0:
        raise ValueError(f"{name}: no elements in shape {x.shape}")
    at = None if axis is None else one_axis(axis, max(x.ndim, 1), name)
    return discrete(which(operand(x), axis=at, keepdims=keepdims))


@either
def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the first largest element, in the tensor as one long row unless an axis is given."""
    return _place("argmax", np.argmax, x, axis, keepdims)


@either
def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the first smallest element, in the tensor as one long row unless an axis is given."""
    return _place("argmin", np.argmin, x, axis, keepdims)


@either
def argsort(x: Tensor, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The order of elements along an axis; equal ones stay in order, whether asked to (`stable`) or not."""
    (x,) = as_tensors("argsort", (x,))
    if x.ndim == 0:
        one_axis(axis, 1, "argsort")
        return discrete(np.zeros((), np.int64))
    at = one_axis(axis, x.ndim, "argsort")
    numbers = operand(x)
    if not descending:
        return discrete(apart(np.argsort, numbers, axis=at, kind="stable"))
    backwards = apart(np.argsort, np.flip(numbers, at), axis=at, kind="stable")  # so that equal ones stay in order
    return discrete(x.shape[at] - 1 - np.flip(backwards, at))


def take_along_axis(x: Tensor, indices: Any, axis: int) -> Tensor:
    """From each line along an axis the elements whose numbers are given, as NumPy's function of that name.

    Parameters
    ----------
    indices
        Whole numbers, of the shape of x but along the axis; axes of length 1 are stretched.
    """
    (x,) = as_tensors("take_along_axis", (x,))
    at, found = one_axis(axis, x.ndim, "take_along_axis"), places("take_along_axis", indices)
    if found.ndim != x.ndim:
        raise ValueError(f"take_along_axis: expected {x.ndim} axes of places, got {found.ndim}")
    wanted = tuple(found.shape[i] if i == at or n == 1 else n for i, n in enumerate(x.shape))
    try:
        found = np.broadcast_to(found, wanted)
    except ValueError:
        raise ValueError(f"take_along_axis: places of shape {found.shape} do not fit shape {x.shape}") from None
    grid = list(along(found, at))
    for i, n in enumerate(x.shape):
        if i != at and n == 1:
            grid[i] = np.zeros_like(grid[i])
    return getitem(x, tuple(grid))


@either
def gather(x: Tensor, axis: int, index: Any) -> Tensor:
    """out[i][j][k] = x[index[i][j][k]][j][k] for the first axis, and so for others, as PyTorch's function of that name.

    Parameters
    ----------
    index
        Whole numbers; along the other axes it may be shorter than x.
    """
    (x,) = as_tensors("gather", (x,))
    if x.ndim == 0:
        x, index = in_a_row(x), places("gather", index)
        return _reshape(gather(x, axis, index.reshape(-1)), index.shape)
    at, found = one_axis(axis, x.ndim, "gather"), places("gather", index)
    if found.size == 0:
        return getitem(_reshape(x, (x.size,)), (found,))
    if found.ndim != x.ndim or any(m > n for i, (m, n) in enumerate(zip(found.shape, x.shape, strict=True)) if i != at):
        raise ValueError(f"gather: places of shape {found.shape} do not fit shape {x.shape}")
    return getitem(x, along(found, at))


def require_places_fit(name: str, places: tuple[int, ...], x: tuple[int, ...], axis: int, src: tuple[int, ...]) -> None:
    """Raise unless places are no longer than the numbers, and than x along the other axes.

    Raises
    ------
    ValueError
        They are, or have another number of axes.
    """
    for what, shape, skipped in (("numbers", src, None), ("x", x, axis)):
        if len(places) != len(shape) or any(
            m > n for i, (m, n) in enumerate(zip(places, shape, strict=True)) if i != skipped
        ):
            raise ValueError(f"{name}: places of shape {places} do not fit {what} of shape {shape}")


@either
def scatter_add(x: Tensor, axis: int, index: Any, src: Any) -> Tensor:
    """x with numbers added at places along an axis: x[index[i][j][k]][j][k] += src[i][j][k] for the first."""
    x, src = as_tensors("scatter_add", (x, src))
    if x.ndim == 0:
        return _reshape(scatter_add(in_a_row(x), axis, np.atleast_1d(places("scatter_add", index)), in_a_row(src)), ())
    at, found = one_axis(axis, x.ndim, "scatter_add"), places("scatter_add", index)
    require_places_fit("scatter_add", found.shape, x.shape, at, src.shape)
    part = getitem(src, tuple(slice(n) for n in found.shape))
    return x + put_add(part, x.shape, along(found, at))


@either
def scatter(x: Tensor, axis: int, index: Any, src: Any) -> Tensor:
    """x with numbers written at places along an axis; where a place is named twice the last number stands."""
    (x,) = as_tensors("scatter", (x,))
    if x.ndim == 0:
        parts = np.atleast_1d(places("scatter", index)), in_a_row(src) if hasattr(src, "ndim") else src
        return _reshape(scatter(in_a_row(x), axis, *parts), ())
    at, found = one_axis(axis, x.ndim, "scatter"), places("scatter", index)
    numbers = src if isinstance(src, Tensor) else new(np.array(src, x.dtype))
    if numbers.ndim == 0:
        numbers = broadcast_to(numbers, found.shape)
    require_places_fit("scatter", found.shape, x.shape, at, numbers.shape)
    part = getitem(numbers, tuple(slice(n) for n in found.shape))
    where_to = along(found, at)
    if is_discrete(x):
        out = operand(x).copy()
        out[where_to] = operand(part)
        return discrete(out)
    order = np.full(x.shape, -1)
    order[where_to] = np.arange(found.size).reshape(found.shape)
    last = order[where_to] == np.arange(found.size).reshape(found.shape)
    return where(order >= 0, 0, x) + put_add(where(last, part, 0), x.shape, where_to)


@either
def index_select(x: Tensor, axis: int, index: Any) -> Tensor:
    """The slices along an axis whose numbers are given."""
    (x,) = as_tensors("index_select", (x,))
    if x.ndim == 0:
        return _reshape(index_select(in_a_row(x), axis, np.atleast_1d(places("index_select", index))), ())
    return getitem(x, (slice(None),) * one_axis(axis, x.ndim, "index_select") + (places("index_select", index),))


def take(x: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    """The elements (slices along an axis) whose numbers are given."""
    (x,) = as_tensors("take", (x,))
    if axis is None:
        return getitem(_reshape(x, (x.size,)), places("take", indices))
    return index_select(x, axis, indices)


def masked_fill(x: Tensor, mask: Any, value: float) -> Tensor:
    """x with one number where the mask holds."""
    if is_discrete(x):
        number = np.asarray(operand(value))
        if number.dtype.kind == "f":
            raise TypeError(f"masked_fill: {value} does not go into {x.dtype}")
        return discrete(np.where(operand(mask), number.astype(x.dtype), operand(x)))
    return where(mask, value if isinstance(value, Tensor) else float(value), x)


def masked_select(x: Tensor, mask: Any) -> Tensor:
    """The elements where the mask holds, in a row."""
    (x,) = as_tensors("masked_select", (x,))
    held = operand(mask) if isinstance(mask, Storage) else np.asarray(mask, bool)
    shape = np.broadcast_shapes(x.shape, held.shape)
    return getitem(broadcast_to(x, shape) if shape != x.shape else x, np.broadcast_to(held, shape))


@either
def sort(x: Tensor, axis: int = -1, descending: bool = False, stable: bool = True) -> Extreme:
    """The elements along an axis in order, and where they were: a pair of `values` and `indices`, as in PyTorch.

    Equal ones stay in order, whether asked to (`stable`) or not. `np.sort(x)` gives the values alone.
    """
    (x,) = as_tensors("sort", (x,))
    if x.ndim == 0:
        return Extreme(x, argsort(x, axis))
    indices = argsort(x, axis, descending)
    return Extreme(take_along_axis(x, indices, axis), indices)


@either
def topk(x: Tensor, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Extreme:
    """The k largest (or smallest) elements along an axis, in order (`sorted` or not), and where they were."""
    (x,) = as_tensors("topk", (x,))
    if x.ndim == 0 and k == 1:
        return sort(x, axis)
    at = one_axis(axis, x.ndim, "topk")
    if not 0 <= k <= x.shape[at]:
        raise ValueError(f"topk: expected 0 to {x.shape[at]} elements, got {k}")
    indices = argsort(x, at, largest)[(slice(None),) * at + (slice(k),)]
    return Extreme(take_along_axis(x, indices, at), indices)


def one_hot(indices: Any, classes: int | None = None, dtype: Any = None, *, num_classes: int | None = None) -> Any:
    """Rows of zeros with a one at each place.

    Parameters
    ----------
    indices
        Whole numbers from 0 on, of any shape.
    classes
        How many there are; one more than the largest unless given.
    dtype
        Of the result, the default dtype unless given.
    num_classes
        The same as PyTorch calls it; the result then is int64, as there. -1 stands for one more than the largest.
    """
    if num_classes is not None:
        found = one_hot(indices, None if num_classes == -1 else num_classes)
        return discrete(found.numpy().astype(np.int64))
    found = places("one_hot", indices)
    count = classes if classes is not None else int(found.max(initial=-1)) + 1
    if found.size and not (found.min() >= 0 and found.max() < count):
        raise ValueError(f"one_hot: expected numbers from 0 to {count - 1}, got {found.min()} to {found.max()}")
    return Tensor((found[..., None] == np.arange(count)).astype(np.float32), dtype or None)


METHODS.update(
    argmax=argmax, argmin=argmin, argsort=argsort, take_along_axis=take_along_axis, gather=gather, scatter=scatter,
    scatter_add=scatter_add, index_select=index_select, take=take, masked_fill=masked_fill,
    masked_select=masked_select, sort=sort, topk=topk,
)  # fmt: skip
