"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from ..engine.tensor import Tensor
from ..ops.drawing import randn
from ..ops.elementwise import log
from ..ops.special import ndtr, ndtri
from .distribution import Distribution, Sizes, numbers, parameters, require


class Normal(Distribution):
    """Normal with mean `loc` and standard deviation `scale`.

    log p(x) = -(x - μ)²/(2σ²) - ln σ - ln √(2π); its entropy is ln σ + (1 + ln 2π)/2.

    Raises
    ------
    ValueError
        A scale is not positive.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = parameters("Normal", loc, scale)
        require("Normal", "scales above 0", self.scale, self.scale.detach().numpy() > 0)
        self.batch_shape = self.loc.shape

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale * self.scale

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.loc + self.scale * randn(self._shape(sample_shape), dtype=self.loc.dtype)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        z = (value - self.loc) / self.scale
        return -0.5 * (z * z) - log(self.scale) - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        return ndtr((value - self.loc) / self.scale)

    def icdf(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        return self.loc + self.scale * ndtri(value)

    def entropy(self) -> Tensor:
        return log(self.scale) + 0.5 * (1.0 + math.log(2 * math.pi))
