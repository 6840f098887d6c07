"""Backpropagation on arrays, to be read in one sitting: after `scalar.py`, before the engine.

A `Tensor` is an array that remembers how it was made. What is new beside single numbers:

- The local derivative of an array by an array has four axes or more, and nobody wants to see it. All that is ever asked
  of it is its product with what arrives from above: with a *cotangent*, the derivative of the final number by the
  result. So an operation has, for each input, a *rule* that takes the cotangent of the result to that of the input.
- A rule is itself made of operations. So the gradient has a history, too, and can be differentiated again.
- NumPy stretches operands to a common shape. What was repeated forward is summed backward.

Below: how a result remembers, how backward walks, and a table of operations, each under its rules.

>>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
>>> w = Tensor([0.5, -0.5])
>>> loss = ((x @ w) ** 2).sum()
>>> loss.backward()
>>> w.grad
Tensor([-4. -6.])
>>> slope, = gradients(x[0, 0] ** 3, [x])
>>> gradients(slope.sum(), [x])[0].data[0].tolist()  # (x³)″ = 6x
[6.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np


class Tensor:
    """An array, the operation it came from, and, after `backward`, the derivative of a number by it."""

    __slots__ = ("data", "grad", "op", "options", "parents", "rules")
    __array_priority__ = 1000  # array * tensor is a tensor's business

    def __init__(self, data: Any) -> None:
        self.data = np.array(data, np.float64)
        self.grad: Tensor | None = None
        self.op = ""
        self.parents: tuple[Tensor, ...] = ()
        self.rules: tuple[Callable[..., Tensor], ...] = ()
        self.options: dict[str, Any] = {}

    def backward(self) -> None:
        """Add to `grad` of every leaf in the history the derivative of this number by it."""
        leaves = [node for node in history(self) if not node.parents]
        for leaf, g in zip(leaves, gradients(self, leaves), strict=True):
            leaf.grad = Tensor(g.data if leaf.grad is None else leaf.grad.data + g.data)

    # fmt: off
    def __add__(self, other: Any) -> Tensor: return add(self, other)
    def __radd__(self, other: Any) -> Tensor: return add(other, self)
    def __sub__(self, other: Any) -> Tensor: return add(self, -as_tensor(other))
    def __rsub__(self, other: Any) -> Tensor: return add(other, -self)
    def __mul__(self, other: Any) -> Tensor: return mul(self, other)
    def __rmul__(self, other: Any) -> Tensor: return mul(other, self)
    def __truediv__(self, other: Any) -> Tensor: return div(self, other)
    def __rtruediv__(self, other: Any) -> Tensor: return div(other, self)
    def __pow__(self, n: float) -> Tensor: return power(self, n=n)
    def __neg__(self) -> Tensor: return mul(self, -1.0)
    def __matmul__(self, other: Any) -> Tensor: return matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return matmul(other, self)
    def __getitem__(self, index: Any) -> Tensor: return getitem(self, index=index)
    def reshape(self, *shape: int) -> Tensor: return reshape(self, shape=shape)
    def __repr__(self) -> str: return f"Tensor({self.data})"

    @property
    def shape(self) -> tuple[int, ...]: return self.data.shape
    @property
    def T(self) -> Tensor: return transpose(self, axes=tuple(range(self.data.ndim))[::-1])
    # fmt: on

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return sum_over(self, axis=axis).reshape(*np.sum(self.data, axis, keepdims=keepdims).shape)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        total = self.sum(axis, keepdims)
        return total / (self.data.size / total.data.size)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return max_over(self, axis=axis).reshape(*np.max(self.data, axis, keepdims=keepdims).shape)


def as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


# 1. A result remembers how it was made.


def differentiable(*rules: Callable[..., Tensor]) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Make an operation of a function on arrays.

    Rule i takes `g, out, *inputs` and the options: from `g`, the cotangent of `out`, it makes that of input i.
    """

    def make(forward: Callable[..., Any]) -> Callable[..., Tensor]:
        @wraps(forward)
        def apply(*inputs: Any, **options: Any) -> Tensor:
            parents = tuple(as_tensor(x) for x in inputs)
            out = Tensor(forward(*(x.data for x in parents), **options))
            out.op, out.parents, out.rules, out.options = forward.__name__, parents, rules, options
            return out

        return apply

    return make


