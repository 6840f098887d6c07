"""Eigenvalues, singular values and orthogonal factors, with the derivatives that they have where values differ.

Where two eigenvalues or singular values are the same, single vectors have no derivative; what depends on them only
through such combinations as projections or norms has, and gets it: differences of 0 are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .elementwise import where
from .linear_algebra import _inv, _numpy, _square
from .products import _turned, matmul
from .rearranging import tril
from .registry import Array, operation
from .results import Results
from .shape import _getitem, _reshape


class Eigen(Results):
    """Eigenvalues in rising order, and vectors in columns."""

    __slots__ = ()
    names = ("eigenvalues", "eigenvectors")


class Singular(Results):
    """U, singular values in falling order, and Vᵀ: x = U diag(S) Vᵀ."""

    __slots__ = ()
    names = ("U", "S", "Vh")


class Factors(Results):
    """Orthonormal columns and an upper triangular matrix with a diagonal that is not negative: x = Q R."""

    __slots__ = ()
    names = ("Q", "R")


def _differences(v: Tensor) -> Tensor:
    """1/(λ_j - λ_i), and 0 where they are the same."""
    gap = _reshape(v, (*v.shape[:-1], 1, v.shape[-1])) - _reshape(v, (*v.shape, 1))
    same = gap == 0
    return where(same, 0.0, 1.0 / where(same, 1.0, gap))


def _columns(g: Tensor, start: int, end: int | None) -> Tensor:
    return _getitem(g, (Ellipsis, slice(start, end)))


def _diagonal(values: Tensor) -> Tensor:
    return _reshape(values, (*values.shape, 1)) * np.eye(values.shape[-1], dtype=values.dtype)


def _eigh_rule(g: Tensor, out: Tensor) -> Tensor:
    """V (diag(λ̄) + F ∘ sym(Vᵀ V̄)) Vᵀ (Giles 2008, 3.1), symmetric as x is taken to be."""
    values, vectors = _getitem(out, (Ellipsis, 0)), _columns(out, 1, None)
    inner = matmul(_turned(vectors), _columns(g, 1, None)) * _differences(values)
    inner = 0.5 * (inner + _turned(inner)) + _diagonal(_getitem(g, (Ellipsis, 0)))
    return matmul(matmul(vectors, inner), _turned(vectors))


def _eigh_of(triangle: Any) -> Any:
    return lambda x: np.linalg.eigh(x, triangle)


@operation(
    _eigh_rule,
    formula="eigenvalues in the first column, eigenvectors of (x + xᵀ)/2 in the others",
    examples=lambda rng: [((rng.normal(size=(3, 3)),), {}), ((rng.normal(size=(2, 2, 2)),), {"triangle": "U"})],
)
def _eigh(x: Array, /, triangle: str = "L") -> Array:
    """Which triangle LAPACK reads changes nothing but the signs of vectors."""
    values, vectors = _numpy("eigh", _eigh_of(triangle), 0.5 * (x + np.swapaxes(x, -1, -2)))
    return np.concatenate([values[..., None], vectors], -1)


def eigh(x: Tensor) -> Eigen:
    """Eigenvalues and eigenvectors of symmetric matrices.

    Parameters
    ----------
    x
        Square matrices; of those that are not symmetric the symmetric part (x + xᵀ)/2.
    """
    return _eigen(_square("eigh", x), "L")


def _eigen(x: Tensor, triangle: str) -> Eigen:
    out = _eigh(x, triangle)
    return Eigen(_getitem(out, (Ellipsis, 0)), _columns(out, 1, None))


def svd(x: Tensor) -> Singular:
    """The singular value decomposition of matrices, the thin one.

    Where singular values are equal, single vectors have no derivative, but what stays as it is when U and V are turned
    together has, and gets it: sums of equal singular values, and U Vᵀ. (U f(S) Vᵀ has one, too, but not from here.) At
    singular values of 0 there is none: vectors of the longer side that belong to them get 0.
    """
    (x,) = coerce("svd", (x,))
    if x.ndim < 2:
        raise ValueError(f"svd: expected matrices, got shape {x.shape}")
    rows, columns = x.shape[-2:]
    if rows < columns:
        u, s, vh = _three(_svd(_turned(x), True), columns)
        return Singular(_turned(vh), s, _turned(u))
    return Singular(*_three(_svd(x, False), rows))


def _three(packed: Tensor, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """U, the singular values and Vᵀ, which lie below each other."""
    return (
        _getitem(packed, (Ellipsis, slice(rows), slice(None))),
        _getitem(packed, (Ellipsis, rows, slice(None))),
        _getitem(packed, (Ellipsis, slice(rows + 1, None), slice(None))),
    )


def _svd_rule(g: Tensor, out: Tensor) -> Tensor:
    """Giles 2008, 3.2, with the part of Ū beside the columns of U (Townsend 2016, eq. 12).

    Where Giles divides by s_j² - s_i², turning U and V together is divided by s_j - s_i, turning them against each
    other by s_j + s_i: of equal singular values only the first has no derivative.
    """
    n = out.shape[-1]
    rows = out.shape[-2] - 1 - n
    (u, s, vh), (gu, gs, gvh) = _three(out, rows), _three(g, rows)
    column, row = _reshape(s, (*s.shape, 1)), _reshape(s, (*s.shape[:-1], 1, n))
    left, right = matmul(_turned(u), gu), matmul(vh, _turned(gvh))
    left, right = 0.5 * (left - _turned(left)), 0.5 * (right - _turned(right))
    both = column + row
    none = both == 0
    against = where(none, 0.0, 1.0 / where(none, 1.0, both))
    inner = (left + right) * _differences(s) + (left - right) * against + _diagonal(gs)
    found = matmul(u, inner)
    if rows > n:
        zero = row == 0
        beside = (gu - matmul(u, matmul(_turned(u), gu))) * where(zero, 0.0, 1.0 / where(zero, 1.0, row))
        found = found + beside
    return matmul(found, vh)


@operation(
    _svd_rule,
    formula="U, the singular values and Vᵀ, below each other",
    examples=lambda rng: [
        ((rng.normal(size=(4, 3)),), {"turned": False}),
        ((rng.normal(size=(2, 2, 2)),), {"turned": True}),
    ],
)
def _svd(x: Array, /, turned: bool) -> Array:
    """LAPACK is given xᵀ where x has been turned, so that signs of vectors are those of the matrix that was meant."""
    u, s, vh = _numpy("svd", lambda a: np.linalg.svd(a, full_matrices=False), np.swapaxes(x, -1, -2) if turned else x)
    if turned:
        u, vh = np.swapaxes(vh, -1, -2), np.swapaxes(u, -1, -2)
    return np.concatenate([u, s[..., None, :], vh], -2)


def qr(x: Tensor) -> Factors:
    """x = Q R for matrices with at least as many rows as columns, of full rank; the diagonal of R is positive."""
    (x,) = coerce("qr", (x,))
    if x.ndim < 2 or x.shape[-2] < x.shape[-1]:
        raise ValueError(f"qr: expected at least as many rows as columns, got shape {x.shape}")
    return _orthogonal(x, True)


def _orthogonal(x: Tensor, positive: bool) -> Factors:
    """Q and R of matrices that are not wide."""
    out, rows = _qr(x, positive), x.shape[-2]
    return Factors(
        _getitem(out, (Ellipsis, slice(rows), slice(None))), _getitem(out, (Ellipsis, slice(rows, None), slice(None)))
    )


def _qr_rule(g: Tensor, out: Tensor) -> Tensor:
    """[Q̄ + Q copyltu(R R̄ᵀ - Q̄ᵀ Q)] R⁻ᵀ (Walter and Lehmann 2018, eq. 4.1)."""
    n = out.shape[-1]
    rows = out.shape[-2] - n
    q, r, gq, gr = (
        _getitem(t, (Ellipsis, part, slice(None))) for t in (out, g) for part in (slice(rows), slice(rows, None))
    )
    m = matmul(r, _turned(gr)) - matmul(_turned(gq), q)
    low = tril(m, -1)
    symmetric = low + _turned(low) + m * np.eye(n, dtype=m.dtype)
    return matmul(gq + matmul(q, symmetric), _turned(_inv(r)))


@operation(
    _qr_rule,
    formula="Q and R, below each other",
    examples=lambda rng: [
        ((rng.normal(size=(4, 3)),), {"positive": True}),
        ((rng.normal(size=(2, 2, 2)) + 2 * np.eye(2),), {"positive": False}),
    ],
)
def _qr(x: Array, /, positive: bool) -> Array:
    q, r = apart(np.linalg.qr, x)
    if positive:
        sign = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0).astype(x.dtype)
        q, r = q * sign[..., None, :], r * sign[..., :, None]
    return np.concatenate([q, r], -2)


def _pinv_rule(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """-Pᵀ ḡ Pᵀ + (1 - x P) ḡᵀ P Pᵀ + Pᵀ P ḡᵀ (1 - P x) with P the inverse (Golub and Pereyra 1973, eq. 4.12).

    1 - x P and 1 - P x are projections, and applied twice: of matrices of full rank they are 0, and what rounding
    leaves of them would be multiplied by the square of P.
    """
    turned, back = _turned(out), _turned(g)
    inside = matmul(matmul(turned, g), turned)
    left = matmul(matmul(back, out), turned)
    right = matmul(turned, matmul(out, back))
    for _ in range(2):
        left, right = left - matmul(x, matmul(out, left)), right - matmul(matmul(right, out), x)
    return left + right - inside


@operation(
    _pinv_rule,
    formula="the Moore-Penrose inverse of x",
    examples=lambda rng: [
        ((rng.normal(size=(4, 3)),), {"rcond": 1e-10}),
        ((rng.normal(size=(2, 2, 3)),), {"rcond": 0.0, "least": 1e-10}),
    ],
)
def _pinv(x: Array, /, rcond: float, least: float = 0.0) -> Array:
    u, s, vh = _numpy("pinv", lambda a: np.linalg.svd(a, full_matrices=False), x)
    kept = s > np.maximum(rcond * np.max(s, axis=-1, keepdims=True, initial=0.0), least)
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(x.dtype)
    return np.asarray((np.swapaxes(vh, -1, -2) * inverse[..., None, :]) @ np.swapaxes(u, -1, -2), x.dtype)


def pinv(x: Tensor, rcond: float | None = None, *, least: float = 0.0) -> Tensor:
    """The Moore-Penrose inverse; singular values up to `rcond` times the largest count as 0.

    The derivative is that among matrices of the same rank, also where singular values are equal: across ranks the
    inverse jumps, and has none.

    Parameters
    ----------
    rcond
        As many spacings of the dtype as the longer side unless given.
    least
        What singular values have to be above, whatever the largest is.
    """
    (x,) = coerce("pinv", (x,))
    if x.ndim < 2:
        raise ValueError(f"pinv: expected matrices, got shape {x.shape}")
    return _pinv(x, max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if rcond is None else float(rcond), float(least))


def _eig_rule(g: Tensor, out: Tensor) -> Tensor:
    """V⁻ᵀ (diag(λ̄) + F ∘ (Vᵀ V̄ - Vᵀ V diag(Vᵀ V̄))) Vᵀ for columns of length 1 (Boeddeker et al. 2017, eq. 4.77)."""
    values, vectors = _getitem(out, (Ellipsis, 0)), _columns(out, 1, None)
    turned, back = _turned(vectors), _columns(g, 1, None)
    inner = matmul(turned, back)
    n = values.shape[-1]
    own = (inner * np.eye(n, dtype=inner.dtype)).sum(-2, True)
    inner = (inner - matmul(turned, vectors) * own) * _differences(values) + _diagonal(_getitem(g, (Ellipsis, 0)))
    return matmul(matmul(_turned(_inv(vectors)), inner), turned)


@operation(
    _eig_rule,
    formula="eigenvalues in the first column, eigenvectors of x in the others, where all are real",
    examples=lambda rng: [
        ((np.diag([1.0, 2.0, 4.0]) + 0.1 * rng.uniform(-1, 1, size=(3, 3)),), {}),
        ((np.diag([1.0, -2.0]) + 0.2 * rng.random(size=(2, 2, 2)),), {}),
    ],
)
def _eig(x: Array, /) -> Array:
    values, vectors = _numpy("eig", np.linalg.eig, x)
    if np.any(np.imag(values) != 0):
        raise ValueError("eig: an eigenvalue is complex, and tensors are made of real numbers; eigh is for symmetric x")
    return np.concatenate([values.real[..., None], vectors.real], -1)


def eig(x: Tensor) -> Eigen:
    """Eigenvalues and eigenvectors of square matrices whose eigenvalues are all real, in LAPACK's order.

    Where two eigenvalues are equal, single vectors have no derivative, as in `eigh`.

    Raises
    ------
    ValueError
        An eigenvalue is complex, or the matrices are not square.
    """
    out = _eig(_square("eig", x))
    return Eigen(_getitem(out, (Ellipsis, 0)), _columns(out, 1, None))


METHODS.update(eigh=eigh, svd=svd, qr=qr, pinv=pinv)
