"""Shapes, orders and choices as NumPy has them; what only moves numbers and is rarer is in `numpy_places`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from .elementwise import astype as in_dtype
from .elementwise import clip as limited
from .elementwise import exp, log, maximum, minimum
from .elementwise import where as chosen
from .rearranging import array_split as parts_of
from .rearranging import flip as reversed_along
from .rearranging import moveaxis as axes_moved
from .selection import take_along_axis
from .shape import (
    _reshape,
    _transpose,
    broadcast_to,
    concatenate,
    getitem,
    normalize_axes,
    one_axis,
)
from .shape import expand_dims as expanded
from .shape import reshape as reshaped
from .shape import squeeze as squeezed
from .shape import stack as stacked
from .shape import swapaxes as swapped

__all__ = ["NUMPY_SHAPES"]


def _tensor(name: str, a: Any) -> Tensor:
    found: Tensor = as_tensors(f"np.{name}", (a,))[0]
    return found


def reshape(a: Any, shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    """`np.reshape`, in the order of rows ("C") or of columns ("F")."""
    a = _tensor("reshape", a)
    if order == "C":
        return reshaped(a, shape)
    if order != "F":
        raise ValueError(f"np.reshape: expected order 'C' or 'F', got {order!r}")
    wanted = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return _transpose_all(reshaped(_transpose_all(a), wanted[::-1]))


def _transpose_all(a: Tensor) -> Tensor:
    return _transpose(a, tuple(range(a.ndim))[::-1])


def ravel(a: Any, order: str = "C") -> Any:
    """`np.ravel`."""
    return reshape(a, -1, order) if _tensor("ravel", a).size else _reshape(_tensor("ravel", a), (0,))


def transpose(a: Any, axes: Any = None) -> Any:
    """`np.transpose`: two axes of a matrix are an order, as all are in NumPy."""
    a = _tensor("transpose", a)
    order = tuple(range(a.ndim))[::-1] if axes is None else normalize_axes(tuple(axes), a.ndim, "np.transpose")
    if len(order) != a.ndim:
        raise ValueError(f"np.transpose: expected an order of {a.ndim} axes, got {axes}")
    return _transpose(a, order)


def matrix_transpose(x: Any) -> Any:
    """`np.matrix_transpose`: the last two axes exchanged."""
    return swapped(_tensor("matrix_transpose", x), -1, -2)


def expand_dims(a: Any, axis: Any) -> Any:
    """`np.expand_dims`, with one new axis or several."""
    a = _tensor("expand_dims", a)
    if not isinstance(axis, Sequence):
        return expanded(a, axis)
    at = normalize_axes(axis, a.ndim + len(axis), "np.expand_dims")
    rest = iter(a.shape)
    return _reshape(a, tuple(1 if i in at else next(rest) for i in range(a.ndim + len(at))))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """`np.broadcast_arrays`."""
    found = as_tensors("np.broadcast_arrays", args)
    shape = np.broadcast_shapes(*(x.shape for x in found))
    return tuple(broadcast_to(x, shape) for x in found)


def _join(name: str, axis: int | None) -> Callable[..., Any]:
    def called(arrays: Any, axis: int | None = axis) -> Any:
        found = as_tensors(f"np.{name}", tuple(arrays))
        if axis is None:
            return concatenate([_reshape(x, (x.size,)) for x in found], 0)
        return concatenate(found, axis)

    called.__doc__ = f"`np.{name}`; with axis=None of all numbers in a row."
    return called


def stack(arrays: Any, axis: int = 0) -> Any:
    """`np.stack`."""
    return stacked(list(arrays), axis)


def _flat_rows(name: str, axis: int) -> Callable[..., Any]:
    def called(tup: Any) -> Any:
        found = as_tensors(f"np.{name}", tuple(tup))
        if name == "vstack":
            found = tuple(_reshape(x, (1, x.size)) if x.ndim < 2 else x for x in found)
            return concatenate(found, 0)
        found = tuple(_reshape(x, (1,)) if x.ndim == 0 else x for x in found)
        return concatenate(found, 0 if found[0].ndim == 1 else axis)

    called.__doc__ = f"`np.{name}`."
    return called


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`np.array_split`."""
    where_to = indices_or_sections
    return parts_of(_tensor("array_split", ary), where_to if np.ndim(where_to) == 0 else list(where_to), axis)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """`np.swapaxes`."""
    return swapped(_tensor("swapaxes", a), axis1, axis2)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """`np.moveaxis`."""
    return axes_moved(_tensor("moveaxis", a), source, destination)


