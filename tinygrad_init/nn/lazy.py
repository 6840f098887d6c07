"""Layers that find out at their first call how many inputs they have, and are usual layers from then on."""

from __future__ import annotations

from typing import Any

from ..engine.modes import mode
from .construction import remembered
from .convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Option,
    Rng,
)
from .layers import Linear
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .options import dtype_for


class _Lazy(Module):
    """What lazy layers share.

    Until the first call there are no parameters; asking for them is an error, so that no optimizer goes without.
    """

    waits = True
    becomes: type[Module]
    axis: int = -1  # of the input, that has what is to be known

    def _wait(self, *values: Any, device: Any, dtype: Any, **options: Any) -> None:
        """Keep what the layer will be made with, besides the number of its inputs."""
        self.values = values
        self.options = {**options, "dtype": dtype_for(type(self).__name__, device, dtype)}

    def forward(self, input: Any, *more: Any) -> Any:
        name = type(self).__name__
        if mode.trace is not None:
            mode.trace.refuse(f"{name} is called for the first time; call the model once before it is captured")
        if len(input.shape) < max(-self.axis, self.axis + 1):
            raise ValueError(f"{name}: expected an input with an axis {self.axis}, got shape {tuple(input.shape)}")
        values, options = (int(input.shape[self.axis]), *self.values), self.options
        known = self.becomes(*values, **options)  # first, as it may refuse
        del self.values, self.options
        self.__class__ = self.becomes  # type: ignore[assignment]
        for key, value in vars(known).items():
            setattr(self, key, value)
        self.made_with = remembered(values), remembered(options)
        return self.forward(input, *more)

    def extra_repr(self) -> str:
        return ", ".join([*map(str, self.values), *(f"{k}={v}" for k, v in self.options.items() if v is not None)])


class LazyLinear(_Lazy):
    """`Linear`, whose in_features are the length of the first input's last axis.

    Parameters
    ----------
    out_features, bias, device, dtype, rng
        As in `Linear`.

    Raises
    ------
    RuntimeError
        Parameters are asked for before the first call.
    """

    becomes = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None, *, rng: Rng = None
    ) -> None:
        self._wait(out_features, bias=bias, device=device, dtype=dtype, rng=rng)


class _LazyConv(_Lazy):
    """A convolution whose in_channels are those of the first input; see `Conv2d`, `LazyLinear`."""

    def __init__(
        self,
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
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": bias}
        self._wait(out_channels, kernel_size, **options, padding_mode=padding_mode, device=device, dtype=dtype, rng=rng)


class LazyConv1d(_LazyConv):
    """`Conv1d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = Conv1d, -2


class LazyConv2d(_LazyConv):
    """`Conv2d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = Conv2d, -3


class LazyConv3d(_LazyConv):
    """`Conv3d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = Conv3d, -4


class _LazyConvTranspose(_Lazy):
    """A transposed convolution whose in_channels are those of the first input."""

    def __init__(
        self,
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
        options = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
        options |= {"bias": bias, "dilation": dilation}
        self._wait(out_channels, kernel_size, **options, padding_mode=padding_mode, device=device, dtype=dtype, rng=rng)


class LazyConvTranspose1d(_LazyConvTranspose):
    """`ConvTranspose1d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = ConvTranspose1d, -2


class LazyConvTranspose2d(_LazyConvTranspose):
    """`ConvTranspose2d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = ConvTranspose2d, -3


class LazyConvTranspose3d(_LazyConvTranspose):
    """`ConvTranspose3d`, whose in_channels are those of the first input; see `LazyLinear`."""

    becomes, axis = ConvTranspose3d, -4


class _LazyBatchNorm(_Lazy):
    """A batch normalization whose num_features are the channels of the first input; see `BatchNorm`, `LazyLinear`."""

    axis = 1

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        self._wait(eps, momentum, affine, track_running_stats, device=device, dtype=dtype, bias=bias)


class LazyBatchNorm1d(_LazyBatchNorm):
    """`BatchNorm1d`, whose num_features are the channels of the first input; see `LazyLinear`."""

    becomes = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm):
    """`BatchNorm2d`, whose num_features are the channels of the first input; see `LazyLinear`."""

    becomes = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm):
    """`BatchNorm3d`, whose num_features are the channels of the first input; see `LazyLinear`."""

    becomes = BatchNorm3d
