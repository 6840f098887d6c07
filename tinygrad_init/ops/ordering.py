"""Elements taken by the order of others: running extremes, medians, quantiles.

Two operations do all of it, each the adjoint of the other: along an axis `_taken` picks of x the elements that a
function finds in `key`, `_put_back` adds up what lies there. A function of keys is named, so that a captured program
finds anew which they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.modes import mode as tracing
from ..engine.operands import as_tensors, coerce
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .elementwise import where
from .reductions import Axis, along, refuse_empty
from .registry import Array, operation
from .results import Extreme
from .shape import _getitem, _reshape, _transpose, normalize_axes, one_axis
from .spelling import either, refuse

__all__ = [
    "cummax", "cummin", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile", "percentile", "quantile",
]  # fmt: skip

Places = Callable[[Array], Array]


def _in_order(key: Array) -> Array:
    return apart(np.argsort, key, axis=-1, kind="stable")


def _running(better: Any) -> Places:
    """Where the best element so far is; of equal ones the last, as in PyTorch, NaN before all."""

    def places(key: Array) -> Array:
        found = np.zeros(key.shape, np.int64)
        if key.shape[-1] == 0:
            return found
        best = key[..., 0]
        for i in range(1, key.shape[-1]):
            new = ~(better(best, key[..., i]) | np.isnan(best)) | np.isnan(key[..., i])
            best = np.where(new, key[..., i], best)
            found[..., i] = np.where(new, i, found[..., i - 1])
        return found

    return places


PLACES: dict[str, Places] = {
    "in order": _in_order,
    "largest so far": _running(lambda best, new: best > new),
    "smallest so far": _running(lambda best, new: best < new),
}


def _examples(rng: np.random.Generator) -> list[Any]:
    x, key = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    return [((x, key), {"how": how, "axis": axis}) for how in PLACES for axis in (0, 1)]


def _grid(key: Array, how: str, axis: int) -> tuple[Array, ...]:
    key = np.asarray(key)
    return along(np.moveaxis(PLACES[how](np.moveaxis(key, axis, -1)), -1, axis), axis)


@operation(
    lambda g, key, how, axis: _put_back(g, key, how, axis),
    None,
    formula="the elements of x at the places that a function finds in key, along an axis",
    exempt="the key has no derivative, and x is moved by it; its gradients are those of the functions made of it",
)
def _taken(x: Array, key: Array, /, how: str, axis: int) -> Array:
    return np.asarray(x)[_grid(key, how, axis)]


@operation(
    lambda g, key, how, axis: _taken(g, key, how, axis),
    None,
    formula="x added up at the places that a function finds in key, along an axis: the adjoint of taking",
    exempt="the key has no derivative, and x is moved by it; its gradients are those of the functions made of it",
)
def _put_back(x: Array, key: Array, /, how: str, axis: int) -> Array:
    out = np.zeros_like(np.asarray(x))
    np.add.at(out, _grid(key, how, axis), np.asarray(x))
    return out


def _best_so_far(name: str, how: str, x: Any, axis: int) -> Extreme:
    (x,) = as_tensors(name, (x,))
    at = one_axis(axis, max(x.ndim, 1), name)
    if x.ndim == 0:
        return Extreme(x, discrete(np.zeros((), np.int64)))
    numbers = operand(x)
    found = discrete(np.moveaxis(PLACES[how](np.moveaxis(numbers, at, -1)), -1, at))
    if not isinstance(x, Tensor):
        return Extreme(discrete(numbers[along(found, at)]), found)
    return Extreme(_taken(x, x.detach(), how, at), found)


@either
def cummax(x: Any, axis: int) -> Extreme:
    """The largest element up to each along an axis, and where it is: a pair of `values` and `indices`.

    Of equal ones the last is taken, which also gets the cotangent.
    """
    return _best_so_far("cummax", "largest so far", x, axis)


@either
def cummin(x: Any, axis: int) -> Extreme:
    """The smallest element up to each along an axis, and where it is; as `cummax`."""
    return _best_so_far("cummin", "smallest so far", x, axis)


def _rows(name: str, x: Any, axis: Axis) -> tuple[Tensor, tuple[int, ...]]:
    """The tensor with the axes to be reduced joined into its last one, and which they are."""
    axes = normalize_axes(axis, x.ndim, name)
    rest = [i for i in range(x.ndim) if i not in axes]
    refuse_empty(name, operand(x), axes)
    shape = tuple(x.shape[i] for i in rest)
    return _reshape(_transpose(x, (*rest, *axes)), (*shape, math.prod(x.shape[i] for i in axes))), axes


def _kept(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """A result with the axes that were reduced put back as axes of length 1."""
    if not keepdims:
        return x
    shape = list(x.shape)
    for at in sorted(axes):
        shape.insert(at, 1)
    return _reshape(x, tuple(shape))


def _sorted(x: Tensor) -> Tensor:
    return _taken(x, x.detach(), "in order", x.ndim - 1)


@either
def quantile(
    x: Any, q: Any, axis: Axis = None, keepdims: bool = False, *, method: str = "linear", interpolation: str = ""
) -> Tensor:
    """The number below which a share `q` of the elements along axes lies.

    Parameters
    ----------
    q
        From 0 to 1: a number, or several, which then are the first axis of the result.
    axis, keepdims
        As in `sum`.
    method
        "linear", "lower", "higher", "midpoint" or "nearest": what lies between two elements; PyTorch's name is
        `interpolation`.

    Raises
    ------
    ValueError
        A share is outside [0, 1], there is nothing to order, or the method is none of these.
    """
    return _quantile("quantile", x, q, axis, keepdims, interpolation or method, False)


@either
def nanquantile(
    x: Any, q: Any, axis: Axis = None, keepdims: bool = False, *, method: str = "linear", interpolation: str = ""
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there are none."""
    return _quantile("nanquantile", x, q, axis, keepdims, interpolation or method, True)


