"""Distributions made of exponentials: the exponential one, Laplace's, and the log-normal one."""

from __future__ import annotations

import math
from typing import Any

from ..engine.tensor import Tensor
from ..ops.drawing import rand
from ..ops.elementwise import abs, exp, expm1, log, log1p, where
from ..ops.rounding import sign
from .distribution import Distribution, Sizes, numbers, parameters, require
from .normal import Normal


class Exponential(Distribution):
    """Exponential with a rate: p(x) = λ e^(-λx) for x ≥ 0; its entropy is 1 - ln λ.

    Raises
    ------
    ValueError
        A rate is not positive.
    """

    def __init__(self, rate: Any) -> None:
        (self.rate,) = parameters("Exponential", rate)
        require("Exponential", "rates above 0", self.rate, self.rate.detach().numpy() > 0)
        self.batch_shape = self.rate.shape

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.rate

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.icdf(rand(self._shape(sample_shape), dtype=self.rate.dtype))

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.rate)
        return where(value >= 0, log(self.rate) - self.rate * value, -math.inf)

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.rate)
        return -expm1(-self.rate * where(value > 0, value, 0.0))

    def icdf(self, value: Any) -> Tensor:
        value = numbers(value, self.rate)
        return -log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        return 1.0 - log(self.rate)


class Laplace(Distribution):
    """Laplace's with mean `loc`: p(x) = e^(-|x - μ|/b)/(2b); its entropy is 1 + ln 2b.

    Raises
    ------
    ValueError
        A scale is not positive.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = parameters("Laplace", loc, scale)
        require("Laplace", "scales above 0", self.scale, self.scale.detach().numpy() > 0)
        self.batch_shape = self.loc.shape

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2.0 * self.scale**2

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        """The difference of two exponential numbers."""
        one, other = (log1p(-rand(self._shape(sample_shape), dtype=self.loc.dtype)) for _ in range(2))
        return self.loc + self.scale * (one - other)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        return -log(2.0 * self.scale) - abs(value - self.loc) / self.scale

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        z = (value - self.loc) / self.scale
        return 0.5 - 0.5 * sign(z) * expm1(-abs(z))

    def icdf(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        off = value - 0.5
        return self.loc - self.scale * sign(off) * log1p(-2.0 * abs(off))

    def entropy(self) -> Tensor:
        return 1.0 + log(2.0 * self.scale)


class LogNormal(Distribution):
    """Numbers whose logarithm is normal with mean `loc` and standard deviation `scale`.

    Raises
    ------
    ValueError
        A scale is not positive.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.base_dist = Normal(loc, scale)
        self.loc, self.scale = self.base_dist.loc, self.base_dist.scale
        self.batch_shape = self.base_dist.batch_shape

    @property
    def mean(self) -> Tensor:
        return exp(self.loc + 0.5 * self.scale**2)

    @property
    def variance(self) -> Tensor:
        return expm1(self.scale**2) * exp(2.0 * self.loc + self.scale**2)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return exp(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.base_dist.loc)
        logarithm = log(where(value <= 0, 1.0, value))
        return where(value <= 0, -math.inf, self.base_dist.log_prob(logarithm) - logarithm)

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.base_dist.loc)
        return self.base_dist.cdf(log(value))

    def icdf(self, value: Any) -> Tensor:
        value = numbers(value, self.base_dist.loc)
        return exp(self.base_dist.icdf(value))

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc
