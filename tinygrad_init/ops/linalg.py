"""`tgi.linalg`: linear algebra by the names that NumPy and PyTorch share, with their options.

All take stacks of matrices, in float32 and float64, and have derivatives of every order where the docstrings name no
exception. What differs from a function of the same name in `tgi` itself is said there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import is_grad_enabled
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from ..kernels.apart import apart
from . import decompositions, linear_algebra
from .decompositions import Eigen, Factors, Singular, _orthogonal, eig
from .linear_algebra import det, inv, matrix_power, slogdet
from .matrix_functions import (
    cholesky_solve,
    cross,
    from_triangle,
    logdet,
    lstsq,
    matrix_exp,
    multi_dot,
    solve_sylvester,
    solve_triangular,
    sqrtm,
    tensorinv,
    tensorsolve,
    vander,
    vecdot,
)
from .matrix_norms import cond, matrix_norm, matrix_rank, norm, svdvals, vector_norm
from .products import _turned, matmul
from .rearranging import diagonal as diagonal_of
from .shape import _getitem, concatenate
from .spelling import refuse
from .triangular_factors import householder_product, lu, lu_factor, lu_solve

__all__ = [
    "cholesky", "cholesky_solve", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "expm",
    "householder_product", "inv", "logdet", "lstsq", "lu", "lu_factor", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_sylvester", "solve_triangular", "sqrtm", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]  # fmt: skip

expm = matrix_exp


def eigh(x: Any, UPLO: str | None = None) -> Eigen:
    """Eigenvalues in rising order and eigenvectors of symmetric matrices.

    Parameters
    ----------
    UPLO
        "L" or "U": only this triangle is read, and only its elements have a derivative. Without it the symmetric part
        (x + xᵀ)/2 is meant: of symmetric matrices the same, with a gradient that is symmetric.

    Notes
    -----
    The rule is that of Giles 2008, 3.1. Where eigenvalues are equal, single vectors have no derivative; sums of the
    equal ones and projections on all that belong to them have, and get it. Functions V f(Λ) Vᵀ have one, too, but not
    from here: what turning vectors among each other adds is left out.
    """
    return decompositions.eigh(x) if UPLO is None else decompositions._eigen(from_triangle(x, UPLO), UPLO.upper())


def eigvalsh(x: Any, UPLO: str | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices in rising order; parameters are those of `eigh`."""
    values: Tensor = eigh(x, UPLO).eigenvalues
    return values


def eigvals(x: Any) -> Tensor:
    """The eigenvalues of square matrices, where all of them are real; see `eig`."""
    values: Tensor = eig(x).eigenvalues
    return values


def cholesky(x: Any, *, upper: bool = False) -> Tensor:
    """The triangular L with L Lᵀ = x, or U with Uᵀ U = x, for symmetric positive definite matrices.

    Of matrices that are not symmetric the symmetric part is taken, where NumPy and PyTorch read one triangle.

    Raises
    ------
    ValueError
        The matrices are not square or not positive definite.
    """
    lower = linear_algebra.cholesky(x)
    return _turned(lower) if upper else lower


def svd(x: Any, full_matrices: bool = True) -> Singular:
    """The singular value decomposition x = U diag(S) Vᵀ.

    Parameters
    ----------
    full_matrices
        True, which is NumPy's and PyTorch's default, asks for square U and Vᵀ. Of matrices that are not square their
        last columns, or rows, have no derivative: while one is wanted that is refused, and False gives the thin
        decomposition.

    Notes
    -----
    See `tgi.svd` for equal singular values.
    """
    (x,) = coerce("svd", (x,))
    if full_matrices and x.ndim >= 2 and x.shape[-1] != x.shape[-2]:
        if not _followed(x):
            return Singular(*map(wrap, apart(np.linalg.svd, operand(x))))
        raise ValueError(
            f"svd: of shape {x.shape} the square U and Vᵀ hold vectors without a derivative; write full_matrices=False"
        )
    return decompositions.svd(x)


def _followed(x: Tensor) -> bool:
    """Whether a derivative by it is wanted."""
    return x.requires_grad and is_grad_enabled()


def qr(x: Any, mode: str = "reduced") -> Any:
    """x = Q R with orthonormal columns Q and an upper triangular R, with the signs that LAPACK gives them.

    `tgi.qr` has a positive diagonal instead.

    Parameters
    ----------
    mode
        "reduced", "r" for R alone (a pair with an empty Q is PyTorch's), or "complete", which is refused unless the
        matrices have no more rows than columns or no derivative is wanted: further columns of Q have none.

    Raises
    ------
    ValueError
        In the derivative: the first columns are not linearly independent (there is none).

    Notes
    -----
    Wide matrices [A B] are A = Q R₁ and R₂ = Qᵀ B.
    """
    (x,) = coerce("qr", (x,))
    if x.ndim < 2:
        raise ValueError(f"qr: expected matrices, got shape {x.shape}")
    rows, columns = x.shape[-2:]
    if mode not in ("reduced", "r", "complete"):
        raise ValueError(f"qr: expected mode 'reduced', 'r' or 'complete', got {mode!r}")
    if mode == "complete" and rows > columns:
        if not _followed(x):
            return Factors(*map(wrap, apart(np.linalg.qr, operand(x), "complete")))
        raise ValueError(
            f"qr: of shape {x.shape} the square Q holds columns without a derivative; write mode='reduced'"
        )
    if rows >= columns:
        found = _orthogonal(x, False)
    else:
        q, r = _orthogonal(_getitem(x, (..., slice(rows))), False)
        found = Factors(q, concatenate([r, matmul(_turned(q), _getitem(x, (..., slice(rows, None))))], -1))
    return found.R if mode == "r" else found


def pinv(
    x: Any, rcond: float | None = None, *, rtol: float | None = None, atol: float | None = None, hermitian: bool = False
) -> Tensor:
    """The Moore-Penrose inverse; singular values up to the larger of `rtol` times the largest and `atol` count as 0.

    Parameters
    ----------
    rcond, rtol
        Two names of one thing; as many spacings of the dtype as the longer side unless it or `atol` is given.
    hermitian
        Whether x is symmetric: nothing changes.

    Notes
    -----
    The rule is in closed form (Golub and Pereyra 1973, eq. 4.12) and holds among matrices of the same rank.
    """
    part = rcond if rtol is None else rtol
    return decompositions.pinv(x, 0.0 if part is None and atol is not None else part, least=atol or 0.0)


def solve(a: Any, b: Any, *, left: bool = True) -> Tensor:
    """x with a x = b (x a = b unless `left`), for square matrices a and vectors or matrices b, both in stacks.

    Raises
    ------
    TypeError
        b could be a stack of vectors, which PyTorch would take it for, or one matrix, as NumPy has it.
    ValueError
        The shapes do not fit, or a matrix is singular.
    """
    a, b = coerce("solve", (a, b))
    if not left:
        return _turned(solve(_turned(a), _turned(b)))
    if b.ndim > 1 and b.shape == a.shape[:-1]:
        if b.shape[-2] == a.shape[-1] and b.size:
            raise refuse(f"solve of shapes {a.shape} and {b.shape}", "np.linalg.solve(a, b)", "solve(a, b[..., None])")
        return linear_algebra.solve(a, b[..., None])[..., 0]
    return linear_algebra.solve(a, b)


def diagonal(x: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A diagonal of matrices in the last two axes (others where named), as the last axis."""
    return diagonal_of(x, offset, dim1, dim2)


def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged."""
    (x,) = coerce("matrix_transpose", (x,))
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: expected matrices, got shape {x.shape}")
    return _turned(x)