@either
def percentile(x: Any, q: Any, axis: Axis = None, keepdims: bool = False, *, method: str = "linear") -> Tensor:
    """`quantile` with shares from 0 to 100."""
    return _quantile("percentile", x, np.asarray(operand(q), float) / 100.0, axis, keepdims, method, False)


BETWEEN: dict[str, Callable[[Array], Array]] = {
    "linear": lambda place: place,
    "lower": np.floor,
    "higher": np.ceil,
    "midpoint": lambda place: 0.5 * (np.floor(place) + np.ceil(place)),
    "nearest": np.round,
}


def _quantile(name: str, x: Any, q: Any, axis: Axis, keepdims: bool, method: str, skip: bool) -> Tensor:
    (x,) = coerce(name, (x,))
    shares = np.asarray(operand(q) if isinstance(q, Storage) else q, np.float64)
    if shares.ndim > 1 or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"{name}: expected shares from 0 to 1, in a row if there are several, got {q}")
    if method not in BETWEEN:
        raise ValueError(f"{name}: expected one of {', '.join(BETWEEN)} as method, got {method!r}")
    rows, axes = _rows(name, x, axis)
    numbers = operand(rows)
    missing = np.isnan(numbers)
    n = numbers.shape[-1] - np.sum(missing, axis=-1)
    if not skip:
        missing, n = np.any(missing, axis=-1), np.full(numbers.shape[:-1], numbers.shape[-1])
    ordered, found = _sorted(rows), []
    for i, share in enumerate(np.atleast_1d(shares)):
        place = BETWEEN[method](share * np.maximum(n - 1, 0))
        low = np.floor(place).astype(np.int64)
        grid = np.ix_(*(np.arange(m) for m in n.shape)) if n.ndim else ()
        below = _getitem(ordered, (*grid, low))
        above = _getitem(ordered, (*grid, np.minimum(low + 1, np.maximum(n - 1, 0))))
        weight: Any = (place - low).astype(x.dtype)
        if isinstance(q, Tensor) and method == "linear":  # what lies between two elements moves with the share
            weight = (q if q.ndim == 0 else q[i]) * np.asarray(n - 1, x.dtype) - low.astype(x.dtype)
        # Where the weight is 0 and what is above is infinite, the product is not looked at.
        one = below + where((weight == 0) & ~np.isfinite(operand(above)), 0.0, (above - below) * weight)
        nothing = (n == 0) if skip else missing
        one = where(nothing, np.nan, one) if tracing.trace is not None or np.any(nothing) else one
        found.append(_kept(one, axes, keepdims))
    if shares.ndim == 0:
        return found[0]
    from .shape import stack

    return stack(found)


def median(x: Any, axis: Axis = None, keepdims: bool | None = None, *, dim: Any = None, keepdim: bool = False) -> Any:
    """The element in the middle.

    Of an even number NumPy takes the mean of the two in the middle, PyTorch the lower one.

    Parameters
    ----------
    axis, keepdims
        As NumPy has them: the mean of two.
    dim, keepdim
        One axis, as PyTorch has it: the lower one, in a pair of `values` and `indices`.

    Raises
    ------
    TypeError
        Neither is named, and the number of elements is even.
    """
    return _median("median", x, axis, keepdims, dim, keepdim, False)