def flip(m: Any, axis: Any = None) -> Any:
    """`np.flip`."""
    return reversed_along(_tensor("flip", m), axis)


def squeeze(a: Any, axis: Any = None) -> Any:
    """`np.squeeze`."""
    return squeezed(_tensor("squeeze", a), axis)


def _triangle(name: str, below: bool) -> Callable[..., Any]:
    def called(m: Any, k: int = 0) -> Any:
        m = _tensor(name, m)
        rows, columns = m.shape[-2:] if m.ndim > 1 else m.shape * 2
        ones = np.tri(rows, columns, k if below else k - 1, dtype=bool)
        return chosen(ones if below else ~ones, m, 0.0)

    called.__doc__ = f"`np.{name}`."
    return called


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """`np.trace`."""
    a = _tensor("trace", a)
    first, second = one_axis(axis1, a.ndim, "np.trace"), one_axis(axis2, a.ndim, "np.trace")
    a = axes_moved(a, (first, second), (-2, -1))
    mask = np.eye(a.shape[-2], a.shape[-1], offset, dtype=bool)
    return chosen(mask, a, 0.0).sum(axis=(-2, -1))


def linalg_trace(x: Any, offset: int = 0) -> Any:
    """`np.linalg.trace`."""
    return trace(x, offset, -2, -1)


# Choices


def where(condition: Any, *both: Any) -> Any:
    """`np.where`: with one argument the places where it holds."""
    condition = operand(condition)
    if not both:
        return tuple(map(discrete, np.nonzero(condition)))
    return chosen(condition if condition.dtype == np.bool_ else condition != 0, *both)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """`np.select`: the first choice whose condition holds."""
    if len(condlist) != len(choicelist):
        raise ValueError(f"np.select: {len(condlist)} conditions do not fit {len(choicelist)} choices")
    found = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        found = where(condition, choice, found)
    return found


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """`np.piecewise`: functions, or numbers, each of the elements where its condition holds; the last holds."""
    x = _tensor("piecewise", x)
    conditions = [condlist] if np.ndim(operand(condlist[0])) == 0 and x.ndim > 0 else list(condlist)
    conditions = [np.asarray(operand(c), bool) for c in conditions]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        conditions.append(~np.any(np.broadcast_arrays(*conditions), axis=0))
    if len(functions) != len(conditions):
        raise ValueError(f"np.piecewise: {len(functions)} functions do not fit {len(conditions)} conditions")
    out: Any = chosen(np.ones(x.shape, bool), 0.0, x)
    for condition, function in zip(conditions, functions, strict=True):
        inside = np.broadcast_to(condition, x.shape)
        value = function(x[inside], *args, **kw) if callable(function) else function
        out = _put(out, inside, value)
    return out


