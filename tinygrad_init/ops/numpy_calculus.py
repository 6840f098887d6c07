"""Differences, integrals, convolutions and polynomials as NumPy has them, and orders and sets of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from .convolution import conv1d
from .cumulative import diff as differences
from .elementwise import sin
from .elementwise import where as chosen
from .rearranging import flip
from .reductions import sum as total
from .shape import _getitem, _reshape, broadcast_to, concatenate, getitem, normalize_axes, one_axis, stack

__all__ = ["NUMPY_CALCULUS"]


def _part(x: Tensor, axis: int, start: int | None, end: int | None) -> Any:
    return _getitem(x, (slice(None),) * axis + (slice(start, end),))


def _tensor(name: str, a: Any) -> Tensor:
    if isinstance(a, list | tuple):
        a = stack(a)
    found: Tensor = coerce(f"np.{name}", (a,))[0]
    return found


# Differences and integrals


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """`np.diff`."""
    a = _tensor("diff", a)
    at = one_axis(axis, a.ndim, "np.diff")
    beside = (*a.shape[:at], 1, *a.shape[at + 1 :])
    parts = [_beside(a, prepend, beside), a, _beside(a, append, beside)]
    found = [p for p in parts if p is not None]
    return differences(concatenate(found, at) if len(found) > 1 else a, n, at)


def _beside(a: Tensor, value: Any, shape: tuple[int, ...]) -> Tensor | None:
    if value is None:
        return None
    (_, value) = coerce("np.diff", (a, value))
    return broadcast_to(value, shape) if value.ndim == 0 else value


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """`np.ediff1d`."""
    ary = _tensor("ediff1d", ary)
    found = [differences(_reshape(ary, (ary.size,)))]
    if to_begin is not None:
        found.insert(0, _row(ary, to_begin))
    if to_end is not None:
        found.append(_row(ary, to_end))
    return concatenate(found) if len(found) > 1 else found[0]


def _row(beside: Tensor, value: Any) -> Tensor:
    value = np.asarray(value, beside.dtype) if not isinstance(value, Tensor) else value
    return _reshape(coerce("np.ediff1d", (beside, value))[1], (value.size,))


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """`np.gradient`: central differences, of second order also where the spacing varies.

    Parameters
    ----------
    varargs
        For all axes, or each of them, a distance or the coordinates.
    edge_order
        1 or 2, of the differences at both ends.
    """
    f = _tensor("gradient", f)
    axes = normalize_axes(tuple(axis) if isinstance(axis, list) else axis, f.ndim, "np.gradient")
    spacings = [1.0] * len(axes) if not varargs else list(varargs) * (len(axes) if len(varargs) == 1 else 1)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(varargs)} distances do not fit {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: expected edge_order 1 or 2, got {edge_order}")
    found = tuple(_slope(f, at, h, edge_order) for at, h in zip(axes, spacings, strict=True))
    return found[0] if len(found) == 1 else found


def _slope(f: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"np.gradient: expected at least {edge_order + 1} elements along axis {axis}, got {n}")
    if isinstance(spacing, Tensor) and spacing.ndim:
        h: Any = differences(spacing)
    else:
        given = spacing if isinstance(spacing, Tensor) else np.asarray(spacing, f.dtype)
        h = np.diff(given) if given.ndim else None
        if h is None:
            h = broadcast_to(given, (n - 1,)) if isinstance(given, Tensor) else np.full(n - 1, given, f.dtype)
    if h.shape != (n - 1,):
        raise ValueError(f"np.gradient: {n} coordinates are expected along axis {axis}")
    along = (-1,) + (1,) * (f.ndim - axis - 1)

    def at(x: Any, a: int | None, b: int | None) -> Any:
        part = x[a:b]
        return _reshape(part, (part.size, *along[1:])) if isinstance(part, Tensor) else part.reshape(along)

    step = (_part(f, axis, 1, None) - _part(f, axis, None, -1)) / at(h, None, None)
    first, last = _part(step, axis, 0, 1), _part(step, axis, -1, None)
    if n == 2:
        return concatenate([first, last], axis)
    before, after = at(h, None, -1), at(h, 1, None)
    left, right = _part(step, axis, None, -1), _part(step, axis, 1, None)
    inner = (left * after + right * before) / (before + after)
    if edge_order == 2:  # the straight line through the slopes of the first, or last, two steps
        bend = (right - left) / (before + after)
        first = first - _part(bend, axis, 0, 1) * at(h, 0, 1)
        last = last + _part(bend, axis, -1, None) * at(h, -1, None)
    return concatenate([first, inner, last], axis)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`np.trapezoid`."""
    y = _tensor("trapezoid", y)
    at = one_axis(axis, y.ndim, "np.trapezoid")
    width: Any = dx
    if x is not None:
        (_, x) = coerce("np.trapezoid", (y, np.asarray(x, y.dtype) if not isinstance(x, Tensor) else x))
        width = differences(x, 1, 0 if x.ndim == 1 else at)
        if x.ndim == 1:
            width = _reshape(width, (width.size,) + (1,) * (y.ndim - at - 1))
    return total((_part(y, at, 1, None) + _part(y, at, None, -1)) * width, at) * 0.5


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """`np.interp`: the piecewise linear function through points; by x, by their places and by their heights."""
    x, xp, fp = coerce(
        "np.interp", tuple(v if isinstance(v, Tensor) else np.asarray(v, _kind(x, xp, fp)) for v in (x, xp, fp))
    )
    n = xp.size
    if xp.ndim != 1 or fp.shape != xp.shape or n == 0:
        raise ValueError(f"np.interp: expected points of one length, got shapes {xp.shape} and {fp.shape}")
    numbers, places = operand(x), operand(xp)
    below, above = numbers < places[0], numbers > places[-1]
    if n == 1:
        inside: Any = broadcast_to(fp, x.shape) if x.ndim else _reshape(fp, ())
    else:
        i = np.clip(np.searchsorted(places, numbers, "right") - 1, 0, n - 2)
        x0, f0 = getitem(xp, i), getitem(fp, i)
        slope = (getitem(fp, i + 1) - f0) / (getitem(xp, i + 1) - x0)
        inside = f0 + slope * (x - x0)
    found = chosen(below, getitem(fp, 0) if left is None else left, inside)
    return chosen(above, getitem(fp, -1) if right is None else right, found)


