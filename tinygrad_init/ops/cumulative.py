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
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .analysis import logaddexp
from .elementwise import astype
from .rearranging import flip
from .reductions import Axis, sum
from .registry import Array, operation
from .shape import _getitem, _reshape, broadcast_to, concatenate, in_a_row, normalize_axes, one_axis
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
    return apart(np.cumsum, x, axis=axis, dtype=x.dtype)


def _along(name: str, x: Any, axis: int | None, dtype: Any = None) -> tuple[Tensor, int]:
    """The tensor and an axis of it; all axes joined into one where none is given, as NumPy has it."""
    (x,) = as_tensors(name, (x,))
    if dtype is not None:
        x = astype(x, dtype)
    if axis is None:
        return _reshape(x, (x.size,)), 0
    return in_a_row(x), one_axis(axis, max(x.ndim, 1), name)


def _as_given(found: Tensor, x: Any, axis: int | None) -> Tensor:
    """A result without axes where x has none."""
    return _reshape(found, ()) if axis is not None and found.ndim != operand(x).ndim else found


def _part(x: Tensor, axis: int, start: int | None, end: int | None) -> Tensor:
    return _getitem(x, (slice(None),) * axis + (slice(start, end),))


@either
def cumsum(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sum of each element and all before it along an axis; without one of all elements in a row.

    With a dtype the elements are converted first.
    """
    return _as_given(_cumsum(*_along("cumsum", x, axis, dtype)), x, axis)


def _scan(x: Tensor, axis: int, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """What an associative operation makes of each element and all before it."""
    reach = 1
    while reach < x.shape[axis]:
        joined = join(_part(x, axis, reach, None), _part(x, axis, None, -reach))
        x = concatenate([_part(x, axis, None, reach), joined], axis)
        reach *= 2
    return x


@either
def cumprod(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The product of each element and all before it along an axis; without one of all elements in a row.

    With a dtype the elements are converted first.
    """
    found, at = _along("cumprod", x, axis, dtype)
    if is_discrete(found):
        return _as_given(discrete(np.cumprod(operand(found), axis=at)), x, axis)
    return _as_given(_scan(found, at, lambda later, earlier: later * earlier), x, axis)


@either
def logcumsumexp(x: Tensor, axis: int) -> Tensor:
    """The logarithm of the running sum of exponentials along an axis, without overflow."""
    (x,) = coerce("logcumsumexp", (x,))
    return _as_given(_scan(*_along("logcumsumexp", x, axis), logaddexp), x, axis)


@either
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over axes (all of them by default); 1 where there is nothing to multiply.

    With a dtype the elements are converted first.
    """
    (x,) = as_tensors("prod", (x,))
    if dtype is not None:
        x = astype(x, dtype)
    axes = normalize_axes(axis, x.ndim, "prod")
    if is_discrete(x):
        return discrete(np.prod(operand(x), axis=axes, keepdims=keepdims))
    for at in sorted(axes, reverse=True):
        if x.shape[at] == 0:
            x = sum(x, at, True) + 1.0
        while (n := x.shape[at]) > 1:
            half = n // 2
            both = _part(x, at, None, half) * _part(x, at, half, 2 * half)
            x = concatenate([both, _part(x, at, 2 * half, None)], at) if n % 2 else both
        if not keepdims:
            x = _reshape(x, (*x.shape[:at], *x.shape[at + 1 :]))
    return x


@either
def diff(x: Tensor, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along an axis, n times; `prepend` and `append` are first put before and behind."""
    (x,) = as_tensors("diff", (x,))
    at = one_axis(axis, x.ndim, "diff")
    if n == 0:
        return x
    parts = [v for v in (prepend, x, append) if v is not None]
    if len(parts) > 1:
        one = (*x.shape[:at], 1, *x.shape[at + 1 :])
        found = as_tensors("diff", tuple(parts))
        x = concatenate([v if v.ndim else broadcast_to(v, one) for v in found], at)
    if is_discrete(x):
        return discrete(np.diff(operand(x), n, at))
    for _ in range(n):
        x = _part(x, at, 1, None) - _part(x, at, None, -1)
    return x


METHODS.update(cumsum=cumsum, cumprod=cumprod, logcumsumexp=logcumsumexp, prod=prod, diff=diff)
