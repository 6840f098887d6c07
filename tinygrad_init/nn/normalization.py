"""Normalization: activations with mean 0 and variance 1, over the batch or over the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.modes import get_default_dtype, no_grad
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.shape import whole
from .module import Buffer, Module, Parameter


class BatchNorm(Module):
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
    affine
        Whether there are a weight and a bias, which start at 1 and 0.
    track_running_stats
        Whether there are running statistics; without them the batch's own count always.
    dtype
        Of the parameters and buffers; the default dtype unless given.

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
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        num_features = whole(name, "num_features", num_features)
        if num_features < 1:
            raise ValueError(f"{name}: expected at least 1 feature, got {num_features}")
        if eps <= 0 or (momentum is not None and not 0 <= momentum <= 1):
            raise ValueError(f"{name}: expected eps above 0 and momentum from 0 to 1, got {eps} and {momentum}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        dtype = dtype or get_default_dtype()
        self.weight = Parameter(np.ones(num_features), dtype) if affine else None
        self.bias = Parameter(np.zeros(num_features), dtype) if affine else None
        self.running_mean = Buffer(np.zeros(num_features), dtype) if track_running_stats else None
        self.running_var = Buffer(np.ones(num_features), dtype) if track_running_stats else None
        # In float64, which counts further than float32.
        self.num_batches_tracked = Buffer(0.0, np.float64) if track_running_stats else None

    def forward(self, x: Any) -> Tensor:
        (x,) = coerce(type(self).__name__, (x,))
        allowed = self.ndims or range(2, x.ndim + 1)
        if x.ndim not in allowed or x.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: expected an input of shape (samples, {self.num_features}, ...)"
                f"{' with ' + ' or '.join(map(str, self.ndims)) + ' axes' if self.ndims else ''}, got {x.shape}"
            )
        shape = (-1, *(1,) * (x.ndim - 2))
        if self.training or self.running_mean is None or self.running_var is None:
            axes = (0, *range(2, x.ndim))
            n = x.size // self.num_features
            if n < 2:
                raise ValueError(f"{type(self).__name__}: expected more than one number a channel, got shape {x.shape}")
            mean = x.mean(axes, keepdims=True)
            deviation = x - mean
            variance = (deviation * deviation).mean(axes, keepdims=True)
            if self.training:
                self._track(mean.detach().reshape(-1), variance.detach().reshape(-1) * (n / (n - 1)))
        else:
            deviation, variance = x - self.running_mean.reshape(shape), self.running_var.reshape(shape)
        scale = (variance + self.eps) ** -0.5
        if self.weight is None or self.bias is None:
            return deviation * scale
        return deviation * (scale * self.weight.reshape(shape)) + self.bias.reshape(shape)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Let the running statistics follow those of a batch; in place, so that captured programs do it, too."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        with no_grad():
            self.num_batches_tracked.copy_(self.num_batches_tracked + 1.0)
            share: Any = self.momentum
            if share is None:
                share = (1.0 / self.num_batches_tracked).astype(mean.dtype)
            for running, new in ((self.running_mean, mean), (self.running_var, variance)):
                running.copy_(running * (1.0 - share) + new * share)

    def extra_repr(self) -> str:
        usual = {"eps": 1e-5, "momentum": 0.1}
        changed = [f"{name}={getattr(self, name)}" for name, n in usual.items() if getattr(self, name) != n]
        changed += [] if self.weight is not None else ["affine=False"]
        changed += [] if self.running_mean is not None else ["track_running_stats=False"]
        return ", ".join([str(self.num_features), *changed])


class BatchNorm1d(BatchNorm):
    """`BatchNorm` of an input of shape (samples, features) or (samples, channels, length)."""

    ndims = (2, 3)


class BatchNorm2d(BatchNorm):
    """`BatchNorm` of an input of shape (samples, channels, height, width)."""

    ndims = (4,)


class LayerNorm(Module):
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance over the last axes (Ba, Kiros and Hinton 2016).

    Parameters
    ----------
    normalized_shape
        The lengths of the last axes, over which mean and variance are taken.
    eps
        ε.
    elementwise_affine, bias
        Whether there is a weight, of the normalized shape, which starts at 1; and a bias beside it, which starts at 0.
    dtype
        Of the parameters; the default dtype unless given.

    Raises
    ------
    ValueError
        When called: the input does not end in the normalized shape.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        several = isinstance(normalized_shape, Sequence) and not isinstance(normalized_shape, str)
        lengths: Any = normalized_shape if several else (normalized_shape,)
        shape = tuple([whole("LayerNorm", "a length", n) for n in lengths])
        if not shape or min(shape) < 1:
            raise ValueError(f"LayerNorm: expected lengths of at least 1, got {normalized_shape}")
        if eps <= 0:
            raise ValueError(f"LayerNorm: expected eps above 0, got {eps}")
        self.normalized_shape, self.eps = shape, eps
        dtype = dtype or get_default_dtype()
        self.weight = Parameter(np.ones(shape), dtype) if elementwise_affine else None
        self.bias = Parameter(np.zeros(shape), dtype) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Tensor:
        (x,) = coerce("LayerNorm", (x,))
        if x.shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ValueError(f"LayerNorm: expected an input that ends in {self.normalized_shape}, got {x.shape}")
        axes = tuple(range(-len(self.normalized_shape), 0))
        deviation = x - x.mean(axes, keepdims=True)
        variance = (deviation * deviation).mean(axes, keepdims=True)
        out = deviation * (variance + self.eps) ** -0.5
        if self.weight is not None:
            out = out * self.weight
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        shape = self.normalized_shape
        changed = [f"eps={self.eps}"] if self.eps != 1e-5 else []
        changed += ["elementwise_affine=False"] if self.weight is None else ["bias=False"] if self.bias is None else []
        return ", ".join([str(shape[0] if len(shape) == 1 else shape), *changed])