# 2. Backward walks from the result to the leaves.


def history(end: Tensor) -> list[Tensor]:
    """Every tensor that this one was made from, itself last: each comes after all of its parents."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack = [(end, False)]
    while stack:  # no recursion: a graph may be deeper than Python's stack
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def gradients(end: Tensor, inputs: Sequence[Tensor], g: Any = None) -> list[Tensor]:
    """The derivative of a number by each input; `g` is the cotangent to start from if `end` is more than a number."""
    if g is None and end.data.size != 1:
        raise ValueError(f"a tensor of shape {end.shape} needs a cotangent g of that shape to start from")
    cotangents = {id(end): as_tensor(np.ones(end.shape) if g is None else g)}
    for node in reversed(history(end)):  # whoever uses a node comes before it, so its cotangent is complete
        if id(node) in cotangents:
            for parent, rule in zip(node.parents, node.rules, strict=True):
                part = rule(cotangents[id(node)], node, *node.parents, **node.options)
                part = sum_to(part, parent.shape)
                known = cotangents.get(id(parent))
                cotangents[id(parent)] = part if known is None else known + part
    return [cotangents.get(id(x), as_tensor(np.zeros(x.shape))) for x in inputs]


def sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The cotangent of what was stretched: summed over all axes along which it was repeated."""
    extra = g.data.ndim - len(shape)
    axes = (*range(extra), *(extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1))
    return g.sum(axes, keepdims=True).reshape(*shape)


# 3. The table of operations.


@differentiable(lambda g, out, x, y: g, lambda g, out, x, y: g)
def add(x: Any, y: Any) -> Any:
    return x + y


@differentiable(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
def mul(x: Any, y: Any) -> Any:
    return x * y


@differentiable(lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y)
def div(x: Any, y: Any) -> Any:
    return x / y


@differentiable(lambda g, out, x, n: g * n * x ** (n - 1) if n else g * 0.0)
def power(x: Any, n: float) -> Any:
    return x**n


@differentiable(lambda g, out, x: g * out)
def exp(x: Any) -> Any:
    return np.exp(x)


@differentiable(lambda g, out, x: g / x)
def log(x: Any) -> Any:
    return np.log(x)


@differentiable(lambda g, out, x: g * (1.0 - out * out))
def tanh(x: Any) -> Any:
    return np.tanh(x)


@differentiable(lambda g, out, x: g * out * (1.0 - out))
def sigmoid(x: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * x))  # 1 / (1 + e^-x) without overflow


@differentiable(lambda g, out, x: g * (x.data > 0))
def relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


@differentiable(lambda g, out, x, y: g @ turned(y), lambda g, out, x, y: turned(x) @ g)
def matrix_product(x: Any, y: Any) -> Any:
    return x @ y


def matmul(x: Any, y: Any) -> Tensor:
    """`x @ y` as NumPy has it: a vector is a row on the left, a column on the right, and loses that axis again."""
    x, y = as_tensor(x), as_tensor(y)
    if y.data.ndim == 1:
        return (x @ y[:, None])[..., 0]
    return (x[None] @ y)[..., 0, :] if x.data.ndim == 1 else matrix_product(x, y)


def turned(x: Tensor) -> Tensor:  # every matrix of a stack transposed
    return transpose(x, axes=(*range(x.data.ndim - 2), x.data.ndim - 1, x.data.ndim - 2))


@differentiable(lambda g, out, x, axes: transpose(g, axes=tuple(np.argsort(axes))))
def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    return x.transpose(axes)


@differentiable(lambda g, out, x, shape: g.reshape(*x.shape))
def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


@differentiable(lambda g, out, x, axis: g * np.ones(x.shape))  # each of them counts once
def sum_over(x: Any, axis: Any) -> Any:
    return x.sum(axis, keepdims=True)


@differentiable(
    lambda g, out, x, axis: g * ((x.data == out.data) / np.sum(x.data == out.data, axis, keepdims=True))  # a tie shares
)
def max_over(x: Any, axis: Any) -> Any:
    return x.max(axis, keepdims=True)


@differentiable(lambda g, out, x, index: put(g, index=index, shape=x.shape))
def getitem(x: Any, index: Any) -> Any:
    return x[index]


@differentiable(lambda g, out, x, index, shape: g[index])  # and the other way round
def put(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, x)  # what was taken twice is added twice
    return out
