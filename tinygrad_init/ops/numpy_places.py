"""NumPy's functions that only move numbers: each is asked what it does to places, and the numbers are taken from there.

So `np.pad(t, 2, "reflect")`, `np.rot90(t)` or `np.block([[a, b], [c, d]])` mean with every option what they mean in
NumPy, and their derivative is that of indexing. Place 0 is a zero, where NumPy fills with zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.operands import as_tensors
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor
from .elementwise import where
from .registry import Array, operation
from .selection import take_along_axis
from .shape import _reshape, concatenate, getitem, one_axis

# The arguments of which numbers are taken, by NumPy's names; all of them in lists, too.
MOVED: dict[str, tuple[str, ...]] = {
    "append": ("arr", "values"), "atleast_1d": ("arys",), "atleast_2d": ("arys",), "atleast_3d": ("arys",),
    "block": ("arrays",), "choose": ("choices",), "column_stack": ("tup",), "compress": ("a",), "copy": ("a",),
    "delete": ("arr",), "diag": ("v",), "diagflat": ("v",), "diagonal": ("a",), "dsplit": ("ary",), "dstack": ("tup",),
    "extract": ("arr",), "fft.fftshift": ("x",), "fft.ifftshift": ("x",), "fliplr": ("m",), "flipud": ("m",),
    "hsplit": ("ary",), "insert": ("arr", "values"), "linalg.diagonal": ("x",), "repeat": ("a",), "resize": ("a",),
    "roll": ("a",), "rollaxis": ("a",), "rot90": ("m",), "split": ("ary",), "tile": ("A",), "unstack": ("x",),
    "vsplit": ("ary",),
}  # fmt: skip


def function_of(name: str) -> Any:
    """NumPy's function by its name in our tables."""
    inside, _, last = name.rpartition(".")
    return getattr(getattr(np, inside) if inside else np, last)


def moving(name: str) -> Callable[..., Any]:
    """The differentiable function of that name."""
    function, wanted = function_of(name), MOVED[name]
    positional = "arys" in wanted

    def moved(*args: Any, **options: Any) -> Any:
        counted = _Places(f"np.{name}")
        if positional:
            args = tuple(counted.of(x) for x in args)
        else:
            given = dict(zip(_names(name), args, strict=False)) | options
            args, options = (), {key: counted.of(v) if key in wanted else v for key, v in given.items()}
        return counted.taken(function(*args, **options) if positional else _called(function, name, options))

    moved.__name__ = name
    moved.__doc__ = f"`np.{name}` of tensors."
    return moved


def _names(name: str) -> tuple[str, ...]:
    return MOVED[name][:1] if name not in FIRST else FIRST[name]


# Where the tensor does not come first, or is not named.
FIRST = {"choose": ("a", "choices"), "compress": ("condition", "a"), "extract": ("condition", "arr")}


def _called(function: Any, name: str, options: dict[str, Any]) -> Any:
    first = _names(name)
    return function(*(options[key] for key in first), **{key: v for key, v in options.items() if key not in first})


class _Places:
    """The places of the numbers of several tensors, in one row that begins with a zero."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: list[Any] = []
        self.end = 1

    def of(self, value: Any) -> Any:
        """Places instead of numbers, in arrays of the same shape; lists stay lists."""
        if isinstance(value, list | tuple) and not (value and all(isinstance(v, int | float) for v in value)):
            return type(value)(map(self.of, value))
        shape = value.shape if hasattr(value, "shape") else np.shape(value)
        self.tensors.append(value if hasattr(value, "shape") else np.asarray(value))
        n = math.prod(shape)
        self.end += n
        return np.arange(self.end - n, self.end).reshape(shape)

    def taken(self, found: Any) -> Any:
        """The numbers at the places that were found."""
        rows = [_reshape(x, (math.prod(x.shape),)) for x in as_tensors(self.name, tuple(self.tensors))]
        row = concatenate([np.zeros(1, rows[0].dtype), *rows])
        return _at(row, found)


def _at(row: Tensor, found: Any) -> Any:
    if isinstance(found, list | tuple):
        return type(found)(_at(row, part) for part in found)
    return getitem(row, np.asarray(found))


def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """`np.pad`: with NumPy's widths and modes.

    Parameters
    ----------
    mode
        "constant" (also with `constant_values`, numbers), "edge", "reflect", "symmetric" (with `reflect_type` "even")
        or "wrap"; "mean" and its like, which lay around what they compute, are refused.
    """
    (array,) = as_tensors("np.pad", (array,))
    known = {"constant": ("constant_values",), "edge": (), "wrap": (), "reflect": ("reflect_type",)}
    allowed = known.get("reflect" if mode == "symmetric" else mode) if isinstance(mode, str) else None
    if allowed is None or set(options) - set(allowed) or options.get("reflect_type", "even") != "even":
        raise TypeError(f"np.pad: mode {mode!r} with {options} has no differentiable counterpart here")
    places = np.arange(1, array.size + 1).reshape(array.shape)
    at = np.pad(places, pad_width, mode, **({} if mode == "constant" else options))
    out = getitem(concatenate([np.zeros(1, array.dtype), _reshape(array, (array.size,))]), at)
    if "constant_values" not in options:
        return out
    around = options["constant_values"]
    if isinstance(around, Storage):
        raise TypeError("np.pad: expected numbers as constant_values, got a tensor")
    return where(at > 0, out, np.pad(np.zeros(array.shape, array.dtype), pad_width, constant_values=around))


def take(a: Any, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
    """`np.take`: elements, or slices along an axis, by their numbers."""
    (a,) = as_tensors("np.take", (a,))
    if axis is None:
        a, axis = _reshape(a, (a.size,)), 0
    at = np.take(np.arange(a.shape[axis]), _whole(indices), mode=mode)
    return getitem(a, (slice(None),) * (axis % a.ndim) + (at,))


def _whole(indices: Any) -> Array:
    found = np.asarray(indices)
    if found.size and found.dtype.kind not in "iub":
        raise TypeError(f"np.take: expected whole numbers, got {found.dtype}")
    return found.astype(np.intp) if found.dtype.kind == "b" or not found.size else found


def ordered(name: str, order: Any) -> Callable[..., Any]:
    """What puts elements in an order that NumPy finds: `order(numbers, axis, ...)` gives places along the axis."""

    def called(a: Any, *args: Any, axis: int | None = -1, **options: Any) -> Any:
        (a,) = as_tensors(f"np.{name}", (a,))
        if axis is None:
            a, axis = _reshape(a, (a.size,)), 0
        return take_along_axis(a, order(operand(a), *args, axis=axis, **options), axis)

    return called


def _orders(rng: np.random.Generator) -> list[Any]:
    return [((rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2))), {"axis": axis}) for axis in (0, 1, -1)]


@operation(
    lambda g, key, axis: _out_of_order(g, key, axis),
    lambda g: where(np.zeros(g.shape, bool), g, 0.0),  # an order changes in jumps
    formula="x as another tensor would be sorted along an axis",
    examples=_orders,
)
def _in_order(x: Array, key: Array, /, axis: int) -> Array:
    return np.take_along_axis(x, np.argsort(key, axis=axis, kind="stable"), axis)


@operation(
    lambda g, key, axis: _in_order(g, key, axis),
    lambda g: where(np.zeros(g.shape, bool), g, 0.0),  # an order changes in jumps
    formula="x put back to where it was before another tensor was sorted along an axis",
    examples=_orders,
)
def _out_of_order(x: Array, key: Array, /, axis: int) -> Array:
    out = np.empty_like(x)
    np.put_along_axis(out, np.argsort(key, axis=axis, kind="stable"), x, axis)
    return out


def sort(a: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Any:
    """`np.sort`; equal numbers stay in order, and NaN come last."""
    (a,) = as_tensors("np.sort", (a,))
    if axis is None:
        a, axis = _reshape(a, (a.size,)), 0
    return _in_order(a, a.detach(), one_axis(axis, a.ndim, "np.sort"))