def _kind(*values: Any) -> Any:
    return next(v.dtype for v in values if isinstance(v, Tensor))


def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """`np.unwrap`: whole periods are added, which have no derivative."""
    p = _tensor("unwrap", p)
    numbers = operand(p)
    return p + (np.unwrap(numbers, discont, axis, period=period) - numbers).astype(p.dtype)


def sinc(x: Any) -> Any:
    """`np.sinc`: sin(πx) / (πx)."""
    x = _tensor("sinc", x)
    zero = operand(x) == 0
    y = chosen(zero, 1.0, x) * math.pi
    return chosen(zero, 1.0 - x * x * (math.pi**2 / 6), sin(y) / y)  # with its second derivative at 0


# Convolutions


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """`np.convolve` of two vectors."""
    a, v = coerce("np.convolve", (a, v))
    return _slid("convolve", a, flip(v), mode, v.size > a.size)


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """`np.correlate` of two vectors."""
    a, v = coerce("np.correlate", (a, v))
    return _slid("correlate", a, v, mode, False)


def _slid(name: str, a: Tensor, v: Tensor, mode: str, _swap: bool) -> Tensor:
    """The products of v with a, at each place that the mode knows."""
    if a.ndim > 1 or v.ndim > 1 or not a.size or not v.size:
        raise ValueError(f"np.{name}: expected vectors with elements, got shapes {a.shape} and {v.shape}")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"np.{name}: expected mode 'full', 'same' or 'valid', got {mode!r}")
    n, m = a.size, v.size
    full = _reshape(conv1d(_reshape(a, (1, 1, n)), _reshape(v, (1, 1, m)), padding=m - 1), (n + m - 1,))
    if mode == "full":
        return full
    short, long = min(n, m), max(n, m)
    if mode == "valid":
        return _part(full, 0, short - 1, long)
    start = (short - 1) // 2 if n >= m or name == "convolve" else short // 2
    return _part(full, 0, start, start + long)


