"""Lengths and distances: vector norms of any order, distances of pairs, vectors brought to a length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import where
from .matrix_norms import vector_norm
from .reductions import Axis, _max, _min, mean, std, var
from .reductions import norm as euclidean
from .reductions import sum as total
from .results import Results
from .shape import expand_dims, getitem, normalize_axes, one_axis
from .spelling import either, refuse

__all__ = [
    "amax", "amin", "aminmax", "cdist", "dist", "nanmean", "nansum", "norm", "pdist", "renorm", "std_mean", "var_mean",
    "vector_norm",
]  # fmt: skip


def norm(
    x: Any,
    p: float | str | None = None,
    axis: Axis = None,
    keepdims: bool = False,
    *,
    ord: float | str | None = None,
    dim: Axis = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:
    """The Euclidean norm over axes, all of them by default, or a vector norm of another order.

    Parameters
    ----------
    p, ord
        The order, as `vector_norm` has it; "fro" is the Euclidean norm.
    axis, keepdims
        As in `sum`.

    Raises
    ------
    TypeError
        An order is given for two axes: NumPy would take the norm of a matrix, PyTorch's function of this name that of
        its elements.
    """
    order = p if ord is None else ord
    where_ = axis if dim is None else dim
    (x,) = coerce("norm", (x if dtype is None else x.astype(dtype),))
    kept = keepdims or keepdim
    if order is None or order == "fro":
        return euclidean(x, where_, kept)
    if isinstance(order, str):
        raise ValueError(f"norm: expected a number or 'fro' as order, got {order!r}")
    axes = normalize_axes(where_, x.ndim, "norm")
    if len(axes) == 2:
        raise refuse(f"norm(x, {order!r}) over two axes", "linalg.matrix_norm(x, ord)", f"vector_norm(x, {order!r})")
    return vector_norm(x, order, axes, kept)


@either
def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over axes (all of them by default); ties share the cotangent evenly."""
    return _max(x, axis, keepdims)


@either
def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over axes (all of them by default); ties share the cotangent evenly."""
    return _min(x, axis, keepdims)


class Range(Results):
    """What `aminmax` gives."""

    __slots__ = ()
    names = ("min", "max")


@either
def aminmax(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Range:
    """The smallest and the largest element along an axis, of all by default: a pair of `min` and `max`."""
    return Range(_min(x, axis, keepdims), _max(x, axis, keepdims))


@either
def nansum(x: Any, axis: Axis = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    """The sum over axes of the elements that are not NaN."""
    found = operand(x)
    if found.dtype.kind in "biu":
        return discrete(np.sum(found, axis=normalize_axes(axis, found.ndim, "nansum"), keepdims=keepdims))
    (x,) = coerce("nansum", (x if dtype is None else x.astype(dtype),))
    return total(where(np.isnan(operand(x)), 0.0, x), axis, keepdims)


@either
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over axes of the elements that are not NaN; NaN where there are none."""
    (x,) = coerce("nanmean", (x if dtype is None else x.astype(dtype),))
    there = np.where(np.isnan(operand(x)), x.dtype.type(0), x.dtype.type(1))
    counts = np.sum(there, axis=normalize_axes(axis, x.ndim, "nanmean"), keepdims=keepdims)
    return nansum(x, axis, keepdims) / counts


def var_mean(x: Any, *given: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """`var`, whose parameters it has, and the mean."""
    return _with_mean(var, x, given, options)


def std_mean(x: Any, *given: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """`std`, whose parameters it has, and the mean."""
    return _with_mean(std, x, given, options)


def _with_mean(function: Any, x: Any, given: tuple[Any, ...], options: dict[str, Any]) -> tuple[Tensor, Tensor]:
    spread = function(x, *given, **options)
    axis = given[0] if given else options.get("axis", options.get("dim"))
    kept = given[1] if len(given) > 1 else options.get("keepdims") or options.get("keepdim") or False
    return spread, mean(x, axis, kept)


# Distances


def dist(x: Any, y: Any, p: float = 2) -> Tensor:
    """The norm of the difference."""
    x, y = coerce("dist", (x, y))
    return vector_norm(x - y, p)


def cdist(x: Any, y: Any, p: float = 2.0, compute_mode: str = "") -> Tensor:
    """The distance of each row of x from each row of y, in stacks: (..., m, d) and (..., n, d) give (..., m, n).

    Parameters
    ----------
    p
        The order of the norm.
    compute_mode
        PyTorch's, which chooses between two ways of computing; taken, and of no effect: differences are formed always.
    """
    x, y = coerce("cdist", (x, y))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist: expected rows of one length, got shapes {x.shape} and {y.shape}")
    return vector_norm(expand_dims(x, -2) - expand_dims(y, -3), p, -1)


def pdist(x: Any, p: float = 2.0) -> Tensor:
    """The distances of the rows of a matrix from each other, each pair once, in a row."""
    (x,) = coerce("pdist", (x,))
    if x.ndim != 2:
        raise ValueError(f"pdist: expected a matrix, got shape {x.shape}")
    first, second = np.triu_indices(x.shape[0], 1)
    return vector_norm(getitem(x, (first,)) - getitem(x, (second,)), p, -1)


def renorm(x: Any, p: float, dim: int, maxnorm: float) -> Tensor:
    """x with the slices along an axis whose norm is above a limit brought to it."""
    (x,) = coerce("renorm", (x,))
    at = one_axis(dim, x.ndim, "renorm")
    length = vector_norm(x, p, tuple(i for i in range(x.ndim) if i != at), True)
    above = length > maxnorm
    return x * where(above, maxnorm / (where(above, length, 1.0) + 1e-7), 1.0)


METHODS.update(
    amax=amax, amin=amin, aminmax=aminmax, cdist=cdist, dist=dist, nanmean=nanmean, nansum=nansum, norm=norm,
    renorm=renorm, std_mean=std_mean, var_mean=var_mean,
)  # fmt: skip
