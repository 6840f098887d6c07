"""What operations may be applied to: tensors, and numbers and arrays that become tensors beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .bound import bind
from .discrete import discrete, is_discrete
from .modes import FLOAT32, FLOAT64, float_dtype, mode
from .storage import as_floats, operand
from .tensor import Tensor, number, wrap

try:
    import cython
except ImportError:
    from . import _interpreted as cython

NUMBERS = (float, int, np.generic)
NOT_REAL = (np.complexfloating, np.flexible, np.object_, np.datetime64, np.timedelta64)
OPERANDS = (Tensor, np.ndarray, NDArrayOperatorsMixin, *NUMBERS)  # the mixin: stand-ins for arrays


def is_operand(x: Any) -> bool:
    """Whether Python's operators know what to do with it; what they do not know is left to its own class."""
    return isinstance(x, OPERANDS)


def coerce(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """All operands as tensors of one dtype; numbers take the dtype of the tensors or arrays beside them."""
    first: Tensor | None = None
    tensor: Tensor
    for arg in args:
        if isinstance(arg, Tensor):
            tensor = arg
            if first is None:
                first = tensor
            elif first._single != tensor._single:
                raise TypeError(
                    f"{name}: {first.dtype} and {tensor.dtype} do not mix; convert one with .astype({first.dtype})"
                )
    if first is not None and len(args) == 1:
        return args
    single: cython.bint = first._single if first is not None else default_single(name, args)
    return tuple([arg if isinstance(arg, Tensor) else constant(name, arg, single) for arg in args])


def as_tensors(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """As `coerce`, but arrays of whole numbers among themselves stay what they are: for what only moves numbers."""
    return tuple(map(discrete, args)) if all(map(is_discrete, args)) else coerce(name, args)


def default_single(name: str, args: tuple[Any, ...]) -> bool:
    """Whether operands without a tensor among them become float32: the first array of floats decides."""
    for arg in args:
        if isinstance(arg, NUMBERS) or getattr(arg, "number", False):
            continue
        if isinstance(arg, np.ndarray | NDArrayOperatorsMixin):
            dtype = operand(arg).dtype
            if dtype.kind == "f":
                return float_dtype(dtype) == FLOAT32
    return mode.dtype == FLOAT32


def constant(name: str, value: Any, single: cython.bint) -> Tensor:
    """An operand that is no tensor: numbers and whole arrays of them adapt, arrays of floats must have the dtype."""
    dtype = FLOAT32 if single else FLOAT64
    if isinstance(value, NUMBERS) and not isinstance(value, NOT_REAL):
        if mode.unusual != 0 and mode.trace is not None:
            return wrap(np.asarray(value, dtype))
        return number(float(value), single)
    if not isinstance(value, np.ndarray | NDArrayOperatorsMixin):
        raise TypeError(f"{name}: expected a tensor, an array or a number, got {type(value).__name__}")
    kind = operand(value).dtype
    if kind.kind == "f" and kind != dtype and not getattr(value, "number", False):
        raise TypeError(f"{name}: {dtype} and {kind} do not mix; convert one with .astype({dtype})")
    trace = mode.trace
    if trace is not None:
        return wrap(trace.operand(value).astype(dtype, copy=False))
    return wrap(as_floats(value, dtype))


bind(coerce=coerce, is_operand=is_operand)
