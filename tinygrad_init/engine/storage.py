"""Storage: the numbers of a tensor, read freely and changed only where a change is counted.

A 0-d tensor is a bare number (`_value`): no array is kept for it.
"""

from __future__ import annotations

import weakref
from typing import Any, Self

import numpy as np

from .graph import Memory, Operation
from .indices import require_one_meaning
from .methods import Count
from .modes import FLOAT32, FLOAT64, float_dtype, mode

try:
    import cython
except ImportError:
    from . import _interpreted as cython


@cython.no_gc
@cython.binding(False)
@cython.freelist(4096)
@cython.cclass
class Storage:
    """The numbers of a tensor and their place in a graph; `Tensor` adds what can be done with them.

    `_array` is None for a bare number; while a function is being captured it may be a stand-in without numbers
    (`program.trace.Traced`). `_shared` says that somebody else may rely on the array: it is copied before a
    change and never taken over. `_memory` counts in-place changes and exists only once somebody
    depends on the numbers staying.
    """

    __slots__ = (
        "__weakref__", "_array", "_grad", "_leaf", "_memory", "_node", "_shape", "_shared", "_single", "_value",
        "name",
    )  # fmt: skip

    def __init__(self, array: Any, name: str | None) -> None:
        self._array: Any = None
        self._shape: Any = None
        self._node: Any = None
        self._grad: Any = None
        self._leaf: Any = None  # kept while requires_grad is off, so that graphs find the tensor when it is on again
        self._memory: Memory | None = None
        self._shared: bool = False
        self.name = name
        self._store(array)

    def _store(self, array: Any) -> None:
        """Take over an array; a 0-d one becomes a bare number, for which no array is kept."""
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                self._array = trace.constant(array)
                self._single = self._array.itemsize == 4
                self._value = 0.0
                self._shared = True  # the numbers may be the caller's: copied only before a change
                return
        self._single = array.itemsize == 4
        if array.ndim == 0:
            self._array = None
            self._value = array.item()
        else:
            self._array = array
            self._value = 0.0

    def _as_array(self) -> Any:
        """The array of numbers itself, for kernels to read."""
        if self._array is None:
            return np.array(self._value, FLOAT32 if self._single else FLOAT64)
        return self._array

    # What it is

    def _dims(self) -> tuple[int, ...]:
        if self._array is None:
            return ()
        if self._shape is None:
            self._shape = self._array.shape
        return self._shape

    @property
    def shape(self) -> tuple[int, ...]:
        return self._dims()

    @property
    def ndim(self) -> int:
        return 0 if self._array is None else self._array.ndim

    @property
    def size(self) -> Count:
        """How many elements there are; called, the shape or the length of an axis."""
        return Count(1 if self._array is None else self._array.size, self._dims())

    @property
    def dtype(self) -> np.dtype[Any]:
        return FLOAT32 if self._single else FLOAT64

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self._node is None or self._node.op is None

    @property
    def op(self) -> Operation | None:
        """The recorded operation that made this tensor, if any."""
        return None if self._node is None else self._node.op

    @property
    def grad(self) -> Any:
        """The gradient that `backward` accumulated, or None."""
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                return trace.gradient(self)
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Storage):
                raise TypeError(f"grad: expected a tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ValueError(
                    f"grad: expected shape {self.shape} and {self.dtype}, got shape {value.shape} and {value.dtype}"
                )
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                trace.changes_gradient(self)
        self._grad = value

    # Out of the graph

    def numpy(self) -> np.ndarray[Any, Any]:
        """The numbers as a read-only array that shares the tensor's memory; the graph does not see its use."""
        array = self._numbers("numpy()").view()
        array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self._node is not None:
            raise TypeError(
                "a tensor that requires grad does not turn into an array by itself, its gradient would be lost; "
                "say .numpy() or .detach() to leave the graph, and np.stack(tensors) in place of np.array(tensors) "
                "to stay in it"
            )
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor cannot become {np.dtype(dtype)} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def _numbers(self, what: str) -> Any:
        """The numbers, to leave the engine with; refused while a function is being captured, where they are not
        known."""
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                trace.refuse(f"{what} reads the numbers of a tensor, which are known only when the program runs")
        return self._as_array()

    def item(self) -> float:
        """The only number of a tensor of size 1, as a Python float."""
        array = self._numbers("item()")
        if array.size != 1:
            raise ValueError(f"item: expected a tensor with one element, got shape {self.shape}")
        return array.item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; use .numpy().any() or .all()")
        return self.item() != 0.0

    def __len__(self) -> int:
        if self._array is None:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    def __repr__(self) -> str:
        body = np.array2string(self._numbers("printing"), separator=", ", prefix="tensor(")
        tail = "" if self._node is None else ", requires_grad=True" if self.is_leaf else f", op={self._node.op.name}"
        return f"tensor({body}, dtype={self.dtype}{tail})"

    def __dlpack__(self, **options: Any) -> Any:
        """The memory itself, for other libraries to read and write to; it is counted as having changed.

        Raises
        ------
        BufferError
            The tensor requires grad: say `.detach()`, what others do is not recorded.
        """
        if self._node is not None:
            raise BufferError("a tensor that requires grad is not handed to others by itself; say .detach()")
        self._numbers("handing its memory to others")
        array = self._as_array() if self._array is None else self._own()
        return array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the memory of the processor

    # Change in place

    def mutable_(self) -> np.ndarray[Any, Any]:
        """The tensor's own array, to be written to at once: whoever asks is counted as having changed it.

        Raises
        ------
        RuntimeError
            The tensor came from a recorded operation, or requires grad and `no_grad` is not on.
        ValueError
            The tensor is 0-d: a bare number, which has no array; `fill_` changes it.
        """
        if self._array is None:
            raise ValueError("mutable_: a 0-d tensor is a bare number without an array; use fill_ or copy_")
        return self._own()

    def _own(self) -> Any:
        """The array to write to (None: a bare number); makes sure that it may be changed and is nobody else's."""
        if not self.is_leaf:
            raise RuntimeError(f"the result of {self._node.op.name} is part of a graph and cannot be changed in place")
        if self._node is not None and mode.grad:
            raise RuntimeError("a leaf that requires grad can be changed in place only inside no_grad()")
        if self._memory is not None:
            self._memory.version += 1
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                if self._shared and self._array is not None and not isinstance(self._array, np.ndarray):
                    self._array = self._array.copy()
                    self._shared = False
                return trace.own(self)
        if self._shared and self._array is not None:
            self._array = self._array.copy()
        self._shared = False
        return self._array

    def copy_(self, value: Any) -> Self:
        """Overwrite every element with those of `value`, which must have the same shape or be a number."""
        return self._write((), value, "copy_")

    def fill_(self, value: Any) -> Self:
        """Overwrite every element with one number."""
        refuse_history(value, "fill_")
        return self._write((), float(value), "fill_")

    def __setitem__(self, index: Any, value: Any) -> None:
        require_one_meaning(index, self.ndim)
        self._write(index, value, "item assignment")

    def _write(self, index: Any, value: Any, what: str) -> Self:
        refuse_history(value, what)
        value = operand(value)
        kind = value.dtype
        if kind.kind not in "fiub":
            raise TypeError(f"{what}: expected real numbers, got {kind}")
        if value.ndim > 0 and kind.kind == "f" and kind != self.dtype:
            raise TypeError(f"{what}: expected {self.dtype}, got {kind}")
        where = ... if isinstance(index, tuple) and index == () else index
        target = operand(self)[where]
        if value.shape not in ((), np.shape(target)):
            raise ValueError(f"{what}: expected shape {np.shape(target)}, got {value.shape}")
        array = self._own()
        with np.errstate(over="ignore"):
            if array is None:
                self._value = value.astype(self.dtype).item()
                tell_twins(self)
            else:
                array[where] = value
        return self


