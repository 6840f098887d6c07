"""What a captured program and its caller hand each other: arguments, results, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import FLOAT32
from ..engine.storage import Storage, operand
from ..engine.tensor import Tensor, blank, number
from .guards import PLAIN, contents, same_contents, same_value

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

__all__ = ["Gradient", "Input", "Output", "Storage"]

if not cython.compiled:
    from sys import getrefcount as references

    def is_array(value: Any, dtype: Any, shape: tuple[int, ...]) -> bool:
        return isinstance(value, np.ndarray) and bool(value.dtype == dtype) and bool(value.shape == shape)

    def empty(shape: tuple[int, ...], kind: int) -> Any:
        return np.empty(shape, (np.float32, np.float64, np.int64)[kind])


EXACT = 2**53  # whole numbers up to here are read exactly


@cython.binding(False)
class Input:
    """An argument: an array or a tensor, of which dtype and shape are fixed, or a value that is part of the program.

    A bare number may be either: with `varies` each run reads it anew.
    """

    __slots__ = (
        "dtype",
        "dynamic",
        "is_number",
        "is_tensor",
        "kind",
        "offset",
        "shape",
        "single",
        "slot",
        "traced",
        "value",
        "varies",
    )

    def __init__(self, value: Any, varies: bool = False) -> None:
        self.is_tensor = isinstance(value, Tensor)
        self.varies: Any = type(value) if varies else None  # float or int: the number is read at each run
        self.dynamic = varies or self.is_tensor or isinstance(value, np.ndarray | np.generic)
        self.is_number = varies or isinstance(value, np.generic)
        self.value = value  # of an array or a tensor, only until the program is made
        self.dtype: Any = np.dtype(self.varies) if varies else value.dtype if self.dynamic else None
        self.shape: Any = tuple(value.shape) if self.dynamic and not varies else ()
        self.single = self.dtype == FLOAT32
        self.slot, self.offset, self.kind = 0, 0, 0
        self.traced: Any = None

    def memory(self) -> Any:
        """The array that the program is made for; None for a number or a value that is part of the program."""
        value = self.value
        if self.dynamic:
            self.value = None
        return None if not self.shape else operand(value)

    def takes(self, value: Any) -> bool:
        """Whether the program was made for such an argument."""
        tensor: Tensor
        if self.is_tensor:
            if not isinstance(value, Tensor):
                return False
            tensor = value
            return tensor._single == self.single and tensor._dims() == self.shape and tensor._node is None
        if self.dynamic:
            if self.varies is not None:
                return type(value) is self.varies and (self.kind < 2 or -EXACT <= value <= EXACT)
            if self.is_number:
                return isinstance(value, np.generic) and bool(value.dtype == self.dtype)
            return is_array(value, self.dtype, self.shape)
        return value is self.value or (type(value) is type(self.value) and same(value, self.value))

    def attach(self, machine: Any, value: Any) -> None:
        """Let the program see the argument."""
        tensor: Tensor
        array: Any = value
        if not self.dynamic or self.traced is None:
            return
        if self.is_tensor:
            tensor = value
            if tensor._array is None:
                machine.write(self.offset, 0 if self.single else 1, tensor._value)
                return
            array = tensor._array
        elif not self.shape:
            machine.write(self.offset, self.kind, float(value))
            return
        if not machine.bind(self.slot, array, self.kind):  # a copy lies as the machine wants it, and is aligned
            machine.bind(
                self.slot, np.array(array, (np.float32, np.float64, np.int64)[self.kind], order="C"), self.kind
            )


def same(value: Any, other: Any) -> bool:
    """Whether two arguments of one type are the same to a program; what cannot be compared is not.

    Objects of a user's class are known by what their attributes are: what `==` says of them is the user's own affair.
    """
    if isinstance(value, PLAIN):
        return same_value(value, other)
    kind: Any = type(value)
    if kind.__eq__ is object.__eq__:
        return False
    try:
        if not bool(value == other):
            return False
        own = getattr(value, "__dict__", None)
        return own is None or same_contents([(vars(other), contents(own))])
    except Exception:
        return False


@cython.binding(False)
class Output:
    """A result: a tensor or an array of numbers that the program leaves, or something that it was given (`same`)."""

    __slots__ = ("array", "dtype", "is_tensor", "kind", "numbers", "offset", "same", "shape", "single", "slot")

    def __init__(self, traced: Any, is_tensor: bool, same: Any = None) -> None:
        self.same = same
        self.is_tensor = is_tensor
        if traced is None:
            self.dtype: Any = None
            self.shape: Any = ()
            self.numbers, self.single = False, False
            self.slot, self.kind, self.offset = 0, 0, 0
        else:
            self.dtype = traced.dtype
            self.shape = traced.shape
            self.numbers = not traced.shape
            self.single = traced.kind == 0
            self.slot, self.kind = traced.buffer.slot, traced.kind
            self.offset = traced.buffer.offset + traced.offset
        self.array: Any = None

    def prepare(self, machine: Any) -> None:
        """Give the program a fresh array to write to."""
        if self.slot != 0 and not self.numbers:
            self.array = empty(self.shape, self.kind)
            machine.bind(self.slot, self.array, self.kind)

    def take(self, machine: Any) -> Any:
        """The result of the run."""
        out: Tensor
        if self.slot == 0 and not self.numbers:
            return self.same
        if self.numbers:
            value: float = machine.read(self.offset, self.kind)
            return number(value, self.single) if self.is_tensor else self.dtype.type(value)
        array = self.array
        self.array = None
        if not self.is_tensor:
            return array.astype(self.dtype, copy=False)  # truth values, and whole numbers that are not int64
        out = blank(self.single)
        out._array = array
        return out


@cython.binding(False)
class Gradient:
    """What a run leaves in the `.grad` of a tensor."""

    __slots__ = ("before", "held", "kind", "offset", "read", "slot", "tensor", "there")

    def __init__(self, tensor: Tensor, before: bool, read: bool, traced: Any) -> None:
        self.tensor = tensor
        self.before = before  # whether there was a gradient when the program was made
        self.read = read  # whether that matters
        self.there = traced is not None
        self.held: Any = None
        self.slot, self.kind, self.offset = 0, 0, 0
        if traced is not None:
            self.slot, self.kind = traced.buffer.slot, traced.kind
            self.offset = traced.buffer.offset + traced.offset

    def fits(self) -> bool:
        """Whether there is a gradient before the run if, and only if, there was one when the program was made."""
        return not self.read or (self.tensor._grad is not None) == self.before

    def prepare(self, machine: Any) -> None:
        """Let the program write to an array that nobody else holds: the one of the last run, if that is so."""
        held: Tensor = self.held
        if not self.there or self.tensor._array is None:
            return
        if held is not None and held is self.tensor._grad and held._array is not None and held._memory is None:
            free: cython.bint = references(held) <= FREE_TENSOR and references(held._array) <= FREE_ARRAY
            if free:
                return
        held = blank(self.tensor._single)
        held._array = empty(self.tensor._dims(), self.kind)
        self.held = held
        machine.bind(self.slot, held._array, self.kind)

    def store(self, machine: Any) -> None:
        """Hand the gradient over."""
        tensor: Tensor = self.tensor
        if not self.there:
            tensor._grad = None
        elif tensor._array is None:
            tensor._grad = number(machine.read(self.offset, self.kind), tensor._single)
        else:
            tensor._grad = self.held


def _references() -> tuple[int, int]:
    """How many references there are to a gradient, and to its array, that only the program and the tensor hold."""
    tensor: Tensor = blank(True)
    tensor._array = np.empty(1, np.float32)
    owner: Tensor = blank(True)
    owner._grad = tensor
    holder = [tensor]
    machine = [tensor._array]
    held: Tensor = holder[0]
    del tensor
    counts = references(held), references(held._array)
    del machine
    return counts


FREE_TENSOR, FREE_ARRAY = _references()
