"""Pooling: one number for each window, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import where
from .reductions import mean
from .registry import Array, operation
from .shape import _getitem, _put_add
from .windows import Windows, slide, whole_numbers

Option = int | Sequence[int]


def _examples(rng: np.random.Generator) -> list[Any]:
    cases: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
        ((2, 3, 6), (2,), {"stride": 2}),
        ((2, 3, 7), (3,), {"stride": 2, "padding": 1}),
        ((2, 2, 4, 5), (2, 3), {"stride": (1, 2), "padding": (1, 0)}),
        ((1, 2, 4, 4), (1, 1), {"stride": 3}),
    ]
    return [
        # Numbers that lie apart, so that no step of finite differences changes which is the largest.
        ((rng.permutation(np.linspace(-2.0, 2.0, math.prod(shape))).reshape(shape),), {"windows": windows})
        for shape, size, options in cases
        for windows in [slide("pool", shape[2:], size, **{"padding": 0, "dilation": 1, **options})]
    ]


def _fold_examples(rng: np.random.Generator) -> list[Any]:
    return [
        (tuple(rng.normal(size=(*x.shape[:2], *w.counts)) for _ in w.positions), {"windows": w})
        for (x,), options in _examples(rng)
        for w in options.values()
    ]


def _fold_rule(g: Tensor, windows: Windows, needs: tuple[bool, ...]) -> list[Tensor | None]:
    """Each position takes what lies under it."""
    padded = g if windows.extent == windows.lengths else _put_add(g, windows.padded_shape(g.shape), windows.inside)
    return [_getitem(padded, at) if need else None for at, need in zip(windows.positions, needs, strict=True)]


@operation(
    _fold_rule,
    formula="Σ x_k[n, c, p] over all p·stride + k - before = i, for each place i: what windows hold, added up",
    joint=True,
    examples=_fold_examples,
)
def _fold(*xs: Array, windows: Windows) -> Array:
    return windows.fold(xs)


def _largest_rule(g: Tensor, x: Tensor, out: Tensor, windows: Windows) -> Tensor:
    """The cotangent goes to the first of the largest; as in PyTorch, if all numbers are finite."""
    padded, largest = windows.pad(operand(x), -np.inf), operand(out)
    parts, open_ = [], None  # where no position has been the largest yet
    for at in windows.positions:
        equal = padded[at] == largest
        parts.append(where(equal if open_ is None else equal & open_, g, 0.0))
        open_ = ~equal if open_ is None else open_ & ~equal
    return _fold(*parts, windows=windows)


@operation(
    _largest_rule,
    formula="the largest element under each window; of several the first takes the cotangent",
    examples=_examples,
)
def _max_pool(x: Array, /, windows: Windows) -> Array:
    padded = windows.pad(x, -np.inf)
    first, *others = [padded[at] for at in windows.positions]
    return reduce(np.maximum, others or [first], first)


def _mean_rule(g: Tensor, windows: Windows) -> Tensor:
    """Every position takes the same share."""
    n = math.prod(windows.size)
    return _fold(*[g * (1.0 / n)] * n, windows=windows)


@operation(
    _mean_rule,
    formula="the mean under each window; padding counts as zeros",
    examples=_examples,
)
def _avg_pool(x: Array, /, windows: Windows) -> Array:
    padded = windows.pad(x)
    with np.errstate(all="ignore"):
        total = reduce(np.add, [padded[at] for at in windows.positions])
    return total * total.dtype.type(1.0 / math.prod(windows.size))


def _windows(name: str, axes: int, x: Tensor, size: Option, stride: Option | None, padding: Option) -> Windows:
    """Windows over an input, which may hang over its edges by at most half of their size: none lies outside."""
    if x.ndim != axes + 2:
        expected = ("length", "height, width")[axes - 1]
        raise ValueError(f"{name}: expected an input of shape (samples, channels, {expected}), got {x.shape}")
    wanted = whole_numbers(name, "kernel_size", size, axes, 1)
    beside = whole_numbers(name, "padding", padding, axes, 0)
    if any(2 * p > n for p, n in zip(beside, wanted, strict=True)):
        raise ValueError(f"{name}: padding must be at most half of the windows, got {beside} with {wanted}")
    return slide(name, x.shape[2:], wanted, wanted if stride is None else stride, beside, 1)


def max_pool1d(x: Any, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> Tensor:
    """The largest element under each window along one axis; as `max_pool2d`."""
    (x,) = coerce("max_pool1d", (x,))
    return _max_pool(x, _windows("max_pool1d", 1, x, kernel_size, stride, padding))


def max_pool2d(x: Any, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> Tensor:
    """The largest element under each window.

    Parameters
    ----------
    x
        Of shape (samples, channels, height, width).
    kernel_size
        Of a window; one number, or one for each axis.
    stride
        From window to window; as `kernel_size` unless given.
    padding
        How far windows may hang over the edges, at most half of their size; what lies outside is never the largest.

    Returns
    -------
    Tensor
        Of shape (samples, channels, ...), along each axis ⌊(length + 2 padding - kernel_size) / stride⌋ + 1. Of
        several largest elements the first takes the cotangent.

    Raises
    ------
    ValueError
        Shapes or options do not fit, or the window is larger than the padded input.
    """
    (x,) = coerce("max_pool2d", (x,))
    return _max_pool(x, _windows("max_pool2d", 2, x, kernel_size, stride, padding))


def avg_pool1d(x: Any, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> Tensor:
    """The mean under each window along one axis; as `avg_pool2d`."""
    (x,) = coerce("avg_pool1d", (x,))
    return _avg_pool(x, _windows("avg_pool1d", 1, x, kernel_size, stride, padding))


def avg_pool2d(x: Any, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> Tensor:
    """The mean under each window, parameters and shapes as in `max_pool2d`; padding counts as zeros."""
    (x,) = coerce("avg_pool2d", (x,))
    return _avg_pool(x, _windows("avg_pool2d", 2, x, kernel_size, stride, padding))


def global_avg_pool(x: Any) -> Tensor:
    """The mean of each channel: (samples, channels, ...) becomes (samples, channels).

    Raises
    ------
    ValueError
        There is no axis behind the channels, or nothing along one.
    """
    (x,) = coerce("global_avg_pool", (x,))
    if x.ndim < 3:
        raise ValueError(f"global_avg_pool: expected an input of shape (samples, channels, ...), got {x.shape}")
    return mean(x, tuple(range(2, x.ndim)))
