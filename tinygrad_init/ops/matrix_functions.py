"""Exponentials and roots of matrices, Sylvester's equation, least squares, triangular systems, long products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.operands import as_tensors, coerce
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .decompositions import pinv
from .elementwise import where
from .linear_algebra import _solve, _square, inv, slogdet, solve
from .matrix_norms import matrix_rank, svdvals
from .products import _turned, matmul
from .rearranging import flip, moveaxis, tril, triu
from .reductions import sum as total
from .registry import Array, operation
from .results import Results
from .shape import _getitem, _reshape, broadcast_to, concatenate, expand_dims, one_axis, stack
from .spelling import either

# The coefficients of the numerator of the Padé approximant of order 13 (Higham 2005, table 2.3).
PADE = [
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
]  # fmt: skip
STEPS = 60  # of Newton's iteration for a square root: its digits double, more are not needed unless there is none
FURTHEST = 5.371920351148152  # the norm up to which it is exact in float64 (θ₁₃ there)


def _exp_rule(g: Tensor, x: Tensor) -> Tensor:
    """The corner of exp [[xᵀ, ḡ], [0, xᵀ]], the derivative of exp at xᵀ in the direction ḡ (Mathias 1996, thm. 2.1)."""
    n = x.shape[-1]
    turned = _turned(x)
    upper = concatenate([turned, g], -1)
    lower = concatenate([0.0 * turned, turned], -1)
    return _getitem(_matrix_exp(concatenate([upper, lower], -2)), (..., slice(n), slice(n, None)))


@operation(
    _exp_rule,
    formula="Σ x^k / k!, of square matrices",
    examples=lambda rng: [((rng.normal(size=(3, 3)),), {}), ((3.0 * rng.normal(size=(2, 2, 2)),), {})],
)
def _matrix_exp(x: Array, /) -> Array:
    """By scaling and squaring (Higham 2005, algorithm 2.3), in float64, with the same scaling for a whole stack."""
    if x.size == 0:
        return x.copy()
    a = x.astype(np.float64)
    norm = float(np.max(np.linalg.norm(a, 1, axis=(-2, -1))))
    if not np.isfinite(norm):
        return np.full_like(x, np.nan)
    halvings = max(0, math.ceil(math.log2(norm / FURTHEST))) if norm > 0 else 0
    a = a / 2.0**halvings
    one = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a2 @ a4
    b = PADE
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    out = apart(np.linalg.solve, even - odd, even + odd)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(halvings):
            out = out @ out
        return out.astype(x.dtype)


def matrix_exp(x: Any) -> Tensor:
    """The exponential of square matrices, Σ x^k / k!."""
    return _matrix_exp(_square("matrix_exp", x))


def solve_triangular(a: Any, b: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """x with a x = b (x a = b unless `left`), where of a only a triangle is read, which alone has a derivative.

    Parameters
    ----------
    upper
        Which triangle of a is meant.
    unitriangular
        Whether the diagonal of a is taken to be ones, and is not read.

    Raises
    ------
    ValueError
        The shapes do not fit, or there is a zero on the diagonal.
    """
    a, b = coerce("solve_triangular", (a, b))
    a = _square("solve_triangular", a)
    if not left:
        return _turned(solve_triangular(_turned(a), _turned(b), upper=not upper, unitriangular=unitriangular))
    vector = b.ndim == 1
    if b.ndim == 0 or b.shape[0 if vector else -2] != a.shape[-1]:
        raise ValueError(f"solve_triangular: expected {a.shape[-1]} rows on the right, got shape {b.shape}")
    corner = triu(a, int(unitriangular)) if upper else tril(a, -int(unitriangular))
    if unitriangular:
        corner = corner + np.eye(a.shape[-1], dtype=a.dtype)
    b = expand_dims(b, 1) if vector else b
    # Turned upside down a lower triangle is an upper one, which is solved without exchanging rows.
    out = _solve(corner, b) if upper else flip(_solve(flip(corner, (-2, -1)), flip(b, -2)), -2)
    return _reshape(out, out.shape[:-1]) if vector else out


def cholesky_solve(b: Any, factor: Any, upper: bool = False) -> Tensor:
    """x with a x = b, for the triangular factor of a that `cholesky` gives, as PyTorch's function of that name."""
    b, factor = coerce("cholesky_solve", (b, factor))
    lower = _turned(factor) if upper else factor
    return solve_triangular(_turned(lower), solve_triangular(lower, b, upper=False), upper=True)


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
    try:
        values = apart(np.linalg.eigvals, x)
    except np.linalg.LinAlgError:  # not all numbers are finite
        return np.full_like(x, np.nan)
    bad = values[(values.real <= 0) & (np.abs(values.imag) <= 1e-12 * np.abs(values))]
    if bad.size:
        raise ValueError(f"sqrtm: expected eigenvalues that are not 0 or negative, got {bad.real.min():.3g}")
    a = x.astype(np.float64)
    if not x.size:
        return x.copy()
    root, inverse = a, np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for _ in range(STEPS):
        with np.errstate(all="ignore"):  # determinants of large matrices have no numbers
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
    found: Tensor = _sqrtm(_square("sqrtm", coerce("sqrtm", (x,))[0]))
    return found


