"""The normal distribution of several numbers."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_init as tgi

from ..of_arrays import of_arrays


@of_arrays
def logpdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    """Of a singular covariance on the space in which there is any variance."""
    if not allow_singular:
        return tgi.distributions.MultivariateNormal(mean, cov).log_prob(x)
    off, variances = x - mean, tgi.linalg.eigvalsh(cov)
    some = variances.detach().numpy() > 1e-12
    size = tgi.log(variances[some]).sum() + int(some.sum()) * math.log(2.0 * math.pi)
    return -0.5 * (size + ((off @ tgi.linalg.pinv(cov)) * off).sum(-1))


@of_arrays
def pdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    return tgi.exp(logpdf(x, mean, cov, allow_singular))


@of_arrays
def entropy(mean: Any, cov: Any) -> Any:
    return tgi.distributions.MultivariateNormal(mean, cov).entropy()