def operand(value: Any) -> Any:
    """Whatever the user calls numbers, as an array; while a function is being captured, as a stand-in for one."""
    if mode.unusual != 0:
        trace = mode.trace
        if trace is not None:
            return trace.operand(value)
    if isinstance(value, Storage):
        return value._as_array()
    refuse_masked(value)
    return np.asarray(value)


def refuse_history(value: Any, what: str) -> None:
    """Raise where a tensor that requires grad is to be written, and its gradient would be lost."""
    if isinstance(value, Storage):
        source: Storage = value
        if source._node is not None and mode.grad:
            raise RuntimeError(f"{what}: the value requires grad and assignment is not recorded; detach() it")


def refuse_masked(value: Any) -> None:
    """Raise for an array with a mask, which NumPy would drop without a word."""
    if type(value) is not np.ndarray and isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            "expected numbers that are all there, got a masked array, whose mask would be lost; say .filled(value), or "
            "leave out what is masked"
        )


def own(tensor: Storage) -> Any:
    """The tensor's own array, to be written to by a kernel; while a function is being captured, its stand-in."""
    return tensor._own()


def memory_of(tensor: Storage) -> Memory | None:
    """Where in-place changes of the tensor's array are counted; None if that array will not change."""
    if tensor._memory is None and not tensor._shared and (tensor._node is None or tensor._node.op is None):
        tensor._memory = Memory(tensor.name)
    return tensor._memory


def is_view(array: Any, other: Any) -> cython.bint:
    """Whether an array that was made of another one may share its memory."""
    base = array.base
    if base is None or base is other or base is other.base:
        return base is not None
    return np.may_share_memory(array, other)


def share_number(one: Storage, other: Storage) -> None:
    """Let two bare numbers that have one `Memory` be one: what is written to either is written to both."""
    memory: Memory | None = one._memory
    if memory is not None:
        known = [ref for ref in memory.twins or [weakref.ref(one)] if ref() is not None]
        memory.twins = [*known, weakref.ref(other)]


def tell_twins(tensor: Storage) -> None:
    """Write a bare number to all tensors that share it."""
    twin: Storage
    if tensor._memory is not None and tensor._memory.twins is not None:
        for ref in tensor._memory.twins:
            found: Any = ref()
            if found is not None:
                twin = found
                twin._value = tensor._value


NUMBERS = (float, int, list, tuple)


def as_floats(data: Any, dtype: Any) -> Any:
    """A fresh array of float32 or float64 from whatever the user calls numbers."""
    if isinstance(data, list | tuple) and holds_tensor(data):
        raise TypeError("tensor: a sequence that holds tensors would lose their gradients; use stack or concatenate")
    try:
        array = operand(data)
    except ValueError as error:
        raise ValueError(f"tensor: expected a number or nested sequences of equal lengths ({error})") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor: expected real numbers, got {type(data).__name__} of {array.dtype}")
    if dtype is not None:
        dtype = float_dtype(dtype)
    elif array.dtype.kind == "f" and (isinstance(data, np.generic) or not isinstance(data, NUMBERS)):
        dtype = float_dtype(array.dtype)
    else:
        dtype = mode.dtype
    return array.astype(dtype, order="C", copy=mode.trace is None)


def holds_tensor(data: Any) -> bool:
    """Whether nested sequences hold a tensor anywhere; each is looked at once, also where they hold themselves."""
    seen: set[int] = set()
    stack: list[Any] = [data]
    while stack:
        for item in stack.pop():
            if isinstance(item, Storage):
                return True
            refuse_masked(item)
            if isinstance(item, list | tuple) and id(item) not in seen:
                seen.add(id(item))
                stack.append(item)
    return False
