"""Pooling as layers, and what brings channels to the input of a linear map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from ..engine.tensor import Tensor
from .module import Module

Option = int | Sequence[int]


class _Pool(Module):
    """Pooling with windows of one size.

    Parameters
    ----------
    kernel_size
        Of a window; one number, or one for each axis.
    stride
        From window to window; as `kernel_size` unless given.
    padding
        How far windows may hang over the edges, at most half of their size.
    """

    function: Callable[..., Tensor]

    def __init__(self, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Any) -> Tensor:
        return self.function(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        padding = f", padding={self.padding}" if self.padding else ""
        return f"kernel_size={self.kernel_size}, stride={self.stride}{padding}"


class MaxPool1d(_Pool):
    """The largest element under each window along one axis; see `tgi.max_pool1d`."""

    function = staticmethod(ops.max_pool1d)


class MaxPool2d(_Pool):
    """The largest element under each window; see `tgi.max_pool2d`."""

    function = staticmethod(ops.max_pool2d)


class AvgPool1d(_Pool):
    """The mean under each window along one axis; padding counts as zeros."""

    function = staticmethod(ops.avg_pool1d)


class AvgPool2d(_Pool):
    """The mean under each window; padding counts as zeros."""

    function = staticmethod(ops.avg_pool2d)


class GlobalAvgPool(Module):
    """The mean of each channel: (samples, channels, ...) becomes (samples, channels).

    Parameters
    ----------
    keepdims
        Whether the axes that are averaged over stay, with length 1.
    """

    def __init__(self, keepdims: bool = False) -> None:
        self.keepdims = keepdims

    def forward(self, x: Any) -> Tensor:
        means = ops.global_avg_pool(x)
        return means.reshape(*means.shape, *(1,) * (x.ndim - 2)) if self.keepdims else means

    def extra_repr(self) -> str:
        return "keepdims=True" if self.keepdims else ""


class Flatten(Module):
    """All axes from `start_axis` on joined into one: (samples, channels, ...) becomes (samples, features)."""

    def __init__(self, start_axis: int = 1) -> None:
        self.start_axis = start_axis

    def forward(self, x: Any) -> Tensor:
        return ops.flatten(x, self.start_axis)

    def extra_repr(self) -> str:
        return "" if self.start_axis == 1 else str(self.start_axis)
