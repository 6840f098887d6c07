"""Dropout: noise that every call draws anew."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..engine.graph import Operation
from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.reference import SELU_ALPHA, SELU_SCALE
from .drawing import generator_of
from .registry import Array, operation
from .shape import _getitem

Rng: TypeAlias = "np.random.Generator | int | None"


@operation(
    None,
    formula="1 / (1 - p) with probability 1 - p, else 0, for each element of x",
    exempt="random, and constant in x: its mean, variance and repetition are tested by themselves",
)
def _dropout_mask(x: Array, /, p: float, rng: Rng) -> Array:
    x = np.asarray(x)  # a stand-in of a captured program does not become an array: the program then calls this
    # Here, so that a program does with a seed what calls do: each begins with it anew.
    kept = np.random.default_rng(rng).random(x.shape, np.float32) >= p
    return kept * x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0)


def dropout(x: Any, p: float, rng: Rng = None) -> Tensor:
    """Elements are 0 with probability p, and 1 / (1 - p) times as large otherwise (Srivastava et al. 2014, inverted).

    Parameters
    ----------
    x
        Of any shape; the result's mean is the same.
    p
        From 0 to 1.
    rng
        What the choice is drawn from: a generator, a seed (the same choice at each call), or None for the
        default generator, which `manual_seed` begins anew. A captured program draws at each run.

    Raises
    ------
    ValueError
        `p` does not lie between 0 and 1.
    """
    _require_share("dropout", p)
    (x,) = coerce("dropout", (x,))
    return x * _mask(x, p, rng)


def _require_share(name: str, p: float) -> None:
    """Raise unless p lies between 0 and 1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: expected p from 0 to 1, got {p}")


@operation(
    None,
    formula="a slope from low to high for each element of x that is not positive, else 1",
    exempt="random, and constant in x: its bounds, mean and repetition are tested by themselves",
)
def _random_slopes(x: Array, /, low: float, high: float, rng: Rng) -> Array:
    x = np.asarray(x)
    drawn = np.random.default_rng(rng).uniform(low, high, x.shape)
    return np.where(x > 0, 1.0, drawn).astype(x.dtype)


def rrelu(x: Any, low: float, high: float, rng: Rng = None) -> Tensor:
    """x where it is positive, else x times a slope drawn from low to high (Xu et al. 2015); `rng` as in `dropout`."""
    (x,) = coerce("rrelu", (x,))
    return x * _drawn(_random_slopes, x, low, high, rng)


def _mask(x: Tensor, p: float, rng: Rng) -> Tensor:
    """0 with probability p for each element of x, else 1 / (1 - p)."""
    return _drawn(_dropout_mask, x, p, rng)


def _drawn(draw: Operation, x: Tensor, *options: Any) -> Tensor:
    """What an operation draws for the elements of x; the last option is where from."""
    rng = generator_of(None) if options[-1] is None else options[-1]
    options = (*options[:-1], rng)
    if mode.trace is None or not isinstance(rng, np.random.Generator):
        return draw(x.detach(), *options)
    # While a function is captured, operations without kernels are tried out: what that draws is put back, so that the
    # first run draws what a call of the function would.
    before = rng.bit_generator.state
    mask = draw(x.detach(), *options)
    rng.bit_generator.state = before
    return mask


def _first_of_channels(x: Tensor, lead: int) -> Tensor:
    """One element of each channel, with as many axes as before."""
    return _getitem(x, (slice(None),) * lead + (slice(0, 1),) * (x.ndim - lead))


def channel_dropout(name: str, x: Any, p: float, axes: int, rng: Rng = None) -> Tensor:
    """Whole channels of (samples, channels, ...), or without samples, are 0 with probability p (Tompson et al. 2015).

    Parameters
    ----------
    axes
        How many axes there are behind the channels.

    Raises
    ------
    ValueError
        The input has other axes, or p does not lie between 0 and 1.
    """
    _require_share(name, p)
    (x,) = coerce(name, (x,))
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(f"{name}: expected (samples, channels, ...) with {axes + 2} axes, got shape {x.shape}")
    return x * _mask(_first_of_channels(x, x.ndim - axes), p, rng)


def alpha_dropout(x: Any, p: float, rng: Rng = None, channels: bool = False) -> Tensor:
    """Elements become -λα with probability p, and all are scaled so that mean 0 and variance 1 stay.

    Klambauer et al. 2017, §3; with `channels`, whole channels of (samples, channels, ...) do so.
    """
    _require_share("alpha_dropout", p)
    (x,) = coerce("alpha_dropout", (x,))
    if channels and x.ndim < 2:
        raise ValueError(f"alpha_dropout: expected (samples, channels, ...), got shape {x.shape}")
    if p == 1.0:
        return 0.0 * x
    low, kept = -SELU_SCALE * SELU_ALPHA, 1.0 - p
    scale = (kept + low * low * kept * p) ** -0.5
    stays = _mask(_first_of_channels(x, 2) if channels else x, p, rng) * kept
    return scale * (x * stays + low * (1.0 - stays)) - scale * low * p
