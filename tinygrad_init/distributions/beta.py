"""Distributions of probabilities: the beta one of a single one, and Dirichlet's of several that add up to 1."""

from __future__ import annotations

import math
from typing import Any

from ..engine.tensor import Tensor
from ..ops.elementwise import clip, where
from ..ops.reductions import sum as total
from ..ops.shape import expand_dims
from ..ops.special import betainc, betaln, digamma, lgamma, xlog1py, xlogy
from .distribution import Distribution, Sizes, drawn, numbers, parameters, require


class Beta(Distribution):
    """Beta: p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b) between 0 and 1, a being `concentration1`, b `concentration0`.

    `cdf` has no derivative by a and b.

    Raises
    ------
    ValueError
        A concentration is not positive.
    """

    def __init__(self, concentration1: Any, concentration0: Any) -> None:
        self.concentration1, self.concentration0 = parameters("Beta", concentration1, concentration0)
        for x in (self.concentration1, self.concentration0):
            require("Beta", "concentrations above 0", x, x.detach().numpy() > 0)
        self.batch_shape = self.concentration1.shape

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b) ** 2 * (a + b + 1.0))

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        a, b = (x.detach().numpy() for x in (self.concentration1, self.concentration0))
        return drawn(self._shape(sample_shape), a.dtype, lambda rng, shape: rng.beta(a, b, shape))

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.concentration1)
        a, b = self.concentration1, self.concentration0
        found = xlogy(a - 1.0, value) + xlog1py(b - 1.0, -value) - betaln(a, b)
        return where((value < 0) | (value > 1), -math.inf, found)

    def cdf(self, value: Any) -> Tensor:
        value = numbers(value, self.concentration1)
        return betainc(self.concentration1, self.concentration0, clip(value, 0.0, 1.0))

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        parts = (a - 1.0) * digamma(a) + (b - 1.0) * digamma(b) - (a + b - 2.0) * digamma(a + b)
        return betaln(a, b) - parts


class Dirichlet(Distribution):
    """Dirichlet's: p(x) = Γ(Σ α) Π x^(α - 1)/Γ(α), the x along the last axis adding up to 1, which is not checked.

    Raises
    ------
    ValueError
        A concentration is not positive, or there is no axis.
    """

    def __init__(self, concentration: Any) -> None:
        (self.concentration,) = parameters("Dirichlet", concentration)
        require("Dirichlet", "concentrations above 0", self.concentration, self.concentration.detach().numpy() > 0)
        if self.concentration.ndim == 0:
            raise ValueError("Dirichlet: expected the concentrations along an axis, got one number")
        self.batch_shape, self.event_shape = self.concentration.shape[:-1], self.concentration.shape[-1:]

    @property
    def mean(self) -> Tensor:
        return self.concentration / self._sum()

    @property
    def variance(self) -> Tensor:
        mean = self.mean
        return mean * (1.0 - mean) / (self._sum() + 1.0)

    def sample(self, sample_shape: Sizes = ()) -> Tensor:
        a = self.concentration.detach().numpy()

        def draw(rng: Any, shape: Any) -> Any:
            parts = rng.standard_gamma(a, shape)
            return parts / parts.sum(-1, keepdims=True)

        return drawn(self._shape(sample_shape), a.dtype, draw)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.concentration)
        found = total(where(value < 0, -math.inf, xlogy(self.concentration - 1.0, value)), -1)
        return found - self._log_beta()

    def entropy(self) -> Tensor:
        a, whole = self.concentration, total(self.concentration, -1)
        parts = total((a - 1.0) * digamma(a), -1)
        return self._log_beta() + (whole - float(a.shape[-1])) * digamma(whole) - parts

    def _sum(self) -> Tensor:
        return expand_dims(total(self.concentration, -1), -1)

    def _log_beta(self) -> Tensor:
        return total(lgamma(self.concentration), -1) - lgamma(total(self.concentration, -1))
