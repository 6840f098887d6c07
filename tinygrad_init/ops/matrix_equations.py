"""Equations between matrices: Sylvester's, and the square root of a matrix, under the names of `scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .linear_algebra import _square
from .products import _turned, matmul
from .registry import Array, operation

STEPS = 60  # of Newton's iteration, which doubles the digits: more are not needed unless there is no root


def _sylvester_rule(g: Tensor, a: Tensor, b: Tensor, out: Tensor) -> list[Tensor]:
    """By the equation's own differential A dX + dX B = dQ - dA X - X dB (Giles 2008, sec. 2.3.1 is that of B = 0)."""
    found = _solve_sylvester(_turned(a), _turned(b), g)
    return [-matmul(found, _turned(out)), -matmul(_turned(out), found), found]


@operation(
    _sylvester_rule,
    formula="x with a x + x b = q",
    joint=True,
    examples=lambda rng: [
        ((rng.normal(size=(3, 3)), rng.normal(size=(2, 2)) + 5.0 * np.eye(2), rng.normal(size=(3, 2))), {}),
        ((rng.normal(size=(2, 2, 2)) + 4.0 * np.eye(2), rng.normal(size=(2, 1, 1)), rng.normal(size=(2, 2, 1))), {}),
    ],
)
def _solve_sylvester(a: Array, b: Array, q: Array, /) -> Array:
    """By one system of all elements, (A ⊗ 1 + 1 ⊗ Bᵀ) vec X = vec Q, X by rows (Higham 2008, B.14)."""
    n, m = a.shape[-1], b.shape[-1]
    left = a[..., :, None, :, None] * np.eye(m)[:, None, :]
    right = np.eye(n)[:, None, :, None] * np.swapaxes(b, -1, -2)[..., None, :, None, :]
    whole = (left + right).reshape(*q.shape[:-2], n * m, n * m)
    found = np.linalg.solve(whole, q.reshape(*q.shape[:-2], n * m, 1).astype(np.float64))
    return np.asarray(found.reshape(q.shape), q.dtype)


def solve_sylvester(a: Any, b: Any, q: Any) -> Tensor:
    """x with a x + x b = q, for square a and b, as SciPy's function of that name.

    Parameters
    ----------
    a, b, q
        Matrices n times n, m times m and n times m, or stacks of them of one shape. All n·m elements are solved for at
        once, which takes (n·m)³ steps: for matrices of some tens of rows.

    Raises
    ------
    ValueError
        The shapes do not fit, or an eigenvalue of a is minus one of b.
    """
    a, b, q = coerce("solve_sylvester", (a, b, q))
    a, b = _square("solve_sylvester", a), _square("solve_sylvester", b)
    if q.shape != (*a.shape[:-2], a.shape[-1], b.shape[-1]) or a.shape[:-2] != b.shape[:-2]:
        wanted = (*a.shape[:-2], a.shape[-1], b.shape[-1])
        raise ValueError(f"solve_sylvester: expected q of shape {wanted} and b in as many stacks, got {q.shape}")
    try:
        found: Tensor = _solve_sylvester(a, b, q)
    except np.linalg.LinAlgError:
        raise ValueError("solve_sylvester: an eigenvalue of a is minus one of b, there is no single solution") from None
    return found


@operation(
    lambda g, out: _solve_sylvester(_turned(out), _turned(out), g),
    formula="the square root of square matrices, whose square is x",
    examples=lambda rng: [
        ((rng.normal(size=(3, 3)) + 4.0 * np.eye(3),), {}),
        ((rng.normal(size=(2, 2, 2)) + 3.0 * np.eye(2),), {}),
    ],
)
def _sqrtm(x: Array, /) -> Array:
    """By Newton's iteration in the form of Denman and Beavers (Higham 2008, 6.28), scaled by determinants (6.29)."""
    a = x.astype(np.float64)
    if not np.isfinite(a).all():
        return np.full_like(x, np.nan)
    root, inverse = a, np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for _ in range(STEPS):
        size = np.abs(np.linalg.det(root) * np.linalg.det(inverse))[..., None, None]
        scale = np.where(np.isfinite(size) & (size > 0), size, 1.0) ** (-0.5 / a.shape[-1])
        before = root
        root, inverse = (
            0.5 * (scale * root + np.linalg.inv(inverse) / scale),
            0.5 * (scale * inverse + np.linalg.inv(root) / scale),
        )
        change = np.max(np.abs(root - before)) if root.size else 0.0
        if not change > 1e-14 * np.max(np.abs(root), initial=0.0):
            break
    return np.asarray(root, x.dtype)


def sqrtm(x: Any) -> Tensor:
    """The square root r of square matrices, r r = x, whose eigenvalues have positive real parts.

    Stacks are taken, too. The derivative is the solution of r dr + dr r = dx (Higham 2008, 6.1).

    Raises
    ------
    ValueError
        There is no such real matrix: an eigenvalue of x is 0, or negative.
    """
    x = _square("sqrtm", coerce("sqrtm", (x,))[0])
    if np.isfinite(x.detach().numpy()).all():
        values = np.linalg.eigvals(x.detach().numpy())
        bad = values[(values.real <= 0) & (np.abs(values.imag) <= 1e-12 * np.abs(values))]
        if bad.size:
            raise ValueError(f"sqrtm: expected eigenvalues that are not 0 or negative, got {bad.real.min():.3g}")
    found: Tensor = _sqrtm(x)
    return found
