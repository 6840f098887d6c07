"""Activations that PyTorch has besides those of `activations`: limited, shrunk, smoothed in other ways.

They are made of NumPy's functions and have no kernel of their own; a captured program runs them as its own kernels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .activations import sigmoid, softmax, tanh
from .elementwise import exp, gated, where
from .registry import Array, operation
from .shape import _getitem, one_axis

GELU_FACTOR, GELU_CUBE = math.sqrt(2.0 / math.pi), 0.044715


def _examples(*params: dict[str, float]) -> Any:
    """Numbers that lie apart from the places where slopes jump."""

    def examples(rng: np.random.Generator) -> list[Any]:
        x = np.array([[-7.3, -3.6, -2.4, -1.3, -0.8], [-0.3, 0.3, 0.8, 1.3, 2.4], [3.6, 4.2, 5.1, 6.7, 25.3]])
        return [((x + 0.05 * rng.random(x.shape),), p) for p in params]

    return examples


@operation(
    lambda g, x: where((x > 0) & (x < 6), g, 0.0),
    formula="x limited to [0, 6] (Krizhevsky 2010)",
    examples=_examples({}),
    start="he",
)
def relu6(x: Array, /) -> Array:
    """x limited to [0, 6]; the derivative at the limits is 0."""
    return np.minimum(np.maximum(x, 0.0), 6.0)


@operation(
    lambda g, x, low, high: where((x > low) & (x < high), g, 0.0),
    formula="x limited to [low, high]; at the limits the derivative is 0",
    examples=_examples({}, {"low": -2.0, "high": 0.5}),
    gain=1.0,
    start="xavier",
)
def hard_limit(x: Array, /, low: float = -1.0, high: float = 1.0) -> Array:
    """x limited to [low, high]: `hardtanh` with other limits."""
    return np.minimum(np.maximum(x, low), high)


@operation(
    lambda g, x: where(x >= 3, g, where(x > -3, gated(g, x * (1.0 / 3.0) + 0.5), 0.0)),
    formula="x·hard_sigmoid(x) (Howard et al. 2019)",
    examples=_examples({}),
)
def hardswish(x: Array, /) -> Array:
    """x times (x + 3)/6 limited to [0, 1]."""
    with np.errstate(all="ignore"):
        return np.where(x >= 3, x, np.where(x > -3, x * (np.minimum(np.maximum(x, -3.0), 3.0) + 3.0) / 6.0, 0.0 * x))


def _celu_rule(g: Tensor, x: Tensor, alpha: float) -> Tensor:
    """The exponential is not asked for where it is not used and could overflow."""
    return where(x > 0, g, gated(g, exp(where(x < 0, x, 0.0) * (1.0 / alpha))))


@operation(
    _celu_rule,
    formula="x if x > 0 else α(e^(x/α) - 1) (Barron 2017)",
    examples=_examples({}, {"alpha": 2.0}),
    start="xavier",
)
def celu(x: Array, /, alpha: float = 1.0) -> Array:
    """ELU whose slope is 1 on both sides of 0 for any α."""
    with np.errstate(all="ignore"):
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0) * (1.0 / alpha)))


@operation(
    lambda g, x: gated(g, sigmoid(-x)),
    formula="ln sigmoid(x), without overflow",
    examples=_examples({}),
)
def log_sigmoid(x: Array, /) -> Array:
    """The logarithm of the sigmoid, exact also where that underflows."""
    with np.errstate(all="ignore"):
        return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


@operation(
    lambda g, x, threshold: where(x > threshold, g, 0.0),
    formula="x if x > threshold else value",
    examples=_examples({"threshold": 0.5, "value": 2.0}),
)
def threshold(x: Array, /, threshold: float, value: float) -> Array:
    """x above a threshold, and one number elsewhere."""
    return np.where(x > threshold, x, value + 0.0 * x)


@operation(
    lambda g, x, lambd: where((x > lambd) | (x < -lambd), g, 0.0),
    formula="x if |x| > λ else 0",
    examples=_examples({}, {"lambd": 1.0}),
)
def hardshrink(x: Array, /, lambd: float = 0.5) -> Array:
    """x where it is far enough from 0."""
    return np.where((x > lambd) | (x < -lambd), x, 0.0)


@operation(
    lambda g, x, lambd: where((x > lambd) | (x < -lambd), g, 0.0),
    formula="x brought nearer to 0 by λ, 0 where that is less away",
    examples=_examples({}, {"lambd": 1.0}),
)
def softshrink(x: Array, /, lambd: float = 0.5) -> Array:
    """x brought nearer to 0 by λ: the proximal map of λ|x|."""
    with np.errstate(all="ignore"):
        return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0.0))


@operation(
    lambda g, x: gated(g, tanh(x) * tanh(x)),
    formula="x - tanh x",
    examples=_examples({}),
)
def tanhshrink(x: Array, /) -> Array:
    """What tanh leaves of x."""
    with np.errstate(all="ignore"):
        return x - np.tanh(x)


@operation(
    lambda g, x, beta, threshold: where(x * beta > threshold, g, gated(g, sigmoid(x * beta))),
    formula="ln(1 + e^(βx)) / β; x where βx > threshold",
    examples=_examples({"beta": 2.0}, {"beta": 0.5, "threshold": 1.5}),
)
def scaled_softplus(x: Array, /, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """`softplus` with a steepness, which is x itself from a threshold on."""
    with np.errstate(all="ignore"):
        z = x * beta
        return np.where(z > threshold, x, (np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))) * (1.0 / beta))


def _gelu_tanh_rule(g: Tensor, x: Tensor) -> Tensor:
    t = tanh(GELU_FACTOR * (x + GELU_CUBE * x * x * x))
    inner = GELU_FACTOR * (1.0 + 3.0 * GELU_CUBE * x * x)
    return gated(g, 0.5 * (1.0 + t) + 0.5 * x * ((1.0 - t) * (1.0 + t)) * inner)


@operation(
    _gelu_tanh_rule,
    formula="x/2·(1 + tanh(√(2/π)(x + 0.044715 x³))): GELU, approximated (Hendrycks and Gimpel 2016)",
    examples=_examples({}),
)
def gelu_tanh(x: Array, /) -> Array:
    """The approximation of GELU that GPT-2 was trained with."""
    with np.errstate(all="ignore"):
        return 0.5 * x * (1.0 + np.tanh(GELU_FACTOR * (x + GELU_CUBE * x * x * x)))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along an axis, times the sigmoid of the second half (Dauphin et al. 2017).

    Raises
    ------
    ValueError
        The length of the axis is odd.
    """
    (x,) = coerce("glu", (x,))
    at = one_axis(axis, x.ndim, "glu")
    if x.shape[at] % 2:
        raise ValueError(f"glu: expected an axis of even length, got {x.shape[at]} along {axis} of {x.shape}")
    half, before = x.shape[at] // 2, (slice(None),) * at
    return _getitem(x, (*before, slice(half))) * sigmoid(_getitem(x, (*before, slice(half, None))))


def softmin(x: Any, axis: int = -1) -> Tensor:
    """The softmax of -x."""
    (x,) = coerce("softmin", (x,))
    return softmax(-x, axis)


def default_axis(name: str, ndim: int) -> int:
    """The axis that PyTorch takes for a softmax whose `dim` is left out: refused, as it depends on the input.

    Raises
    ------
    TypeError
        Always.
    """
    raise TypeError(f"{name}: dim is missing; PyTorch would guess {0 if ndim in (0, 1, 3) else 1} for {ndim} axes")
