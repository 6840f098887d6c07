"""Other dtypes and other views of a tensor, and what a tensor says of itself, as its methods in PyTorch do."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import DTYPES, DiscreteTensor, discrete, dtype_of, is_discrete, plain_array
from ..engine.methods import METHODS, PROPERTIES
from ..engine.modes import float_dtype
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor, wrap
from .devices import CPU, require_here
from .elementwise import astype, where
from .shape import _reshape, _transpose, reshape, swapaxes

__all__ = ["clone", "is_floating_point", "is_tensor", "numel", "tolist"]


def is_device(what: Any) -> bool:
    """Whether an argument of `to` names a device."""
    if isinstance(what, str):
        return what not in DTYPES and what.split(":")[0] in ("cpu", "cuda", "mps", "xpu", "meta", "tpu", "hip")
    return type(what).__name__ == "device"


def to(x: Any, *wanted: Any, dtype: Any = None, device: Any = None, copy: bool = False, **torch: Any) -> Any:
    """In another dtype, or as it is: devices other than the processor are refused.

    Parameters
    ----------
    wanted
        A dtype, "cpu", both, or a tensor whose dtype is taken.
    copy
        Whether a tensor that has the dtype is copied.
    torch
        PyTorch's `non_blocking` and `memory_format`, which mean nothing here.
    """
    for what in wanted:
        if isinstance(what, bool):
            copy = copy or what
        elif is_device(what):
            device = what
        else:
            dtype = what.dtype if hasattr(what, "ndim") and not isinstance(what, type | np.dtype) else what
    if extra := set(torch) - {"non_blocking", "memory_format"}:
        raise TypeError(f"to: there is no parameter {min(extra)!r}")
    require_here("to", device)
    if dtype is None or dtype_of(dtype) == x.dtype:
        return clone(x) if copy else x
    return astype(x, dtype)


def clone(x: Any) -> Any:
    """A copy that keeps its history: gradients go through it."""
    if isinstance(x, Tensor):
        return x - 0.0 if x.ndim == 0 else _reshape(x, x.shape) * 1.0
    return discrete(np.array(operand(x)))


def view(x: Tensor, *shape: Any) -> Tensor:
    """In another shape, as `reshape`; or with a dtype the same bits, read as numbers of that kind.

    Returns
    -------
    Tensor
        With a dtype a copy without history, longer or shorter along the last axis where its numbers take less or more
        room.

    Raises
    ------
    ValueError
        The numbers along the last axis do not fill whole ones of the dtype.
    """
    if not shape or not isinstance(shape[0], type | np.dtype | str):
        return reshape(x, *shape)
    wanted, bits = dtype_of(*shape), np.array(operand(x), order="C")
    if wanted.itemsize != bits.itemsize and (not bits.ndim or bits.shape[-1] * bits.itemsize % wanted.itemsize):
        raise ValueError(f"view: {bits.dtype} of shape {bits.shape} cannot be read as {wanted}: an axis does not fit")
    found = bits.view(wanted)
    whole: Any = discrete(found)
    return wrap(found.astype(float_dtype(wanted), copy=False)) if wanted.kind == "f" else whole


def as_it_is(x: Any, *how: Any, **options: Any) -> Any:
    """x itself: every result is in memory as it has to be, and in that of the processor."""
    return x


def numel(x: Any) -> int:
    """How many elements there are."""
    return int(x.size)


def is_floating_point(x: Any) -> bool:
    """Whether it is made of floats."""
    return not is_discrete(x)


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor, of floats, whole numbers or booleans."""
    return isinstance(x, Tensor) or (is_discrete(x) and hasattr(x, "requires_grad"))


def requires_grad_(x: Any, requires_grad: bool = True) -> Any:
    """Whether `backward` leaves a gradient in `.grad`; the tensor itself is handed back."""
    x.requires_grad = requires_grad
    return x


def tolist(x: Any) -> Any:
    """The numbers as nested lists of Python's, or one number."""
    return (x.numpy() if isinstance(x, Storage) else np.asarray(plain_array(x))).tolist()


def type_(x: Any, dtype: Any = None) -> Any:
    """In another dtype; without one, the name of its own."""
    return f"tensor of {x.dtype}" if dtype is None else astype(x, dtype)


def type_as(x: Any, other: Any) -> Any:
    """In the dtype of another tensor."""
    return x if x.dtype == other.dtype else astype(x, other.dtype)


def _turned(x: Any) -> Any:
    if x.ndim < 2:
        raise ValueError(f"mT: expected matrices, got shape {x.shape}")
    return swapaxes(x, -1, -2)


def _adjoint(x: Any) -> Any:
    if x.ndim not in (0, 2):
        raise ValueError(f"H: expected a matrix, got shape {x.shape}")
    return x if x.ndim == 0 else _transpose(x, (1, 0))


def _as(dtype: Any) -> Any:
    """The method that converts to a dtype."""

    def converted(x: Any, **options: Any) -> Any:
        return to(x, dtype, **options)

    return converted


METHODS.update({
    "to": to, "clone": clone, "contiguous": as_it_is, "cpu": as_it_is,
    "numel": numel, "nelement": numel, "dim": lambda x: x.ndim, "ndimension": lambda x: x.ndim,
    "element_size": lambda x: int(x.dtype.itemsize), "float": _as(np.float32), "double": _as(np.float64),
    "int": _as(np.int32), "long": _as(np.int64), "bool": _as(np.bool_), "short": _as(np.int16), "char": _as(np.int8),
    "byte": _as(np.uint8), "type": type_, "type_as": type_as,
    "is_floating_point": is_floating_point, "is_complex": lambda x: False, "is_contiguous": lambda x: True,
    "requires_grad_": requires_grad_, "tolist": tolist, "conj": as_it_is, "resolve_conj": as_it_is,
    "resolve_neg": as_it_is, "to_dense": as_it_is, "where": lambda x, condition, other: where(condition, x, other),
})  # fmt: skip
PROPERTIES.update(
    mT=_turned, mH=_turned, H=_adjoint, real=lambda x: x, device=lambda x: CPU, is_cuda=lambda x: False,
    is_sparse=lambda x: False,
    itemsize=lambda x: int(x.dtype.itemsize), nbytes=lambda x: int(x.size) * int(x.dtype.itemsize),
)  # fmt: skip
setattr(DiscreteTensor, "device", property(lambda x: CPU))  # noqa: B010 (an array of NumPy has one of text alone)
