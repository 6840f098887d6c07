"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_init as tgi

from ..of_arrays import of_arrays


@of_arrays
def logpdf(x: Any, alpha: Any) -> Any:
    return tgi.distributions.Dirichlet(alpha).log_prob(x)


@of_arrays
def pdf(x: Any, alpha: Any) -> Any:
    return tgi.exp(logpdf(x, alpha))


def rvs(alpha: Any, size: int) -> Any:
    """Draws by NumPy's generator, which the tests seed."""
    return np.random.dirichlet(alpha, size)  # noqa: NPY002
