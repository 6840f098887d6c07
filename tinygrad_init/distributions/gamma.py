"""The gamma distribution and its relatives: χ², Student's, and Poisson's, whose counts wait for its events."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..ops.elementwise import log, log1p, where
from ..ops.rounding import floor, sign
from ..ops.special import betainc, betaln, digamma, gammainc, gammaincc, lgamma, xlogy
from .distribution import Distribution, Sizes, drawn, numbers, parameters, require


class Gamma(Distribution):
    """Gamma with shape `concentration` a and a rate: p(x) = λ^a x^(a - 1) e^(-λx) / Γ(a) for x > 0.

    Its entropy is a - ln λ + ln Γ(a) + (1 - a) ψ(a). `cdf` has no derivative by the concentration.

    Raises
    ------
    ValueError
        A parameter is not positive.
    """

    def __init__(self, concentration: Any, rate: Any) -> None:
        name = type(self).__name__
        self.concentration, self.rate = parameters(name, concentration, rate)
        for what, x in (("concentrations", self.concentration), ("rates", self.rate)):
            require(name, f"{what} above 0", x, x.detach().numpy() > 0)
        self.batch_shape = self.rate.shape

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        a, rate = (x.detach().numpy() for x in (self.concentration, self.rate))
        return drawn(self._shape(sample_shape), a.dtype, lambda rng, shape: rng.standard_gamma(a, shape) / rate)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.concentration)
        a, rate = self.concentration, self.rate
        return where(value < 0, -math.inf, xlogy(a, rate) + xlogy(a - 1.0, value) - rate * value - lgamma(a))

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.concentration)
        return gammainc(self.concentration, self.rate * where(value < 0, 0.0, value))

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - log(self.rate) + lgamma(a) + (1.0 - a) * digamma(a)


class Chi2(Gamma):
    """The sum of the squares of `df` standard normal numbers: Gamma(df/2, 1/2)."""

    def __init__(self, df: Any) -> None:
        (self.df,) = parameters("Chi2", df)
        super().__init__(0.5 * self.df, 0.0 * self.df.detach() + 0.5)


class StudentT(Distribution):
    """Student's t with `df` degrees of freedom ν, moved by `loc` and stretched by `scale`.

    p(x) = (1 + z²/ν)^(-(ν + 1)/2) / (σ √ν B(1/2, ν/2)), z = (x - μ)/σ. `cdf` has no derivative by ν.

    Raises
    ------
    ValueError
        `df` or a scale is not positive, or `df` not finite.
    """

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> None:
        self.df, self.loc, self.scale = parameters("StudentT", df, loc, scale)
        for what, x in (("degrees of freedom", self.df), ("scales", self.scale)):
            require("StudentT", f"{what} above 0", x, x.detach().numpy() > 0)
        finite = "finite degrees of freedom (with infinitely many it is Normal(loc, scale))"
        require("StudentT", finite, self.df, np.isfinite(self.df.detach().numpy()))
        self.batch_shape = self.df.shape

    @property
    def mean(self) -> Tensor:
        return where(self.df > 1, self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        more = where(self.df > 2, self.df, 3.0)
        finite = self.scale**2 * more / (more - 2.0)
        return where(self.df > 2, finite, where(self.df > 1, math.inf, 0.0 * self.df + math.nan))

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        df, loc, scale = (x.detach().numpy() for x in (self.df, self.loc, self.scale))
        shape = self._shape(sample_shape)
        return drawn(shape, df.dtype, lambda rng, shape: loc + scale * rng.standard_t(df, shape))

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.df)
        z = (value - self.loc) / self.scale
        constant = log(self.scale) + 0.5 * log(self.df) + betaln(0.5 * self.df, 0.5)
        return -0.5 * (self.df + 1.0) * log1p(z * z / self.df) - constant

    def cdf(self, value: Any) -> Tensor:
        """By the incomplete beta function of z²/(ν + z²) (dlmf.nist.gov, 8.17.2): 1/2 and half of it on each side."""
        value = numbers(value, self.df)
        z = (value - self.loc) / self.scale
        square = z * z
        return 0.5 + 0.5 * sign(z) * betainc(0.5, 0.5 * self.df, square / (self.df + square))

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1.0)
        spread = log(self.scale) + 0.5 * log(self.df) + betaln(0.5 * self.df, 0.5)
        return spread + half * (digamma(half) - digamma(0.5 * self.df))


class Poisson(Distribution):
    """Counts of events that come at a rate λ: p(k) = λ^k e^-λ / k!.

    Raises
    ------
    ValueError
        A rate is negative.
    """

    def __init__(self, rate: Any) -> None:
        (self.rate,) = parameters("Poisson", rate)
        require("Poisson", "rates of at least 0", self.rate, self.rate.detach().numpy() >= 0)
        self.batch_shape = self.rate.shape

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        rate = self.rate.detach().numpy()
        return drawn(self._shape(sample_shape), rate.dtype, lambda rng, shape: rng.poisson(rate, shape))

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.rate)
        return xlogy(value, self.rate) - self.rate - lgamma(value + 1.0)

    def cdf(self, value: Any) -> Tensor:
        """The probability that a number of at least k + 1 events takes longer (dlmf.nist.gov, 8.4.10)."""
        value = numbers(value, self.rate)
        if isinstance(value, int):
            value = float(value)
        below = np.asarray(value.detach().numpy() if isinstance(value, Tensor) else value) < 0
        found: Tensor = where(below, 0.0, gammaincc(floor(where(below, 0.0, value)) + 1.0, self.rate))
        return found
