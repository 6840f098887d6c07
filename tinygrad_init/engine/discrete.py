"""Whole numbers and booleans: indices, labels, masks.

They have no derivative, so they are arrays of NumPy that know the methods of a tensor.

Beside a tensor of floats they adapt to it, as numbers do; among themselves they stay what they are.
"""

from __future__ import annotations

from functools import partialmethod
from typing import Any

import numpy as np

from .bound import BOUND
from .indices import require_one_meaning
from .methods import METHODS, PROPERTIES, Count, method_of
from .modes import FLOAT32, FLOAT64, mode
from .storage import Storage

DTYPES: dict[str, Any] = {
    "float": np.float32, "double": np.float64, "bool": np.bool_, "uint8": np.uint8, "int8": np.int8,
    "int16": np.int16, "short": np.int16, "int32": np.int32, "int": np.int32, "int64": np.int64, "long": np.int64,
}  # fmt: skip


class Conversions:
    """What turns whole numbers and booleans into others, or into floats; stand-ins for them have it, too."""

    __slots__ = ()

    # fmt: off
    def to(self, *wanted: Any, **options: Any) -> Any: return METHODS["to"](self, *wanted, **options)
    def float(self) -> Any: return self.to(FLOAT32)
    def double(self) -> Any: return self.to(FLOAT64)
    def long(self) -> Any: return self.to(np.int64)
    def int(self) -> Any: return self.to(np.int32)
    def bool(self) -> Any: return self.to(np.bool_)
    # fmt: on


class DiscreteTensor(Conversions, np.ndarray[Any, Any]):
    """Whole numbers or booleans: values without gradients, such as comparisons give and `tgi.tensor([0, 1])` makes.

    An array of NumPy in every respect, with the methods of a tensor besides (`float()`, `sum(dim=0)`, `unsqueeze(0)`).
    A function of it that has no whole result, such as `exp`, gives a tensor of floats.
    """

    __array_priority__ = 500  # before plain arrays, after tensors of floats

    requires_grad = False
    grad = None
    is_leaf = True
    op = None
    parents = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "requires_grad" and value:
            raise TypeError(f"whole numbers have no gradient: this tensor is of {self.dtype}; make it one of floats")
        np.ndarray.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        return method_of(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *METHODS, *PROPERTIES})

    # How NumPy sees it: as a plain array, whose whole results are discrete again.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(hasattr(x, "__array_ufunc__") and not isinstance(x, np.ndarray | np.generic) for x in inputs):
            return NotImplemented  # a tensor of floats, or a stand-in: they know
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(plain_array(x) for x in out)
        found = getattr(ufunc, method)(*[plain_array(x) for x in inputs], **kwargs)
        if out is not None:
            return out[0]
        if isinstance(found, tuple):
            return tuple(discrete(x) for x in found)
        if getattr(found, "dtype", FLOAT32).kind == "f" and all(
            isinstance(x, DiscreteTensor | int | float) for x in inputs
        ):
            return METHODS["astype"](found, mode.dtype)  # as PyTorch: what is no longer whole is a tensor of floats
        return discrete(found)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, np.ndarray) for kind in types):
            return NotImplemented
        if kwargs.get("out") is not None:
            return super().__array_function__(function, types, args, kwargs)
        found = function(*without_methods(args), **without_methods(kwargs))
        return type(found)(map(discrete, found)) if type(found) in (list, tuple) else discrete(found)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return BOUND.array_namespace(api_version)

    # What a tensor has

    @property
    def size(self) -> Any:
        """How many elements there are; called, the shape or the length of an axis."""
        return Count(plain_array(self).size, self.shape)

    def numpy(self) -> np.ndarray[Any, Any]:
        """The numbers as a read-only array that shares the memory."""
        array = plain_array(self).view()
        array.flags.writeable = False
        return array

    def detach(self) -> DiscreteTensor:
        """The same numbers; there is no history to leave."""
        return self.view(DiscreteTensor)

    @property
    def data(self) -> Any:
        """The same numbers, as PyTorch has it."""
        return self.detach()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):
            require_one_meaning(index, self.ndim)
        return np.ndarray.__getitem__(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, tuple):
            require_one_meaning(index, self.ndim)
        np.ndarray.__setitem__(self, index, value)

    def fill_(self, value: Any) -> DiscreteTensor:
        """Overwrite all with one number."""
        plain_array(self)[...] = value
        return self

    def copy_(self, source: Any, non_blocking: Any = False) -> DiscreteTensor:
        """Overwrite with numbers, which are brought to this dtype."""
        np.copyto(plain_array(self), without_methods(np.asarray(source)), casting="unsafe")
        return self

    def view(self, *shape: Any, **options: Any) -> Any:
        """In another shape, as PyTorch has it; as another class, or bits as other whole numbers, as NumPy has it."""
        wanted = shape[0] if shape else None
        if options or wanted is None or (isinstance(wanted, type) and issubclass(wanted, np.ndarray)):
            return super().view(*shape, **options)
        if isinstance(wanted, type | np.dtype | str) and dtype_of(wanted).kind != "f":
            return super().view(dtype_of(wanted))
        return METHODS["view"](self, *shape)

    def astype(self, dtype: Any, *how: Any, **options: Any) -> Any:
        """A copy in another dtype, as NumPy has it: a plain array where it is one of floats; `to` gives a tensor."""
        return discrete(plain_array(self).astype(dtype, *how, **options))

    def mean(self, axis: Any = None, keepdims: Any = False, **torch: Any) -> Any:  # type: ignore[override]
        """The mean, in float64, as NumPy has it."""
        axis, keepdims = torch.pop("dim", axis), torch.pop("keepdim", keepdims)
        return plain_array(self).mean(axis=axis, keepdims=keepdims, **torch)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    def __repr__(self) -> str:
        return f"tensor({np.array2string(plain_array(self), separator=', ', prefix='tensor(')}, dtype={self.dtype})"

    __str__ = __repr__


