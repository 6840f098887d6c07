"""Weight initialization: where training starts.

Every initializer fills a tensor in place from a `numpy.random.Generator` (or a seed) and returns it. `INITIALIZERS`
lists them by name. The formulas assume a linear map z = W x + b of `fan_in` inputs: with independent weights of mean 0
and variance σ², the variance of z is fan_in·σ²·E[x²], and that of the gradient going back fan_out·σ² times what came.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._engine.modes import no_grad
from ._engine.tensor import Tensor

# Where randomness comes from: a generator, or a seed for a new one.
Generator = np.random.Generator | int

# The standard deviation of a standard normal cut off at ±2: what is drawn must be divided by it.
TRUNCATED_STD = 0.8796256610342398


def fans(shape: tuple[int, ...] | Tensor) -> tuple[int, int]:
    """How many inputs a unit sums up (`fan_in`) and how many units an input feeds (`fan_out`).

    Parameters
    ----------
    shape
        Of a weight (out_features, in_features) or a kernel (out_channels, in_channels, *window), or the weight itself.

    Raises
    ------
    ValueError
        The shape has fewer than two axes.
    """
    shape = shape.shape if isinstance(shape, Tensor) else tuple(shape)
    if len(shape) < 2:
        raise ValueError(f"fans: expected a weight with at least 2 axes (out, in, *window), got shape {shape}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


GAINS: dict[str, float] = {
    "identity": 1.0,
    "linear": 1.0,
    "sigmoid": 1.0,
    "hard_sigmoid": 1.0,
    "softsign": 1.0,
    "hardtanh": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


def calculate_gain(activation: str, negative_slope: float | None = None) -> float:
    """The factor on the standard deviation that an activation asks for: PyTorch's conventional values.

    For relu √2 and leaky relu √(2/(1 + slope²)) it is what keeps E[z²] constant (He et al. 2015, eq. 10 and 15); tanh's
    5/3 and selu's 3/4 are conventions; the others count as linear.

    Parameters
    ----------
    activation
        The name of an activation.
    negative_slope
        Of leaky relu; 0.01 unless given.

    Raises
    ------
    ValueError
        There is no conventional gain for it.
    """
    if activation in ("leaky_relu", "prelu"):
        slope = {"leaky_relu": 0.01, "prelu": 0.25}[activation] if negative_slope is None else negative_slope
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if activation not in GAINS:
        raise ValueError(
            f"calculate_gain: no conventional gain for {activation!r}; "
            f"there is one for {', '.join(GAINS)}, leaky_relu, prelu"
        )
    return GAINS[activation]


def _fill(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        return tensor.copy_(np.asarray(values).astype(tensor.dtype))


def _not_negative(name: str, what: str, value: float) -> float:
    if not (value >= 0 and math.isfinite(value)):
        raise ValueError(f"{name}: {what} must be finite and not negative, got {value}")
    return value


def zeros_(tensor: Tensor, rng: Generator | None = None) -> Tensor:
    """All zeros. For weights: no gradient reaches the layer below, and none this layer if its input is zero."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor, rng: Generator | None = None) -> Tensor:
    """All ones."""
    return constant_(tensor, 1.0)


def constant_(tensor: Tensor, value: float, rng: Generator | None = None) -> Tensor:
    """All the same number. For weights: every unit of a layer gets the same updates for ever."""
    with no_grad():
        return tensor.fill_(value)


