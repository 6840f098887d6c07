"""NumPy functions on stand-ins for arrays: what each is in terms of kernels.

This table is what a forward function of an operation may be written in to be captured without Python. Others raise
`NotRecordable`: then the whole operation is called as it is when the program runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .buffers import DTYPES, INT64
from .indexing import add_at
from .traced import NotRecordable, Recorder, Traced

UNARY = {
    "negative": "neg",
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "absolute": "abs",
    "fabs": "abs",
    "tanh": "tanh",
}
BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "power": "pow",
    "maximum": "maximum",
    "minimum": "minimum",
}
STAY_WHOLE = ("negative", "absolute", "add", "subtract", "multiply", "power", "maximum", "minimum")
FLOATS, WHOLE = np.dtype(np.float64), np.dtype(np.int64)
# name -> kernel, whether the operands change places
RELATIONS = {
    "less": ("less", False),
    "less_equal": ("less_equal", False),
    "greater": ("less", True),
    "greater_equal": ("less_equal", True),
    "equal": ("equal", False),
    "not_equal": ("not_equal", False),
}
REDUCTIONS = {"add": "sum", "maximum": "max", "minimum": "min"}


def ufunc(recorder: Recorder, called: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Traced.__array_ufunc__`."""
    name = called.__name__
    out = kwargs.pop("out", None)
    if method == "__call__" and not kwargs:
        found = call(recorder, name, inputs)
        found.number = not found.shape and all(is_bare(x) for x in inputs)
        if out is None:
            return found
        recorder.write(recorder.owned(out[0]) if isinstance(out[0], np.ndarray) else out[0], found)
        return out[0]
    if method == "reduce" and name in REDUCTIONS and not set(kwargs) - {"axis", "keepdims"}:
        return reduction(recorder, REDUCTIONS[name], inputs[0], kwargs.get("axis", 0), kwargs.get("keepdims", False))
    if method == "at" and name == "add":
        return add_at(inputs[0], inputs[1], inputs[2])
    raise NotRecordable(f"np.{name}")


def is_bare(x: Any) -> bool:
    """Whether it is, or stands for, a number that takes the dtype of what is beside it."""
    return isinstance(x, int | float | np.generic) or getattr(x, "number", False)


def call(recorder: Recorder, name: str, inputs: tuple[Any, ...]) -> Traced:
    """A ufunc of one or two operands."""
    if name == "matmul":
        return recorder.product(recorder.operand(inputs[0]), recorder.operand(inputs[1]), None)
    if name not in RELATIONS:
        refuse_narrow(name, inputs)
    operands = recorder.alike(inputs)
    x, y = operands[0], operands[-1]
    whole = all(isinstance(x, int | np.integer) or getattr(x, "dtype", FLOATS).kind in "iu" for x in inputs)
    if name in UNARY or name in BINARY:
        done = recorder.unary(UNARY[name], x) if name in UNARY else recorder.binary(BINARY[name], x, y)
        return recorder.whole(done) if whole and name in STAY_WHOLE and done.kind != INT64 else done
    if name in RELATIONS:
        kernel, turned = RELATIONS[name]
        return recorder.binary(kernel, *((y, x) if turned else (x, y)), boolean=True)
    if name == "floor_divide" and whole:
        found: Traced = recorder.call(np.floor_divide, [x, y], ())
        return found
    if name in ("floor", "ceil", "rint") and not whole:
        rounded: Traced = recorder.call(getattr(np, name), [x], ())
        return rounded
    if name == "square":
        return recorder.binary("mul", x, x)
    if name == "isfinite":  # infinities and NaN less themselves are NaN
        difference = recorder.binary("sub", x, x)
        return recorder.binary("equal", difference, recorder.number(0.0, difference.kind), boolean=True)
    if name == "isnan":
        return recorder.binary("not_equal", x, x, boolean=True)
    if name in ("bitwise_and", "logical_and") and all(v.boolean for v in operands):
        return recorder.binary("mul", x, y, boolean=True)
    if name in ("bitwise_or", "logical_or") and all(v.boolean for v in operands):
        return recorder.binary("maximum", x, y, boolean=True)
    if name in ("invert", "logical_not") and x.boolean:
        return recorder.binary("sub", recorder.number(1.0, x.kind), x, boolean=True)
    raise NotRecordable(f"np.{name}")


def refuse_narrow(name: str, inputs: Any) -> None:
    """Whole numbers that are not int64 overflow in NumPy, and functions of them have other dtypes: left to NumPy."""
    for x in inputs:
        if getattr(x, "narrow", None) is not None:
            raise NotRecordable(f"np.{name} of whole numbers of {x.narrow}; convert them by .astype first:")


