"""Activations as layers besides the plain ones of `layers`: with limits, with thresholds, and along an axis.

`inplace`, which saves memory in PyTorch, is taken and changes nothing: results are new tensors here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.activation_variants import (
    celu,
    default_axis,
    gelu_tanh,
    glu,
    hard_limit,
    hardshrink,
    hardswish,
    log_sigmoid,
    relu6,
    scaled_softplus,
    softmin,
    softshrink,
    tanhshrink,
    threshold,
)
from .layers import Activation, HardSigmoid, named
from .module import Module
from .options import require_flag

ReLU6 = named("ReLU6", relu6, inplace=True, home=__name__)
CELU = named("CELU", celu, inplace=True, home=__name__)
Hardswish = named("Hardswish", hardswish, inplace=True, home=__name__)
Hardshrink = named("Hardshrink", hardshrink, home=__name__)
Softshrink = named("Softshrink", softshrink, home=__name__)
Tanhshrink = named("Tanhshrink", tanhshrink, home=__name__)
LogSigmoid = named("LogSigmoid", log_sigmoid, home=__name__)
Threshold = named("Threshold", threshold, inplace=True, home=__name__)


class Hardtanh(Activation):
    """x limited to [min_val, max_val]; at the limits the derivative is 0.

    Raises
    ------
    ValueError
        The limits are not in order.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        require_flag("Hardtanh", "inplace", inplace)
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: expected min_val < max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val
        if (min_val, max_val) == (-1.0, 1.0):
            super().__init__("hardtanh")
        else:
            self.take(hard_limit, low=float(min_val), high=float(max_val))


class Softplus(Activation):
    """ln(1 + e^(beta·x)) / beta, which is x itself where beta·x is above the threshold.

    With PyTorch's own numbers, 1 and 20, it is the formula everywhere: the threshold would change it by 2e-9.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if not beta > 0:
            raise ValueError(f"Softplus: expected beta above 0, got {beta}")
        self.beta, self.threshold = beta, threshold
        if (beta, threshold) == (1.0, 20.0):
            super().__init__("softplus")
        else:
            self.take(scaled_softplus, beta=float(beta), threshold=float(threshold))


class GELU(Activation):
    """x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016).

    Parameters
    ----------
    approximate
        "none", or "tanh" for the approximation that GPT-2 was trained with.
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: expected approximate 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate
        if approximate == "none":
            super().__init__("gelu")
        else:
            self.take(gelu_tanh)


# What these are called in other places of this package.
HardTanh = Hardtanh
Hardsigmoid = HardSigmoid


class GLU(Module):
    """The first half along an axis, times the sigmoid of the second half (Dauphin et al. 2017)."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        return glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class _Along(Module):
    """A function along an axis that has to be said: PyTorch guesses it from the input and warns."""

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def along(self, function: Callable[[Tensor, int], Tensor], input: Any) -> Tensor:
        """The function along the axis; one number is an axis of length 1."""
        (x,) = coerce(type(self).__name__, (input,))
        axis = default_axis(type(self).__name__, x.ndim) if self.dim is None else self.dim
        return function(x, axis) if x.ndim else function(x.reshape(1), axis).reshape(())

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_Along):
    """Positive numbers with sum 1 along an axis; see `tgi.softmax`."""

    def forward(self, input: Any) -> Tensor:
        return self.along(ops.softmax, input)


class LogSoftmax(_Along):
    """The logarithm of the softmax along an axis; see `tgi.log_softmax`."""

    def forward(self, input: Any) -> Tensor:
        return self.along(ops.log_softmax, input)


class Softmin(_Along):
    """The softmax of -x along an axis."""

    def forward(self, input: Any) -> Tensor:
        return self.along(softmin, input)


class Softmax2d(Module):
    """The softmax over the channels of (samples, channels, height, width), or without samples."""

    def forward(self, input: Any) -> Tensor:
        (x,) = coerce("Softmax2d", (input,))
        if x.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected (samples, channels, height, width), got shape {x.shape}")
        return ops.softmax(x, -3)
