"""The extension for linear algebra, with the standard's signatures and defaults."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import linalg as ours
from . import functions
from .data_types import as_array, promoted

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals",
    "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip


def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor of symmetric positive definite matrices."""
    return ours.cholesky(x, upper=upper)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product."""
    return as_array(np.linalg.cross(*promoted((x1, x2)), axis=axis))


def det(x: Any, /) -> Any:
    """The determinant."""
    return ours.det(x)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """A diagonal of the last two axes."""
    return as_array(np.linalg.diagonal(x, offset=offset))


def eigh(x: Any, /) -> Any:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    return ours.eigh(x)


def eigvalsh(x: Any, /) -> Any:
    """Eigenvalues of symmetric matrices."""
    return ours.eigvalsh(x)


def eig(x: Any, /) -> Any:
    """Eigenvalues and eigenvectors of matrices whose eigenvalues are real."""
    return ours.eig(x)


def eigvals(x: Any, /) -> Any:
    """Eigenvalues of matrices, where they are real."""
    return ours.eigvals(x)


def inv(x: Any, /) -> Any:
    """The inverse."""
    return ours.inv(x)


def matmul(x1: Any, x2: Any, /) -> Any:
    """The matrix product."""
    return as_array(np.matmul(*promoted((x1, x2))))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """A norm of matrices."""
    return ours.matrix_norm(x, ord, keepdims=keepdims)


def matrix_power(x: Any, n: int, /) -> Any:
    """A matrix times itself, n times."""
    return ours.matrix_power(x, n)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """The rank of matrices."""
    return ours.matrix_rank(x, rtol=rtol)


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    return as_array(np.matrix_transpose(x))


def outer(x1: Any, x2: Any, /) -> Any:
    """The products of all elements of two vectors."""
    return as_array(np.linalg.outer(*promoted((x1, x2))))


def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    """The Moore-Penrose inverse."""
    return ours.pinv(x, rtol)


def qr(x: Any, /, *, mode: str = "reduced") -> Any:
    """Orthonormal columns and an upper triangular matrix."""
    return ours.qr(x, mode)


def slogdet(x: Any, /) -> Any:
    """Sign and logarithm of the determinant."""
    return ours.slogdet(x)


def solve(x1: Any, x2: Any, /) -> Any:
    """x with x1 x = x2."""
    return as_array(np.linalg.solve(*promoted((x1, x2))))


def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
    """The singular value decomposition."""
    return ours.svd(x, full_matrices)


def svdvals(x: Any, /) -> Any:
    """The singular values."""
    return ours.svdvals(x)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Products summed over axes of both."""
    return functions.tensordot(x1, x2, axes=axes)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of diagonals of the last two axes."""
    return as_array(np.linalg.trace(x, offset=offset, dtype=dtype))


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Products summed along an axis."""
    return functions.vecdot(x1, x2, axis=axis)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """A norm of vectors."""
    return ours.vector_norm(x, ord, axis, keepdims)
