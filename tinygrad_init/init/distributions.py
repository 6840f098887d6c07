"""Constants and random numbers of a given spread, whatever the shape means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from .drawing import Generator, drawn, generator_of, in_parts

# The standard deviation of a standard normal cut off at ±2: what is drawn must be divided by it.
TRUNCATED_STD = 0.8796256610342398
# What of the normal distribution must lie between the bounds for drawing from all of it to pay.
WIDE = 0.25


def fill(tensor: Tensor, values: Any) -> Tensor:
    """Overwrite a tensor with an array, in the tensor's dtype."""
    with no_grad():
        return tensor.copy_(np.asarray(values).astype(tensor.dtype))


def not_negative(name: str, what: str, value: float) -> float:
    """A number that an initializer may use as a spread.

    Raises
    ------
    ValueError
        It is negative or not finite.
    """
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


@drawn
def normal_(tensor: Tensor, rng: Generator | None = None, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with the given mean and standard deviation."""
    std, generator = not_negative("normal_", "std", std), generator_of(rng)
    return fill(tensor, in_parts(lambda count: generator.normal(mean, std, count), tensor.shape))


@drawn
def uniform_(tensor: Tensor, rng: Generator | None = None, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform on [low, high): variance (high - low)²/12."""
    if not low <= high:
        raise ValueError(f"uniform_: expected low <= high, got {low} and {high}")
    generator = generator_of(rng)
    return fill(tensor, in_parts(lambda count: generator.uniform(low, high, count), tensor.shape))


@drawn
def truncated_normal_(
    tensor: Tensor,
    rng: Generator | None = None,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    corrected: bool = True,
) -> Tensor:
    """Normal, cut off at `low` and `high` and then shifted and widened so that `mean` and `std` are the true ones.

    Parameters
    ----------
    tensor, rng
        What is filled, and from where.
    mean, std
        Of what is drawn.
    low, high
        Where the standard normal is cut off. Values lie within mean + std·(bound - m)/s, m and s from
        `truncated_moments`: ±2.274 std for the bounds ±2.
    corrected
        False: `mean` and `std` are those before the cut, as in PyTorch's trunc_normal_ and JAX's truncated_normal; the
        variance is then smaller, 0.7737 std² for the bounds ±2.

    Raises
    ------
    ValueError
        `std` is negative or not finite, or `low` not below `high`.
    """
    not_negative("truncated_normal_", "std", std)
    shift, spread = truncated_moments(low, high)
    values = _truncated(generator_of(rng), tensor.shape, low, high)
    if corrected:
        values = (values - shift) / spread
    return fill(tensor, mean + std * values)


def truncated_moments(low: float, high: float) -> tuple[float, float]:
    """Mean and standard deviation of a standard normal cut off at two bounds.

    m = (φ(a) - φ(b))/Z and s² = 1 + (a φ(a) - b φ(b))/Z - m², Z = Φ(b) - Φ(a) (Johnson, Kotz and Balakrishnan 1994,
    ch. 13).

    Raises
    ------
    ValueError
        The lower bound is not below the upper one, or hardly any of the distribution lies between them.
    """
    if not low < high:
        raise ValueError(f"truncated_normal_: expected low < high, got {low} and {high}")
    mass = _mass(low, high)
    if mass < 1e-12:
        raise ValueError(f"truncated_normal_: next to nothing of a normal distribution is between {low} and {high}")
    a, b = (
        0.0 if math.isinf(bound) else math.exp(-bound * bound / 2) / math.sqrt(2 * math.pi) for bound in (low, high)
    )
    mean = (a - b) / mass
    weighted = (low * a if a else 0.0) - (high * b if b else 0.0)
    return mean, math.sqrt(max(1.0 + weighted / mass - mean * mean, 0.0))


def _mass(low: float, high: float) -> float:
    """Φ(high) - Φ(low), from the nearer tail."""
    if low > 0:
        low, high = -high, -low
    return 0.5 * (math.erfc(-high / math.sqrt(2)) - math.erfc(-low / math.sqrt(2)))


def _truncated(generator: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Any:
    """Standard normal numbers between two bounds, by rejection."""
    if _mass(low, high) >= WIDE:
        values = in_parts(generator.standard_normal, shape)
        outside = (values < low) | (values > high)
        while np.any(outside):
            values = np.where(outside, in_parts(generator.standard_normal, shape), values)
            outside = (values < low) | (values > high)
        return values
    # Far out or close together: from a uniform distribution, in proportion to the density. Ten are as good as infinity.
    top = min(max(low, 0.0, -high), 40.0)
    low, high = max(low, -top - 10.0), min(high, top + 10.0)
    values, left = np.empty(shape), np.ones(shape, dtype=bool)
    while left.any():
        drawn = generator.uniform(low, high, shape)
        accepted = left & (np.log1p(-generator.random(shape)) < 0.5 * (top * top - drawn * drawn))
        values[accepted] = drawn[accepted]
        left &= ~accepted
    return values
