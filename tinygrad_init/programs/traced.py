"""Stand-ins for arrays while a function is being captured: what NumPy does to them is written down as steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import MethodType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine.discrete import Conversions
from ..engine.methods import METHODS
from ..engine.storage import Storage
from .buffers import DTYPES, INT64, ITEM, InBuffer, contiguous
from .instructions import View

Recorder = Any  # a `recorder.Recorder`
BOOL = np.dtype(bool)


class NotRecordable(Exception):
    """A NumPy function is asked for that no kernel does; the operation around it is called as it is."""


class Traced(Conversions, NDArrayOperatorsMixin, InBuffer):
    """An array whose numbers come only when the program runs; shape, dtype and place in memory are known."""

    __slots__ = ()

    __array_priority__ = 1000
    base = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return BOOL if self.boolean else self.narrow or DTYPES[self.kind]

    @property
    def T(self) -> Traced:
        return self.transpose()

    @property
    def whole(self) -> bool:
        """Whether it lies without gaps in C order."""
        expected = contiguous(self.shape, ITEM[self.kind])
        return all(s == e or n == 1 for s, e, n in zip(self.strides, expected, self.shape, strict=True))

    @property
    def value(self) -> np.ndarray[Any, Any] | None:
        """The numbers, if it is a constant."""
        found = self.buffer.value
        if found is None:
            return None
        flat = found.reshape(-1).view(np.uint8)
        return np.ndarray(self.shape, DTYPES[self.kind], flat.data, self.offset, self.strides)

    def view_as(
        self, shape: tuple[int, ...], strides: tuple[int, ...] | None = None, offset: int | None = None
    ) -> Traced:
        """The same memory under another shape."""
        at = self.offset if offset is None else offset
        found = Traced(self.recorder, self.buffer, self.kind, shape, strides, at, self.boolean)
        found.narrow = self.narrow
        return found

    def place(self, strides: tuple[int, ...] | None = None) -> View:
        """As an operand of a step."""
        return View(self.buffer, self.offset, self.strides if strides is None else strides)

    @property
    def span(self) -> tuple[int, int]:
        """Where in its buffer it begins and ends, in bytes; nowhere if it is empty."""
        if not self.size:
            return 0, 0
        steps = [(n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)]
        before, after = sum(s for s in steps if s < 0), sum(s for s in steps if s > 0)
        return self.offset + before, self.offset + after + ITEM[self.kind]

    def touches(self, other: Traced) -> bool:
        """Whether it may have memory in common with another array in the same buffer."""
        (a, b), (c, d) = self.span, other.span
        return a < d and c < b

    def lies_like(self, other: Traced) -> bool:
        """Whether it lies in memory as another array of its shape does."""
        pairs = zip(self.strides, other.strides, self.shape, strict=True)
        return 0 in self.shape or all(a == b or n == 1 for a, b, n in pairs)

    # Shapes

    def view(self) -> Traced:
        return self.view_as(self.shape, self.strides)

    def reshape(self, *shape: Any) -> Traced:
        wanted = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
        # NumPy knows whether the strides allow it; the numbers themselves are not looked at.
        probe = np.lib.stride_tricks.as_strided(np.empty(0, np.uint8), self.shape, self.strides)
        try:
            found = np.reshape(probe, wanted, copy=False)
            return self.view_as(found.shape, found.strides)
        except ValueError:
            sizes = np.empty(self.shape, np.bool_).reshape(wanted).shape  # raises where the sizes do not fit
            return self.recorder.copied(self).view_as(sizes)

    def transpose(self, *axes: Any) -> Traced:
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or range(self.ndim)[::-1]
        return self.view_as(tuple(self.shape[i] for i in order), tuple(self.strides[i] for i in order))

    def broadcast_to(self, shape: tuple[int, ...]) -> Traced:
        """Stretched by NumPy's rules."""
        np.broadcast_shapes(self.shape, shape)
        lead = len(shape) - self.ndim
        if lead < 0 or any(n not in (1, m) for n, m in zip(self.shape, shape[lead:], strict=True)):
            raise ValueError(f"shape {self.shape} does not stretch to {shape}")
        strides = [0] * lead + [
            0 if n != m else s for n, m, s in zip(self.shape, shape[lead:], self.strides, strict=True)
        ]
        return self.view_as(tuple(shape), tuple(strides))

    def squeeze(self, axis: Any = None) -> Traced:
        axes = range(self.ndim) if axis is None else np.atleast_1d(axis) % max(self.ndim, 1)
        kept = [i for i in range(self.ndim) if not (self.shape[i] == 1 and i in axes)]
        return self.view_as(tuple(self.shape[i] for i in kept), tuple(self.strides[i] for i in kept))

    def astype(self, dtype: Any, order: str = "K", copy: bool = True) -> Traced:
        return self.recorder.converted(self, np.dtype(dtype), copy)

    def copy(self, order: str = "C") -> Traced:
        return self.recorder.copied(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, index: Any) -> Traced:
        found: Traced = self.recorder.pick(self, index)
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.put(self, index, value)

    def flatten(self, order: str = "C") -> Traced:
        return self.copy().reshape(-1)

    def ravel(self, order: str = "C") -> Traced:
        return self.reshape(-1)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.min(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        total = self.sum(axis, keepdims)
        return total * (total.size / max(self.size, 1))

    def all(self) -> Any:
        return np.all(self)

    # Kernels that are asked for by name

    def matmul(self, other: Traced) -> Traced:
        """The product of two matrices."""
        return self.recorder.product(self, other, None)

    def linear(self, weight: Traced, bias: Traced) -> Traced:
        """x Wᵀ + b."""
        return self.recorder.product(self, weight.T, bias)

    def reduce(self, reduction: int, axes: tuple[int, ...], keepdims: bool) -> Traced:
        """A reduction over axes."""
        return self.recorder.reduced(self, ("sum", "max", "min", "norm")[reduction], axes, keepdims)

    def cross_entropy(self, labels: Traced) -> Traced:
        """The losses of rows of logits."""
        return self.recorder.cross_entropy(self, labels)[0]

    def cross_entropy_vjp(self, cotangent: Traced, labels: Traced) -> Traced:
        """The cotangent of logits."""
        return self.recorder.cross_entropy_vjp(self, cotangent, labels)

    def convolve(self, which: int, other: Traced, bias: Traced | None, windows: Any, shape: tuple[int, ...]) -> Traced:
        """A convolution or one of its derivatives."""
        return self.recorder.over_windows("convolution", which, [self, other, bias], windows, shape)

    def pool(self, which: int, x: Any, largest: Any, windows: Any, shape: tuple[int, ...]) -> Traced:
        """One number for each window, or what undoes it."""
        return self.recorder.over_windows("pooling", which, [self, x, largest], windows, shape)

    def normalize(self, which: int, others: list[Any], eps: float) -> Traced:
        """Channels normalized, or what undoes it."""
        return self.recorder.normalized(which, [self, *others], eps)

    def rows(self, which: int, others: list[Any], queries: int, eps: float) -> Traced:
        """A function of rows, or what undoes it."""
        return self.recorder.rows(which, [self, *others], queries, eps)

    def lstm(self, which: int, others: list[Any], shape: tuple[int, int, int]) -> Traced:
        """Long short-term memory along a sequence, or its derivative."""
        return self.recorder.lstm(which, [self, *others], shape)

    def sgd(
        self, gradient: Traced, velocity: Any, lr: Traced, momentum: float, nesterov: bool, weight_decay: float
    ) -> None:
        """Gradient descent, in place."""
        state = None if velocity is None else self.recorder.owned(velocity)
        self.recorder.sgd(self, gradient, state, lr, (momentum, weight_decay), nesterov)

    def adam(self, gradient: Traced, m: Any, v: Any, powers: Any, lr: Traced, *rule: Any) -> None:
        """Adam, in place."""
        first, second, power = [self.recorder.owned(x) for x in (m, v, powers)]
        self.recorder.adam(self, gradient, first, second, power, lr, rule[:4], rule[4])

    # NumPy

    # Where NumPy would have a number, and not an array, `x += 1` makes another one and changes nothing.
    # fmt: off
    def __mul__(self, other: Any) -> Any: return super().__mul__(self.factor(other))
    def __rmul__(self, other: Any) -> Any: return super().__rmul__(self.factor(other))
    def __iadd__(self, other: Any) -> Any: return self + other if self.is_number else super().__iadd__(other)
    def __isub__(self, other: Any) -> Any: return self - other if self.is_number else super().__isub__(other)
    def __imul__(self, other: Any) -> Any: return self * other if self.is_number else super().__imul__(other)
    def __itruediv__(self, other: Any) -> Any: return self / other if self.is_number else super().__itruediv__(other)
    def __ipow__(self, other: Any) -> Any: return self**other if self.is_number else super().__ipow__(other)
    # fmt: on

    @property
    def is_number(self) -> bool:
        return not self.shape and (self.number or not self.buffer.argument)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        raise NotRecordable("a function that wants a plain array")

    def __getattr__(self, name: str) -> Any:
        if name in METHODS and not hasattr(np.ndarray, name):
            return MethodType(METHODS[name], self)
        if not name.startswith("_") and hasattr(np.ndarray, name):
            raise NotRecordable(f"the method {name} of arrays")
        raise AttributeError(f"an array of a captured program has no attribute {name!r}")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Storage) for x in inputs):
            return NotImplemented  # the tensor knows what it means, and that it is differentiable
        return self.recorder.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Storage) for kind in types):
            return NotImplemented
        return self.recorder.function(function, args, kwargs)

    def __bool__(self) -> bool:
        self.recorder.refuse(
            "the way the code takes depends on numbers that are known only when the program runs; "
            "use where() to choose between values"
        )
        raise AssertionError

    def item(self) -> float:
        self.recorder.refuse("item() reads a number that is known only when the program runs")
        raise AssertionError

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return int(self.item())

    # What a number of Python may be asked, and would answer by its value: as a key, as text, how often to repeat a list

    def __hash__(self) -> int:
        return hash(self.item()) if self.is_number else object.__hash__(self)

    def __str__(self) -> str:
        return str(self.item()) if self.is_number else repr(self)

    def __format__(self, how: str) -> str:
        return format(self.item() if self.is_number else repr(self), how)

    def factor(self, other: Any) -> Any:
        """The other factor; a list or a text would be repeated, by a whole number."""
        repeats = self.number and self.kind == INT64 and isinstance(other, list | tuple | str | bytes)
        return other * int(self) if repeats else other

    def __repr__(self) -> str:
        return f"<array of shape {self.shape} and {self.dtype} in a captured program>"