def _put(x: Tensor, mask: Any, value: Any) -> Tensor:
    """x with the elements of a mask replaced, in order."""
    if isinstance(value, int | float):
        return chosen(mask, value, x)
    places = np.where(mask, np.cumsum(mask).reshape(mask.shape), 0)
    (value,) = coerce("np.piecewise", (value,))
    row = concatenate([np.zeros(1, x.dtype), _reshape(broadcast_to(value, (int(mask.sum()),)), (-1,))])
    return chosen(mask, getitem(row, places), x)


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None, **options: Any) -> Any:
    """`np.clip`; where a limit is an array or a tensor, it has a derivative, and ties share."""
    if options:
        raise TypeError(f"np.clip with {', '.join(options)} has no differentiable counterpart here")
    low, high = a_min if min is None else min, a_max if max is None else max
    single = all(v is None or isinstance(v, int | float | np.number) for v in (low, high))
    if single and isinstance(a, Tensor) and (low is None or high is None or low <= high):
        return limited(a, None if low is None else float(low), None if high is None else float(high))
    if low is not None:
        a = maximum(a, low)
    return a if high is None else minimum(a, high)


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`np.nan_to_num`; what is replaced has the derivative 0."""
    if not copy:
        raise TypeError("np.nan_to_num: copy=False would change the tensor behind the back of the graph")
    x = _tensor("nan_to_num", x)
    values, largest = operand(x), float(np.finfo(x.dtype).max)
    x = chosen(np.isnan(values), nan, x)
    x = chosen(values == np.inf, largest if posinf is None else posinf, x)
    return chosen(values == -np.inf, -largest if neginf is None else neginf, x)


def same(a: Any, *_: Any, **options: Any) -> Any:
    """A function that leaves real numbers as they are."""
    return _tensor("real", a)


def imag(val: Any) -> Any:
    """`np.imag`: zeros."""
    val = _tensor("imag", val)
    return wrap(np.zeros(val.shape, val.dtype))


def angle(z: Any, deg: bool = False) -> Any:
    """`np.angle` of real numbers: 0 or π; its derivative is 0."""
    z = _tensor("angle", z)
    half = 180.0 if deg else math.pi
    return chosen(np.zeros(z.shape, bool), z, wrap(np.where(operand(z) < 0, half, 0.0).astype(z.dtype)))


def astype(x: Any, dtype: Any, copy: bool = True, device: Any = None) -> Any:
    """`np.astype`."""
    return in_dtype(x, dtype)


def _like(name: str, value: float | None) -> Callable[..., Any]:
    def called(a: Any, fill_value: Any = value, dtype: Any = None, shape: Any = None, **options: Any) -> Any:
        if set(options) - {"order", "subok", "device"}:
            raise TypeError(f"np.{name}: unexpected {', '.join(options)}")
        a = _tensor(name, a)
        kind = np.dtype(a.dtype if dtype is None else dtype)
        wanted = a.shape if shape is None else shape if isinstance(shape, tuple | list) else (shape,)
        if isinstance(fill_value, Tensor):
            return broadcast_to(in_dtype(fill_value, kind), tuple(wanted))
        made = np.full(wanted, 0.0 if fill_value is None else fill_value, kind)
        return wrap(made) if kind.kind == "f" else discrete(made)

    called.__doc__ = f"`np.{name}`."
    return called


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, axis: int = 0) -> Any:
    """`np.linspace`, of ends that may be tensors."""
    start, stop = coerce("np.linspace", (start, stop))
    count = operator.index(num)
    gaps = max(count - 1 if endpoint else count, 1)
    at = np.arange(count, dtype=start.dtype) / start.dtype.type(gaps)
    both = broadcast_arrays(start, stop)
    weights = at.reshape(-1, *(1,) * both[0].ndim)
    out = expanded(both[0], 0) * (1 - weights) + expanded(both[1], 0) * weights
    out = axes_moved(out, 0, axis)
    return (out, (both[1] - both[0]) / float(gaps)) if retstep else out


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, axis: int = 0) -> Any:
    """`np.logspace`."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    return exp(exponents * (log(base) if isinstance(base, Tensor) else math.log(base)))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """`np.geomspace` of positive ends."""
    return exp(linspace(log(start), log(stop), num, endpoint, axis=axis))


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """`np.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: expected indexing 'xy' or 'ij', got {indexing!r}")
    found = as_tensors("np.meshgrid", xi)
    n = len(found)
    places = list(range(n))
    if indexing == "xy" and n > 1:
        places[:2] = 1, 0
    grids = [
        _reshape(x, tuple(math.prod(x.shape) if j == at else 1 for j in range(n)))
        for x, at in zip(found, places, strict=True)
    ]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


def take_along(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """`np.take_along_axis`."""
    arr = _tensor("take_along_axis", arr)
    return take_along_axis(ravel(arr), indices, 0) if axis is None else take_along_axis(arr, indices, axis)


NUMPY_SHAPES: dict[str, Any] = {
    "reshape": reshape, "ravel": ravel, "transpose": transpose, "permute_dims": transpose,
    "matrix_transpose": matrix_transpose, "linalg.matrix_transpose": matrix_transpose, "expand_dims": expand_dims,
    "broadcast_to": lambda array, shape: broadcast_to(_tensor("broadcast_to", array), shape),
    "broadcast_arrays": broadcast_arrays, "concatenate": _join("concatenate", 0), "concat": _join("concat", 0),
    "stack": stack, "vstack": _flat_rows("vstack", 0), "hstack": _flat_rows("hstack", 1), "array_split": array_split,
    "swapaxes": swapaxes, "moveaxis": moveaxis, "flip": flip, "squeeze": squeeze, "tril": _triangle("tril", True),
    "triu": _triangle("triu", False), "trace": trace, "linalg.trace": linalg_trace, "where": where, "select": select,
    "piecewise": piecewise, "clip": clip, "nan_to_num": nan_to_num,
    "real": same, "real_if_close": same, "conjugate": same, "imag": imag, "angle": angle, "astype": astype,
    "full_like": _like("full_like", None), "zeros_like": _like("zeros_like", 0.0),
    "ones_like": _like("ones_like", 1.0), "empty_like": _like("empty_like", 0.0), "linspace": linspace,
    "logspace": logspace, "geomspace": geomspace, "meshgrid": meshgrid, "take_along_axis": take_along,
}  # fmt: skip
