"""Pooling: one number for each window, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import where
from .reductions import mean
from .registry import Array, operation
from .shape import _getitem, _put_add, _reshape, expand_dims
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


def _windows(
    name: str, axes: int, x: Tensor, size: Option, stride: Option | None, padding: Option, dilation: Option, ceil: bool
) -> Windows:
    """Windows over an input, which may hang over its edges by at most half of their size: none lies outside."""
    if x.ndim != axes + 2:
        expected = ("length", "height, width", "depth, height, width")[axes - 1]
        raise ValueError(f"{name}: expected an input of shape (samples, channels, {expected}), got {x.shape}")
    wanted = whole_numbers(name, "kernel_size", size, axes, 1)
    beside = whole_numbers(name, "padding", padding, axes, 0)
    if any(2 * p > n for p, n in zip(beside, wanted, strict=True)):
        raise ValueError(f"{name}: padding must be at most half of the windows, got {beside} with {wanted}")
    found = slide(name, x.shape[2:], wanted, wanted if stride is None else stride, beside, dilation)
    return found.reaching_over() if ceil else found


def _max(
    name: str,
    axes: int,
    x: Any,
    size: Option,
    stride: Option | None,
    padding: Option,
    dilation: Option,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """What the functions of that name do along so many axes."""
    (x,) = coerce(name, (x,))
    single = x.ndim == axes + 1
    x = expand_dims(x, 0) if single else x
    windows = _windows(name, axes, x, size, stride, padding, dilation, ceil_mode)
    out = _max_pool(x, windows)
    if not return_indices:
        return _reshape(out, out.shape[1:]) if single else out
    where_ = places_of_largest(operand(x), operand(out), windows)
    return (_reshape(out, out.shape[1:]), where_.reshape(out.shape[1:])) if single else (out, where_)


def places_of_largest(
    x: Array, largest: Array, windows: Windows, sources: Sequence[Array] = (), lengths: tuple[int, ...] = ()
) -> Any:
    """Of each window's first largest element the number among all along the last axes, in rows.

    Parameters
    ----------
    sources, lengths
        Where along each axis the elements of x were taken from, and how long those axes were, if they were.
    """
    padded, found = windows.pad(x, -np.inf), None
    sources, lengths = sources or [np.arange(n) for n in windows.lengths], lengths or windows.lengths
    steps = [math.prod(lengths[i + 1 :]) for i in range(len(lengths))]
    for at in reversed(windows.positions):  # so that of several the first stands in the end
        grid: Any = 0
        for i, (part, before, source, step) in enumerate(zip(at[1:], windows.before, sources, steps, strict=True)):
            places = np.clip(np.arange(part.start, part.stop, part.step) - before, 0, len(source) - 1)
            grid = grid + (source[places] * step).reshape((-1, *(1,) * (len(steps) - 1 - i)))
        numbers = np.broadcast_to(grid, largest.shape)
        found = numbers.copy() if found is None else np.where(padded[at] == largest, numbers, found)
    return discrete(found)


def max_pool1d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    dilation: Option = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element under each window along one axis; as `max_pool2d`."""
    return _max("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    dilation: Option = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element under each window.

    Parameters
    ----------
    x
        Of shape (samples, channels, height, width), or one sample of shape (channels, height, width).
    kernel_size
        Of a window; one number, or one for each axis.
    stride
        From window to window; as `kernel_size` unless given.
    padding
        How far windows may hang over the edges, at most half of their size; what lies outside is never the largest.
    dilation
        The step from position to position in a window.
    ceil_mode
        Whether a last window counts that hangs over the end, as long as it begins before it.
    return_indices
        Whether the places of the largest come along: an array of their numbers among the elements of a channel.

    Returns
    -------
    Tensor, or a tensor and an array
        Of shape (samples, channels, ...), along each axis
        ⌊(length + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1, rounded up with `ceil_mode`. Of several
        largest elements the first takes the cotangent.

    Raises
    ------
    ValueError
        Shapes or options do not fit, or the window is larger than the padded input.
    """
    return _max("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    dilation: Option = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element under each window along three axes; as `max_pool2d`."""
    return _max("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg(
    name: str,
    axes: int,
    x: Any,
    size: Option,
    stride: Option | None,
    padding: Option,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """What the functions of that name do along so many axes."""
    (x,) = coerce(name, (x,))
    if x.ndim == axes + 1:
        options = size, stride, padding, ceil_mode, count_include_pad, divisor_override
        out = _avg(name, axes, expand_dims(x, 0), *options)
        return _reshape(out, out.shape[1:])
    windows = _windows(name, axes, x, size, stride, padding, 1, ceil_mode)
    if divisor_override is not None and not divisor_override:
        raise ValueError(f"{name}: expected divisor_override other than 0")
    out = _avg_pool(x, windows)
    if divisor_override is not None:
        return out * (math.prod(windows.size) / divisor_override)
    if not ceil_mode and (count_include_pad or not any(windows.before)):
        return out
    shares = math.prod(windows.size) / windows.elements(count_include_pad)
    return out * shares.astype(x.dtype)


def avg_pool1d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean under each window along one axis; as `avg_pool2d`."""
    return _avg("avg_pool1d", 1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean under each window, parameters and shapes as in `max_pool2d`.

    Parameters
    ----------
    count_include_pad
        Whether padding counts as zeros; else the mean is that of the elements.
    divisor_override
        What sums are divided by instead of the number of elements.
    """
    return _avg("avg_pool2d", 2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    x: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean under each window along three axes; as `avg_pool2d`."""
    return _avg("avg_pool3d", 3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


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