def reduction(recorder: Recorder, name: str, x: Any, axis: Any, keepdims: bool) -> Traced:
    """A reduction over NumPy's kinds of axes."""
    array = recorder.operand(x)
    axes = tuple(range(array.ndim)) if axis is None else tuple(int(a) % max(array.ndim, 1) for a in np.atleast_1d(axis))
    if array.kind == INT64 or (array.boolean and name == "sum"):
        # Added up in float64, which is exact as long as the sums stay below 2^53.
        found = recorder.reduced(recorder.converted(array, FLOATS, copy=False), name, axes, keepdims)
        return recorder.whole(found)
    return recorder.reduced(array, name, axes, keepdims)


def function(recorder: Recorder, called: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """`Traced.__array_function__`."""
    found = FUNCTIONS.get(called.__name__)
    if found is None:
        raise NotRecordable(f"np.{called.__name__}")
    return found(recorder, *args, **kwargs)


def _reducer(name: str) -> Callable[..., Traced]:
    def run(recorder: Recorder, x: Any, axis: Any = None, keepdims: bool = False) -> Traced:
        return reduction(recorder, name, x, axis, keepdims)

    return run


def _where(recorder: Recorder, condition: Any, x: Any, y: Any) -> Traced:
    refuse_narrow("where", (x, y))
    return recorder.select(recorder.operand(condition), *recorder.alike((x, y)))


def _clip(recorder: Recorder, x: Any, low: Any, high: Any) -> Traced:
    return call(recorder, "minimum", (call(recorder, "maximum", (x, low)), high))


def _zeros(recorder: Recorder, shape: Any, dtype: Any = None, **_: Any) -> Traced:
    return recorder.zeros(shape, np.dtype(dtype))


def _empty(recorder: Recorder, shape: Any, dtype: Any, **_: Any) -> Traced:
    return recorder.new(tuple(shape), DTYPES.index(np.dtype(dtype)))


def _shape(recorder: Recorder, x: Any) -> tuple[int, ...]:
    return recorder.operand(x).shape


def _all(recorder: Recorder, x: Any) -> Traced:
    array = recorder.operand(x)
    return recorder.reduced(array, "min", tuple(range(array.ndim)), False)


def _any(recorder: Recorder, x: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    return reduction(recorder, "max", x, axis, keepdims)


def _take_along_axis(recorder: Recorder, x: Any, indices: Any, axis: int) -> Traced:
    arrays = [recorder.operand(x), recorder.operand(indices)]
    found: Traced = recorder.call(partial(taken_along, axis=axis), arrays, ())
    return found


def taken_along(x: Any, indices: Any, axis: int) -> Any:
    """NumPy's `take_along_axis`, also of the numbers that a call is tried out with, which are no places."""
    return np.take_along_axis(x, np.minimum(indices, x.shape[axis] - 1).astype(np.int64), axis)


def _called(function: Callable[..., Any]) -> Callable[..., Traced]:
    """A function of one array that NumPy itself is called for when the program runs."""

    def run(recorder: Recorder, x: Any, **options: Any) -> Traced:
        found: Traced = recorder.call(partial(function, **options), [recorder.operand(x)], ())
        return found

    return run


def _flip(recorder: Recorder, x: Any, axis: Any = None) -> Traced:
    array = recorder.operand(x)
    axes = range(array.ndim) if axis is None else [int(a) % max(array.ndim, 1) for a in np.atleast_1d(axis)]
    found: Traced = array[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(array.ndim))]
    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "argmax": _called(np.argmax),
    "argmin": _called(np.argmin),
    "argsort": _called(np.argsort),
    "cumsum": _called(np.cumsum),
    "flip": _flip,
    "sum": _reducer("sum"),
    "max": _reducer("max"),
    "amax": _reducer("max"),
    "min": _reducer("min"),
    "amin": _reducer("min"),
    "all": _all,
    "any": _any,
    "take_along_axis": _take_along_axis,
    "where": _where,
    "clip": _clip,
    "empty": _empty,
    "zeros": _zeros,
    "shape": _shape,
    "reshape": lambda recorder, x, shape: recorder.operand(x).reshape(shape),
    "transpose": lambda recorder, x, axes=None: recorder.operand(x).transpose(*([] if axes is None else [axes])),
    "squeeze": lambda recorder, x, axis=None: recorder.operand(x).squeeze(axis),
    "broadcast_to": lambda recorder, x, shape: recorder.operand(x).broadcast_to(tuple(shape)),
    "concatenate": lambda recorder, xs, axis=0: recorder.joined([recorder.operand(x) for x in xs], axis),
}
