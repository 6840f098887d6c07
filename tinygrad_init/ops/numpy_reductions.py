"""Sums, products, extremes and averages as NumPy has them, with its names, its `where` and its `initial`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .cumulative import cumprod as running_product
from .cumulative import cumsum as running_sum
from .cumulative import prod as product
from .elementwise import maximum as larger
from .elementwise import minimum as smaller
from .elementwise import sqrt
from .elementwise import where as chosen
from .linear_algebra import einsum
from .numpy_places import sort
from .reductions import Axis, _max, _min, count
from .reductions import mean as average_of
from .reductions import norm as length
from .reductions import std as deviation_of
from .reductions import sum as total
from .reductions import var as variance_of
from .selection import take_along_axis
from .shape import _reshape, _transpose, broadcast_to, concatenate, getitem, kept_shape, normalize_axes, stack

__all__ = ["NUMPY_REDUCTIONS"]


def _tensor(name: str, a: Any) -> Tensor:
    if isinstance(a, list | tuple):
        a = stack(a)
    found: Tensor = as_tensors(f"np.{name}", (a,))[0]
    return found


def _mask(where: Any) -> Any:
    if where is None or where is True:
        return None
    found = operand(where)
    return found if found.dtype == np.bool_ else found != 0


def sum(a: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """`np.sum`."""
    a, mask = _tensor("sum", a), _mask(where)
    out = total(a if mask is None else chosen(mask, a, 0.0), axis=_axes(axis), keepdims=keepdims)
    return out if initial is None else out + initial


def prod(a: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """`np.prod`."""
    a, mask = _tensor("prod", a), _mask(where)
    out = product(a if mask is None else chosen(mask, a, 1.0), axis=_axes(axis), keepdims=keepdims)
    return out if initial is None else out * initial


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _extreme(name: str, reduced: Any, of_two: Any, edge: float) -> Callable[..., Any]:
    def called(a: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
        a, mask = _tensor(name, a), _mask(where)
        if mask is not None:
            if initial is None:
                raise ValueError(f"np.{name}: where= needs an initial value, as it may leave nothing")
            a = chosen(mask, a, edge)
        if initial is not None and count(a.shape, _axes(axis)) == 0:
            return total(a, axis=_axes(axis), keepdims=keepdims) + initial
        out = reduced(a, axis=_axes(axis), keepdims=keepdims)
        return out if initial is None else of_two(out, initial)

    called.__doc__ = f"`np.{name}`; ties share the cotangent evenly."
    return called


max = _extreme("max", _max, larger, -np.inf)
min = _extreme("min", _min, smaller, np.inf)


def ptp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """`np.ptp`: the largest less the smallest."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


def _counted(mask: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool, dtype: Any) -> Any:
    """How many elements a mask leaves of each line."""
    return total(chosen(mask, np.ones(shape, dtype), 0.0), axis=_axes(axis), keepdims=keepdims)


def mean(a: Any, axis: Axis = None, keepdims: bool = False, where: Any = None) -> Any:
    """`np.mean`."""
    (a,), mask = coerce("np.mean", (_tensor("mean", a),)), _mask(where)
    if mask is None:
        return average_of(a, axis=_axes(axis), keepdims=keepdims)
    return sum(a, axis, keepdims, where=mask) / _counted(mask, a.shape, axis, keepdims, a.dtype)


