"""Functions of the standard, which NumPy has by the same names: NumPy's protocols lead from there to our operations.

Tensors of float32 beside others of float64 become float64 first, as the standard has it (elsewhere in this package they
are refused). Whole numbers and booleans are NumPy's own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..engine.modes import get_default_dtype
from ..engine.tensor import Tensor
from ..ops import selection
from .data_types import as_array, promoted
from .data_types import astype as converted


def _names(words: str) -> list[str]:
    return words.split()


# fmt: off
ELEMENTWISE = _names("""
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil conj copysign cos cosh divide equal exp expm1 floor floor_divide greater
    greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
    logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow real reciprocal remainder
    round sign signbit sin sinh square sqrt subtract tan tanh trunc
""")
OTHERS = _names("""
    broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack tile
    unstack take take_along_axis matmul matrix_transpose tensordot vecdot argmax argmin count_nonzero nonzero
    searchsorted where isin unique_all unique_counts unique_inverse unique_values all any diff clip
    cumulative_prod cumulative_sum max min prod sum
""")
# fmt: on
__all__ = [*ELEMENTWISE, *OTHERS, "argsort", "broadcast_shapes", "mean", "sort", "std", "var"]


def _of_numpy(name: str) -> Callable[..., Any]:
    function: Any = getattr(np, name)

    @wraps(function, updated=())
    def called(*args: Any, **options: Any) -> Any:
        return as_array(function(*promoted(args), **options))

    called.__name__ = name
    called.__doc__ = f"`{name}` of the standard, as NumPy has it."
    return called


_made = {name: _of_numpy(name) for name in (*ELEMENTWISE, *OTHERS)}
globals().update(_made)


def __getattr__(name: str) -> Any:
    """For type checkers: the functions above are made of a table."""
    raise AttributeError(name)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements along an axis in order; equal ones stay as they are."""
    return selection.sort(x, axis, descending).values


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The places of the elements in order along an axis; equal ones stay as they are."""
    return selection.argsort(x, axis, descending)


def _float(x: Any) -> Any:
    return x if isinstance(x, Tensor) else converted(x, get_default_dtype())


def mean(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes."""
    return as_array(np.mean(_float(x), axis=axis, keepdims=keepdims))


def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The variance over axes; `correction` is subtracted from the number of elements."""
    return as_array(np.var(_float(x), axis=axis, ddof=correction, keepdims=keepdims))


def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The square root of `var`."""
    return as_array(np.std(_float(x), axis=axis, ddof=correction, keepdims=keepdims))


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape to which arrays of these are stretched."""
    return np.broadcast_shapes(*shapes)
