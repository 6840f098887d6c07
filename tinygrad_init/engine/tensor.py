"""The tensor: numbers that remember where they came from.

Applying an `Operation` to tensors computes new numbers (`apply`) and, when an input requires a gradient, leaves a
`Node` behind (`record`). A 0-d tensor is a bare number: no array is kept for it, and where the C table knows the
operation none is made.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import graph
from .bound import BOUND
from .discrete import discrete, only_discrete, plain_array
from .graph import Node, Operation, new_node
from .methods import METHODS, PROPERTIES, method_of
from .modes import mode, no_grad
from .recording import record, record_elementwise
from .storage import Storage, as_floats, is_view, memory_of, operand, share_number

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:
    from .numbers import round_to_single

    def same_shape(x: Any, y: Any) -> bool:
        return bool(x.shape == y.shape)

    # Only compiled code reaches these: interpreted, operations have no number in the C table.
    scalar: Any = None
    unary_kernel: Any = None
    binary_kernel: Any = None
    binary_with_number_kernel: Any = None


bound = BOUND  # compiled, a C variable that Python does not see


@cython.no_gc
@cython.binding(False)
@cython.cclass
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
    def data(self) -> Tensor:
        """The same numbers without their history: `p.data -= 0.1` changes a parameter, as in PyTorch."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        with no_grad():
            self.copy_(value if isinstance(value, Tensor) else np.asarray(value, self.dtype))

    def detach(self) -> Tensor:
        """The same numbers in the same memory, without their history."""
        out: Tensor = blank(self._single)
        out._array = self._array
        out._value = self._value
        if mode.unusual != 0:
            trace = mode.trace
            if trace is not None:
                out._array = trace.detached(self)
        out._memory = memory_of(self)
        out._shared = out._memory is None
        if out._array is None and not out._shared:
            share_number(self, out)
        out.name = self.name
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise TypeError(f"only a leaf can be copied or pickled; this tensor came from {self._node.op.name}")
        return type(self), (np.array(self._numbers("copying")), None, self._node is not None, self.name)

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
        bound.differentiate([self], [gradient], None, retain_graph, create_graph)

    # Operators; `ops` gives them their meaning. The last ones change a tensor in place where nothing is recorded:
    # `p -= lr * p.grad` inside no_grad() changes the parameter.

    # fmt: off
    def __add__(self, other: Any) -> Tensor: return binary(bound.add, self, other)
    def __radd__(self, other: Any) -> Tensor: return binary(bound.add, other, self)
    def __sub__(self, other: Any) -> Tensor: return binary(bound.sub, self, other)
    def __rsub__(self, other: Any) -> Tensor: return binary(bound.sub, other, self)
    def __mul__(self, other: Any) -> Tensor: return binary(bound.mul, self, other)
    def __rmul__(self, other: Any) -> Tensor: return binary(bound.mul, other, self)
    def __truediv__(self, other: Any) -> Tensor: return binary(bound.div, self, other)
    def __rtruediv__(self, other: Any) -> Tensor: return binary(bound.div, other, self)
    def __pow__(self, other: Any) -> Tensor: return binary(bound.pow, self, other)
    def __rpow__(self, other: Any) -> Tensor: return binary(bound.pow, other, self)
    def __mod__(self, other: Any) -> Tensor: return bound.remainder(self, other)
    def __rmod__(self, other: Any) -> Tensor: return bound.remainder(other, self)
    def __floordiv__(self, other: Any) -> Tensor: return bound.floor_divide(self, other)
    def __rfloordiv__(self, other: Any) -> Tensor: return bound.floor_divide(other, self)
    def __matmul__(self, other: Any) -> Tensor: return bound.matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return bound.matmul(other, self)
    def __iadd__(self, other: Any) -> Tensor: return in_place(bound.add, self, other)
    def __isub__(self, other: Any) -> Tensor: return in_place(bound.sub, self, other)
    def __imul__(self, other: Any) -> Tensor: return in_place(bound.mul, self, other)
    def __itruediv__(self, other: Any) -> Tensor: return in_place(bound.div, self, other)
    def __ipow__(self, other: Any) -> Tensor: return in_place(bound.pow, self, other)
    # fmt: on

    def __neg__(self) -> Tensor:
        return bound.neg(self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return bound.abs(self)

    def __getitem__(self, index: Any) -> Tensor:
        return bound.getitem(self, index)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array is None:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self._array))])

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return bound.transpose(self)

    # Comparisons give tensors of booleans: they have no derivative.

    # fmt: off
    def __lt__(self, other: Any) -> Any: return truths(operand(self) < plain(other))
    def __le__(self, other: Any) -> Any: return truths(operand(self) <= plain(other))
    def __gt__(self, other: Any) -> Any: return truths(operand(self) > plain(other))
    def __ge__(self, other: Any) -> Any: return truths(operand(self) >= plain(other))
    def __eq__(self, other: Any) -> Any: return truths(operand(self) == plain(other))
    def __ne__(self, other: Any) -> Any: return truths(operand(self) != plain(other))
    # fmt: on

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __getattr__(self, name: str) -> Callable[..., Tensor]:
        method: Callable[..., Tensor] = method_of(self, name)
        return method

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *METHODS, *PROPERTIES})

    # NumPy

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return bound.numpy_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return bound.numpy_function(function, args, kwargs)

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return bound.array_namespace(api_version)


