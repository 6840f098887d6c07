"""The uniform distribution."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..ops.drawing import rand
from ..ops.elementwise import clip, log, where
from .distribution import Distribution, Sizes, numbers, parameters, require


class Uniform(Distribution):
    """Uniform on [low, high): p = 1/(high - low) there; its entropy is ln(high - low).

    Raises
    ------
    ValueError
        A lower bound is not below the upper one.
    """

    def __init__(self, low: Any, high: Any) -> None:
        self.low, self.high = parameters("Uniform", low, high)
        wide = self.high.detach().numpy() > self.low.detach().numpy()
        require("Uniform", "upper bounds above the lower ones", self.high, wide)
        self.batch_shape = self.low.shape

    @property
    def mean(self) -> Tensor:
        return 0.5 * (self.low + self.high)

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.low + (self.high - self.low) * rand(self._shape(sample_shape), dtype=self.low.dtype)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.low)
        inside = (self.low <= value) & (self.high > value)
        return where(inside, -log(self.high - self.low), -float("inf"))

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.low)
        return clip((value - self.low) / (self.high - self.low), 0.0, 1.0)

    def icdf(self, value: Any) -> Tensor:
        value = numbers(value, self.low)
        return self.low + (self.high - self.low) * value

    def entropy(self) -> Tensor:
        return log(self.high - self.low)
