"""Shapes as layers: axes joined and parted, channels as pixels, images made larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.folding import fold, unfold
from ..ops.images import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from ..ops.pooling import Option
from ..ops.shape import one_axis, whole
from .module import Module


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` joined into one: (samples, channels, ...) becomes (samples, features)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        return ops.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        end = "" if self.end_dim == -1 else f", {self.end_dim}"
        return f"{self.start_dim}{end}" if end or self.start_dim != 1 else ""


class Unflatten(Module):
    """One axis parted into several: the opposite of `Flatten`.

    Parameters
    ----------
    dim
        The axis.
    unflattened_size
        The lengths that it is parted into; -1 stands for what is left.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim = whole("Unflatten", "dim", dim)
        self.unflattened_size = tuple([whole("Unflatten", "a length", n) for n in unflattened_size])

    def forward(self, input: Any) -> Tensor:
        (x,) = coerce("Unflatten", (input,))
        at = one_axis(self.dim, x.ndim, "Unflatten")
        return x.reshape(*x.shape[:at], *self.unflattened_size, *x.shape[at + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class PixelShuffle(Module):
    """(..., c·r², h, w) becomes (..., c, h·r, w·r): channels become pixels (Shi et al. 2016)."""

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = whole("PixelShuffle", "upscale_factor", upscale_factor)

    def forward(self, input: Any) -> Tensor:
        return pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(..., c, h·r, w·r) becomes (..., c·r², h, w): the opposite of `PixelShuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = whole("PixelUnshuffle", "downscale_factor", downscale_factor)

    def forward(self, input: Any) -> Tensor:
        return pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels dealt out anew, one of each group in turn (Zhang et al. 2018)."""

    def __init__(self, groups: int) -> None:
        self.groups = whole("ChannelShuffle", "groups", groups)

    def forward(self, input: Any) -> Tensor:
        return channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Upsample(Module):
    """(samples, channels, ...) with other lengths along the last axes; see `tgi.nn.functional.interpolate`."""

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Tensor:
        options = self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        return interpolate(input, *options)

    def extra_repr(self) -> str:
        told = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{told}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` by the nearest element, along two axes."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` by straight lines between elements, the corners of both on each other."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class _Windows(Module):
    """Options of windows over height and width."""

    kernel_size: Option
    dilation: Option
    padding: Option
    stride: Option

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items() if name in WINDOW)


WINDOW = ("output_size", "kernel_size", "dilation", "padding", "stride")


class Unfold(_Windows):
    """What lies under each window as columns; see `tgi.nn.functional.unfold`."""

    def __init__(self, kernel_size: Option, dilation: Option = 1, padding: Option = 0, stride: Option = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Tensor:
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Windows):
    """Columns added up where their windows lie; see `tgi.nn.functional.fold`."""

    def __init__(
        self, output_size: Option, kernel_size: Option, dilation: Option = 1, padding: Option = 0, stride: Option = 1
    ) -> None:
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Tensor:
        return fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
