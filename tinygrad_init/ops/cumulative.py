"""Running sums and products, and products over axes.

Products are made of multiplications in a tree, or of a scan in log₂ n steps (Hillis and Steele 1986), so that zeros
among the factors are no special case of any derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors, coerce
from ..engine.tensor import Tensor, wrap
from .rearranging import flip
from .reductions import Axis, logsumexp
from .registry import Array, operation
from .shape import _getitem, _reshape, concatenate, normalize_axes, one_axis, stack
from .spelling import either


def _examples(rng: np.random.Generator) -> list[Any]:
    return [((rng.normal(size=(2, 3, 2)),), {"axis": axis}) for axis in (0, 1, -1)]


@operation(
    lambda g, axis: flip(_cumsum(flip(g, axis), axis), axis),
    formula="Σ_{j ≤ i} x_j along an axis",
    examples=_examples,
    whole=lambda x, axis: np.cumsum(x, axis=axis),
)
def _cumsum(x: Array, /, axis: int) -> Array:
    return np.cumsum(x, axis=axis, dtype=x.dtype)


def _along(name: str, x: Any, axis: int | None) -> tuple[Tensor, int]:
    """The tensor and an axis of it; all axes joined into one where none is given, as NumPy has it."""
    (x,) = as_tensors(name, (x,))
    if axis is None:
        return _reshape(x, (x.size,)), 0
    return x, one_axis(axis, x.ndim, name)


def _part(x: Tensor, axis: int, start: int | None, end: int | None) -> Tensor:
    return _getitem(x, (slice(None),) * axis + (slice(start, end),))


@either
def cumsum(x: Tensor, axis: int | None = None) -> Tensor:
    """The sum of each element and all before it along an axis; without one of all elements in a row."""
    return _cumsum(*_along("cumsum", x, axis))


def _scan(x: Tensor, axis: int, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """What an associative operation makes of each element and all before it."""
    reach = 1
    while reach < x.shape[axis]:
        joined = join(_part(x, axis, reach, None), _part(x, axis, None, -reach))
        x = concatenate([_part(x, axis, None, reach), joined], axis)
        reach *= 2
    return x


@either
def cumprod(x: Tensor, axis: int | None = None) -> Tensor:
    """The product of each element and all before it along an axis; without one of all elements in a row."""
    return _scan(*_along("cumprod", x, axis), lambda later, earlier: later * earlier)


def logaddexp(x: Any, y: Any) -> Tensor:
    """ln(e^x + e^y), element by element, without overflow."""
    x, y = coerce("logaddexp", (x, y))
    shape = np.broadcast_shapes(x.shape, y.shape)
    return logsumexp(stack([x.broadcast_to(shape), y.broadcast_to(shape)]), 0)


@either
def logcumsumexp(x: Tensor, axis: int) -> Tensor:
    """The logarithm of the running sum of exponentials along an axis, without overflow."""
    (x,) = coerce("logcumsumexp", (x,))
    return _scan(*_along("logcumsumexp", x, axis), logaddexp)


@either
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over axes (all of them by default); 1 where there is nothing to multiply."""
    (x,) = as_tensors("prod", (x,))
    axes = normalize_axes(axis, x.ndim, "prod")
    if is_discrete(x):
        return discrete(np.prod(x, axis=axes, keepdims=keepdims))
    for at in sorted(axes, reverse=True):
        if x.shape[at] == 0:
            shape = (*x.shape[:at], 1, *x.shape[at + 1 :])
            x = wrap(np.ones(shape, x.dtype))
        while (n := x.shape[at]) > 1:
            half = n // 2
            both = _part(x, at, None, half) * _part(x, at, half, 2 * half)
            x = concatenate([both, _part(x, at, 2 * half, None)], at) if n % 2 else both
        if not keepdims:
            x = _reshape(x, (*x.shape[:at], *x.shape[at + 1 :]))
    return x


@either
def diff(x: Tensor, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, n times."""
    (x,) = as_tensors("diff", (x,))
    at = one_axis(axis, x.ndim, "diff")
    for _ in range(n):
        x = _part(x, at, 1, None) - _part(x, at, None, -1)
    return x


METHODS.update(cumsum=cumsum, cumprod=cumprod, logcumsumexp=logcumsumexp, logaddexp=logaddexp, prod=prod, diff=diff)