# Making tensors


def blank(single: cython.bint) -> Tensor:
    """A tensor without numbers yet."""
    out: Tensor = Tensor.__new__(Tensor)
    if not cython.compiled:  # where it is, all fields start as None and 0
        out._array = out._shape = out._node = out._leaf = out._grad = out._memory = out.name = None
        out._value = 0.0
        out._shared = False
    out._single = single
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
        tensor._leaf = new_node(None, (), tensor._dims(), tensor._single)
        tensor._leaf.owner = weakref.ref(tensor)
    node: Node = tensor._leaf
    return node


def truths(found: Any) -> Any:
    """What a comparison gave: a tensor of booleans, or a bare one."""
    return discrete(found) if isinstance(found, np.ndarray) else found


def plain(other: Any) -> Any:
    """The other side of a comparison as NumPy sees it."""
    return operand(other) if isinstance(other, Tensor) else plain_array(other)


# Applying operations


def call(op: Operation, args: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """Apply an operation to operands that may still be numbers or arrays."""
    if op.code >= 0 and len(args) == 1 and isinstance(args[0], Tensor) and mode.unusual == 0 and not op.param_names:
        return apply_unary(op, args[0], 0.0, params)
    tensors: cython.bint = False
    for value in params:
        tensors |= isinstance(value, Tensor)
    if not tensors and of_one_dtype(args):
        return apply(op, args, params)
    if op.whole is not None and not isinstance(args[0], Tensor) and only_discrete(args):
        return discrete(op.whole(*[x if type(x) is int else operand(x) for x in args], *params))
    for name, value in zip(op.param_names, params, strict=True):
        if isinstance(value, Tensor):
            raise TypeError(f"{op.name}: {name} is a parameter, not differentiable; expected no tensor")
    return apply(op, bound.coerce(op.name, args), params)


graph.call[0] = call


def of_one_dtype(args: tuple[Any, ...]) -> cython.bint:
    """Whether operands are tensors that mix, so that nothing has to be made of them."""
    first: Tensor | None = None
    other: Tensor
    for x in args:
        if not isinstance(x, Tensor):
            return False
        other = x
        first = other if first is None else first
        if other._single != first._single:
            return False
    return True


def binary(op: Operation, x: Any, y: Any) -> Any:
    """Python's binary operators: unknown operands are left to the other side."""
    a: Tensor
    b: Tensor
    if op.code >= 0 and mode.unusual == 0:
        if isinstance(x, Tensor):
            a = x
            if isinstance(y, Tensor):
                b = y
                if a._single == b._single:
                    return apply_binary(op, a, b)
            elif type(y) is float or type(y) is int:
                return apply_binary(op, a, number(y, a._single))
        elif type(x) is float or type(x) is int:
            b = y
            return apply_binary(op, number(x, b._single), b)
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        a = x
        b = y
        if a._single == b._single:
            return apply(op, (x, y), op.defaults)
    if not bound.is_operand(x) or not bound.is_operand(y):
        return NotImplemented
    return apply(op, bound.coerce(op.name, (x, y)), op.defaults)


def in_place(op: Operation, x: Tensor, other: Any) -> Any:
    """`x += other` and its like.

    A tensor that is being recorded, or takes part in what is, gives a new tensor; any other changes its own numbers. A
    leaf that requires grad can do neither outside no_grad(): the name would no longer mean the leaf.
    """
    if x._node is not None and mode.grad and x._node.op is None:
        raise RuntimeError("a leaf that requires grad can be changed in place only inside no_grad()")
    recorded: cython.bint = isinstance(other, Tensor) and other.requires_grad and mode.grad
    out = binary(op, x, other)
    if out is NotImplemented or recorded or not x.is_leaf:
        return out
    return x.copy_(out.detach())


def apply(op: Operation, inputs: tuple[Any, ...], params: tuple[Any, ...]) -> Tensor:
    """Compute an operation and, if an input requires a gradient and the mode is on, record it."""
    x: Tensor
    out: Tensor
    trace = mode.trace
    if op.code >= 0 and trace is None:
        p: float = params[0] if params else 0.0
        x = inputs[0]
        return apply_unary(op, x, p, params) if len(inputs) == 1 else apply_binary(op, x, inputs[1])
    recording: cython.bint = False
    for x in inputs:
        recording |= x._node is not None
    if trace is not None:
        arrays = [trace.operand(x) for x in inputs]
        out = blank(True)
        out._array = trace.apply(op, arrays, params)
        out._single = out._array.itemsize == 4
        trace.made(out)
    else:
        arrays = [x._as_array() for x in inputs]
        array = op.forward(*arrays, *params)
        if op.view:
            # Memory of the input may go on under another shape: a change of either must be seen by both.
            x = inputs[0]
            out = wrap(array.view() if array is x._array else array)
            if out._array is not None and is_view(out._array, x._as_array()):
                out._memory = memory_of(x)
                out._shared = out._memory is None
        else:
            out = wrap(array)
    if recording and mode.grad:
        record(op, inputs, params, out, arrays)
    return out


def apply_unary(op: Operation, x: Tensor, p: cython.double, params: tuple[Any, ...]) -> Tensor:
    """An operation of the C table on one operand."""
    out: Tensor
    if x._array is None:
        out = number(scalar(op.code, x._value, 0.0, p), x._single)
    else:
        out = blank(x._single)
        out._array = unary_kernel(op.code, x._array, p)
        out._shape = x._dims()
    if x._node is not None and (mode.unusual == 0 or mode.grad):
        record_elementwise(op, x, None, params, out)
    return out


def apply_binary(op: Operation, x: Tensor, y: Tensor) -> Tensor:
    """An operation of the C table on two operands of one dtype."""
    out: Tensor
    if x._array is None and y._array is None:
        out = number(scalar(op.code, x._value, y._value, 0.0), x._single)
    else:
        out = blank(x._single)
        if x._array is None:
            out._array = binary_with_number_kernel(op.code, y._array, x._value, True)
            out._shape = y._dims()
        elif y._array is None:
            out._array = binary_with_number_kernel(op.code, x._array, y._value, False)
            out._shape = x._dims()
        else:
            out._array = binary_kernel(op.code, x._array, y._array, op.name)
            if same_shape(out._array, x._array):
                out._shape = x._dims()
    if (x._node is not None or y._node is not None) and (mode.unusual == 0 or mode.grad):
        record_elementwise(op, x, y, (), out)
    return out
