"""Backpropagation on single numbers, to be read in one sitting.

A `Value` is a number that remembers how it was made: its `parents`, and for each the local derivative of the result
by that parent. `backward` walks from the result to the leaves and applies the chain rule: what arrives at a node, times
the local derivative, is added to the parent's gradient. That is all there is to it; the tensor engine does the same
with arrays.

>>> x = Value(3.0)
>>> y = x * x + 2 * x
>>> y.backward()
>>> x.grad
8.0
"""

from __future__ import annotations

import math


class Value:
    """A number and how it was made.

    `grad` is, after `backward`, the derivative of the number it was called on by this one.
    """

    __slots__ = ("data", "grad", "op", "parents", "slopes")

    def __init__(
        self, data: float, parents: tuple[Value, ...] = (), slopes: tuple[float, ...] = (), op: str = ""
    ) -> None:
        self.data, self.grad = float(data), 0.0
        self.parents, self.slopes, self.op = parents, slopes, op

    def __add__(self, other: Value | float) -> Value:
        y = value(other)
        return Value(self.data + y.data, (self, y), (1.0, 1.0), "+")

    def __mul__(self, other: Value | float) -> Value:
        y = value(other)
        return Value(self.data * y.data, (self, y), (y.data, self.data), "*")

    def __truediv__(self, other: Value | float) -> Value:
        y = value(other)
        return Value(self.data / y.data, (self, y), (1 / y.data, -self.data / y.data**2), "/")

    def __pow__(self, n: float) -> Value:
        return Value(self.data**n, (self,), (n * self.data ** (n - 1) if n else 0.0,), f"**{n}")

    def __neg__(self) -> Value:
        return Value(-self.data, (self,), (-1.0,), "-")

    def __sub__(self, other: Value | float) -> Value:
        return self + -value(other)

    def __rsub__(self, other: float) -> Value:
        return value(other) - self

    def __rtruediv__(self, other: float) -> Value:
        return value(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Value:
        y = math.exp(self.data)
        return Value(y, (self,), (y,), "exp")

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    def sin(self) -> Value:
        return Value(math.sin(self.data), (self,), (math.cos(self.data),), "sin")

    def tanh(self) -> Value:
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,), "tanh")

    def sigmoid(self) -> Value:
        e = math.exp(-abs(self.data))
        y = 1 / (1 + e) if self.data >= 0 else e / (1 + e)
        return Value(y, (self,), (y * (1 - y),), "sigmoid")

    def relu(self) -> Value:
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,), "relu")

    def history(self) -> list[Value]:
        """Every value this one was made from, itself last: each comes after all of its parents."""
        order: list[Value] = []
        seen: set[int] = set()
        stack = [(self, False)]
        while stack:
            node, parents_done = stack.pop()
            if parents_done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        return order

    def backward(self) -> None:
        """Add to `grad` of every value in the history the derivative of this number by it.

        Values in between start from zero each time; leaves keep what they had, so that several calls add up.
        """
        order = self.history()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0 if self.parents else self.grad + 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += node.grad * slope

    def __repr__(self) -> str:
        return f"Value({self.data:g}, grad={self.grad:g}{', ' + self.op if self.op else ''})"


def value(x: Value | float) -> Value:
    """The value itself, or a number as a leaf."""
    return x if isinstance(x, Value) else Value(x)