def normal_(tensor: Tensor, rng: Generator, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return _fill(tensor, np.random.default_rng(rng).normal(mean, _not_negative("normal_", "std", std), tensor.shape))


def uniform_(tensor: Tensor, rng: Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform on [low, high): variance (high - low)²/12."""
    if not low <= high:
        raise ValueError(f"uniform_: expected low <= high, got {low} and {high}")
    return _fill(tensor, np.random.default_rng(rng).uniform(low, high, tensor.shape))


def truncated_normal_(tensor: Tensor, rng: Generator, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal, cut off at two standard deviations and widened so that `std` is the true one."""
    _not_negative("truncated_normal_", "std", std)
    generator = np.random.default_rng(rng)
    values = generator.normal(size=tensor.shape)
    outside = np.abs(values) > 2
    while np.any(outside):
        values = np.where(outside, generator.normal(size=tensor.shape), values)
        outside = np.abs(values) > 2
    return _fill(tensor, mean + std / TRUNCATED_STD * values)


def _scaled_normal(tensor: Tensor, rng: Generator, variance: float) -> Tensor:
    return normal_(tensor, rng, std=math.sqrt(variance))


def _scaled_uniform(tensor: Tensor, rng: Generator, variance: float) -> Tensor:
    bound = math.sqrt(3.0 * variance)
    return uniform_(tensor, rng, -bound, bound)


def _fan(tensor: Tensor, mode: str) -> float:
    fan_in, fan_out = fans(tensor)
    choices = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in choices:
        raise ValueError(f"mode must be one of {', '.join(choices)}, got {mode!r}")
    if choices[mode] == 0:
        raise ValueError(f"a weight of shape {tensor.shape} has no inputs or no outputs to scale by")
    return choices[mode]


def lecun_normal_(tensor: Tensor, rng: Generator, gain: float = 1.0) -> Tensor:
    """Normal, Var = gain²/fan_in (LeCun et al. 1998, "Efficient BackProp", eq. 16)."""
    return _scaled_normal(tensor, rng, gain**2 / _fan(tensor, "fan_in"))


def lecun_uniform_(tensor: Tensor, rng: Generator, gain: float = 1.0) -> Tensor:
    """Uniform, Var = gain²/fan_in (LeCun et al. 1998, "Efficient BackProp", eq. 16)."""
    return _scaled_uniform(tensor, rng, gain**2 / _fan(tensor, "fan_in"))


def xavier_normal_(tensor: Tensor, rng: Generator, gain: float = 1.0) -> Tensor:
    """Normal, Var = 2 gain²/(fan_in + fan_out) (Glorot and Bengio 2010, eq. 12)."""
    return _scaled_normal(tensor, rng, gain**2 / _fan(tensor, "fan_avg"))


def xavier_uniform_(tensor: Tensor, rng: Generator, gain: float = 1.0) -> Tensor:
    """Uniform, Var = 2 gain²/(fan_in + fan_out) (Glorot and Bengio 2010, eq. 16)."""
    return _scaled_uniform(tensor, rng, gain**2 / _fan(tensor, "fan_avg"))


def kaiming_normal_(
    tensor: Tensor, rng: Generator, activation: str = "relu", mode: str = "fan_in", negative_slope: float | None = None
) -> Tensor:
    """Normal, Var = gain²/fan (He et al. 2015, eq. 10 and 14); `mode` is "fan_in", "fan_out" or "fan_avg"."""
    return _scaled_normal(tensor, rng, calculate_gain(activation, negative_slope) ** 2 / _fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor, rng: Generator, activation: str = "relu", mode: str = "fan_in", negative_slope: float | None = None
) -> Tensor:
    """Uniform, Var = gain²/fan (He et al. 2015, eq. 10 and 14); `mode` is "fan_in", "fan_out" or "fan_avg"."""
    return _scaled_uniform(tensor, rng, calculate_gain(activation, negative_slope) ** 2 / _fan(tensor, mode))


def orthogonal_(tensor: Tensor, rng: Generator, gain: float = 1.0) -> Tensor:
    """Orthonormal rows or columns, whichever are fewer, times gain (Saxe et al. 2014).

    The Q of a Gaussian matrix's QR decomposition, with the signs of R's diagonal taken out, is uniformly distributed
    (Mezzadri 2007). Axes after the first are joined into one.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected a weight with at least 2 axes, got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    normal = np.random.default_rng(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def torch_default_(tensor: Tensor, rng: Generator) -> Tensor:
    """Uniform on ±1/√fan_in: what PyTorch's Linear starts with (kaiming_uniform with a = √5), Var = 1/(3 fan_in)."""
    return _scaled_uniform(tensor, rng, 1.0 / (3.0 * _fan(tensor, "fan_in")))


def _gain_or_one(activation: str) -> float:
    """The conventional gain, or 1 where there is none."""
    return calculate_gain(activation) if activation in (*GAINS, "leaky_relu", "prelu") else 1.0


# A start by its name, as command lines and reports call it: from a weight, a generator and the activation after it.
# Only "orthogonal" scales with the activation; "he" is for ReLU and "xavier" for linear units, whatever follows.
Initializer = Callable[[Tensor, Generator, str], Tensor]
INITIALIZERS: dict[str, Initializer] = {
    "zeros": lambda w, rng, activation: zeros_(w),
    "constant": lambda w, rng, activation: constant_(w, 0.1),
    "small": lambda w, rng, activation: _scaled_normal(w, rng, 0.01 / fans(w)[0]),
    "large": lambda w, rng, activation: _scaled_normal(w, rng, 100.0 / fans(w)[0]),
    "lecun": lambda w, rng, activation: lecun_normal_(w, rng),
    "lecun_uniform": lambda w, rng, activation: lecun_uniform_(w, rng),
    "xavier": lambda w, rng, activation: xavier_normal_(w, rng),
    "xavier_uniform": lambda w, rng, activation: xavier_uniform_(w, rng),
    "he": lambda w, rng, activation: kaiming_normal_(w, rng),
    "he_uniform": lambda w, rng, activation: kaiming_uniform_(w, rng),
    "orthogonal": lambda w, rng, activation: orthogonal_(w, rng, _gain_or_one(activation)),
    "torch": lambda w, rng, activation: torch_default_(w, rng),
}
