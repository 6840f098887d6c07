"""Convolutions as layers, and their transposed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import uniform_
from ..init.drawing import generator_of
from ..ops.padding import pad_sides
from ..ops.shape import whole
from ..ops.windows import whole_numbers
from .module import Module
from .options import dtype_for
from .parameters import Parameter

Option = int | Sequence[int]
Rng = np.random.Generator | int | None
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """What convolutions and their transposed share: parameters, options, start values.

    Weights and biases start uniform on ±1/√fan_in as in PyTorch, with the fan_in that PyTorch reads off the weight's
    shape: all numbers of one entry of its first axis.
    """

    axes: int
    transposed = False
    function: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Option,
        stride: Option,
        padding: Option | str,
        output_padding: Option,
        dilation: Option,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
        rng: Rng,
    ) -> None:
        name = type(self).__name__
        dtype = dtype_for(name, device, dtype)
        if padding_mode not in (modes := ("zeros",) if self.transposed else PADDING_MODES):
            raise ValueError(f"{name}: expected padding_mode out of {', '.join(modes)}, got {padding_mode!r}")
        self.padding_mode = padding_mode
        sizes = (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups))
        in_channels, out_channels, groups = (whole(name, what, size) for what, size in sizes)
        if min(in_channels, out_channels, groups) < 1:
            raise ValueError(
                f"{name}: expected at least 1 channel and 1 group, got {in_channels} and {out_channels} in {groups}"
            )
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: {groups} groups do not divide {in_channels} channels of the input and {out_channels} of the "
                "output"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = whole_numbers(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = whole_numbers(name, "stride", stride, self.axes, 1)
        self.padding = padding if isinstance(padding, str) else whole_numbers(name, "padding", padding, self.axes, 0)
        self.output_padding = whole_numbers(name, "output_padding", output_padding, self.axes, 0)
        self.dilation = whole_numbers(name, "dilation", dilation, self.axes, 1)

        generator = generator_of(rng)
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        window = math.prod(self.kernel_size)
        # One unit sees its own group alone, which an ungrouped weight's shape says, (out, in, *window), and others not.
        told = not self.transposed and groups == 1
        fans = None if told else (in_channels // groups * window, out_channels // groups * window)
        self.weight = Parameter(np.zeros((first, second // groups, *self.kernel_size)), dtype, fans=fans)
        bound = (second // groups * window) ** -0.5
        uniform_(self.weight, generator, -bound, bound)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(np.zeros(out_channels), dtype)
            uniform_(self.bias, generator, -bound, bound)

    def by_unit(self, weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The weight, or what has its shape, as (channels of the output, inputs of one of them)."""
        if not self.transposed:
            return weights.reshape(self.out_channels, -1)
        # (in, out / groups, *window): the channels of a group share its inputs.
        split = weights.reshape(self.groups, self.in_channels // self.groups, self.out_channels // self.groups, -1)
        return split.transpose(0, 2, 1, 3).reshape(self.out_channels, -1)

    def from_units(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The weight's shape again, from what `by_unit` made of it."""
        if not self.transposed:
            return rows.reshape(self.weight.shape)
        shape = (self.groups, self.out_channels // self.groups, self.in_channels // self.groups, -1)
        return rows.reshape(shape).transpose(0, 2, 1, 3).reshape(self.weight.shape)

    def extra_repr(self) -> str:
        usual = {"padding": 0, "output_padding": 0, "dilation": 1}
        options = [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        options += [
            f"{name}={getattr(self, name)}" for name, n in usual.items() if getattr(self, name) != (n,) * self.axes
        ]
        options += [f"groups={self.groups}"] if self.groups > 1 else []
        options += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        options += [] if self.bias is not None else ["bias=False"]
        return ", ".join([str(self.in_channels), str(self.out_channels), *options])


class _Conv(_Convolution):
    """A convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Option,
        stride: Option = 1,
        padding: Option | str = 0,
        dilation: Option = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        options = stride, padding, 0, dilation, groups, bias, padding_mode, device, dtype, rng
        super().__init__(in_channels, out_channels, kernel_size, *options)

    def forward(self, input: Any) -> Tensor:
        padding: Option | str = self.padding
        if self.padding_mode != "zeros":
            input, padding = self.padded(input), 0
        options = self.stride, padding, self.dilation, self.groups
        return self.function(input, self.weight, self.bias, *options)

    def padded(self, x: Any) -> Tensor:
        """With elements around it, where they are not zeros."""
        name = type(self).__name__
        (x,) = coerce(name, (x,))
        if x.ndim not in (self.axes + 1, self.axes + 2):
            raise ValueError(
                f"{name}: expected (samples, channels, ...) with {self.axes + 2} axes, got shape {x.shape}"
            )
        reach = [(n - 1) * d for n, d in zip(self.kernel_size, self.dilation, strict=True)]
        if self.padding == "same":
            sides = [side for r in reversed(reach) for side in (r // 2, r - r // 2)]
        elif isinstance(self.padding, str):
            return x
        else:
            sides = [n for n in reversed(self.padding) for _ in range(2)]
        return pad_sides(name, x, sides, self.axes, self.padding_mode)


class Conv1d(_Conv):
    """A convolution along one axis, (samples, in_channels, length) to (samples, out_channels, ...); see `Conv2d`."""

    axes = 1
    function = staticmethod(ops.conv1d)


class Conv3d(_Conv):
    """A convolution along three axes, (samples, in_channels, depth, height, width); see `Conv2d`."""

    axes = 3
    function = staticmethod(ops.conv3d)


class Conv2d(_Conv):
    """A convolution, (samples, in_channels, height, width) to (samples, out_channels, ...); see `tgi.conv2d`.

    Parameters
    ----------
    in_channels, out_channels
        Of input and output.
    kernel_size, stride, padding, dilation
        One number, or one for each axis; padding also "same" or "valid".
    groups
        The channels fall into so many groups that know nothing of each other; in_channels of them: depthwise.
    bias
        Whether a number is added to each channel of the output.
    padding_mode
        "zeros", or what the padding is instead: "reflect", "replicate" or "circular".
    device, dtype, rng
        As in `Linear`.

    Notes
    -----
    The weight has shape (out_channels, in_channels / groups, *kernel_size). Weights and biases start uniform on
    ±1/√(in_channels / groups · window) as in PyTorch. One unit has fans (in_channels / groups · window,
    out_channels / groups · window), which the weight remembers where its shape does not tell it.
    """

    axes = 2
    function = staticmethod(ops.conv2d)


class _ConvTranspose(_Convolution):
    """A transposed convolution."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Option,
        stride: Option = 1,
        padding: Option = 0,
        output_padding: Option = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Option = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            whole_numbers(type(self).__name__, "padding", padding, self.axes, 0),
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
            rng,
        )

    def forward(self, input: Any, output_size: Sequence[int] | None = None) -> Tensor:
        more = self.output_padding if output_size is None else self.missing(input, output_size)
        options = self.stride, self.padding, more, self.groups, self.dilation
        return self.function(input, self.weight, self.bias, *options)

    def missing(self, x: Any, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding with which the result has the lengths of `output_size`.

        Raises
        ------
        ValueError
            There is none: with each stride, lengths from `least` on, fewer than the stride, can be had.
        """
        name = type(self).__name__
        wanted = tuple(output_size)[-self.axes :]
        padding = whole_numbers(name, "padding", self.padding, self.axes, 0)  # type: ignore[arg-type]
        options = x.shape[-self.axes :], self.stride, padding, self.kernel_size, self.dilation
        least = tuple((n - 1) * s - 2 * p + (k - 1) * d + 1 for n, s, p, k, d in zip(*options, strict=True))
        more = tuple(n - at for n, at in zip(wanted, least, strict=True))
        if any(not 0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            raise ValueError(f"{name}: expected output_size from {least} on and fewer than {self.stride} above, got "
                             f"{tuple(output_size)}")  # fmt: skip
        return more


class ConvTranspose1d(_ConvTranspose):
    """A transposed convolution along one axis; see `ConvTranspose2d`."""

    axes = 1
    function = staticmethod(ops.conv_transpose1d)


class ConvTranspose3d(_ConvTranspose):
    """A transposed convolution along three axes; see `ConvTranspose2d`."""

    axes = 3
    function = staticmethod(ops.conv_transpose3d)


class ConvTranspose2d(_ConvTranspose):
    """A transposed convolution, (samples, in_channels, height, width) to (samples, out_channels, ...).

    Parameters
    ----------
    in_channels, out_channels
        Of input and output.
    kernel_size, stride, padding, dilation, groups
        Those of the convolution whose derivative it is (see `tgi.conv_transpose2d`).
    output_padding
        How much longer the result is at its end.
    bias, padding_mode, device, dtype, rng
        As in `Conv2d`; only zeros are padded.

    Notes
    -----
    The weight has shape (in_channels, out_channels / groups, *kernel_size). Weights and biases start uniform on
    ±1/√(out_channels / groups · window) as in PyTorch, which takes the second axis for that of the inputs. What a unit
    sums up are in_channels / groups · window terms (fewer with a stride): the weight remembers its fans.
    """

    axes = 2
    function = staticmethod(ops.conv_transpose2d)
