"""PyTorch's functions of `torch.nn.init`, under its names and with its arguments in its order.

They fill a tensor and hand it back; `tgi.init` has the same starts, and more, with the generator second. Random numbers
come from `generator`, or from what `manual_seed` begins anew.
"""

from __future__ import annotations

import math
from typing import Any

from .. import init
from ..engine.tensor import Tensor
from ..init import calculate_gain as calculate_gain
from .pytorch_order import like

constant_ = like(init.constant_, "tensor", "val:value")
ones_ = like(init.ones_, "tensor")
zeros_ = like(init.zeros_, "tensor")
eye_ = like(init.eye_, "tensor")
dirac_ = like(init.dirac_, "tensor", "groups")
normal_ = like(init.normal_, "tensor", "mean", "std", "generator:rng")
uniform_ = like(init.uniform_, "tensor", "a:low", "b:high", "generator:rng")
xavier_normal_ = like(init.xavier_normal_, "tensor", "gain", "generator:rng")
xavier_uniform_ = like(init.xavier_uniform_, "tensor", "gain", "generator:rng")
orthogonal_ = like(init.orthogonal_, "tensor", "gain", "generator:rng")
sparse_ = like(init.sparse_, "tensor", "sparsity", "std", "generator:rng", std=0.01)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal, cut off at the numbers a and b; mean and standard deviation are those before the cut.

    Raises
    ------
    ValueError
        `std` is not positive, or hardly anything lies between a and b.
    """
    if not (std > 0 and math.isfinite(std)):
        raise ValueError(f"trunc_normal_: expected std above 0, got {std}")
    low, high = (a - mean) / std, (b - mean) / std
    return init.truncated_normal_(tensor, rng=generator, mean=mean, std=std, low=low, high=high, corrected=False)


def _kaiming(name: str, start: Any) -> Any:
    def filled(
        tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
    ) -> Tensor:
        slope = a if nonlinearity in ("leaky_relu", "prelu") else None
        return start(tensor, rng=generator, activation=nonlinearity, mode=mode, negative_slope=slope)

    filled.__name__ = filled.__qualname__ = name
    filled.__doc__ = f"`tgi.init.{name}` with PyTorch's arguments: `a` is the slope of a leaky ReLU, the default."
    return filled


kaiming_normal_ = _kaiming("kaiming_normal_", init.kaiming_normal_)
kaiming_uniform_ = _kaiming("kaiming_uniform_", init.kaiming_uniform_)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs and outputs a weight connects, as PyTorch counts: by the first two axes and the window."""
    if tensor.ndim < 2:
        raise ValueError(f"fans: expected a weight with at least 2 axes, got shape {tensor.shape}")
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window
