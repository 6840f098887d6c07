"""Variances that follow from the shape: so that a sum over `fan_in` inputs, or `fan_out` gradients, keeps its size."""

from __future__ import annotations

import math

from ..engine.tensor import Tensor
from .distributions import normal_, not_negative, truncated_normal_, uniform_
from .drawing import Generator, drawn
from .fans import fans
from .gains import calculate_gain


@drawn
def variance_scaling_(
    tensor: Tensor, rng: Generator | None = None, scale: float = 1.0, mode: str = "fan_in", distribution: str = "normal"
) -> Tensor:
    """Mean 0 and Var = scale/fan: what LeCun's, Glorot's and He's starts are special cases of, as in Keras and JAX.

    Parameters
    ----------
    tensor, rng
        What is filled, and from where.
    scale
        The squared gain.
    mode
        The fan: "fan_in", "fan_out", "fan_avg" (their mean) or "fan_geo_avg" (their geometric mean).
    distribution
        "normal"; "truncated_normal", cut off at two standard deviations and widened so that the variance is the same;
        or "uniform", on ±√(3 scale/fan).

    Raises
    ------
    ValueError
        The scale is negative, the mode or the distribution unknown, or the weight has no inputs or outputs.
    """
    variance = not_negative("variance_scaling_", "scale", scale) / fan(tensor, mode)
    if distribution == "normal":
        return normal_(tensor, rng, std=math.sqrt(variance))
    if distribution == "truncated_normal":
        return truncated_normal_(tensor, rng, std=math.sqrt(variance))
    if distribution == "uniform":
        bound = math.sqrt(3.0 * variance)
        return uniform_(tensor, rng, -bound, bound)
    raise ValueError(f"distribution must be one of normal, truncated_normal, uniform, got {distribution!r}")


def fan(tensor: Tensor, mode: str) -> float:
    """The fan that a mode means.

    Raises
    ------
    ValueError
        The mode is unknown, or the fan is 0.
    """
    fan_in, fan_out = fans(tensor)
    choices = {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": math.sqrt(fan_in * fan_out),
    }
    if mode not in choices:
        raise ValueError(f"mode must be one of {', '.join(choices)}, got {mode!r}")
    if choices[mode] == 0:
        raise ValueError(f"a weight of shape {tensor.shape} has no inputs or no outputs to scale by")
    return choices[mode]


@drawn
def lecun_normal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Normal, Var = gain²/fan_in (LeCun et al. 1998, "Efficient BackProp", eq. 16)."""
    return variance_scaling_(tensor, rng, gain**2)


@drawn
def lecun_uniform_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Uniform, Var = gain²/fan_in (LeCun et al. 1998, "Efficient BackProp", eq. 16)."""
    return variance_scaling_(tensor, rng, gain**2, distribution="uniform")


@drawn
def lecun_truncated_normal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Truncated normal, Var = gain²/fan_in after truncation: Keras's and JAX's "lecun_normal"."""
    return variance_scaling_(tensor, rng, gain**2, distribution="truncated_normal")


@drawn
def xavier_normal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Normal, Var = 2 gain²/(fan_in + fan_out) (Glorot and Bengio 2010, eq. 12)."""
    return variance_scaling_(tensor, rng, gain**2, "fan_avg")


@drawn
def xavier_uniform_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Uniform, Var = 2 gain²/(fan_in + fan_out) (Glorot and Bengio 2010, eq. 16)."""
    return variance_scaling_(tensor, rng, gain**2, "fan_avg", "uniform")


@drawn
def xavier_truncated_normal_(tensor: Tensor, rng: Generator | None = None, gain: float = 1.0) -> Tensor:
    """Truncated normal, Var = 2 gain²/(fan_in + fan_out) after truncation: Keras's and JAX's "glorot_normal"."""
    return variance_scaling_(tensor, rng, gain**2, "fan_avg", "truncated_normal")


@drawn
def kaiming_normal_(
    tensor: Tensor,
    rng: Generator | None = None,
    activation: str = "relu",
    mode: str = "fan_in",
    negative_slope: float | None = None,
) -> Tensor:
    """Normal, Var = gain²/fan (He et al. 2015, eq. 10 and 14); `mode` as in `variance_scaling_`."""
    return variance_scaling_(tensor, rng, calculate_gain(activation, negative_slope) ** 2, mode)


@drawn
def kaiming_uniform_(
    tensor: Tensor,
    rng: Generator | None = None,
    activation: str = "relu",
    mode: str = "fan_in",
    negative_slope: float | None = None,
) -> Tensor:
    """Uniform, Var = gain²/fan (He et al. 2015, eq. 10 and 14); `mode` as in `variance_scaling_`."""
    return variance_scaling_(tensor, rng, calculate_gain(activation, negative_slope) ** 2, mode, "uniform")


@drawn
def kaiming_truncated_normal_(
    tensor: Tensor,
    rng: Generator | None = None,
    activation: str = "relu",
    mode: str = "fan_in",
    negative_slope: float | None = None,
) -> Tensor:
    """Truncated normal, Var = gain²/fan after truncation: Keras's and JAX's "he_normal"; `mode` as there."""
    return variance_scaling_(tensor, rng, calculate_gain(activation, negative_slope) ** 2, mode, "truncated_normal")


@drawn
def torch_default_(tensor: Tensor, rng: Generator | None = None) -> Tensor:
    """Uniform on ±1/√fan_in: what PyTorch's Linear starts with (kaiming_uniform with a = √5), Var = 1/(3 fan_in)."""
    return variance_scaling_(tensor, rng, 1.0 / 3.0, distribution="uniform")


# The same starts under their inventors' other names, as Keras and JAX have them.
glorot_normal_, glorot_uniform_ = xavier_normal_, xavier_uniform_
he_normal_, he_uniform_ = kaiming_normal_, kaiming_uniform_