def dtype_of(dtype: Any) -> np.dtype[Any]:
    """A dtype by NumPy's or PyTorch's name, or as it is.

    Raises
    ------
    TypeError
        There is none of that name, or it is not of real numbers.
    """
    try:
        found = np.dtype(DTYPES.get(dtype, dtype) if isinstance(dtype, str) else dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "fbiu":
        raise TypeError(f"expected a dtype such as float32, float64, int64 or bool, got {dtype!r}")
    return found


def plain_array(x: Any) -> Any:
    """The array behind a discrete tensor; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, DiscreteTensor) else x


def without_methods(arguments: Any) -> Any:
    """Arguments of a function with plain arrays in place of discrete tensors, also within lists and tuples."""
    if isinstance(arguments, DiscreteTensor):
        return np.ndarray.view(arguments, np.ndarray)
    if isinstance(arguments, dict):
        return {key: without_methods(value) for key, value in arguments.items()}
    return type(arguments)(map(without_methods, arguments)) if type(arguments) in (list, tuple) else arguments


def discrete(array: Any) -> Any:
    """An array of whole numbers or booleans with the methods of a tensor; anything else as it is."""
    if type(array) is np.ndarray and array.dtype.kind in "biu":
        return array.view(DiscreteTensor)
    return np.asarray(array).view(DiscreteTensor) if isinstance(array, np.integer | np.bool_) else array


def is_discrete(x: Any) -> bool:
    """Whether it is an array, or a stand-in for one, of whole numbers or booleans."""
    return not isinstance(x, Storage | np.generic) and getattr(getattr(x, "dtype", None), "kind", "f") in "biu"


def only_discrete(args: tuple[Any, ...]) -> bool:
    """Whether operands are whole numbers and booleans, at least one of them an array."""
    return any(map(is_discrete, args)) and all(isinstance(x, int) or is_discrete(x) for x in args)


OWN = ("astype", "mean", "view")


def adopt(methods: dict[str, Any]) -> None:
    """Let discrete tensors have the methods of tensors also where arrays have others of the same name."""
    for name, function in methods.items():
        if hasattr(np.ndarray, name) and name not in OWN:
            setattr(DiscreteTensor, name, partialmethod(_applied, function))


def _applied(self: Any, function: Any, *args: Any, **options: Any) -> Any:
    return function(self, *args, **options)
