"""Tensors in place of arrays, and back; also in nested lists, tuples and dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init.engine.storage import Storage
from tinygrad_init.trees import leaves_of, rebuilt


def tensor(x: Any) -> Any:
    """A tensor of floats: float32 of an array of that dtype, float64 of anything else."""
    if isinstance(x, tgi.Tensor):
        return x
    array = np.asarray(x)
    if np.iscomplexobj(array):
        raise TypeError("complex numbers: tensors are made of real ones")
    return tgi.tensor(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)


def tensors(tree: Any) -> Any:
    return rebuilt(tree, tensor)


def like(tree: Any, other: Any) -> Any:
    """Tensors in the dtypes of those of another tree of that form."""
    wanted = iter(leaves_of(other))
    return rebuilt(tree, lambda x: tensor(x).astype(next(wanted).dtype))


def plain(tree: Any) -> Any:
    """Arrays and NumPy's scalars in place of tensors through which no derivative goes."""
    return rebuilt(tree, lambda x: getval(x) if not wants_gradient(x) else x)


def getval(x: Any) -> Any:
    """The numbers of a tensor; anything else as it is."""
    return np.array(x.detach())[()] if isinstance(x, Storage) or hasattr(x, "detach") else x


def wants_gradient(x: Any) -> bool:
    return isinstance(x, tgi.Tensor) and x.requires_grad


def holds_tensors(x: Any) -> bool:
    return hasattr(x, "detach") or (isinstance(x, list | tuple) and any(map(holds_tensors, x)))


def joined(x: Any) -> Any:
    """One tensor of a nested list of tensors and numbers."""
    return tgi.stack(in_one_dtype([joined(part) for part in x])) if isinstance(x, list | tuple) else tensor(x)


def in_one_dtype(parts: list[Any]) -> list[Any]:
    """Tensors in one dtype: the wider one."""
    dtype = np.result_type(*[part.dtype for part in parts])
    return [part.astype(dtype) for part in parts]