class LeastSquares(Results):
    """What minimizes ‖a x - b‖, the sums of squares that remain, the rank of a, and its singular values."""

    __slots__ = ()
    names = ("solution", "residuals", "rank", "singular_values")


def lstsq(a: Any, b: Any, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:
    """The x of least length among those that minimize ‖a x - b‖, for any rank of a.

    It is a⁺ b; the derivative is that among matrices of the same rank, as that of `pinv`.

    Parameters
    ----------
    rcond
        Singular values up to this part of the largest count as 0.
    driver
        Which of LAPACK's ways PyTorch would go; the result is that of "gelsd" for each of them.

    Returns
    -------
    LeastSquares
        Residuals are empty unless a has more rows than columns and full rank, as in NumPy and PyTorch.
    """
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ValueError(f"lstsq: expected the driver 'gels', 'gelsy', 'gelsd' or 'gelss', got {driver!r}")
    a, b = coerce("lstsq", (a, b))
    if a.ndim < 2:
        raise ValueError(f"lstsq: expected matrices, got shape {a.shape}")
    vector = b.ndim == 1
    right = expand_dims(b, 1) if vector else b
    if right.shape[-2] != a.shape[-2]:
        raise ValueError(f"lstsq: expected {a.shape[-2]} rows on the right, got shape {b.shape}")
    x = matmul(pinv(a, rcond), right)
    rank = matrix_rank(a.detach(), rtol=rcond)
    rows, columns = a.shape[-2:]
    if rows > columns and np.all(np.asarray(rank) == columns):
        rest = matmul(a, x) - right
        residuals = total(rest * rest, -2)
    else:
        residuals = _getitem(_reshape(x, (x.size,)), slice(0, 0))
    return LeastSquares(_reshape(x, x.shape[:-1]) if vector else x, residuals, rank, svdvals(a))


def _joined(found: list[Tensor], cut: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    """The product of the matrices from i to j, cut in two where the table says."""
    if i == j:
        return found[i]
    return _joined(found, cut, i, cut[i, j]) @ _joined(found, cut, cut[i, j] + 1, j)


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of many matrices in the order that takes the fewest multiplications; the ends may be vectors."""
    found = list(as_tensors("multi_dot", tuple(tensors)))
    if len(found) < 2:
        raise ValueError(f"multi_dot: expected at least two matrices, got {len(found)}")
    first, last = found[0].ndim == 1, found[-1].ndim == 1
    found[0] = expand_dims(found[0], 0) if first else found[0]
    found[-1] = expand_dims(found[-1], 1) if last else found[-1]
    if any(x.ndim != 2 for x in found):
        raise ValueError(f"multi_dot: expected matrices, and vectors at the ends, got {[x.shape for x in found]}")
    sizes = [x.shape[0] for x in found] + [found[-1].shape[1]]
    n = len(found)
    cost = {(i, i): 0 for i in range(n)}
    cut: dict[tuple[int, int], int] = {}
    for width in range(1, n):
        for i in range(n - width):
            j = i + width
            ways = [cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)]
            cost[i, j] = min(ways)
            cut[i, j] = i + ways.index(cost[i, j])

    out = _joined(found, cut, 0, n - 1)
    shape = (() if first else out.shape[:1]) + (() if last else out.shape[1:])
    return _reshape(out, shape)


@either
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Tensor:
    """x with Σ a[..., i] x[i] = b over all axes of x, as NumPy's function of that name."""
    a, b = coerce("tensorsolve", (a, b))
    if axes is not None:
        a = moveaxis(a, tuple(axes), tuple(range(a.ndim - len(axes), a.ndim)))
    rest = a.shape[b.ndim :]
    n = math.prod(rest)
    if b.size != n or a.size != n * n:
        raise ValueError(f"tensorsolve: shape {a.shape} makes no square matrix beside shape {b.shape}")
    return _reshape(solve(_reshape(a, (n, n)), _reshape(b, (n,))), rest)


def tensorinv(a: Any, ind: int = 2) -> Tensor:
    """The inverse of a as a map from its last axes to its first `ind`."""
    (a,) = coerce("tensorinv", (a,))
    if ind <= 0:
        raise ValueError(f"tensorinv: expected ind of at least 1, got {ind}")
    front, back = a.shape[:ind], a.shape[ind:]
    if math.prod(front) != math.prod(back):
        raise ValueError(f"tensorinv: shape {a.shape} makes no square matrix with {ind} axes in front")
    return _reshape(inv(_reshape(a, (math.prod(front), math.prod(back)))), back + front)


@either
def vecdot(x: Any, y: Any, axis: int = -1) -> Tensor:
    """Σ x y along an axis; the others are stretched to a common shape."""
    x, y = as_tensors("vecdot", (x, y))
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(f"vecdot: expected vectors, got shapes {x.shape} and {y.shape}")
    at = one_axis(axis, max(x.ndim, y.ndim), "vecdot")
    n, m = (((1,) * max(x.ndim, y.ndim) + v.shape)[at - max(x.ndim, y.ndim)] for v in (x, y))
    if n != m:
        raise ValueError(f"vecdot: lengths differ: {n} and {m}")
    return total(x * y, at)


@either
def cross(x: Any, y: Any, axis: int = -1) -> Tensor:
    """The vector product of vectors with three elements along an axis."""
    x, y = as_tensors("cross", (x, y))
    shape = np.broadcast_shapes(x.shape, y.shape)
    at = one_axis(axis, len(shape), "cross")
    if shape[at] != 3 or x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ValueError(f"cross: expected 3 elements along axis {axis}, got shapes {x.shape} and {y.shape}")
    a, b = ([_getitem(broadcast_to(v, shape), (slice(None),) * at + (i,)) for i in range(3)] for v in (x, y))
    return stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], at)


def vander(x: Any, N: int | None = None) -> Tensor:
    """Powers of the elements of vectors from 0 on, in a last axis of N, as PyTorch's `linalg.vander`."""
    (x,) = as_tensors("vander", (x,))
    x = _reshape(x, (1,)) if x.ndim == 0 else x
    count = x.shape[-1] if N is None else N
    powers = [x**0]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    return stack(powers[:count], -1)


def from_triangle(x: Any, UPLO: str) -> Tensor:
    """Symmetric matrices from their lower ("L") or upper ("U") triangle, which alone is read and has a derivative."""
    if UPLO not in ("L", "U", "l", "u"):
        raise ValueError(f"expected UPLO 'L' or 'U', got {UPLO!r}")
    x = _square("from_triangle", x)
    return (tril(x) + _turned(tril(x, -1))) if UPLO in "Ll" else (triu(x) + _turned(triu(x, 1)))


def logdet(x: Any) -> Tensor:
    """ln det x; NaN where the determinant is negative."""
    sign, size = slogdet(x)
    found: Tensor = where(sign < 0, np.nan, size)
    return found
