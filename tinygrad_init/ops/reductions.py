"""Operations that reduce axes: sums, means, extremes, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of
from ..engine.methods import METHODS
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .activations import refuse_other, shift
from .elementwise import exp, maximum, minimum, where
from .registry import Array, operation
from .results import Extreme
from .shape import _reshape, broadcast_to, getitem, kept_shape, normalize_axes, one_axis
from .spelling import refuse

Axis = int | tuple[int, ...] | None
EVERY = tuple(range(64))  # axes
SUM, NORM = kernels.REDUCTIONS["sum"], kernels.REDUCTIONS["norm"]


def _examples(rng: np.random.Generator) -> list[Any]:
    x = rng.normal(size=(2, 3, 4))
    params: list[dict[str, Any]] = [
        {},
        {"axis": 0},
        {"axis": -1, "keepdims": True},
        {"axis": (0, -1)},
        {"axis": (), "keepdims": False},
    ]
    return [((x,), p) for p in params] + [((rng.normal(size=()),), {})]


def restore(g: Tensor, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Tensor:
    """What a reduction made of `shape`, with the reduced axes back as axes of length 1."""
    return g if keepdims else _reshape(g, kept_shape(shape, axis))


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements each result of a reduction was made of."""
    return math.prod(shape[a] for a in normalize_axes(axis, len(shape), "reduction"))


def whole_kind(dtype: Any) -> Any:
    """The dtype of a sum of whole numbers."""
    return None if dtype is None else dtype_of(dtype)


def refuse_empty(name: str, x: Array, axis: Axis) -> None:
    """Raise where a reduction has nothing to reduce."""
    if count(x.shape, axis) == 0:
        raise ValueError(f"{name}: no elements along axis {axis} of shape {x.shape}")


