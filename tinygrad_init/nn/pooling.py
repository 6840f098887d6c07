"""Pooling as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from .. import ops
from ..engine.tensor import Tensor
from ..ops.adaptive_pooling import Lengths, adaptive_avg_pool, adaptive_max_pool, lp_pool
from ..ops.folding import max_unpool
from .module import Module
from .options import require_flag

Option = int | Sequence[int]


class _Pool(Module):
    """Pooling with windows of one size."""

    function: Callable[..., Any]
    padding: Any = 0

    def extra_repr(self) -> str:
        padding = f", padding={self.padding}" if self.padding else ""
        usual = {"dilation": 1, "ceil_mode": False, "count_include_pad": True, "divisor_override": None}
        usual["return_indices"] = False
        changed = [f", {key}={value}" for key, value in vars(self).items() if key in usual and value != usual[key]]
        return f"kernel_size={self.kernel_size}, stride={self.stride}{padding}{''.join(changed)}"

    kernel_size: Option
    stride: Option


class _MaxPool(_Pool):
    """The largest element under each window.

    Parameters
    ----------
    kernel_size
        Of a window; one number, or one for each axis.
    stride
        From window to window; as `kernel_size` unless given.
    padding
        How far windows may hang over the edges, at most half of their size.
    dilation
        The step from position to position in a window.
    return_indices
        Whether the places of the largest come along.
    ceil_mode
        Whether a last window counts that hangs over the end.
    """

    def __init__(
        self,
        kernel_size: Option,
        stride: Option | None = None,
        padding: Option = 0,
        dilation: Option = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        name = type(self).__name__
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices = require_flag(name, "return_indices", return_indices)
        self.ceil_mode = require_flag(name, "ceil_mode", ceil_mode)

    def forward(self, input: Any) -> Any:
        options = self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        return self.function(input, self.kernel_size, *options)


class MaxPool1d(_MaxPool):
    """The largest element under each window along one axis; see `tgi.max_pool1d`."""

    function = staticmethod(ops.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element under each window; see `tgi.max_pool2d`."""

    function = staticmethod(ops.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest element under each window along three axes; see `tgi.max_pool3d`."""

    function = staticmethod(ops.max_pool3d)


class _AvgPool(_Pool):
    """The mean under each window.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        As in `MaxPool2d`.
    count_include_pad
        Whether padding counts as zeros.
    divisor_override
        What sums are divided by instead of the number of elements.
    """

    def __init__(
        self,
        kernel_size: Option,
        stride: Option | None = None,
        padding: Option = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        name = type(self).__name__
        self.kernel_size, self.padding, self.divisor_override = kernel_size, padding, divisor_override
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode = require_flag(name, "ceil_mode", ceil_mode)
        self.count_include_pad = require_flag(name, "count_include_pad", count_include_pad)

    def forward(self, input: Any) -> Tensor:
        options = self.stride, self.padding, self.ceil_mode, self.count_include_pad
        more = () if self.divisor_override is None else (self.divisor_override,)
        out: Tensor = self.function(input, self.kernel_size, *options, *more)
        return out


class AvgPool1d(_AvgPool):
    """The mean under each window along one axis; see `tgi.avg_pool1d`."""

    function = staticmethod(ops.avg_pool1d)

    def __init__(
        self,
        kernel_size: Option,
        stride: Option | None = None,
        padding: Option = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean under each window; see `tgi.avg_pool2d`."""

    function = staticmethod(ops.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean under each window along three axes; see `tgi.avg_pool3d`."""

    function = staticmethod(ops.avg_pool3d)


class _LPPool(_Pool):
    """(Σ x^p)^(1/p) under each window.

    Parameters
    ----------
    norm_type
        p, above 0.
    kernel_size, stride, ceil_mode
        As in `MaxPool2d`.
    """

    axes: ClassVar[int]

    def __init__(
        self, norm_type: float, kernel_size: Option, stride: Option | None = None, ceil_mode: bool = False
    ) -> None:
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode = require_flag(type(self).__name__, "ceil_mode", ceil_mode)

    def forward(self, input: Any) -> Tensor:
        options = self.kernel_size, self.stride, self.ceil_mode
        return lp_pool(type(self).__name__, self.axes, input, self.norm_type, *options)


class LPPool1d(_LPPool):
    """(Σ x^p)^(1/p) under each window along one axis."""

    axes = 1


class LPPool2d(_LPPool):
    """(Σ x^p)^(1/p) under each window along two axes."""

    axes = 2


class LPPool3d(_LPPool):
    """(Σ x^p)^(1/p) under each window along three axes."""

    axes = 3


class _AdaptivePool(Module):
    """As many windows as the result is to be long.

    Parameters
    ----------
    output_size
        The lengths of the result; one number, or one for each axis; None is as long as the input.
    """

    axes: ClassVar[int]

    def __init__(self, output_size: Lengths) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(_AdaptivePool):
    """The means of so many parts along each axis."""

    def forward(self, input: Any) -> Tensor:
        return adaptive_avg_pool(type(self).__name__, self.axes, input, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of so many parts along one axis."""

    axes = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of so many parts along each of two axes."""

    axes = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of so many parts along each of three axes."""

    axes = 3


class _AdaptiveMaxPool(_AdaptivePool):
    """The largest elements of so many parts along each axis, and with `return_indices` where they were."""

    def __init__(self, output_size: Lengths, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = require_flag(type(self).__name__, "return_indices", return_indices)

    def forward(self, input: Any) -> Any:
        return adaptive_max_pool(type(self).__name__, self.axes, input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of so many parts along one axis."""

    axes = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of so many parts along each of two axes."""

    axes = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of so many parts along each of three axes."""

    axes = 3


class _MaxUnpool(_Pool):
    """The opposite of max pooling: numbers laid where the largest were, zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding
        Those of the pooling whose `return_indices` are given when it is called.
    """

    axes: ClassVar[int]

    def __init__(self, kernel_size: Option, stride: Option | None = None, padding: Option = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, input: Any, indices: Any, output_size: Sequence[int] | None = None) -> Tensor:
        options = self.kernel_size, self.stride, self.padding, output_size
        return max_unpool(type(self).__name__, self.axes, input, indices, *options)


class MaxUnpool1d(_MaxUnpool):
    """The opposite of `MaxPool1d`."""

    axes = 1


class MaxUnpool2d(_MaxUnpool):
    """The opposite of `MaxPool2d`."""

    axes = 2


class MaxUnpool3d(_MaxUnpool):
    """The opposite of `MaxPool3d`."""

    axes = 3


class GlobalAvgPool(Module):
    """The mean of each channel: (samples, channels, ...) becomes (samples, channels).

    Parameters
    ----------
    keepdims
        Whether the axes that are averaged over stay, with length 1.
    """

    def __init__(self, keepdims: bool = False) -> None:
        self.keepdims = keepdims

    def forward(self, input: Any) -> Tensor:
        means = ops.global_avg_pool(input)
        return means.reshape(*means.shape, *(1,) * (input.ndim - 2)) if self.keepdims else means

    def extra_repr(self) -> str:
        return "keepdims=True" if self.keepdims else ""
