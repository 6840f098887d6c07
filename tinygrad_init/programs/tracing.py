"""The engine's side of capturing: tensors from outside become stand-ins, and results are stand-ins too.

While a trace is on (`mode.trace`), operations write down what they would do (`program.recorder`) instead of doing it.
Every tensor or array of the user's that is met becomes a `Binding`: the program will read, and perhaps write, the
numbers that it has at the time of each run.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.graph import INPUT_BITS, OUT_BIT, Node, Operation
from ..engine.modes import FLOAT32, FLOAT64
from ..engine.places import describe_place, place_in_user_code
from ..engine.storage import Storage, refuse_masked, tell_twins
from ..engine.tensor import Tensor, blank
from .buffers import InBuffer
from .guards import structure_of
from .tapes import number_of, only_numbers
from .traced import NotRecordable

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

if not cython.compiled:
    from ..engine.tensor import same_shape


__all__ = ["Binding", "CaptureError", "Storage", "Trace"]


class CaptureError(RuntimeError):
    """A function cannot be captured; the message names the line that stands in the way."""


@cython.binding(False)
class Binding:
    """A tensor, its gradient, or an array, as a program meets it from outside.

    Attributes
    ----------
    tensor, array
        One of them. With `of_gradient` the gradient of the tensor is meant.
    traced
        The stand-in.
    slot, offset
        Where the program finds it: an array in a slot of its own, a bare number (`numbers`) in the program's memory.
    written
        Whether the program changes it.
    """

    __slots__ = (
        "array", "bound", "kind", "lies", "numbers", "of_gradient", "offset", "required", "shape", "single", "slot",
        "tensor", "traced", "written",
    )  # fmt: skip

    def __init__(self, tensor: Tensor | None, array: Any, of_gradient: bool, traced: Any) -> None:
        self.tensor = tensor
        self.array = array
        self.of_gradient = of_gradient
        self.traced = traced
        self.written = False
        self.slot = self.offset = 0
        self.kind = traced.kind
        self.bound: Any = None
        self.shape = traced.shape
        self.lies: Any = None if traced.whole else traced.strides
        self.numbers = False
        self.required = False
        self.single = traced.kind == 0
        if tensor is not None:
            source: Tensor = self.source()
            self.numbers = source._array is None
            self.required = source._node is not None

    def source(self) -> Tensor:
        """The tensor that is meant."""
        tensor: Any = self.tensor
        if self.of_gradient:
            return tensor._grad
        return tensor

    def fits(self) -> bool:
        """Whether what is there now is what the program was made for."""
        if self.tensor is None:
            return same_shape(self.array, self.traced) and (self.lies is None or bool(self.array.strides == self.lies))
        source: Tensor = self.source()
        if source is None or source._single != self.single or (source._node is not None) != self.required:
            return False
        if source._array is None or self.numbers:
            return source._array is None and self.numbers
        if source._array is self.bound:
            return True
        return source._dims() == self.shape and (self.lies is None or bool(source._array.strides == self.lies))

    def overlaps(self, other: Binding) -> bool:
        """Whether two of them are the same memory under different shapes."""
        one, two = self.memory(), other.memory()
        return one is not None and two is not None and bool(np.may_share_memory(one, two))

    def memory(self) -> Any:
        """The array of this moment; None for a bare number."""
        if self.tensor is None:
            return self.array
        source: Tensor = self.source()
        return None if source is None else source._array

    def attach(self, machine: Any) -> None:
        """Let the program see the numbers of this moment; what it will write is made fit for that, and counted."""
        array: Any = self.array
        source: Tensor
        if self.tensor is not None:
            source = self.source()
            if self.written:
                if source._shared and source._array is not None:
                    source._array = source._array.copy()
                source._shared = False
                if source._memory is not None:
                    source._memory.version += 1
            if self.numbers:
                machine.write(self.offset, self.kind, source._value)
                return
            array = source._array
        elif self.written and not array.flags.writeable:
            raise ValueError(f"a captured program cannot change an array of shape {array.shape} that is read-only")
        if array is not self.bound or self.tensor is None:
            if self.lies is not None and array.strides == self.lies and array.flags.aligned:
                machine.bind_as_it_lies(self.slot, array)
            elif self.lies is not None or not machine.bind(self.slot, array, self.kind):
                if self.written:
                    raise ValueError(
                        "a captured program can change only arrays of its dtype that lie in memory without gaps; "
                        f"got one of shape {array.shape} and {array.dtype} with strides {array.strides}"
                    )
                array = np.array(array, (np.float32, np.float64, np.int64)[self.kind], order="C")
                machine.bind(self.slot, array, self.kind)
                array = None  # a copy, to be made again
            self.bound = array

    def shown(self) -> Any:
        """The array that the program saw in its last run; None for a bare number or one that it does not change."""
        return self.bound if self.written else None

    def let_go(self, machine: Any) -> None:
        """Keep the array alive no longer."""
        self.bound = None
        machine.let_go(self.slot)

    def store(self, machine: Any) -> None:
        """Take over a bare number that the program has changed."""
        if self.written and self.numbers:
            source: Tensor = self.source()
            source._value = machine.read(self.offset, self.kind)
            tell_twins(source)


@cython.binding(False)
class Trace:
    """What a function does while it is captured.

    Parameters
    ----------
    make_recorder
        From `refuse` and `line` to the recorder.
    careful
        Whether an earlier program of the function expected something of its numbers that was not so.
    """

    def __init__(self, make_recorder: Callable[..., Any], careful: bool = False) -> None:
        self.careful = careful
        self.recorder = make_recorder(self.refuse, place_in_user_code)
        self.elementwise = self.recorder.elementwise
        self.recorder.operand = self.operand
        self.recorder.owned = self.own
        self.bindings: list[Any] = []
        self.known: dict[int, Any] = {}
        self.gradients: dict[int, Any] = {}
        self.made_tensors: list[Any] = []
        self.attributes: list[Any] = []
        self.visited: dict[int, Any] = {}
        self.refused: Any = None  # kept, in case the function catches it

    def refuse(self, message: str) -> None:
        """Raise an error with the line of the user's code."""
        self.refused = CaptureError(f"{describe_place(place_in_user_code())}: {message}")
        raise self.refused

    def operand(self, value: Any) -> Any:
        """The stand-in for a tensor, an array or a number."""
        tensor: Tensor
        if isinstance(value, Tensor):
            tensor = value
            array = tensor._array
            if array is None:
                return self.bind(id(tensor), tensor, None, False, FLOAT32 if tensor._single else FLOAT64)
            if isinstance(array, np.ndarray):
                return self.bind(id(array), tensor, None, False, array.dtype)
            value = array
        if isinstance(value, InBuffer):
            known: InBuffer = value
            if known.recorder is not self.recorder:
                self.refuse("a tensor or array of another captured function is used, whose numbers were never there")
            return value
        refuse_masked(value)
        if isinstance(value, np.ndarray) and value.ndim > 0:
            if value.dtype.kind not in "fiub":
                self.refuse(f"expected an array of real numbers, got {value.dtype}")
            if value.dtype.kind == "f" and value.dtype.itemsize not in (4, 8):
                self.refuse(f"expected an array of float32 or float64, got {value.dtype}")
            return self.bind(id(value), None, value, False, value.dtype)
        return self.recorder.constant(value)

    def may_expect(self) -> bool:
        """Whether a check at this place may raise `Unforeseen`, so that another program is made and run instead.

        It may until the program changes something, or draws a number, that would be changed or drawn again.
        """
        return not self.careful and not any(
            step.code == "call" or any(view.buffer.outside for view in step.written()) for step in self.recorder.steps
        )

    def enters_no_grad(self) -> None:
        """Programs may."""

    def detached(self, tensor: Tensor) -> Any:
        """The stand-in for a tensor without its history, which a program has none of."""
        return self.operand(tensor)

    def bind(self, key: int, tensor: Any, array: Any, of_gradient: bool, dtype: Any) -> Any:
        """The stand-in for something from outside, made when it is first met."""
        found = self.known.get(key)
        if found is None:
            shape = tensor.shape if tensor is not None else array.shape
            kind = 0 if dtype is FLOAT32 or dtype == FLOAT32 else 1 if dtype.kind in "fb" else 2
            traced = self.recorder.new(shape, kind, bool(dtype == np.bool_))
            traced.buffer.outside = True
            traced.narrow = narrow(dtype)
            lies = array if tensor is None else memory_under(tensor, of_gradient)
            if lies is not None and not lies.flags.c_contiguous and lies.flags.aligned and lies.dtype == traced.dtype:
                traced.strides = lies.strides  # a view with gaps is read, and written to, where it lies
            found = Binding(tensor, array, of_gradient, traced)
            self.bindings.append(found)
            self.known[key] = found
        return found.traced

    def constant(self, array: Any) -> Any:
        """The stand-in for an array that was made inside the function."""
        return array if isinstance(array, InBuffer) else self.recorder.constant(array)

    def apply(self, op: Operation, arrays: list[Any], params: tuple[Any, ...]) -> Any:
        """Write an operation down; one that no kernels are known for is called as it is when the program runs."""
        has_kernel: cython.bint = op.elementwise and op.name in self.elementwise
        if has_kernel and op.code >= 0 and only_numbers(arrays):
            x: InBuffer = arrays[0]
            y: InBuffer = arrays[len(arrays) - 1]
            p: cython.double = params[0] if params else 0.0
            return number_of(self.recorder, op.name, x.kind, -1, p, x.buffer, x.buffer, y.buffer, x.buffer)
        steps = len(self.recorder.steps)
        try:
            if has_kernel and len(arrays) == 1:
                return self.recorder.unary(op.name, arrays[0], *params)
            if has_kernel:
                return self.recorder.binary(op.name, arrays[0], arrays[1])
            return self.constant(op.forward(*arrays, *params))
        except NotRecordable:
            del self.recorder.steps[steps:]
            return self.recorder.call(op.forward, arrays, params)

    def attribute(self, owner: Any, name: str) -> Any:
        """The stand-in for a number that an object has as an attribute: read anew at each run."""
        traced = self.recorder.new((), 1)
        traced.buffer.outside = True
        self.attributes.append((owner, name, traced))
        return traced

    def visits(self, owner: Any) -> None:
        """Note that the function depends on what a module or an optimizer consists of."""
        if id(owner) not in self.visited:
            self.visited[id(owner)] = (owner, structure_of(owner))

    def made(self, tensor: Tensor) -> None:
        """Remember a result, to see later whether it outlives the function."""
        self.made_tensors.append((weakref.ref(tensor), place_in_user_code()))

    def pull_back(self, op: Operation, node: Node, g: Tensor, asked: list[Any]) -> Any:
        """The cotangents of an elementwise operation by its kernel; None where its rules must do it."""
        if op.code < 0:
            return None
        p: float = node.params[0] if node.params else 0.0
        parts: list[Any] = []
        part: Tensor
        i: cython.Py_ssize_t
        x, y, value = node.x, node.y, node.out
        mask: cython.long = (0 if node.left is None else op.x_mask) | (0 if node.right is None else op.y_mask)
        there = [v for v in (g._array, x, y, value) if v is not None]
        if op.name != "add" and op.name in self.elementwise and only_numbers(there):
            arrays = [
                pull_number_back(self.recorder, op, node, i, g._array) if asked[i] else None for i in range(node.degree)
            ]
        elif node.degree == 1:
            kept = value if op.x_mask & OUT_BIT else x if op.x_mask & INPUT_BITS else g._array
            arrays = [self.recorder.unary_vjp(op.name, g._array, kept, p)]
        elif op.name in ("add", "sub"):
            minus = self.recorder.unary("neg", g._array) if op.name == "sub" and asked[1] else g._array
            arrays = [g._array, minus]
        else:
            if (mask & 1 and not same_shape(x, g._array)) or (mask & 2 and not same_shape(y, g._array)):
                return None
            arrays = [
                self.recorder.binary_vjp(op.name, i, g._array, x, y, value) if asked[i] else None
                for i in range(node.degree)
            ]
        for i in range(len(arrays)):
            if not asked[i]:
                parts.append(None)
                continue
            part = blank(g._single)
            part._array = arrays[i]
            parts.append(part)
        return parts

    def own(self, value: Any) -> Any:
        """The stand-in of a tensor or an array that is about to be changed in place."""
        traced = self.operand(value)
        if traced.buffer.value is not None:  # a constant: its numbers become those of memory that may change
            memory = self.recorder.new(traced.shape, traced.kind)
            self.recorder.copy(traced, memory)
            traced = memory
            if isinstance(value, Tensor):
                tensor: Tensor = value
                tensor._array = traced
        self.writes(traced)
        return traced

    def writes(self, traced: Any) -> None:
        """Note that what a stand-in stands for is changed."""
        if traced.buffer.argument:
            self.refuse("an argument is changed in place; return the new numbers, or change a tensor from outside")
        binding: Binding
        for binding in self.bindings:
            if binding.traced.buffer is traced.buffer:
                binding.written = True
                traced.buffer.lasting = True

    def overlapping(self, arguments: list[Any]) -> bool:
        """Whether memory is changed that the function also knows as another tensor or array, or gets as an argument."""
        binding: Binding
        for binding in self.bindings:
            if not binding.written:
                continue
            memory = binding.memory()
            if any(other is not binding and binding.overlaps(other) for other in self.bindings):
                return True
            if memory is not None and any(np.may_share_memory(memory, array) for array in arguments):
                return True
        return False

    def gradient(self, tensor: Tensor) -> Any:
        """The gradient of a tensor as the program will find it."""
        if id(tensor) not in self.gradients:
            self.gradients[id(tensor)] = (tensor, tensor._grad, True)
        found: Tensor = tensor._grad
        if found is None or (found._array is not None and not isinstance(found._array, np.ndarray)):
            return found
        out: Tensor = blank(found._single)
        out._array = self.bind(id(found), tensor, None, True, found.dtype)
        return out

    def changes_gradient(self, tensor: Tensor) -> None:
        """Note that a gradient is about to be replaced; if it was not read before, what it was does not matter."""
        if id(tensor) not in self.gradients:
            self.gradients[id(tensor)] = (tensor, tensor._grad, False)

    def restore(self) -> list[Any]:
        """Put all gradients back; returns the tensors, their gradients before and after, and whether those were
        read."""
        found: list[Any] = []
        tensor: Tensor
        for tensor, before, read in self.gradients.values():
            after = tensor._grad
            tensor._grad = before
            found.append((tensor, before, after, read))
        self.gradients.clear()
        return found


def pull_number_back(recorder: Any, op: Operation, node: Node, i: cython.int, g: InBuffer) -> Any:
    """The cotangent of one input of a function of single numbers."""
    p: cython.double = node.params[0] if node.params else 0.0
    x: InBuffer = g if node.x is None else node.x
    y: InBuffer = g if node.y is None else node.y
    value: InBuffer = g if node.out is None else node.out
    return number_of(recorder, op.name, g.kind, i, p, g.buffer, x.buffer, y.buffer, value.buffer)


def narrow(dtype: Any) -> Any:
    """The dtype of whole numbers that a program keeps as int64 but NumPy does not; None for all others."""
    return dtype if dtype.kind in "iu" and dtype != np.int64 else None


def memory_under(tensor: Tensor, of_gradient: bool) -> Any:
    """The array of a tensor, or of its gradient; None for a bare number."""
    source: Tensor = tensor._grad if of_gradient else tensor
    return source._array


def stand_in(traced: Any) -> Tensor:
    """A tensor whose numbers are those of a stand-in."""
    out: Tensor = blank(traced.kind == 0)
    out._array = traced
    return out