@operation(
    lambda g, x_shape, axis, keepdims: broadcast_to(restore(g, x_shape, axis, keepdims), x_shape),
    formula="Σ x over axes",
    method=True,
    examples=_examples,
    whole=lambda x, axis, keepdims, dtype: np.sum(x, axis=axis, keepdims=keepdims, dtype=whole_kind(dtype)),
)
def sum(x: Array, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """The sum over axes (all of them by default); of whole numbers and booleans it is int64 unless a dtype is given."""
    if axis is None and dtype is None and type(x) is np.ndarray:
        return kernels.reduce(x, SUM, EVERY[: x.ndim], keepdims)
    refuse_other("sum", x, dtype)
    return kernels.reduce(x, SUM, normalize_axes(axis, x.ndim, "sum"), keepdims)


@operation(
    lambda g, x_shape, axis, keepdims: broadcast_to(
        restore(g, x_shape, axis, keepdims) * (1.0 / count(x_shape, axis)), x_shape
    ),
    formula="the mean over axes",
    method=True,
    examples=_examples,
)
def mean(x: Array, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """The mean over axes (all of them by default).

    Raises
    ------
    TypeError
        The dtype is another than that of x: convert x first, so that it is said where digits are lost.
    ValueError
        There is nothing to take the mean of.
    """
    if axis is None and dtype is None and type(x) is np.ndarray and x.size:  # as losses ask for it
        return kernels.reduce(x, SUM, EVERY[: x.ndim], keepdims, x.size)
    refuse_other("mean", x, dtype)
    refuse_empty("mean", x, axis)
    with np.errstate(all="ignore"):
        total = kernels.reduce(x, SUM, normalize_axes(axis, x.ndim, "mean"), keepdims)
        return total / x.dtype.type(count(x.shape, axis))


def _extreme_rule(g: Tensor, x: Tensor, out: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """Ties share the cotangent evenly."""
    hit = x == restore(out, x.shape, axis, keepdims)
    one = np.ones((), x.dtype)
    hits = sum(where(hit, one, 0.0), axis, keepdims=True)
    return where(hit, restore(g, x.shape, axis, keepdims) / maximum(hits, one), 0.0)


def _extreme(name: str, x: Array, axis: Axis, keepdims: bool) -> Array:
    refuse_empty(name, x, axis)
    return kernels.reduce(x, kernels.REDUCTIONS[name], normalize_axes(axis, x.ndim, name), keepdims)


@operation(
    _extreme_rule,
    formula="the largest element over axes; ties share the cotangent evenly",
    examples=_examples,
    whole=lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
)
def _max(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    return _extreme("max", x, axis, keepdims)


@operation(
    _extreme_rule,
    formula="the smallest element over axes; ties share the cotangent evenly",
    examples=_examples,
    whole=lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
)
def _min(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    return _extreme("min", x, axis, keepdims)


def max(x: Tensor, *other: Any, axis: Axis = None, dim: int | None = None, **kept: bool) -> Any:
    """The largest element over axes (all of them by default).

    Parameters
    ----------
    other
        Another tensor: the larger of both, element by element, as `maximum` has it.
    axis, keepdims
        As NumPy has them: the largest elements along axes; ties share the cotangent evenly.
    dim, keepdim
        One axis, as PyTorch has it: the result is a pair of `values`, whose cotangent goes to the first of equal ones,
        and `indices`, an array of whole numbers.

    Raises
    ------
    TypeError
        An axis is given without its name, and `keepdims` or `keepdim` do not say whose it is: NumPy would return
        values, PyTorch a pair.
    """
    return _either_extreme("max", _max, np.argmax, maximum, x, other, axis, dim, **kept)


def min(x: Tensor, *other: Any, axis: Axis = None, dim: int | None = None, **kept: bool) -> Any:
    """The smallest element over axes (all of them by default); parameters are those of `max`."""
    return _either_extreme("min", _min, np.argmin, minimum, x, other, axis, dim, **kept)


def _either_extreme(
    name: str,
    extreme: Any,
    place: Any,
    of_two: Any,
    x: Tensor,
    other: tuple[Any, ...],
    axis: Axis,
    dim: int | None,
    keepdims: bool | None = None,
    keepdim: bool | None = None,
) -> Any:
    kept = bool(keepdims or keepdim)
    if len(other) == 1 and axis is None and dim is None:
        if isinstance(other[0], Tensor | np.ndarray):
            return of_two(x, other[0])
        if keepdims is not None:
            axis, other = other[0], ()
        elif keepdim is not None:
            dim, other = other[0], ()
    if other:
        given = ", ".join(map(repr, other))
        raise refuse(f"{name}({given})", f"{name}(axis={other[0]!r}) for the values", f"{name}(dim={other[0]!r})[0]")
    if dim is None:
        return extreme(x, axis, kept)
    if axis is not None:
        raise TypeError(f"{name}: expected axis or dim, got both")
    (x,) = as_tensors(name, (x,))
    if x.ndim == 0:
        one_axis(dim, 1, name)
        return Extreme(x, discrete(np.zeros((), np.int64)))
    at = one_axis(dim, x.ndim, name)
    refuse_empty(name, operand(x), at)
    indices = np.expand_dims(place(operand(x), axis=at), at)
    values = getitem(x, along(indices, at))
    if not kept:
        indices = indices.squeeze(at)
        values = _reshape(values, indices.shape)
    return Extreme(values, discrete(indices))


def along(indices: Array, axis: int) -> tuple[Array, ...]:
    """The index that takes from each line along an axis the elements whose numbers are given."""
    grid = list(np.ix_(*(np.arange(n) for n in indices.shape)))
    grid[axis] = indices
    return tuple(grid)


def _norm_rule(g: Tensor, x: Tensor, out: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    length = restore(out, x.shape, axis, keepdims)
    zero = length == 0
    return where(zero, 0.0, restore(g, x.shape, axis, keepdims) * (x / where(zero, 1.0, length)))


@operation(
    _norm_rule,
    formula="√Σx² over axes; the subgradient at 0 is 0",
    method=True,
    examples=_examples,
)
def norm(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The Euclidean norm over axes, scaled so that it neither overflows nor underflows on the way."""
    return kernels.reduce(x, NORM, normalize_axes(axis, x.ndim, "norm"), keepdims)


def _logsumexp_rule(g: Tensor, x: Tensor, out: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """The softmax; where everything is -∞ the weights are 0."""
    total = restore(out, x.shape, axis, keepdims)
    return restore(g, x.shape, axis, keepdims) * exp(x - where(total == -np.inf, 0.0, total))


@operation(_logsumexp_rule, formula="ln Σ e^x over axes", method=True, examples=_examples)
def logsumexp(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The logarithm of a sum of exponentials over axes, without overflow."""
    refuse_empty("logsumexp", x, axis)
    axes = normalize_axes(axis, x.ndim, "logsumexp")
    top = shift(x, axes)
    with np.errstate(all="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=axes)


def _more_than(ddof: int, name: str, x: Tensor, axis: Axis) -> int:
    """The number of elements of which a variance is taken, if there are enough."""
    n = count(x.shape, axis)
    if n <= ddof:
        raise ValueError(f"{name}: expected more than {ddof} elements along axis {axis} of shape {x.shape}, got {n}")
    return n


def var(
    x: Tensor, *where: Any, axis: Axis = None, keepdims: bool = False, ddof: int | None = None, **torch: Any
) -> Tensor:
    """The variance over axes, by deviations from the mean.

    Parameters
    ----------
    where
        `axis` and `keepdims` by position, if `ddof` or `correction` is given.
    axis, keepdims
        As in `sum`.
    ddof
        What is subtracted from the number of elements: 0 for the variance of what is there, which is NumPy's default
        and taken where `axis` is named, 1 for the unbiased estimate, PyTorch's default, taken where `dim` is.
    dim, keepdim, correction
        The same as PyTorch calls them; `unbiased` is its older name of a correction of 1.

    Raises
    ------
    TypeError
        Nothing says which of both is meant.
    ValueError
        There are no more elements than `ddof`.
    """
    (x,) = coerce("var", (x,))
    axis, keepdims, less = _spread_of("var", where, axis, keepdims, ddof, **torch)
    n = _more_than(less, "var", x, axis)
    deviation = x - mean(x, axis, True)
    return sum(deviation * deviation, axis, keepdims) * (1.0 / (n - less))


def std(
    x: Tensor, *where: Any, axis: Axis = None, keepdims: bool = False, ddof: int | None = None, **torch: Any
) -> Tensor:
    """The square root of `var`, with its parameters; its subgradient is 0 where the variance is 0."""
    (x,) = coerce("std", (x,))
    axis, keepdims, less = _spread_of("std", where, axis, keepdims, ddof, **torch)
    n = _more_than(less, "std", x, axis)
    return norm(x - mean(x, axis, True), axis, keepdims) * float((n - less) ** -0.5)


def _spread_of(
    name: str,
    where: tuple[Any, ...],
    axis: Axis,
    keepdims: bool,
    ddof: int | None,
    dim: Axis = None,
    keepdim: bool = False,
    correction: int | None = None,
    unbiased: bool | None = None,
) -> tuple[Axis, bool, int]:
    """Which axes, whether they are kept, and what is subtracted from the number of elements."""
    correction = correction if unbiased is None else int(unbiased)
    if ddof is None:
        ddof = next(iter(where[2:3]), None)
        where = where[:2] if ddof is not None else where
    less = ddof if correction is None else correction
    if less is None and (where or axis is None) and dim is None:
        raise refuse(
            f"{name}({', '.join(map(repr, where))})", f"{name}(..., ddof=0) for the mean of squares",
            f"{name}(..., correction=1) for Σ/(n - 1)",
        )  # fmt: skip
    if len(where) > 2 or (where and (axis is not None or dim is not None)):
        raise TypeError(f"{name}: expected axis and keepdims once, got {where} besides")
    axis = where[0] if where else axis if dim is None else dim
    kept = where[1] if len(where) == 2 else keepdims or keepdim
    return axis, kept, less if less is not None else 0 if dim is None else 1


METHODS.update(max=max, min=min, var=var, std=std)
