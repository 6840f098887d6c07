"""A start on the edge of chaos, where gradients neither vanish nor explode, for any activation."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from ..engine.tensor import Tensor
from .distributions import normal_
from .drawing import Generator
from .scaling import fan

if TYPE_CHECKING:
    from ..words import Phrase


def critical_(weight: Tensor, rng: Generator, activation: Any, sigma_b: float = 0.0) -> Tensor:
    """Normal, Var = σ_w²/fan_in with σ_w on the edge of chaos (Schoenholz et al. 2017): χ = σ_w² E φ'² = 1.

    For ReLU that is He's start, for tanh LeCun's.

    Parameters
    ----------
    weight, rng
        What is filled, and from where.
    activation
        What follows; see `theory.Phi`.
    sigma_b
        The standard deviation that the biases are given.

    Warns
    -----
    RuntimeWarning
        There is no critical point with these biases (softplus), or none that signals reach (gelu without biases): the
        gain √(1/E φ²) keeps E z² = 1 instead, and the message says how the gradient changes.
    """
    from .. import theory  # here, since importing the package should not wait for it

    point = theory.edge_of_chaos(activation, sigma_b)
    sigma_w = point.sigma_w if point is not None and point.reached else second_best(activation, sigma_b)
    return normal_(weight, std=sigma_w / math.sqrt(fan(weight, "fan_in")), rng=rng)


class SecondBest(RuntimeWarning):
    """There is no critical start; `said` is the sentence as data."""

    def __init__(self, said: Phrase) -> None:
        super().__init__(str(said))
        self.said = said


def second_best(activation: Any, sigma_b: float | None = None) -> float:
    """The gain that keeps E z² = 1, and a warning: there is no critical point (with these biases)."""
    from .. import theory
    from ..words import phrase

    found = theory.gains(activation)
    warning = phrase("criticality.warning", text=found.warning) if found.warning else None
    gain = phrase("criticality.gain", forward=found.forward, chi=found.chi, warning=warning)
    name, key = theory.phi_of(activation).name, "none" if sigma_b is None else "at"
    said = phrase(f"criticality.{key}", activation=name, sigma_b=sigma_b, gain=gain)
    warnings.warn(SecondBest(said), stacklevel=3)
    return found.forward
