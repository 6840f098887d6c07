"""What NumPy's ufuncs do besides being called: `np.add.reduce(t)`, `np.maximum.accumulate(t)`, `np.add.outer(a, b)`.

Where a reduction is an operation of its own it is that; every other is made step by step, from the left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .cumulative import _scan, cumprod, cumsum, logcumsumexp, prod
from .elementwise import gated_quotient
from .elementwise import where as chosen
from .reductions import _max, _min, logsumexp
from .reductions import sum as total
from .registry import Array, operation
from .shape import _getitem, _reshape, concatenate, expand_dims, normalize_axes, one_axis, stack

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": total,
    "multiply": prod,
    "maximum": _max,
    "minimum": _min,
    "logaddexp": logsumexp,
}
NEUTRAL = {"add": 0.0, "multiply": 1.0, "maximum": -np.inf, "minimum": np.inf, "logaddexp": -np.inf}
RUNNING: dict[str, Callable[..., Any]] = {"add": cumsum, "multiply": cumprod, "logaddexp": logcumsumexp}


def _part(x: Tensor, axis: int, start: int | None, end: int | None) -> Any:
    return _getitem(x, (slice(None),) * axis + (slice(start, end),))


def _of_two(name: str, op: Any) -> None:
    if getattr(np, name).nin != 2 or name == "matmul":
        raise ValueError(f"np.{name}: only functions of two arrays, element by element, reduce")


def reduce(
    name: str,
    op: Any,
    x: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """`np.<name>.reduce`: the elements along axes joined by a function of two.

    Raises
    ------
    ValueError
        There is nothing to join and no neutral element; or the function joins no two elements.
    """
    _of_two(name, op)
    (x,) = as_tensors(f"np.{name}.reduce", (x,))
    if where is not None:
        if name not in NEUTRAL:
            raise TypeError(f"np.{name}.reduce: where= is of {', '.join(NEUTRAL)} alone, which have a neutral element")
        if name in ("maximum", "minimum") and initial is None:
            raise ValueError(f"np.{name}.reduce: where= needs an initial value, as it may leave nothing")
        mask = np.asarray(operand(where), bool)
        x = chosen(mask, x, NEUTRAL[name])
    axes = normalize_axes(axis, x.ndim, f"np.{name}.reduce")
    if name in REDUCTIONS:
        if name == "multiply" or all(x.shape[a] for a in axes) or name == "add":
            out = REDUCTIONS[name](x, axis=axes, keepdims=keepdims)
        elif initial is None:
            raise ValueError(f"np.{name}.reduce: no elements along axis {axis} of shape {x.shape}")
        else:
            out = total(x, axis=axes, keepdims=keepdims) + initial
    else:
        if len(axes) > 1:
            raise ValueError(f"np.{name}.reduce: expected one axis, as the order counts; got {axis}")
        out = _folded(name, op, x, axes[0], keepdims) if axes else x
    return out if initial is None else op(out, initial)


def _folded(name: str, op: Any, x: Tensor, axis: int, keepdims: bool) -> Tensor:
    if x.shape[axis] == 0:
        raise ValueError(f"np.{name}.reduce: no elements along axis {axis} of shape {x.shape}")
    out = _part(x, axis, 0, 1)
    for i in range(1, x.shape[axis]):
        out = op(out, _part(x, axis, i, i + 1))
    return out if keepdims else _reshape(out, (*x.shape[:axis], *x.shape[axis + 1 :]))


def accumulate(name: str, op: Any, x: Any, axis: int = 0) -> Any:
    """`np.<name>.accumulate`: each element joined with all before it along an axis."""
    _of_two(name, op)
    (x,) = as_tensors(f"np.{name}.accumulate", (x,))
    at = one_axis(axis, x.ndim, f"np.{name}.accumulate")
    if name in RUNNING:
        return RUNNING[name](x, at)
    if name in ("maximum", "minimum", "fmax", "fmin"):
        return _scan(x, at, lambda later, earlier: op(earlier, later))
    steps = [_part(x, at, 0, 1)]
    for i in range(1, x.shape[at]):
        steps.append(op(steps[-1], _part(x, at, i, i + 1)))
    return concatenate(steps, at)


def outer(name: str, op: Any, x: Any, y: Any) -> Any:
    """`np.<name>.outer`: a function of every pair of elements."""
    _of_two(name, op)
    x, y = as_tensors(f"np.{name}.outer", (x, y))
    return op(_reshape(x, (*x.shape, *(1,) * y.ndim)), y)


def reduceat(name: str, op: Any, x: Any, indices: Any, axis: int = 0) -> Any:
    """`np.<name>.reduceat`: parts that begin at given places, each reduced; one of no length is its first element."""
    _of_two(name, op)
    (x,) = as_tensors(f"np.{name}.reduceat", (x,))
    at = one_axis(axis, x.ndim, f"np.{name}.reduceat")
    n = x.shape[at]
    places = np.asarray(operand(indices))
    if places.ndim != 1 or places.dtype.kind not in "iu" or (places.size and not 0 <= places.min() <= places.max() < n):
        raise ValueError(f"np.{name}.reduceat: expected a list of places from 0 to {n - 1}, got {indices!r}")
    ends = [*places[1:].tolist(), n]
    parts = [(i, j if j > i else i + 1) for i, j in zip(places.tolist(), ends, strict=True)]
    return stack([reduce(name, op, _part(x, at, i, j), at) for i, j in parts], at)


METHODS_OF_UFUNCS: dict[str, Callable[..., Any]] = {
    "reduce": reduce,
    "accumulate": accumulate,
    "outer": outer,
    "reduceat": reduceat,
}


@operation(
    lambda g, out: gated_quotient(g, 3.0 * out * out),
    formula="the real cube root of x",
    kind="unary",
    domain=(0.2, 3.0),
    method=True,
    numpy=("cbrt",),
)
def cbrt(x: Array, /) -> Array:
    """The real cube root; its derivative at 0 is infinite."""
    return np.cbrt(x)


def modf(x: Any) -> tuple[Any, Any]:
    """`np.modf`: what follows the decimal point, and what is before it, whose derivative is 0."""
    whole = METHODS["trunc"](x)
    return x - whole, whole


def matvec(x: Any, y: Any) -> Any:
    """`np.matvec`: matrices times vectors, in stacks."""
    x, y = as_tensors("np.matvec", (x, y))
    out = x @ expand_dims(y, -1)
    return _reshape(out, out.shape[:-1])


def vecmat(x: Any, y: Any) -> Any:
    """`np.vecmat`: vectors times matrices, in stacks."""
    x, y = as_tensors("np.vecmat", (x, y))
    out = expand_dims(x, -2) @ y
    return _reshape(out, (*out.shape[:-2], out.shape[-1]))
