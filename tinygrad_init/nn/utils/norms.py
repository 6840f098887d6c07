"""Weights that are computed from a length and a direction, divided by their largest singular value, or orthogonal.

Salimans and Kingma 2016 (weight normalization); Miyato et al. 2018 (spectral normalization); Lezcano-Casado and
Martínez-Rubio 2019 (orthogonal matrices by maps from all matrices).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...init.drawing import Generator, generator_of
from ...kernels.apart import apart
from ...ops import linalg
from ...ops.normalization import normalize
from ..module import Module
from ..parameters import Buffer


def length(v: Tensor, dim: int | None) -> Tensor:
    """The norm of each slice along an axis, with axes of one element for the others; of all without an axis."""
    if dim is None or dim == -1:
        return (v * v).sum().sqrt()
    axes = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return (v * v).sum(axis=axes, keepdims=True).sqrt() if axes else abs(v)


def rescaled(g: Tensor, v: Tensor, dim: int | None) -> Tensor:
    """g · v / |v|."""
    return v * (g / length(v, dim))


class WeightNorm(Module):
    """From lengths and directions to a weight."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return rescaled(g, v, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Lengths and directions that give a weight."""
        return length(weight, self.dim), weight


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """One row for each entry of an axis."""
    front = ops.moveaxis(weight, dim, 0) if dim else weight
    return front.reshape(front.shape[0], -1)


def unit(x: Tensor, eps: float) -> Tensor:
    return normalize(x, 2.0, 0, eps)


def begin(size: int, dtype: Any, rng: Generator | None, eps: float) -> Buffer:
    """A direction by chance."""
    x = generator_of(rng).standard_normal(size).astype(dtype)
    return Buffer(x / max(float(np.linalg.norm(x)), eps), dtype)


def require_iterations(name: str, n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"{name}: expected n_power_iterations of at least 1, got {n!r}")
    return int(n)


def largest(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The largest singular value, as far as u and v are its vectors: uᵀ W v."""
    return (u.detach().clone() * (matrix @ v.detach().clone())).sum()


class SpectralNorm(Module):
    """A weight divided by its largest singular value, which power iterations follow while it is trained."""

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float, rng: Generator | None) -> None:
        self.n_power_iterations = require_iterations("spectral_norm", n_power_iterations)
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: expected dim from {-weight.ndim} to {weight.ndim - 1}, got {dim}")
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            matrix = as_matrix(weight.detach(), self.dim)
            self._u, self._v = (begin(n, weight.dtype, rng, eps) for n in matrix.shape)
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        with no_grad():
            for _ in range(times):
                self._u.copy_(unit(matrix @ self._v, self.eps))
                self._v.copy_(unit(self._u @ matrix, self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return unit(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        return weight / largest(matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: that it has norm 1 is not checked."""
        return value


class Orthogonal(Module):
    """From any matrix to one whose columns, or rows if they are fewer, are orthonormal.

    The square matrix `base`, where learning starts, is multiplied by an orthogonal one that the parameter gives.
    """

    def __init__(self, shape: tuple[int, ...], orthogonal_map: str, rng: Generator | None) -> None:
        self.shape, self.orthogonal_map, self.rng = shape, orthogonal_map, rng
        self.base: Any = None

    def forward(self, weight: Tensor) -> Tensor:
        wide = weight.shape[-2] < weight.shape[-1]
        x = weight.mT if wide else weight
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            reflected = ops.tril(x, -1)
            found = linalg.householder_product(reflected, 2.0 / (1.0 + (reflected * reflected).sum(axis=-2)))
            # The diagonal says which columns are turned around; it is 1 or -1, and not learned.
            found = found * ops.expand_dims(ops.diagonal(x.detach(), 0, -2, -1), -2)
        else:
            x = ops.tril(x)
            if n != k:
                x = ops.concatenate([x, Tensor(np.zeros((*x.shape[:-1], n - k)), x.dtype)], axis=-1)
            skew, one = x - x.mT, Tensor(np.eye(n), x.dtype)
            if self.orthogonal_map == "matrix_exp":
                found = linalg.matrix_exp(skew)
            else:  # Cayley's (1 - A/2)⁻¹ (1 + A/2)
                found = linalg.solve(one - 0.5 * skew, one + 0.5 * skew)
            found = found[..., :k]
        found = self.base @ found
        return found.mT if wide else found

    def right_inverse(self, value: Tensor) -> Tensor:
        """Let the base be such that the value comes out, or the orthogonal matrix of its QR decomposition."""
        if value.shape != self.shape:
            raise ValueError(f"orthogonal: expected shape {self.shape}, got {value.shape}")
        q = np.array(value.detach().numpy(), np.float64)
        q = np.swapaxes(q, -1, -2) if q.shape[-2] < q.shape[-1] else q
        n, k = q.shape[-2:]
        off = np.abs(np.swapaxes(q, -1, -2) @ q - np.eye(k)).max()
        if n != k or off > 10 * n * np.finfo(value.dtype).eps:
            q = np.concatenate([q, generator_of(self.rng).standard_normal((*q.shape[:-2], n, n - k))], axis=-1)
            q, r = apart(np.linalg.qr, q)
            q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., np.newaxis, :]
        if self.base is None:
            self.base = Buffer(q, value.dtype)
        else:
            self.base.copy_(Tensor(q, value.dtype))
        start = np.zeros(value.shape)
        np.einsum("...ii->...i", start[..., : min(n, k), : min(n, k)])[...] = -1.0  # what every map makes a 1 of
        return Tensor(start, value.dtype)
