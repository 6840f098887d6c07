"""Convolution over any number of axes (as everywhere in deep learning, cross-correlation), and its transposed.

Input x, weight w and a cotangent g of the result stand in one trilinear form,

    T(x, w, g) = Σ x[n, c, p·stride + k·dilation - before] · w[o, c, k] · g[n, o, p]

over samples n, channels c and o of a group, windows p and positions k in a window. The convolution is its derivative
by g; the derivatives by x (the transposed convolution) and by w are its two rules. The rules of each of the three are
the other two, so that derivatives of every order are made of them (Dumoulin and Visin 2016 draw the geometry).

All three are matrix products with the columns of x: what lies under each window, written out. In memory the channels
come first, then samples and positions: so the product of all samples is one, and nothing is turned before or after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .registry import Array, operation
from .shape import _reshape, expand_dims
from .windows import Windows, require_lengths, slide, whole_numbers

Option = int | Sequence[int]
# Columns are many times as large as the input, so they are made for some samples at a time: for as many as a cache
# holds, but not in so many pieces that a captured program becomes long.
MANY_COLUMNS, MANY_PIECES = 1 << 19, 16


def _turned(x: Array) -> Array:
    """The first two axes, samples and channels, exchanged."""
    return x.transpose((1, 0, *range(2, x.ndim)))


def _joined(parts: list[Array], axis: int) -> Array:
    """Parts one behind the other along an axis."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _pieces(samples: int, channels: int, windows: Windows) -> list[slice]:
    """All samples, some at a time."""
    columns = max(channels * math.prod(windows.size) * math.prod(windows.counts), 1)  # there may be no channels
    at_once = max(MANY_COLUMNS // columns, math.ceil(samples / MANY_PIECES), 1)
    return [slice(i, i + at_once) for i in range(0, max(samples, 1), at_once)]


def _columns(x: Array, windows: Windows, groups: int) -> Array:
    """What lies under the windows of x (channels, samples, ...), as a matrix for each group.

    A row belongs to a channel and a position in the window, a column to a sample and a window.
    """
    channels, samples = x.shape[:2]
    padded, positions = windows.pad(x), windows.positions
    out = np.empty((channels, len(positions), samples, *windows.counts), x.dtype, like=x)
    for k, at in enumerate(positions):
        out[:, k] = padded[at]
    return out.reshape((groups, channels // groups * len(positions), samples * math.prod(windows.counts)))


def _products(x: Array, y: Array) -> Array:
    """The matrix product of each group."""
    if x.shape[2] == 1:
        with np.errstate(all="ignore"):
            return x * y
    return _joined([kernels.matmul(x[i], y[i])[np.newaxis] for i in range(len(x))], 0)


def _by_group(g: Array, windows: Windows, groups: int) -> Array:
    """A cotangent (samples, channels, ...) as a matrix for each group, with a column for each sample and window."""
    samples, channels = g.shape[:2]
    return _turned(g).reshape((groups, channels // groups, samples * math.prod(windows.counts)))


def _rows(w: Array, groups: int) -> Array:
    """A weight as a matrix for each group, with a row for each output."""
    return w.reshape((groups, w.shape[0] // groups, math.prod(w.shape[1:])))


def _examples(of: str) -> Any:
    """The arrays that `of` names (x, w or g) in cases that differ: axes, strides, paddings, dilations, groups."""

    def examples(rng: np.random.Generator) -> list[Any]:
        cases: list[tuple[tuple[int, ...], tuple[int, ...], int, dict[str, Any]]] = [
            ((2, 3, 6), (4, 3, 3), 1, {}),
            ((2, 4, 7), (2, 2, 2), 2, {"stride": 2, "padding": 1, "dilation": 2}),
            ((2, 2, 4, 5), (3, 2, 2, 3), 1, {"padding": (0, 1)}),
            ((1, 3, 5, 5), (3, 1, 3, 3), 3, {"stride": (2, 1), "padding": 1}),
            ((2, 1, 3, 4), (2, 1, 2, 2), 1, {"padding": "same"}),
            ((1, 2, 2, 3, 2), (2, 2, 1, 2, 2), 1, {}),
        ]
        found = []
        for x, w, groups, options in cases:
            windows = slide("conv", x[2:], w[2:], **{"stride": 1, "padding": 0, "dilation": 1, **options})
            shapes = {"x": x, "w": w, "g": (x[0], w[0], *windows.counts)}
            inputs = tuple(rng.normal(size=shapes[name]) for name in of)
            found.append((inputs, {"windows": windows, "groups": groups}))
        return found

    return examples


@operation(
    lambda g, w, windows, groups: _conv_transpose(g, w, windows, groups),
    lambda g, x, windows, groups: _conv_weight(x, g, windows, groups),
    formula="Σ x[n, c, p·stride + k·dilation - before]·w[o, c, k] over c and k",
    examples=_examples("xw"),
)
def _conv(x: Array, w: Array, /, windows: Windows, groups: int) -> Array:
    samples, channels = x.shape[:2]
    turned, rows = _turned(x), _rows(w, groups)
    parts = [
        _products(rows, _columns(turned[:, piece], windows, groups)) for piece in _pieces(samples, channels, windows)
    ]
    return _turned(_joined(parts, 2).reshape((w.shape[0], samples, *windows.counts)))


@operation(
    lambda g, w, windows, groups: _conv(g, w, windows, groups),
    lambda g, x, windows, groups: _conv_weight(g, x, windows, groups),
    formula="Σ x[n, o, p]·w[o, c, k] where p·stride + k·dilation - before = i, for each i: the adjoint of conv",
    examples=_examples("gw"),
)
def _conv_transpose(x: Array, w: Array, /, windows: Windows, groups: int) -> Array:
    samples, channels = x.shape[0], w.shape[1] * groups
    columns = _rows(w, groups).transpose((0, 2, 1))
    parts = []
    for piece in _pieces(samples, channels, windows):
        products = _products(columns, _by_group(x[piece], windows, groups))
        held = products.reshape((channels, math.prod(windows.size), len(x[piece]), *windows.counts))
        parts.append(windows.fold(held[:, k] for k in range(held.shape[1])))
    return _turned(_joined(parts, 1))


@operation(
    lambda g, y, windows, groups: _conv_transpose(y, g, windows, groups),
    lambda g, x, windows, groups: _conv(x, g, windows, groups),
    formula="Σ x[n, c, p·stride + k·dilation - before]·y[n, o, p] over n and p: the derivative of conv by its weight",
    examples=_examples("xg"),
)
def _conv_weight(x: Array, y: Array, /, windows: Windows, groups: int) -> Array:
    samples, channels = x.shape[:2]
    turned = _turned(x)
    parts = [
        _products(
            _by_group(y[piece], windows, groups),
            _columns(turned[:, piece], windows, groups).transpose((0, 2, 1)),
        )
        for piece in _pieces(samples, channels, windows)
    ]
    with np.errstate(all="ignore"):
        return reduce(np.add, parts).reshape((y.shape[1], channels // groups, *windows.size))


SPATIAL = ("length", "height, width", "depth, height, width")


def alone(x: Tensor) -> Tensor:
    """What was made of one sample, without the axis of samples."""
    return _reshape(x, x.shape[1:])


def _operands(name: str, axes: int, x: Any, weight: Any, groups: int, layout: str) -> tuple[Tensor, Tensor]:
    """Input and weight as tensors, if they have the right number of axes and the groups divide the weight's first."""
    x, weight = coerce(name, (x, weight))
    if x.ndim != axes + 2:
        raise ValueError(f"{name}: expected an input of shape (samples, channels, {SPATIAL[axes - 1]}), got {x.shape}")
    if weight.ndim != axes + 2:
        raise ValueError(f"{name}: expected a weight of shape ({layout}, {SPATIAL[axes - 1]}), got {weight.shape}")
    (groups,) = whole_numbers(name, "groups", groups, 1, 1)
    if weight.shape[0] % groups:
        raise ValueError(f"{name}: {groups} groups do not divide the {weight.shape[0]} channels of {weight.shape}")
    return x, weight


def _biased(name: str, out: Tensor, bias: Any) -> Tensor:
    """With a number added to each channel, if there is a bias."""
    if bias is None:
        return out
    out, bias = coerce(name, (out, bias))
    if bias.shape != out.shape[1:2]:
        raise ValueError(f"{name}: bias has shape {bias.shape}; expected {out.shape[1:2]}, a number for each channel")
    return out + bias.reshape((-1, *(1,) * (out.ndim - 2)))


def _convolution(
    name: str,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Option,
    padding: Option | str,
    dilation: Option,
    groups: int,
) -> Tensor:
    """What `conv1d` and `conv2d` do, along so many axes."""
    x, weight = coerce(name, (x, weight))
    if x.ndim == axes + 1:
        return alone(_convolution(name, axes, expand_dims(x, 0), weight, bias, stride, padding, dilation, groups))
    x, weight = _operands(name, axes, x, weight, groups, "out_channels, in_channels / groups")
    if weight.shape[1] * groups != x.shape[1]:
        raise ValueError(
            f"{name}: input has {x.shape[1]} channels, but a weight of shape {weight.shape} in {groups} groups takes "
            f"{weight.shape[1] * groups}"
        )
    windows = slide(name, x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return _biased(name, _conv(x, weight, windows, groups), bias)


def _transposed(
    name: str,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Option,
    padding: Option,
    output_padding: Option,
    groups: int,
    dilation: Option,
) -> Tensor:
    """What `conv_transpose1d` and `conv_transpose2d` do, along so many axes."""
    x, weight = coerce(name, (x, weight))
    if x.ndim == axes + 1:
        options = stride, padding, output_padding, groups, dilation
        return alone(_transposed(name, axes, expand_dims(x, 0), weight, bias, *options))
    x, weight = _operands(name, axes, x, weight, groups, "in_channels, out_channels / groups")
    if weight.shape[0] != x.shape[1]:
        raise ValueError(
            f"{name}: input has {x.shape[1]} channels, but a weight of shape {weight.shape} takes {weight.shape[0]}"
        )
    size, counts = weight.shape[2:], x.shape[2:]
    require_lengths(name, counts, size)
    steps = whole_numbers(name, "stride", stride, axes, 1)
    spread = whole_numbers(name, "dilation", dilation, axes, 1)
    before = whole_numbers(name, "padding", padding, axes, 0)
    more = whole_numbers(name, "output_padding", output_padding, axes, 0)
    if any(m >= max(step, d) for m, step, d in zip(more, steps, spread, strict=True)):
        raise ValueError(
            f"{name}: output_padding must be smaller than stride or dilation; got {more} with {steps} and {spread}"
        )
    lengths = tuple(
        (count - 1) * step - 2 * pad + (n - 1) * d + 1 + m
        for count, step, pad, n, d, m in zip(counts, steps, before, size, spread, more, strict=True)
    )
    if min(lengths) < 1:
        raise ValueError(f"{name}: an input of {counts} with padding {before} leaves nothing: lengths of {lengths}")
    windows = Windows(lengths, counts, size, steps, spread, before)
    return _biased(name, _conv_transpose(x, weight, windows, groups), bias)


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option | str = 0,
    dilation: Option = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution along one axis: as `conv2d`, with (samples, in_channels, length) and windows of one length."""
    return _convolution("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option | str = 0,
    dilation: Option = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution along three axes: as `conv2d`, with (samples, in_channels, depth, height, width)."""
    return _convolution("conv3d", 3, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option | str = 0,
    dilation: Option = 1,
    groups: int = 1,
) -> Tensor:
    """z[n, o, p] = b[o] + Σ x[n, c, p·stride + k·dilation - padding] w[o, c, k] over channels c and positions k.

    Parameters
    ----------
    x
        Of shape (samples, in_channels, height, width), or one sample of shape (in_channels, height, width).
    weight
        Of shape (out_channels, in_channels / groups, window height, window width).
    bias
        Of shape (out_channels,), or None.
    stride, dilation
        The step from window to window, and from position to position in a window; one number, or one for each axis.
    padding
        How many zeros lie before and behind each axis, or "valid" (none), or "same" (the result is as long as the
        input; needs a stride of 1).
    groups
        The channels fall into so many groups that know nothing of each other; in_channels of them: depthwise.

    Returns
    -------
    Tensor
        Of shape (samples, out_channels, ...), along each axis
        ⌊(length + 2 padding - dilation (window - 1) - 1) / stride⌋ + 1.

    Raises
    ------
    ValueError
        Shapes or options do not fit, or the window is larger than the padded input.
    """
    return _convolution("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option = 0,
    output_padding: Option = 0,
    groups: int = 1,
    dilation: Option = 1,
) -> Tensor:
    """Transposed convolution along one axis: as `conv_transpose2d`, with (samples, in_channels, length)."""
    return _transposed("conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option = 0,
    output_padding: Option = 0,
    groups: int = 1,
    dilation: Option = 1,
) -> Tensor:
    """Transposed convolution along three axes: as `conv_transpose2d`, with (samples, in_channels, ...)."""
    return _transposed("conv_transpose3d", 3, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Option = 1,
    padding: Option = 0,
    output_padding: Option = 0,
    groups: int = 1,
    dilation: Option = 1,
) -> Tensor:
    """The derivative of `conv2d` by its input, as a layer: every element of x lays down the window, scaled by it.

    Parameters
    ----------
    x
        Of shape (samples, in_channels, height, width), or one sample of shape (in_channels, height, width).
    weight
        Of shape (in_channels, out_channels / groups, window height, window width).
    bias
        Of shape (out_channels,), or None.
    stride, padding, dilation, groups
        Those of the convolution whose derivative it is: padding is cut off the result.
    output_padding
        How much longer the result is at its end: a stride above 1 takes several lengths to one, and this tells which.

    Returns
    -------
    Tensor
        Of shape (samples, out_channels, ...), along each axis
        (length - 1) stride - 2 padding + dilation (window - 1) + output_padding + 1.

    Raises
    ------
    ValueError
        Shapes or options do not fit, or the padding leaves nothing.
    """
    return _transposed("conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation)
