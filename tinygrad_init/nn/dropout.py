"""Dropout as layers."""

from __future__ import annotations

import math
from typing import Any

from ..engine.tensor import Tensor
from ..ops.activations import leaky_relu
from ..ops.drawing import own_generator
from ..ops.random_masks import Rng, alpha_dropout, channel_dropout, dropout, rrelu
from .module import Module
from .options import require_flag


class _Dropout(Module):
    """What layers that draw a mask share.

    Parameters
    ----------
    p
        From 0 to 1.
    inplace
        Taken, and without effect: results are new tensors here.
    rng
        Where the choice comes from; a seed or a generator. Without it the choice is random. Each call draws anew, and
        so does each run of a captured program: the same numbers, in the same order.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:
        name = type(self).__name__
        require_flag(name, "inplace", inplace)
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"{name}: expected p from 0 to 1, got {p}")
        self.p, self.rng = p, own_generator(rng)

    def forward(self, input: Any) -> Tensor | Any:
        return self.drawn(input) if self.training and self.p > 0.0 else input

    def drawn(self, x: Any) -> Tensor:
        """What training makes of an input."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return str(self.p)


class Dropout(_Dropout):
    """In training, elements are 0 with probability p and 1 / (1 - p) times as large otherwise; else nothing happens.

    Srivastava et al. 2014, in the inverted form: what is used later needs no other scale. Parameters: p, from 0 to 1;
    `inplace`, without effect; and `rng`, a seed or a generator that each call, and each run of a captured program,
    draws from.
    """

    def drawn(self, x: Any) -> Tensor:
        return dropout(x, self.p, self.rng)


class _ChannelDropout(_Dropout):
    """In training, whole channels are 0 with probability p (Tompson et al. 2015); see `Dropout`."""

    axes = 0

    def drawn(self, x: Any) -> Tensor:
        return channel_dropout(type(self).__name__, x, self.p, self.axes, self.rng)


class Dropout1d(_ChannelDropout):
    """In training, whole channels of (samples, channels, length), or of (channels, length), are 0; see `Dropout`."""

    axes = 1


class Dropout2d(_ChannelDropout):
    """In training, whole channels of (samples, channels, height, width) are 0 with probability p; see `Dropout`."""

    axes = 2


class Dropout3d(_ChannelDropout):
    """In training, whole channels of (samples, channels, depth, height, width), or without samples, are 0."""

    axes = 3


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1 of what SELU makes (Klambauer et al. 2017); see `Dropout`."""

    def drawn(self, x: Any) -> Tensor:
        return alpha_dropout(x, self.p, self.rng)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels, axis 1 of (samples, channels, ...)."""

    def drawn(self, x: Any) -> Tensor:
        return alpha_dropout(x, self.p, self.rng, channels=True)


def require_slopes(name: str, lower: float, upper: float) -> None:
    """Raise unless two bounds are finite and in order."""
    if not -math.inf < lower <= upper < math.inf:
        raise ValueError(f"{name}: expected finite slopes lower <= upper, got {lower} and {upper}")


class RReLU(Module):
    """x where it is positive, else x times a slope: drawn in training, in the middle in use (Xu et al. 2015).

    Parameters
    ----------
    lower, upper
        Between which slopes are drawn, each element its own.
    inplace, rng
        As in `Dropout`.
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False, *, rng: Rng = None
    ) -> None:
        require_flag("RReLU", "inplace", inplace)
        require_slopes("RReLU", lower, upper)
        self.lower, self.upper, self.rng = lower, upper, own_generator(rng)

    def forward(self, input: Any) -> Tensor:
        if self.training:
            return rrelu(input, self.lower, self.upper, self.rng)
        return leaky_relu(input, (self.lower + self.upper) / 2)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"