def var(
    a: Any,
    axis: Axis = None,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """`np.var`."""
    (a,), mask = coerce("np.var", (_tensor("var", a),)), _mask(where)
    less = ddof if correction is None else correction
    if mask is None and mean is None:
        return variance_of(a, axis=_axes(axis), keepdims=keepdims, ddof=less)
    middle = NUMPY_REDUCTIONS["mean"](a, axis, True, mask) if mean is None else mean
    n = _counted(np.ones(a.shape, bool) if mask is None else mask, a.shape, axis, keepdims, a.dtype)
    return sum((a - middle) ** 2, axis, keepdims, where=mask) / larger(n - float(less), 0.0)


def std(
    a: Any,
    axis: Axis = None,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """`np.std`; its subgradient is 0 where all elements are the same."""
    (a,) = coerce("np.std", (_tensor("std", a),))
    if where is None and mean is None:
        return deviation_of(a, axis=_axes(axis), keepdims=keepdims, ddof=ddof if correction is None else correction)
    found = var(a, axis, ddof, keepdims, where, mean, correction)
    return chosen(found == 0, 0.0, sqrt(chosen(found == 0, 1.0, found)))


def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """`np.average`: a mean with weights, which may be tensors."""
    a = _tensor("average", a)
    if weights is None:
        out = mean(a, axis, keepdims)
        n = out * 0.0 + float(count(a.shape, _axes(axis)))
        return (out, n) if returned else out
    (a, weights) = coerce("np.average", (a, weights))
    if weights.shape != a.shape:
        axes = normalize_axes(_axes(axis), a.ndim, "np.average")
        if axis is None or weights.shape != tuple(a.shape[i] for i in axes):
            raise ValueError(f"np.average: weights of shape {weights.shape} do not fit shape {a.shape} and axis {axis}")
        order = tuple(sorted(range(weights.ndim), key=lambda i: axes[i]))
        weights = _reshape(_transpose(weights, order), tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
    weights = broadcast_to(weights, a.shape)
    n = sum(weights, axis, keepdims)
    out = sum(a * weights, axis, keepdims) / n
    return (out, n) if returned else out


def _without_nan(name: str, function: Any, neutral: float) -> Callable[..., Any]:
    """A reduction of what is not NaN."""

    def called(a: Any, axis: Axis = None, **options: Any) -> Any:
        a = _tensor(name, a)
        return function(chosen(np.isnan(operand(a)), neutral, a), axis, **options)

    called.__doc__ = f"`np.{name}`."
    return called


def _nan_extreme(name: str, function: Any, edge: float) -> Callable[..., Any]:
    def called(a: Any, axis: Axis = None, keepdims: bool = False, **options: Any) -> Any:
        a = _tensor(name, a)
        missing = np.isnan(operand(a))
        out = function(chosen(missing, edge, a), axis, keepdims, **options)
        nothing = _counted(~missing, a.shape, axis, keepdims, a.dtype) == 0
        return chosen(nothing, np.nan, out) if "initial" not in options else out

    called.__doc__ = f"`np.{name}`."
    return called


def _nan_moment(name: str, function: Any) -> Callable[..., Any]:
    def called(a: Any, axis: Axis = None, where: Any = None, **options: Any) -> Any:
        a = _tensor(name, a)
        there = ~np.isnan(operand(a))
        asked = _mask(where)
        mask = there if asked is None else there & asked
        return function(chosen(there, a, 0.0), axis, where=mask, **options)

    called.__doc__ = f"`np.{name}`."
    return called


# Running sums and products


def _running(name: str, function: Any, neutral: float | None = None) -> Callable[..., Any]:
    def called(a: Any, axis: int | None = None) -> Any:
        a = _tensor(name, a)
        return function(a if neutral is None else chosen(np.isnan(operand(a)), neutral, a), axis)

    called.__doc__ = f"`np.{name}`."
    return called


def _cumulative(name: str, function: Any, neutral: float) -> Callable[..., Any]:
    def called(x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
        x = _tensor(name, x)
        if axis is None and x.ndim > 1:
            raise ValueError(f"np.{name}: expected an axis for a tensor with {x.ndim} axes")
        at = 0 if axis is None else axis % x.ndim
        out = function(x, at)
        if not include_initial:
            return out
        return concatenate([np.full((*x.shape[:at], 1, *x.shape[at + 1 :]), neutral, x.dtype), out], at)

    called.__doc__ = f"`np.{name}`."
    return called


# Quantiles


def _lines(a: Tensor, axis: Axis) -> tuple[Tensor, tuple[int, ...]]:
    """The axes to reduce joined into a last one, and the shape that they leave with length 1."""
    axes = normalize_axes(_axes(axis), a.ndim, "np.quantile")
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    joined = _reshape(_transpose(a, rest + axes), (*(a.shape[i] for i in rest), math.prod(a.shape[i] for i in axes)))
    return joined, kept_shape(a.shape, axes)


def _parts(q: Any) -> Any:
    return np.asarray(q.numpy() if isinstance(q, Tensor) else q, np.float64)


def quantile(
    a: Any, q: Any, axis: Axis = None, overwrite_input: bool = False, method: Any = "linear", keepdims: bool = False
) -> Any:
    """`np.quantile`, with each of NumPy's methods (Hyndman and Fan 1996); NaN where a line holds NaN.

    A method is asked where it would read in the numbers 0, 1, 2, ...: between which elements, and how near to each.
    """
    (a,) = coerce("np.quantile", (_tensor("quantile", a),))
    lines, kept = _lines(a, axis)
    n = lines.shape[-1]
    if n == 0:
        raise ValueError(f"np.quantile: no elements along axis {axis} of shape {a.shape}")
    at = np.asarray(np.quantile(np.arange(float(n)), _parts(q), method=method))
    low = np.floor(at).astype(int)
    part = (at - low).astype(a.dtype)
    rows = sort(lines)
    found = getitem(rows, (..., low)) * (1 - part) + getitem(rows, (..., np.minimum(low + 1, n - 1))) * part
    last = getitem(rows, (..., -1))[(...,) + (None,) * at.ndim]  # where NaN is, if there is any
    found = chosen(np.isnan(operand(last)), np.nan, found)
    return _places_first(found, at.ndim, kept, keepdims)


def _places_first(found: Tensor, q_axes: int, kept: tuple[int, ...], keepdims: bool) -> Tensor:
    """With the axes of the quantiles before the others."""
    rest = found.ndim - q_axes
    found = _transpose(found, (*range(rest, found.ndim), *range(rest)))
    return _reshape(found, (*found.shape[:q_axes], *kept)) if keepdims else found


def nanquantile(
    a: Any, q: Any, axis: Axis = None, overwrite_input: bool = False, method: Any = "linear", keepdims: bool = False
) -> Any:
    """`np.nanquantile`, by its linear method: each line is as long as it has numbers."""
    if method != "linear":
        raise TypeError(f"np.nanquantile: method {method!r} has no differentiable counterpart here, only 'linear'")
    (a,) = coerce("np.nanquantile", (_tensor("nanquantile", a),))
    lines, kept = _lines(a, axis)
    rows = sort(lines)  # NaN comes last
    there = np.sum(~np.isnan(operand(lines)), axis=-1)[..., None]
    wanted = _parts(q)
    at = np.maximum(wanted.reshape(-1) * (there - 1), 0)
    low = np.floor(at).astype(int)
    part = (at - low).astype(a.dtype)
    high = np.maximum(np.minimum(low + 1, there - 1), 0)
    below, above = take_along_axis(rows, low, -1), take_along_axis(rows, high, -1)
    found = below * (1 - part) + above * part
    found = _reshape(found, (*found.shape[:-1], *wanted.shape))
    return _places_first(found, wanted.ndim, kept, keepdims)


def _percent(name: str, function: Any) -> Callable[..., Any]:
    def called(a: Any, q: Any, axis: Axis = None, **options: Any) -> Any:
        return function(a, _parts(q) / 100.0, axis, **options)

    called.__doc__ = f"`np.{name}`."
    return called


def _middle(name: str, function: Any) -> Callable[..., Any]:
    def called(a: Any, axis: Axis = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        return function(a, 0.5, axis, keepdims=keepdims)

    called.__doc__ = f"`np.{name}`: the middle element, or the mean of both."
    return called


# Covariance


def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Any:
    """`np.cov`: the covariance of variables, which are rows (columns unless `rowvar`)."""
    rows = _variables("cov", m, y, rowvar)
    n = rows.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    if n <= 0:
        raise ValueError(f"np.cov: {rows.shape[1]} observations are too few")
    apart = rows - average_of(rows, 1, True)
    found = einsum("in,jn->ij", apart, apart) * (1.0 / n)
    return _reshape(found, ()) if found.shape == (1, 1) else found


def _variables(name: str, m: Any, y: Any, rowvar: bool) -> Tensor:
    parts = []
    for x in coerce(f"np.{name}", (_tensor(name, m),) if y is None else (_tensor(name, m), _tensor(name, y))):
        if x.ndim > 2:
            raise ValueError(f"np.{name}: expected vectors or matrices, got shape {x.shape}")
        x = _reshape(x, (1, x.size)) if x.ndim < 2 else x
        parts.append(_transpose(x, (1, 0)) if not rowvar and x.shape[0] != 1 else x)
    return concatenate(parts, 0) if len(parts) > 1 else parts[0]


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """`np.corrcoef`: the correlation of variables."""
    rows = _variables("corrcoef", x, y, rowvar)
    apart = rows - average_of(rows, 1, True)
    unit = apart / length(apart, 1, True)
    found = einsum("in,jn->ij", unit, unit)
    return _reshape(found, ()) if found.shape == (1, 1) else found


NUMPY_REDUCTIONS: dict[str, Any] = {
    "sum": sum, "prod": prod, "max": max, "amax": max, "min": min, "amin": min, "ptp": ptp, "mean": mean, "var": var,
    "std": std, "average": average, "nansum": _without_nan("nansum", sum, 0.0),
    "nanprod": _without_nan("nanprod", prod, 1.0), "nanmax": _nan_extreme("nanmax", max, -np.inf),
    "nanmin": _nan_extreme("nanmin", min, np.inf), "nanmean": _nan_moment("nanmean", mean),
    "nanvar": _nan_moment("nanvar", var), "nanstd": _nan_moment("nanstd", std),
    "cumsum": _running("cumsum", running_sum), "cumprod": _running("cumprod", running_product),
    "nancumsum": _running("nancumsum", running_sum, 0.0), "nancumprod": _running("nancumprod", running_product, 1.0),
    "cumulative_sum": _cumulative("cumulative_sum", running_sum, 0.0),
    "cumulative_prod": _cumulative("cumulative_prod", running_product, 1.0),
    "quantile": quantile, "percentile": _percent("percentile", quantile), "median": _middle("median", quantile),
    "nanquantile": nanquantile, "nanpercentile": _percent("nanpercentile", nanquantile),
    "nanmedian": _middle("nanmedian", nanquantile), "cov": cov, "corrcoef": corrcoef,
}  # fmt: skip
