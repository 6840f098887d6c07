"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..ops.activations import sigmoid, softplus
from ..ops.drawing import rand
from ..ops.elementwise import clip, log
from ..ops.shape import broadcast_to
from .distribution import Distribution, Sizes, either, limits, numbers, require


class Bernoulli(Distribution):
    """1 with a probability, else 0.

    Parameters
    ----------
    probs, logits
        One of them: the probability p, or ln(p/(1 - p)).

    Raises
    ------
    ValueError
        Both are given or neither, or a probability is not between 0 and 1.
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given, are_logits = either("Bernoulli", probs, logits)
        if are_logits:
            self.logits, self.probs = given, sigmoid(given)
        else:
            numbers = given.detach().numpy()
            require("Bernoulli", "probabilities from 0 to 1", given, (numbers >= 0) & (numbers <= 1))
            inner = clip(given, *limits(given))
            self.probs, self.logits = given, log(inner / (1.0 - inner))
        self.batch_shape = given.shape

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1.0 - self.probs)

    def sample(self, sample_shape: Sizes = ()) -> Any:
        p = self.probs.detach()
        drawn = rand(self._shape(sample_shape), dtype=p.dtype)
        return (drawn < broadcast_to(p, drawn.shape)).to(p.dtype)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.logits)
        return value * self.logits - softplus(self.logits)

    def entropy(self) -> Tensor:
        return softplus(self.logits) - self.logits * self.probs
