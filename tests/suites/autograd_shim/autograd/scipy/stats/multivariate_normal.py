"""The normal distribution of several numbers."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_init as tgi

from ..of_arrays import of_arrays


@of_arrays
def logpdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    """Of a singular covariance on the space in which there is any variance."""
    off = x - mean
    if allow_singular:
        inverse = tgi.linalg.pinv(cov)
        variances = tgi.linalg.eigvalsh(cov)
        some = variances.detach().numpy() > 1e-12
        size, rank = tgi.log(variances[some]).sum(), int(some.sum())
    else:
        inverse, size, rank = tgi.linalg.inv(cov), tgi.linalg.logdet(cov), cov.shape[-1]
    return -0.5 * (rank * math.log(2.0 * math.pi) + size + ((off @ inverse) * off).sum(-1))


@of_arrays
def pdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    return tgi.exp(logpdf(x, mean, cov, allow_singular))


@of_arrays
def entropy(mean: Any, cov: Any) -> Any:
    return 0.5 * (cov.shape[-1] * (1.0 + math.log(2.0 * math.pi)) + tgi.linalg.logdet(cov))
