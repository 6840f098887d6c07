"""The normal distribution of several numbers that depend on each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.drawing import randn
from ..ops.elementwise import log
from ..ops.linalg import cholesky, inv, solve_triangular
from ..ops.products import matmul
from ..ops.rearranging import diagonal
from ..ops.reductions import sum as total
from ..ops.shape import broadcast_to, expand_dims, squeeze, swapaxes
from .distribution import Distribution, Sizes, numbers, require


def require_triangular(matrix: Tensor) -> Tensor:
    """A factor L, if it is one.

    Raises
    ------
    ValueError
        It is not lower triangular with a positive diagonal.
    """
    numbers = matrix.detach().numpy()
    if not (np.array_equal(numbers, np.tril(numbers)) and np.all(np.diagonal(numbers, axis1=-2, axis2=-1) > 0)):
        raise ValueError("MultivariateNormal: expected scale_tril lower triangular, with a positive diagonal")
    return matrix


def require_symmetric(name: str, matrix: Tensor) -> None:
    """Raise unless a matrix is its own transpose, but for rounding.

    Raises
    ------
    ValueError
        It is not, or not all numbers are finite.
    """
    numbers = matrix.detach().numpy()
    rounding = 100 * np.finfo(numbers.dtype).eps * np.max(np.abs(numbers), initial=0.0)
    if not np.isfinite(numbers).all() or not np.allclose(
        numbers, np.swapaxes(numbers, -1, -2), rtol=0.0, atol=rounding
    ):
        raise ValueError(f"MultivariateNormal: expected {name} symmetric and finite")


class MultivariateNormal(Distribution):
    """Normal with means `loc` along the last axis and covariances Σ = L Lᵀ.

    ln p(x) = -(x - μ)ᵀ Σ⁻¹ (x - μ)/2 - ln det L - n ln √(2π); its entropy is ln det L + n(1 + ln 2π)/2.

    Parameters
    ----------
    loc
        The means.
    covariance_matrix, precision_matrix, scale_tril
        One of them: Σ, its inverse, or the lower triangular L with a positive diagonal.

    Raises
    ------
    ValueError
        None or several of them are given, shapes do not fit, a mean is not finite, or a matrix is not symmetric, or not
        lower triangular with a positive diagonal.
    numpy.linalg.LinAlgError
        A matrix is not positive definite.
    """

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None
    ) -> None:
        given = [x for x in (covariance_matrix, precision_matrix, scale_tril) if x is not None]
        if len(given) != 1:
            raise ValueError(
                "MultivariateNormal: expected one of covariance_matrix, precision_matrix and scale_tril, "
                f"got {len(given)} of them"
            )
        loc, matrix = coerce("MultivariateNormal", (loc, given[0]))
        if loc.ndim < 1 or matrix.shape[-2:] != (loc.shape[-1],) * 2:
            raise ValueError(f"MultivariateNormal: shapes {loc.shape} and {matrix.shape} are not of means and matrices")
        require("MultivariateNormal", "finite means", loc, np.isfinite(loc.detach().numpy()))
        if scale_tril is not None:
            factor = require_triangular(matrix)
        else:
            which = "covariance_matrix" if precision_matrix is None else "precision_matrix"
            require_symmetric(which, matrix)
            try:
                factor = cholesky(matrix if precision_matrix is None else inv(matrix))
            except ValueError:
                raise np.linalg.LinAlgError(f"MultivariateNormal: {which} is not positive definite") from None
        self.batch_shape = np.broadcast_shapes(loc.shape[:-1], factor.shape[:-2])
        self.event_shape = loc.shape[-1:]
        self.loc = broadcast_to(loc, (*self.batch_shape, *self.event_shape))
        self.scale_tril: Tensor = broadcast_to(factor, (*self.batch_shape, *factor.shape[-2:]))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def covariance_matrix(self) -> Tensor:
        return matmul(self.scale_tril, swapaxes(self.scale_tril, -1, -2))

    @property
    def variance(self) -> Tensor:
        return total(self.scale_tril**2, -1)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        z = randn(self._shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + squeeze(matmul(self.scale_tril, expand_dims(z, -1)), -1)

    def log_prob(self, value: Any) -> Tensor:
        value = numbers(value, self.loc)
        off = value - self.loc
        factor = broadcast_to(self.scale_tril, (*off.shape, off.shape[-1]))
        z = solve_triangular(factor, expand_dims(off, -1), upper=False)
        return -0.5 * total(z * z, (-2, -1)) - self._size() - 0.5 * off.shape[-1] * math.log(2 * math.pi)

    def entropy(self) -> Tensor:
        return self._size() + 0.5 * self.event_shape[0] * (1.0 + math.log(2 * math.pi))

    def _size(self) -> Tensor:
        """ln det L."""
        return total(log(diagonal(self.scale_tril, 0, -2, -1)), -1)
