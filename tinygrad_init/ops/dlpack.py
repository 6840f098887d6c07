"""Numbers of other libraries without a copy, by the protocol that they share (DLPack)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.tensor import wrap
from .registry import Array


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor that shares the memory of another library's: what one of them writes, the other sees.

    Parameters
    ----------
    x
        Anything with `__dlpack__`, of PyTorch, JAX, NumPy or others, in the memory of the processor.
    device
        "cpu" or None.
    copy
        True copies always, False never; None only where it has to be: memory that may not be written to, as JAX's, and
        0-d tensors, which are bare numbers.

    Returns
    -------
    Tensor
        Of float32 or float64; of whole numbers and booleans a `DiscreteTensor`. Its history begins here.

    Raises
    ------
    TypeError
        x does not know the protocol, or its dtype is none of ours.
    BufferError
        x requires grad (detach it there), lies elsewhere, or would have to be copied.
    """
    if device not in (None, "cpu", (1, 0)):
        raise BufferError(f"from_dlpack: expected the device 'cpu', got {device!r}")
    if not hasattr(x, "__dlpack__"):
        raise TypeError(f"from_dlpack: expected an array that knows DLPack, got {type(x).__name__}")
    # Before version 2.2 NumPy takes what comes this way for memory that may not be written to, its own arrays as well.
    array: Array = x if type(x) is np.ndarray and x.dtype.isnative else np.from_dlpack(x)
    if array.dtype.kind not in "fbiu" or array.dtype.itemsize < (4 if array.dtype.kind == "f" else 1):
        raise TypeError(f"from_dlpack: expected float32, float64, whole numbers or booleans, got {array.dtype}")
    alone = array.ndim == 0 or not array.flags.writeable
    if alone and copy is False:
        why = "a 0-d tensor is a bare number" if array.ndim == 0 else "the memory may not be written to"
        raise BufferError(f"from_dlpack: {why}, so it has to be copied; say copy=None")
    array = array.copy() if alone or copy else array
    return wrap(array) if array.dtype.kind == "f" else discrete(array)