# Polynomials, the highest power first


def polyval(p: Any, x: Any) -> Any:
    """`np.polyval`, by Horner's rule."""
    p, x = coerce("np.polyval", (p, x))
    out = x * 0.0
    for i in range(p.size):
        out = out * x + p[i]
    return out


def polyder(p: Any, m: int = 1) -> Any:
    """`np.polyder`."""
    p = _tensor("polyder", p)
    for _ in range(m):
        p = _part(p, 0, None, -1) * np.arange(p.size - 1, 0, -1).astype(p.dtype)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """`np.polyint`."""
    p = _tensor("polyint", p)
    constants = np.broadcast_to(np.asarray(0.0 if k is None else k, p.dtype), (m,))
    for c in constants:
        p = concatenate([p / np.arange(p.size, 0, -1).astype(p.dtype), c.reshape(1)])
    return p


def _sum_of(sign: float) -> Callable[..., Any]:
    def called(a1: Any, a2: Any) -> Any:
        a, b = (_reshape(x, (x.size,)) for x in coerce("np.polyadd", (a1, a2)))
        n = max(a.size, b.size)
        a, b = (concatenate([np.zeros(n - x.size, x.dtype), x]) if x.size < n else x for x in (a, b))
        return a + b * sign

    return called


def polymul(a1: Any, a2: Any) -> Any:
    """`np.polymul`."""
    return convolve(a1, a2)


def poly(seq_of_zeros: Any) -> Any:
    """`np.poly` of zeros that are real; of a matrix it is refused."""
    zeros = _tensor("poly", seq_of_zeros)
    if zeros.ndim != 1:
        raise TypeError("np.poly of a matrix goes through its eigenvalues, which may be complex: it is refused")
    out: Any = wrap(np.ones(1, zeros.dtype))
    for i in range(zeros.size):
        out = concatenate([out, np.zeros(1, zeros.dtype)]) - concatenate([np.zeros(1, zeros.dtype), out * zeros[i]])
    return out


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """`np.vander`."""
    x = _tensor("vander", x)
    if x.ndim != 1:
        raise ValueError(f"np.vander: expected a vector, got shape {x.shape}")
    powers = [x**0]
    for _ in range((x.size if N is None else N) - 1):
        powers.append(powers[-1] * x)
    powers = powers[: x.size if N is None else N]
    return stack(powers if increasing else powers[::-1], 1) if powers else wrap(np.zeros((x.size, 0), x.dtype))


# Functions along axes


def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`np.apply_along_axis`: a function of tensors, of each line along an axis."""
    arr = _tensor("apply_along_axis", arr)
    at = one_axis(axis, arr.ndim, "np.apply_along_axis")
    outside = (*arr.shape[:at], *arr.shape[at + 1 :])
    found = []
    for place in np.ndindex(*outside):
        found.append(func1d(_getitem(arr, (*place[:at], slice(None), *place[at:])), *args, **kwargs))
    if not found:
        raise ValueError("np.apply_along_axis: there is no line to apply a function to")
    inside = found[0].shape
    out = _reshape(stack(found), (*outside, *inside))
    k = len(inside)
    order = (*range(at), *range(len(outside), len(outside) + k), *range(at, len(outside)))
    return out.permute(order) if order else out


def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """`np.apply_over_axes`."""
    a = _tensor("apply_over_axes", a)
    for axis in axes if isinstance(axes, Sequence) else (axes,):
        out = func(a, axis)
        a = out if out.ndim == a.ndim else out.expand_dims(axis % a.ndim)
    return a


NUMPY_CALCULUS: dict[str, Any] = {
    "diff": diff, "ediff1d": ediff1d, "gradient": gradient, "trapezoid": trapezoid, "interp": interp,
    "unwrap": unwrap, "sinc": sinc, "convolve": convolve, "correlate": correlate, "polyval": polyval,
    "polyder": polyder, "polyint": polyint, "polyadd": _sum_of(1.0), "polysub": _sum_of(-1.0), "polymul": polymul,
    "poly": poly, "vander": vander, "apply_along_axis": apply_along_axis, "apply_over_axes": apply_over_axes,
}  # fmt: skip
