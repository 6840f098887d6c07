"""New tensors: of given numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A tensor of whatever the user calls numbers, always copied.

    Parameters
    ----------
    data
        A number, nested sequences of numbers, an array or a tensor. Whole numbers and booleans stay what they are
        (`DiscreteTensor`, without gradients), as in PyTorch; `tgi.Tensor(data)` makes floats of anything.
    dtype
        float32, float64, or one of whole numbers or bool; names are taken as well.
    requires_grad, name
        Of a tensor of floats.

    Raises
    ------
    TypeError
        `data` is not made of real numbers, or whole numbers are to have a gradient.
    ValueError
        `data` is ragged.
    """
    wanted = None if dtype is None else dtype_of(dtype)
    if wanted is None and not isinstance(data, Storage | float):
        wanted = whole_dtype(data)
    if wanted is None or wanted.kind == "f":
        return Tensor(data, dtype, requires_grad, name)
    if requires_grad:
        raise TypeError("tensor: whole numbers have no gradient; write floats (1.0 for 1), or dtype='float32'")
    with np.errstate(invalid="ignore"):
        return discrete(operand(data).astype(wanted))


def whole_dtype(data: Any) -> np.dtype[Any] | None:
    """The dtype of what holds whole numbers or booleans alone; None of anything else."""
    try:
        found = operand(data)
    except ValueError:
        return None  # ragged: `Tensor` says so
    return found.dtype if found.dtype.kind in "biu" and found.shape != (0,) else None
