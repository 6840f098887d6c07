"""Operations that reduce axes: sums, means, extremes, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.tensor import METHODS, Tensor
from ..kernels.backend import kernels
from .activations import shift
from .elementwise import exp, where
from .registry import Array, operation
from .shape import _reshape, broadcast_to, kept_shape, normalize_axes

Axis = int | tuple[int, ...] | None
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


def refuse_empty(name: str, x: Array, axis: Axis) -> None:
    """Raise where a reduction has nothing to reduce."""
    if count(x.shape, axis) == 0:
        raise ValueError(f"{name}: no elements along axis {axis} of shape {x.shape}")


@operation(
    lambda g, x_shape, axis, keepdims: broadcast_to(restore(g, x_shape, axis, keepdims), x_shape),
    formula="Σ x over axes",
    method=True,
    examples=_examples,
    numpy=("sum",),
)
def sum(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum over axes (all of them by default)."""
    return kernels.reduce(x, SUM, normalize_axes(axis, x.ndim, "sum"), keepdims)


@operation(
    lambda g, x_shape, axis, keepdims: broadcast_to(
        restore(g, x_shape, axis, keepdims) * (1.0 / count(x_shape, axis)), x_shape
    ),
    formula="the mean over axes",
    method=True,
    examples=_examples,
    numpy=("mean",),
)
def mean(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over axes (all of them by default).

    Raises
    ------
    ValueError
        There is nothing to take the mean of.
    """
    refuse_empty("mean", x, axis)
    with np.errstate(all="ignore"):
        total = kernels.reduce(x, SUM, normalize_axes(axis, x.ndim, "mean"), keepdims)
        return total / x.dtype.type(count(x.shape, axis))


def _extreme_rule(g: Tensor, x: Tensor, out: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """Ties share the cotangent evenly."""
    hit = x == restore(out, x.shape, axis, keepdims)
    hits = np.sum(hit, axis=axis, keepdims=True).astype(x.dtype)
    return where(hit, restore(g, x.shape, axis, keepdims) / np.maximum(hits, hits.dtype.type(1)), 0.0)


def _extreme(name: str, x: Array, axis: Axis, keepdims: bool) -> Array:
    refuse_empty(name, x, axis)
    return kernels.reduce(x, kernels.REDUCTIONS[name], normalize_axes(axis, x.ndim, name), keepdims)


@operation(
    _extreme_rule,
    formula="the largest element over axes; ties share the cotangent evenly",
    method=True,
    examples=_examples,
    numpy=("max", "amax"),
)
def max(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest element over axes (all of them by default)."""
    return _extreme("max", x, axis, keepdims)


@operation(
    _extreme_rule,
    formula="the smallest element over axes; ties share the cotangent evenly",
    method=True,
    examples=_examples,
    numpy=("min", "amin"),
)
def min(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest element over axes (all of them by default)."""
    return _extreme("min", x, axis, keepdims)


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
    top = shift(x, axis)
    with np.errstate(all="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=normalize_axes(axis, x.ndim, "logsumexp"))


def _more_than(ddof: int, name: str, x: Tensor, axis: Axis) -> int:
    """The number of elements of which a variance is taken, if there are enough."""
    n = count(x.shape, axis)
    if n <= ddof:
        raise ValueError(f"{name}: expected more than {ddof} elements along axis {axis} of shape {x.shape}, got {n}")
    return n


def var(x: Tensor, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The variance over axes, by deviations from the mean.

    Parameters
    ----------
    ddof
        What is subtracted from the number of elements: 0 for the variance of what is there (NumPy's default), 1 for the
        unbiased estimate (PyTorch's default).

    Raises
    ------
    ValueError
        There are no more elements than `ddof`.
    """
    n = _more_than(ddof, "var", x, axis)
    deviation = x - mean(x, axis, True)
    return sum(deviation * deviation, axis, keepdims) * (1.0 / (n - ddof))


def std(x: Tensor, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The square root of `var`; its subgradient is 0 where the variance is 0."""
    n = _more_than(ddof, "std", x, axis)
    return norm(x - mean(x, axis, True), axis, keepdims) * float((n - ddof) ** -0.5)


METHODS.update(var=var, std=std)
