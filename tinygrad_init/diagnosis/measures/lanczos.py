"""The largest eigenvalue of a matrix of which nothing is known but its products with vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def largest_eigenvalue(
    product: Callable[[Array], Array], size: int, most: int = 10, settled: float = 0.05, dtype: Any = np.float64
) -> tuple[float, float, int]:
    """The largest (not the largest in size) eigenvalue of a symmetric matrix.

    Lanczos 1950, from a fixed random vector, without reorthogonalization: three vectors are kept, however many steps
    are taken, and what that costs are copies of the largest eigenvalue, not its value (Paige 1980). It is found from
    below. With θ and s the largest eigenvalue of the tridiagonal matrix and its eigenvector's last number, some
    eigenvalue lies within β|s| of θ (Parlett 1998, chapter 13), and mostly much nearer.

    Parameters
    ----------
    product
        From a vector of shape (size,) to the matrix times it, an array that may be written to.
    most
        So many products at most.
    settled
        With an error of no more than this share of the eigenvalue it ends.
    dtype
        Of the vectors.

    Returns
    -------
    value, error, products
        The eigenvalue, within what distance one lies, and how many products were taken. Value and error are NaN where
        a product is not finite.
    """
    now = np.random.default_rng(0).standard_normal(size, dtype)
    now /= np.linalg.norm(now)
    before = np.zeros_like(now)
    diagonal: list[float] = []
    beside: list[float] = []
    value = error = math.nan
    while len(diagonal) < min(most, size):
        new = product(now)
        new -= (beside[-1] if beside else 0.0) * before
        diagonal.append(float(new @ now))
        new -= diagonal[-1] * now
        beside.append(float(np.linalg.norm(new)))
        if not (math.isfinite(diagonal[-1]) and math.isfinite(beside[-1])):
            return math.nan, math.nan, len(diagonal)
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
        value, error = float(values[-1]), beside[-1] * abs(float(vectors[-1, -1]))
        if error <= settled * abs(value):
            break
        new /= beside[-1]
        before, now = now, new
    return value, error, len(diagonal)
