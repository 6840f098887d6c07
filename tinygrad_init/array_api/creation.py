"""New arrays by the names of the standard."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import DiscreteTensor, discrete
from ..engine.modes import get_default_dtype
from ..engine.operands import as_tensors
from ..engine.storage import holds_tensor
from ..engine.tensor import Tensor, wrap
from ..ops.dlpack import from_dlpack
from ..ops.numpy_shapes import NUMPY_SHAPES
from ..ops.shape import stack
from .data_types import as_array, floats, numbers_of, on_cpu, promoted
from .data_types import astype as converted

__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid",
    "ones", "ones_like", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def _new(array: Any) -> Any:
    return wrap(array) if array.dtype.kind == "f" else discrete(array)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """An array of numbers, nested sequences of them, or another array, which keeps its history.

    Parameters
    ----------
    copy
        True copies always, False never (a ValueError where that cannot be), None where it has to be.
    """
    on_cpu(device)
    if isinstance(obj, list | tuple) and holds_tensor(obj):
        return asarray(stack([asarray(part) for part in obj]), dtype=dtype)
    ours = isinstance(obj, Tensor | DiscreteTensor)
    if ours:
        if dtype is not None and obj.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"asarray: {obj.dtype} does not become {np.dtype(dtype)} without a copy")
            return converted(obj, dtype)
        return converted(obj, obj.dtype) if copy else obj
    found = np.asarray(obj)
    if dtype is None and found.dtype.kind == "f" and not isinstance(obj, np.ndarray | np.generic):
        dtype = get_default_dtype()
    wanted = found.dtype if dtype is None else floats(dtype)
    if wanted.kind not in "fbiu":
        raise TypeError(f"asarray: expected real numbers or booleans, got {found.dtype}")
    if copy is False and (not isinstance(obj, np.ndarray) or wanted != found.dtype or found.ndim == 0):
        raise ValueError("asarray: there is no array in memory to be shared without a copy")
    return _new(found.astype(wanted, copy=copy is not False))


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Any:
    """Numbers from start (0 where there is but one argument) by steps, to stop, which is left out."""
    on_cpu(device)
    first, last = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(v, int | np.integer) for v in (first, last, step))
    made = np.arange(first, last, step)
    return _new(made.astype(dtype if dtype is not None else np.int64 if whole else get_default_dtype()))


def _filled(name: str, value: Any) -> Any:
    def made(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
        on_cpu(device)
        return _new(np.full(shape, value, floats(dtype)))

    made.__name__, made.__doc__ = name, f"An array of {'anything' if name == 'empty' else name}."
    return made


zeros, ones, empty = _filled("zeros", 0), _filled("ones", 1), _filled("empty", 0)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """An array of one number, whose kind decides the dtype unless one is given."""
    on_cpu(device)
    kind = np.asarray(fill_value).dtype.kind
    wanted = floats(dtype) if dtype is not None or kind == "f" else np.dtype(np.bool_ if kind == "b" else np.int64)
    return _new(np.full(shape, fill_value, wanted))


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Any:
    """Ones on a diagonal, zeros elsewhere."""
    on_cpu(device)
    return _new(np.eye(n_rows, n_cols, k, floats(dtype)))


def _like(name: str, value: Any) -> Any:
    def made(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        on_cpu(device)
        return _new(np.full(x.shape, value, x.dtype if dtype is None else floats(dtype)))

    made.__name__, made.__doc__ = name, f"An array of {name.removesuffix('_like')}, of the shape and dtype of another."
    return made


zeros_like, ones_like, empty_like = _like("zeros_like", 0), _like("ones_like", 1), _like("empty_like", 0)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """An array of one number, of the shape and dtype of another."""
    on_cpu(device)
    return _new(np.full(x.shape, fill_value, x.dtype if dtype is None else floats(dtype)))


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Any:
    """So many numbers at equal distances."""
    on_cpu(device)
    if isinstance(start, Tensor) or isinstance(stop, Tensor):
        found = NUMPY_SHAPES["linspace"](*promoted((start, stop)), num, endpoint)
        return found if dtype is None else converted(found, dtype)
    return _new(np.linspace(start, stop, num, endpoint=endpoint).astype(floats(dtype)))


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Any]:
    """Vectors stretched over a grid."""
    found = as_tensors("meshgrid", promoted(arrays))
    if all(isinstance(x, Tensor) for x in found):
        return list(NUMPY_SHAPES["meshgrid"](*found, indexing=indexing))
    return [as_array(x) for x in np.meshgrid(*map(numbers_of, found), indexing=indexing)]  # type: ignore[call-overload]


def tril(x: Any, /, *, k: int = 0) -> Any:
    """What lies on and below a diagonal of matrices, zeros above."""
    return as_array(np.tril(x, k))


def triu(x: Any, /, *, k: int = 0) -> Any:
    """What lies on and above a diagonal of matrices, zeros below."""
    return as_array(np.triu(x, k))
