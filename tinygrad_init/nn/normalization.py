"""Normalization channel by channel: mean 0 and variance 1 over the batch, or over each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.normalization import moments, normalized_channels, scaled
from ..ops.shape import whole
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Buffer, Parameter


def checked(name: str, channels: int, eps: float, momentum: float | None = None) -> int:
    """How many channels there are, if the options are what they may be."""
    found = whole(name, "num_features", channels)
    if found < 1:
        raise ValueError(f"{name}: expected at least 1 feature, got {found}")
    if not eps > 0 or (momentum is not None and not 0 <= momentum <= 1):
        raise ValueError(f"{name}: expected eps above 0 and momentum from 0 to 1, got {eps} and {momentum}")
    return found


class _Tracking(Module):
    """What normalizations with running statistics share: weight and bias, buffers, and how they follow a batch."""

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        name = type(self).__name__
        dtype = dtype_for(name, device, dtype)
        self.num_features = checked(name, num_features, eps, momentum)
        self.eps, self.momentum = eps, momentum
        affine, track = require_flag(name, "affine", affine), require_flag(name, "track_running_stats",
                                                                           track_running_stats)  # fmt: skip
        self.weight = Parameter(np.ones(num_features), dtype) if affine else None
        self.bias = Parameter(np.zeros(num_features), dtype) if affine and bias else None
        self.running_mean = Buffer(np.zeros(num_features), dtype) if track else None
        self.running_var = Buffer(np.ones(num_features), dtype) if track else None
        # In float64, which counts further than float32.
        self.num_batches_tracked = Buffer(0.0, np.float64) if track else None

    @property
    def affine(self) -> bool:
        """Whether there is a weight."""
        return self.weight is not None

    @property
    def track_running_stats(self) -> bool:
        """Whether there are running statistics."""
        return self.running_mean is not None

    def _follow(self, mean: Tensor, variance: Tensor, share: Any) -> None:
        """Let the running statistics follow those of a batch; in place, so that captured programs do it, too."""
        if self.running_mean is None or self.running_var is None:
            return
        with no_grad():
            for running, new in ((self.running_mean, mean), (self.running_var, variance)):
                running.copy_(running * (1.0 - share) + new * share)

    def extra_repr(self) -> str:
        usual = {"eps": 1e-5, "momentum": 0.1}
        changed = [f"{name}={getattr(self, name)}" for name, n in usual.items() if getattr(self, name) != n]
        changed += [] if self.weight is not None else ["affine=False"]
        changed += ["bias=False"] if self.weight is not None and self.bias is None else []
        changed += [] if self.running_mean is not None else ["track_running_stats=False"]
        return ", ".join([str(self.num_features), *changed])


class BatchNorm(_Tracking):
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance of each channel (Ioffe and Szegedy 2015, alg. 1, 2).

    In training they are those of the batch, over samples and positions; outside (`eval()`) those that were averaged in
    training.

    Parameters
    ----------
    num_features
        How many channels; the input has shape (samples, num_features, ...).
    eps
        ε.
    momentum
        The share of a new batch in the running statistics; None: all batches count the same.
    affine, bias
        Whether there is a weight, which starts at 1, and a bias beside it, which starts at 0.
    track_running_stats
        Whether there are running statistics; without them the batch's own count always.
    device, dtype
        As in `Linear`.

    Notes
    -----
    Parameters, buffers and their updates are PyTorch's: `running_mean` starts at 0, `running_var` at 1 and takes the
    unbiased variance; `num_batches_tracked` counts.

    Raises
    ------
    ValueError
        When called: the shape does not fit, or in training there is no more than one number a channel.
    """

    ndims: tuple[int, ...] = ()  # how many axes an input may have; any number from 2 on unless given

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Tensor:
        (x,) = coerce(type(self).__name__, (input,))
        allowed = self.ndims or range(2, x.ndim + 1)
        if x.ndim not in allowed or x.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: expected an input of shape (samples, {self.num_features}, ...)"
                f"{' with ' + ' or '.join(map(str, self.ndims)) + ' axes' if self.ndims else ''}, got {x.shape}"
            )
        if self.training or self.running_mean is None or self.running_var is None:
            n = x.size // self.num_features
            if n < 2:
                raise ValueError(f"{type(self).__name__}: expected more than one number a channel, got shape {x.shape}")
            if x.ndim > 2:
                out, mean, variance = normalized_channels(x, self.eps, self.weight, self.bias)
            else:
                mean, deviation, variance = moments(x, (0,))
                out = scaled(deviation, variance, self.eps, self.weight, self.bias)
            if self.training:
                self._track(mean.detach().reshape(-1), variance.detach().reshape(-1) * (n / (n - 1)))
            return out
        shape = (-1, *(1,) * (x.ndim - 2))
        deviation, variance = x - self.running_mean.reshape(shape), self.running_var.reshape(shape)
        return scaled(deviation, variance, self.eps, self.weight, self.bias)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Count a batch, and let the running statistics follow it."""
        if self.num_batches_tracked is None:
            return
        with no_grad():
            self.num_batches_tracked.copy_(self.num_batches_tracked + 1.0)
            share: Any = self.momentum
            if share is None:
                share = (1.0 / self.num_batches_tracked).astype(mean.dtype)
        self._follow(mean, variance, share)


class BatchNorm1d(BatchNorm):
    """`BatchNorm` of an input of shape (samples, features) or (samples, channels, length)."""

    ndims = (2, 3)


class BatchNorm2d(BatchNorm):
    """`BatchNorm` of an input of shape (samples, channels, height, width)."""

    ndims = (4,)


class BatchNorm3d(BatchNorm):
    """`BatchNorm` of an input of shape (samples, channels, depth, height, width)."""

    ndims = (5,)


class _InstanceNorm(_Tracking):
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance of each channel of each sample (Ulyanov et al. 2016).

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `BatchNorm`; there are neither weights nor running statistics unless asked for.

    Raises
    ------
    ValueError
        When called: the shape does not fit, or there is no more than one position.
    """

    ndims: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Tensor:
        name = type(self).__name__
        (x,) = coerce(name, (input,))
        channels = x.shape[x.ndim - self.ndims[0]] if x.ndim in self.ndims else 0
        if channels != self.num_features:
            raise ValueError(f"{name}: expected (samples, {self.num_features}, ...) with {self.ndims[-1]} axes, or "
                             f"one sample, got shape {x.shape}")  # fmt: skip
        if x.ndim == self.ndims[0]:
            return self(x.expand_dims(0)).squeeze(0)
        if self.training or self.running_mean is None or self.running_var is None:
            n = x.size // max(x.shape[0] * x.shape[1], 1)
            if n < 2:
                raise ValueError(f"{name}: expected more than one position a channel, got shape {x.shape}")
            mean, deviation, variance = moments(x, tuple(range(2, x.ndim)))
            if self.training:
                rows = x.shape[:2]
                unbiased = variance.detach().reshape(rows).mean(0) * (n / (n - 1))
                self._follow(mean.detach().reshape(rows).mean(0), unbiased, self.momentum)
        else:
            shape = (-1, *(1,) * (x.ndim - 2))
            deviation, variance = x - self.running_mean.reshape(shape), self.running_var.reshape(shape)
        return scaled(deviation, variance, self.eps, self.weight, self.bias)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample by itself, of an input of shape (samples, channels, length); see `BatchNorm`."""

    ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample by itself, of an input of shape (samples, channels, height, width)."""

    ndims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each sample by itself, of an input of shape (samples, channels, depth, height, width)."""

    ndims = (4, 5)
