"""The tensor: numbers that remember where they came from.

Applying an `Operation` to tensors computes new numbers (`apply`) and, when an input requires a gradient, leaves a
`Node` behind (`record`). A 0-d tensor is a bare number: no array is kept for it, and where the C table knows the
operation none is made.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy as np

from . import graph
from .graph import INPUT_BITS, OUT_BIT, SHAPES_BIT, Memory, Node, Operation, new_node, place_in_user_code
from .modes import FLOAT32, FLOAT64, float_dtype, mode
from .storage import Storage, as_floats, memory_of

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:

    def round_to_single(value: float) -> float:
        with np.errstate(over="ignore"):
            return float(np.float32(value))

    # Only compiled code reaches these: interpreted, operations have no number in the C table.
    scalar: Any = None
    unary_kernel: Any = None
    binary_kernel: Any = None

above: dict[str, Any] = {}  # what the engine calls but does not contain: filled once by `ops`, see `bind`
METHODS: dict[str, Any] = {}  # operations that are also methods of a tensor, by name


def bind(**names: Any) -> None:
    """Give the engine the operations behind Python's operators and NumPy's protocols."""
    above.update(names)


class Tensor(Storage):
    """Numbers that remember where they came from.

    Parameters
    ----------
    data
        A number, nested sequences of numbers, an array or a tensor; always copied.
    dtype
        float32 or float64. Without it an array of floats keeps its own, everything else takes the default
        (`default_dtype`, float32 unless set).
    requires_grad
        Whether `backward` leaves a gradient in `.grad`.
    name
        What errors and reports call this tensor.

    Raises
    ------
    TypeError
        `data` is not made of real numbers, or `dtype` is neither float32 nor float64.
    ValueError
        `data` is ragged.
    """

    __slots__ = ()
    __array_priority__ = 1000

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> None:
        Storage.__init__(self, as_floats(data, dtype), name)
        if requires_grad:
            self._node = leaf(self)

    @property
    def requires_grad(self) -> bool:
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(
                f"requires_grad can only be set on a leaf; this one came from {self._node.op.name}: detach() it first"
            )
        self._node = (self._node or leaf(self)) if value else None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` accumulated, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ValueError(
                    f"grad: expected shape {self.shape} and {self.dtype}, got shape {value.shape} and {value.dtype}"
                )
        self._grad = value

    def detach(self) -> Tensor:
        """The same numbers in the same memory, without their history."""
        out: Tensor = blank(self._single)
        out._array = self._array
        out._value = self._value
        out._memory = memory_of(self)
        out._shared = out._memory is None
        out.name = self.name
        return out

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    def __repr__(self) -> str:
        body = np.array2string(self._data(), separator=", ", prefix="tensor(")
        tail = "" if self._node is None else ", requires_grad=True" if self.is_leaf else f", op={self._node.op.name}"
        return f"tensor({body}, dtype={self.dtype}{tail})"

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise TypeError(f"only a leaf can be copied or pickled; this tensor came from {self._node.op.name}")
        return type(self), (np.array(self._data()), None, self._node is not None, self.name)

    # Differentiate

    def backward(self, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add to `.grad` of every leaf this tensor depends on the derivative of this tensor.

        Parameters
        ----------
        gradient
            The cotangent to start from, of this tensor's shape; needed unless the tensor has one element.
        retain_graph
            Keep the graph for another backward instead of freeing it on the way.
        create_graph
            Record the gradients themselves, so that they can be differentiated; implies `retain_graph`.

        Raises
        ------
        RuntimeError
            Nothing requires grad, the graph was freed, or a saved array was changed in place.
        """
        above["differentiate"]([self], [gradient], None, retain_graph, create_graph)

    # Operators; `ops` gives them their meaning. The last four change a tensor in place where nothing is being recorded:
    # `p -= lr * p.grad` inside no_grad() changes the parameter.

    # fmt: off
    def __add__(self, other: Any) -> Tensor: return binary("add", self, other)
    def __radd__(self, other: Any) -> Tensor: return binary("add", other, self)
    def __sub__(self, other: Any) -> Tensor: return binary("sub", self, other)
    def __rsub__(self, other: Any) -> Tensor: return binary("sub", other, self)
    def __mul__(self, other: Any) -> Tensor: return binary("mul", self, other)
    def __rmul__(self, other: Any) -> Tensor: return binary("mul", other, self)
    def __truediv__(self, other: Any) -> Tensor: return binary("div", self, other)
    def __rtruediv__(self, other: Any) -> Tensor: return binary("div", other, self)
    def __pow__(self, other: Any) -> Tensor: return binary("pow", self, other)
    def __rpow__(self, other: Any) -> Tensor: return binary("pow", other, self)
    def __matmul__(self, other: Any) -> Tensor: return above["matmul"](self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return above["matmul"](other, self)
    def __iadd__(self, other: Any) -> Tensor: return in_place("add", self, other)
    def __isub__(self, other: Any) -> Tensor: return in_place("sub", self, other)
    def __imul__(self, other: Any) -> Tensor: return in_place("mul", self, other)
    def __itruediv__(self, other: Any) -> Tensor: return in_place("div", self, other)
    # fmt: on

    def __neg__(self) -> Tensor:
        return above["neg"](self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return above["abs"](self)

    def __getitem__(self, index: Any) -> Tensor:
        return above["getitem"](self, index)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array is None:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self._array))])

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return above["transpose"](self)

    # Comparisons give plain boolean arrays: they have no derivative.

    # fmt: off
    def __lt__(self, other: Any) -> Any: return self._data() < plain(other)
    def __le__(self, other: Any) -> Any: return self._data() <= plain(other)
    def __gt__(self, other: Any) -> Any: return self._data() > plain(other)
    def __ge__(self, other: Any) -> Any: return self._data() >= plain(other)
    def __eq__(self, other: Any) -> Any: return self._data() == plain(other)
    def __ne__(self, other: Any) -> Any: return self._data() != plain(other)
    # fmt: on

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __getattr__(self, name: str) -> Callable[..., Tensor]:
        method = METHODS.get(name)
        if method is None:
            raise AttributeError(f"a tensor has no attribute {name!r}")
        return MethodType(method, self)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *METHODS})

    # NumPy

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return above["numpy_ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return above["numpy_function"](function, args, kwargs)


# Making tensors


def blank(single: cython.bint) -> Tensor:
    """A tensor without numbers yet."""
    out: Tensor = Tensor.__new__(Tensor)
    out._array = out._node = out._leaf = out._grad = out._memory = out.name = None
    out._value = 0.0
    out._single = single
    out._shared = False
    return out


def wrap(array: Any) -> Tensor:
    """A tensor that takes over an array of float32 or float64."""
    out: Tensor = blank(False)
    out._store(array)
    return out


def number(value: cython.double, single: cython.bint) -> Tensor:
    """A 0-d tensor; the value is rounded to float32 if that is its dtype."""
    out: Tensor = blank(single)
    out._value = round_to_single(value) if single else value
    return out


def leaf(tensor: Tensor) -> Node:
    """The node that collects the gradient of a tensor which no recorded operation made."""
    if tensor._leaf is None:
        tensor._leaf = new_node(None, (), (), tensor.shape, tensor._single)
        tensor._leaf.owner = weakref.ref(tensor)
    node: Node = tensor._leaf
    return node


def plain(other: Any) -> Any:
    """The other side of a comparison as NumPy sees it."""
    return other._data() if isinstance(other, Tensor) else other


def coerce(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """All operands as tensors of one dtype; numbers take the dtype of the tensors or arrays beside them."""
    first: Tensor | None = None
    tensor: Tensor
    for arg in args:
        if isinstance(arg, Tensor):
            tensor = arg
            if first is None:
                first = tensor
            elif first._single != tensor._single:
                raise TypeError(
                    f"{name}: {first.dtype} and {tensor.dtype} do not mix; convert one with .astype({first.dtype})"
                )
    if first is not None and len(args) == 1:
        return args
    single: cython.bint = first._single if first is not None else default_single(name, args)
    return tuple([arg if isinstance(arg, Tensor) else constant(name, arg, single) for arg in args])


def default_single(name: str, args: tuple[Any, ...]) -> bool:
    """Whether operands without a tensor among them become float32: the first array of floats decides."""
    for arg in args:
        if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
            return float_dtype(arg.dtype) == FLOAT32
    return mode.dtype == FLOAT32


def constant(name: str, value: Any, single: cython.bint) -> Tensor:
    """An operand that is no tensor: numbers and whole arrays of them adapt, arrays of floats must have the dtype."""
    if isinstance(value, NUMBERS) and not isinstance(value, NOT_REAL):
        return number(float(value), single)
    dtype = FLOAT32 if single else FLOAT64
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: expected a tensor, an array or a number, got {type(value).__name__}")
    if value.dtype.kind == "f" and value.dtype != dtype:
        raise TypeError(f"{name}: {dtype} and {value.dtype} do not mix; convert one with .astype({dtype})")
    return wrap(as_floats(value, dtype))


# Applying operations


def call(op: Operation, args: tuple[Any, ...], params: tuple[Any, ...]) -> Tensor:
    """Apply an operation to operands that may still be numbers or arrays."""
    for name, value in zip(op.param_names, params, strict=True):
        if isinstance(value, Tensor):
            raise TypeError(f"{op.name}: {name} is a parameter, not differentiable; expected no tensor")
    return apply(op, coerce(op.name, args), params)


graph.call[0] = call


def binary(name: str, x: Any, y: Any) -> Any:
    """Python's binary operators: unknown operands are left to the other side."""
    if not isinstance(x, OPERANDS) or not isinstance(y, OPERANDS):
        return NotImplemented
    op: Operation = above[name]
    return apply(op, coerce(name, (x, y)), op.defaults)


NUMBERS = (float, int, np.generic)
NOT_REAL = (np.complexfloating, np.flexible, np.object_, np.datetime64, np.timedelta64)
OPERANDS = (Tensor, np.ndarray, *NUMBERS)


def in_place(name: str, x: Tensor, other: Any) -> Any:
    """`x += other` and its like.

    A tensor that is being recorded, or takes part in what is, gives a new tensor; any other changes its own numbers. A
    leaf that requires grad can do neither outside no_grad(): the name would no longer mean the leaf.
    """
    if x._node is not None and mode.grad and x._node.op is None:
        raise RuntimeError("a leaf that requires grad can be changed in place only inside no_grad()")
    recorded: cython.bint = isinstance(other, Tensor) and other.requires_grad and mode.grad
    out = binary(name, x, other)
    if out is NotImplemented or recorded or not x.is_leaf:
        return out
    return x.copy_(out.detach())


def apply(op: Operation, inputs: tuple[Any, ...], params: tuple[Any, ...]) -> Tensor:
    """Compute an operation and, if an input requires a gradient and the mode is on, record it."""
    x: Tensor
    y: Tensor
    out: Tensor
    recording: cython.bint = False
    bare: cython.bint = op.code >= 0
    for x in inputs:
        if x._node is not None:
            recording = True
        if x._array is not None:
            bare = False
    if bare:
        x = inputs[0]
        y = inputs[len(inputs) - 1]
        out = number(scalar(op.code, x._value, y._value, params[0] if params else 0.0), x._single)
    elif op.code >= 0:
        x = inputs[0]
        if len(inputs) == 1:
            out = wrap(unary_kernel(op.code, x._data(), params[0] if params else 0.0))
        else:
            y = inputs[1]
            out = wrap(binary_kernel(op.code, x._data(), y._data(), op.name))
    else:
        array = op.forward(*[x._data() for x in inputs], *params)
        if op.view:
            # Memory of the input may go on under another shape: a change of either must be seen by both.
            x = inputs[0]
            out = wrap(array.view() if array is x._array else array)
            if out._array is not None and out._array.base is not None and np.may_share_memory(array, x._data()):
                out._memory = memory_of(x)
                out._shared = out._memory is None
        else:
            out = wrap(array)
    if recording and mode.grad:
        record(op, inputs, params, out)
    return out


def record(op: Operation, inputs: tuple[Any, ...], params: tuple[Any, ...], out: Tensor) -> None:
    """Leave a node that keeps what the rules of the inputs that require a gradient ask for, and nothing else."""
    x: Tensor
    memory: Memory | None
    mask: cython.longlong = 0
    i: cython.Py_ssize_t
    parents: list[Any] = []
    for i in range(len(inputs)):
        x = inputs[i]
        parents.append(x._node)
        if x._node is not None:
            mask |= op.masks[0] if op.joint else op.masks[i]
    node: Node = new_node(op, params, tuple(parents), out.shape, out._single)
    if mask & OUT_BIT:
        node.out = out._value if out._array is None else out._array
    if mask & SHAPES_BIT:
        node.shapes = tuple([x.shape for x in inputs])
    mask &= INPUT_BITS
    if mask != 0:
        saved: list[Any] = [None] * len(inputs)
        memories: list[Any] = []
        for i in range(len(inputs)):
            if mask & (1 << i):
                x = inputs[i]
                saved[i] = x._value if x._array is None else x._array
                if x._array is not None:
                    memory = memory_of(x)
                    if memory is not None:
                        memories.append((i, memory, memory.version))
        node.saved = tuple(saved)
        if memories:
            node.memories = tuple(memories)
            node.place = place_in_user_code()
    out._node = node
