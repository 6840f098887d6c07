"""Pooling: one number for each window, channel by channel."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.modes import mode
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .reductions import mean
from .registry import Array, operation
from .shape import _reshape, expand_dims
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


LARGEST, LARGEST_VJP, AT_LARGEST, MEAN, MEAN_VJP = range(5)  # `tgi_pooling`


def _pool(which: int, a: Array, windows: Windows, x: Array | None = None, largest: Array | None = None) -> Array:
    """The kernel."""
    lead = a.shape[:2]
    shape = (*lead, *(windows.lengths if which in (LARGEST_VJP, MEAN_VJP) else windows.counts))
    found: Array = kernels.pool(which, a, x, largest, windows.numbers(math.prod(lead)), shape)
    return found


def _spread_examples(rng: np.random.Generator) -> list[Any]:
    return [
        ((rng.normal(size=(*x.shape[:2], *options["windows"].counts)),), options) for (x,), options in _examples(rng)
    ]


@operation(
    lambda g, x, largest, windows: _at_largest(g, x, largest, windows),
    None,
    None,
    formula="each g[n, c, p] added where the first of the largest of x under window p is",
    exempt="linear in g and never asked for more: second derivatives of max_pool check its rule",
)
def _spread_to_largest(g: Array, x: Array, largest: Array, /, windows: Windows) -> Array:
    return _pool(LARGEST_VJP, g, windows, x, largest)


@operation(
    lambda g, x, largest, windows: _spread_to_largest(g, x, largest, windows),
    None,
    None,
    formula="y where the first of the largest of x under each window is",
    exempt="linear in y and never asked for more: third derivatives of max_pool check its rule",
)
def _at_largest(y: Array, x: Array, largest: Array, /, windows: Windows) -> Array:
    return _pool(AT_LARGEST, y, windows, x, largest)


@operation(
    lambda g, x, out, windows: _spread_to_largest(g, x, out, windows),
    formula="the largest element under each window; of several the first takes the cotangent",
    examples=_examples,
)
def _max_pool(x: Array, /, windows: Windows) -> Array:
    return _pool(LARGEST, x, windows)


@operation(
    lambda g, windows: _spread_evenly(g, windows),
    formula="the mean under each window; padding counts as zeros",
    examples=_examples,
)
def _avg_pool(x: Array, /, windows: Windows) -> Array:
    return _pool(MEAN, x, windows)


@operation(
    lambda g, windows: _avg_pool(g, windows),
    formula="each x[n, c, p], divided by the size of a window, added to all that lies under window p",
    examples=_spread_examples,
)
def _spread_evenly(x: Array, /, windows: Windows) -> Array:
    return _pool(MEAN_VJP, x, windows)


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
    whole = is_discrete(x) and x.dtype.kind != "b"
    (x,) = (as_tensors if whole else coerce)(name, (x,))
    single = x.ndim == axes + 1
    x = expand_dims(x, 0) if single else x
    windows = _windows(name, axes, x, size, stride, padding, dilation, ceil_mode)
    out = discrete(_largest_whole(operand(x), windows)) if whole else _max_pool(x, windows)
    if not return_indices:
        return _reshape(out, out.shape[1:]) if single else out
    where_ = places_of_largest(operand(x), operand(out), windows)
    return (_reshape(out, out.shape[1:]), where_.reshape(out.shape[1:])) if single else (out, where_)


def _lowest(x: Array) -> float:
    """What is never the largest; whole numbers in a captured program end at 2^53."""
    if x.dtype.kind == "f":
        return -np.inf
    least = int(np.iinfo(x.dtype).min)
    return least if mode.trace is None else max(least, -(2**53))


def _largest_whole(x: Array, windows: Windows) -> Array:
    """The largest of whole numbers, which floats would round."""
    padded = windows.pad(x, _lowest(x))
    return functools.reduce(np.maximum, [padded[at] for at in windows.positions])


def places_of_largest(
    x: Array, largest: Array, windows: Windows, sources: Sequence[Array] = (), lengths: tuple[int, ...] = ()
) -> Any:
    """Of each window's first largest element the number among all along the last axes, in rows.

    Parameters
    ----------
    sources, lengths
        Where along each axis the elements of x were taken from, and how long those axes were, if they were.
    """
    padded, found = windows.pad(x, _lowest(x)), None
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
        Of shape (samples, channels, height, width), or one sample of shape (channels, height, width). The largest of
        whole numbers are whole numbers of the same dtype.
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
