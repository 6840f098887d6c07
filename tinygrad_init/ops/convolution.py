"""Convolution over any number of axes (as everywhere in deep learning, cross-correlation), and its transposed.

Input x, weight w and a cotangent g of the result stand in one trilinear form,

    T(x, w, g) = Σ x[n, c, p·stride + k·dilation - before] · w[o, c, k] · g[n, o, p]

over samples n, channels c and o of a group, windows p and positions k in a window. The convolution is its derivative
by g; the derivatives by x (the transposed convolution) and by w are its two rules. The rules of each of the three are
the other two, so that derivatives of every order are made of them (Dumoulin and Visin 2016 draw the geometry).

Each of the three is a kernel, which reads its images where they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .registry import Array, operation
from .shape import _reshape, expand_dims
from .windows import Windows, require_lengths, slide, whole_numbers

Option = int | Sequence[int]
FORWARD, BY_INPUT, BY_WEIGHT = range(3)  # `tgi_convolution`


def _convolve(
    which: int, a: Array, b: Array, bias: Array | None, windows: Windows, groups: int, channels: Sequence[int]
) -> Array:
    """The kernel, for so many samples, and channels before and after."""
    samples, before, after = channels
    numbers = windows.numbers(samples, groups, before // groups, after // groups)
    if which == BY_WEIGHT:
        shape = (after, before // groups, *windows.size)
    else:
        shape = (samples, after, *windows.counts) if which == FORWARD else (samples, before, *windows.lengths)
    found: Array = kernels.convolve(which, a, b, bias, numbers, shape)
    return found


def _examples(of: str) -> Any:
    """The arrays that `of` names (x, w, b or g) in cases that differ: axes, strides, paddings, dilations, groups."""

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
            shapes = {"x": x, "w": w, "b": w[:1], "g": (x[0], w[0], *windows.counts)}
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
    return _convolve(FORWARD, x, w, None, windows, groups, (*x.shape[:2], len(w)))


@operation(
    lambda g, w, windows, groups: _conv_transpose(g, w, windows, groups),
    lambda g, x, windows, groups: _conv_weight(x, g, windows, groups),
    lambda g: g.sum((0, *range(2, g.ndim))),
    formula="conv(x, w) + b[o]",
    examples=_examples("xwb"),
)
def _biased_conv(x: Array, w: Array, b: Array, /, windows: Windows, groups: int) -> Array:
    return _convolve(FORWARD, x, w, b, windows, groups, (*x.shape[:2], len(w)))


@operation(
    lambda g, w, windows, groups: _conv(g, w, windows, groups),
    lambda g, x, windows, groups: _conv_weight(g, x, windows, groups),
    formula="Σ x[n, o, p]·w[o, c, k] where p·stride + k·dilation - before = i, for each i: the adjoint of conv",
    examples=_examples("gw"),
)
def _conv_transpose(x: Array, w: Array, /, windows: Windows, groups: int) -> Array:
    return _convolve(BY_INPUT, x, w, None, windows, groups, (len(x), w.shape[1] * groups, len(w)))


@operation(
    lambda g, y, windows, groups: _conv_transpose(y, g, windows, groups),
    lambda g, x, windows, groups: _conv(x, g, windows, groups),
    formula="Σ x[n, c, p·stride + k·dilation - before]·y[n, o, p] over n and p: the derivative of conv by its weight",
    examples=_examples("xg"),
)
def _conv_weight(x: Array, y: Array, /, windows: Windows, groups: int) -> Array:
    return _convolve(BY_WEIGHT, x, y, None, windows, groups, (*x.shape[:2], y.shape[1]))


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


def _bias(name: str, x: Tensor, bias: Any, channels: int) -> Tensor:
    """A bias as a tensor, if it has a number for each channel of the result."""
    _, bias = coerce(name, (x, bias))
    if bias.shape != (channels,):
        raise ValueError(f"{name}: bias has shape {bias.shape}; expected {(channels,)}, a number for each channel")
    found: Tensor = bias
    return found


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
    if bias is None:
        return _conv(x, weight, windows, groups)
    return _biased_conv(x, weight, _bias(name, x, bias, weight.shape[0]), windows, groups)


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
    out = _conv_transpose(x, weight, windows, groups)
    return out if bias is None else out + _bias(name, x, bias, out.shape[1]).reshape((-1, *(1,) * axes))


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