def nanmedian(
    x: Any, axis: Axis = None, keepdims: bool | None = None, *, dim: Any = None, keepdim: bool = False
) -> Any:
    """`median` of the elements that are not NaN."""
    return _median("nanmedian", x, axis, keepdims, dim, keepdim, True)


def _median(name: str, x: Any, axis: Axis, keepdims: Any, dim: Any, keepdim: bool, skip: bool) -> Any:
    (x,) = as_tensors(name, (x,))
    if dim is not None:
        return _place_of_rank(name, x, dim, None, keepdim, skip)
    if axis is None and keepdims is None and x.size % 2 == 0:
        raise refuse(
            f"{name}(x) of an even number of elements", "quantile(x, 0.5), the mean of two",
            f"{name}(x.flatten(), dim=0)[0], the lower one",
        )  # fmt: skip
    if is_discrete(x) and axis is None and keepdims is None:
        return _place_of_rank(name, _reshape(x, (x.size,)), 0, None, False, skip).values
    return _quantile(name, x, 0.5, axis, bool(keepdims), "linear", skip)


def _place_of_rank(name: str, x: Any, axis: int, rank: int | None, keepdims: bool, skip: bool) -> Extreme:
    """The element of a rank along an axis, the lower one in the middle where none is given, and where it is."""
    at = one_axis(axis, max(x.ndim, 1), name)
    row = _reshape(x, x.shape or (1,))
    numbers = operand(row)
    refuse_empty(name, numbers, at)
    order = apart(np.argsort, numbers, axis=at, kind="stable")
    missing = np.isnan(numbers)
    real = numbers.shape[at] - np.sum(missing, axis=at, keepdims=True)
    middle = np.full(real.shape, rank) if rank is not None else _lower_middle(real)
    places = np.take_along_axis(order, middle, at)
    if rank is None and not skip:  # NaN comes before all
        first = np.argmax(missing, axis=at, keepdims=True)
        places = np.where(np.any(missing, axis=at, keepdims=True), first, places).astype(np.int64)
    return _at_places(x, row, places, at, keepdims)


def _lower_middle(counts: Array) -> Array:
    """The place in the middle of so many, the lower one of two."""
    return np.maximum(counts - 1, 0) // 2


def _at_places(x: Any, row: Any, places: Array, at: int, keepdims: bool) -> Extreme:
    values = _getitem(row, along(places, at))
    if x.ndim == 0:
        return Extreme(_reshape(values, ()), discrete(places.reshape(())))
    if not keepdims:
        places = np.squeeze(places, at)
        values = _reshape(values, places.shape)
    return Extreme(values, discrete(places))


@either
def kthvalue(x: Any, k: int, axis: int = -1, keepdims: bool = False) -> Extreme:
    """The k-th smallest element along an axis, counted from 1, and where it is.

    Raises
    ------
    ValueError
        There are not so many.
    """
    (x,) = as_tensors("kthvalue", (x,))
    n = x.shape[one_axis(axis, x.ndim, "kthvalue")] if x.ndim else 1
    if not 1 <= k <= n:
        raise ValueError(f"kthvalue: expected k from 1 to {n}, got {k}")
    return _place_of_rank("kthvalue", x, axis, k - 1, keepdims, False)


@either
def mode(x: Any, axis: int = -1, keepdims: bool = False) -> Extreme:
    """The commonest element along an axis, the smallest of several, and where it is last."""
    (x,) = as_tensors("mode", (x,))
    at = one_axis(axis, max(x.ndim, 1), "mode")
    row = _reshape(x, x.shape or (1,))
    numbers = np.moveaxis(operand(row), at, -1)
    refuse_empty("mode", numbers, -1)
    places = np.zeros((*numbers.shape[:-1], 1), np.int64)
    for where_, line in zip(np.ndindex(numbers.shape[:-1]), numbers.reshape(-1, numbers.shape[-1]), strict=True):
        found, counts = np.unique(line, return_counts=True)
        places[where_] = np.flatnonzero(line == found[np.argmax(counts)])[-1]
    return _at_places(x, row, np.moveaxis(places, -1, at), at, keepdims)


def msort(x: Any) -> Any:
    """The elements in order along the first axis."""
    (x,) = as_tensors("msort", (x,))
    if not isinstance(x, Tensor):
        return discrete(apart(np.sort, operand(x), axis=0))
    return _taken(x, x.detach(), "in order", 0)


METHODS.update(
    cummax=cummax, cummin=cummin, kthvalue=kthvalue, median=median, mode=mode, msort=msort, nanmedian=nanmedian,
    nanquantile=nanquantile, quantile=quantile,
)  # fmt: skip
