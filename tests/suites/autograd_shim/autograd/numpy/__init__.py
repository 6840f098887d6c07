"""NumPy itself, whose functions know tensors; lists of tensors are stacked, as NumPy does with lists of numbers."""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from ..values import getval, holds_tensors, joined
from . import fft as fft
from . import linalg as linalg
from . import random as random
from .wrapping import in_lists

__version__ = _numpy.__version__


def __getattr__(name: str) -> Any:
    return in_lists(getattr(_numpy, name))


def array(x: Any, *options: Any, **named: Any) -> Any:
    return joined(x) if holds_tensors(x) else _numpy.array(x, *options, **named)


class int64(_numpy.int64):
    """Whole numbers, made of tensors too: without their gradients."""

    def __new__(cls, x: Any) -> Any:
        return _numpy.int64(getval(x))


def make_diagonal(d: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Matrices with given diagonals, along the two axes."""
    import tinygrad_init as tgi

    from ..values import plain, tensor

    return plain(tgi.diag_embed(tensor(d), offset, axis1, axis2))


class _Joined:
    """`r_` and `c_`: what stands between the brackets, joined along the first axis or the last."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        rows = [_numpy.atleast_1d(_numpy.r_[part] if isinstance(part, slice) else part) for part in parts]
        if self.axis:
            rows = [_numpy.expand_dims(row, 1) if _numpy.ndim(row) == 1 else row for row in rows]
        return _numpy.concatenate(rows, self.axis)


r_, c_ = _Joined(0), _Joined(-1)
