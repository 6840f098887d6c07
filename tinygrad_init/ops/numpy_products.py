"""Products and linear algebra as NumPy has them: `np.dot`, `np.einsum`, `np.linalg.svd` with NumPy's defaults."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import as_tensors, coerce
from ..engine.tensor import Tensor
from . import decompositions, linalg, linear_algebra
from .contractions import dot, inner, kron
from .linear_algebra import outer, tensordot
from .matrix_functions import from_triangle, lstsq
from .numpy_calculus import vander
from .products import matmul
from .rearranging import moveaxis
from .shape import _reshape

__all__ = ["NUMPY_PRODUCTS"]


def einsum(*operands: Any, optimize: Any = False, **options: Any) -> Any:
    """`np.einsum`: with subscripts, or with lists of whole numbers after each operand; `optimize` changes nothing."""
    if set(options) - {"order", "casting"}:
        raise TypeError(f"np.einsum with {', '.join(options)} has no differentiable counterpart here")
    return linear_algebra.einsum(*operands)


def vdot(a: Any, b: Any) -> Any:
    """`np.vdot`."""
    a, b = coerce("np.vdot", (a, b))
    return matmul(_reshape(a, (a.size,)), _reshape(b, (b.size,)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """`np.cross` of vectors with three elements."""
    a, b = coerce("np.cross", (a, b))
    if axis is not None:
        axisa = axisb = axisc = axis
    out = linalg.cross(moveaxis(a, axisa, -1), moveaxis(b, axisb, -1))
    return moveaxis(out, -1, axisc)


def multi_dot(arrays: Any) -> Any:
    """`np.linalg.multi_dot`."""
    return linalg.multi_dot(arrays)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.linalg.norm`."""
    return linalg.norm(x, ord, axis, keepdims)


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """`np.linalg.vector_norm`."""
    return linalg.vector_norm(x, ord, axis, keepdims)


def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    """`np.linalg.matrix_norm`."""
    return linalg.matrix_norm(x, ord, keepdims=keepdims)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """`np.linalg.svd`; of matrices that are not square `full_matrices=True` is refused."""
    return linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    """`np.linalg.pinv`, whose limit is 1e-15 unless given."""
    limit = rcond if rcond is not None else rtol
    return decompositions.pinv(a, 1e-15 if limit is None else limit)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """`np.linalg.eigh`: one triangle alone is read, and has a derivative."""
    return linalg.eigh(a, UPLO)


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """`np.linalg.eigvalsh`: one triangle alone is read, and has a derivative."""
    return eigh(a, UPLO).eigenvalues


def cholesky(a: Any, upper: bool = False) -> Any:
    """`np.linalg.cholesky`: one triangle alone is read, and has a derivative."""
    return linalg.cholesky(from_triangle(a, "U" if upper else "L"), upper=upper)


def solve(a: Any, b: Any) -> Any:
    """`np.linalg.solve`."""
    return linear_algebra.solve(a, b)


def least_squares(a: Any, b: Any, rcond: Any = None) -> Any:
    """`np.linalg.lstsq`; only of the solution and the residuals derivatives are usual."""
    return lstsq(a, b, None if rcond == -1 else rcond)


def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """`np.polyfit`, of real numbers: least squares of columns that are brought to length 1, as NumPy does."""
    if full or cov:
        raise TypeError("np.polyfit with full or cov has no differentiable counterpart here; say it without")
    x, y = coerce("np.polyfit", (x, y))
    columns = vander(x, deg + 1)
    right = y
    if w is not None:
        (_, w) = coerce("np.polyfit", (x, w if isinstance(w, Tensor) else np.asarray(w, x.dtype)))
        columns, right = columns * _reshape(w, (-1, 1)), y * (w if y.ndim == 1 else _reshape(w, (-1, 1)))
    scale = linalg.vector_norm(columns, 2, 0)
    found = decompositions.pinv(columns / scale, rcond) @ right
    return found / (scale if y.ndim == 1 else _reshape(scale, (-1, 1)))


def linalg_outer(x: Any, y: Any) -> Any:
    """`np.linalg.outer` of two vectors."""
    x, y = as_tensors("np.linalg.outer", (x, y))
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"np.linalg.outer: expected vectors, got shapes {x.shape} and {y.shape}")
    return outer(x, y)


NUMPY_PRODUCTS: dict[str, Any] = {
    "einsum": einsum, "dot": lambda a, b: dot(a, b), "inner": lambda a, b: inner(a, b), "vdot": vdot,
    "outer": lambda a, b: outer(a, b), "kron": lambda a, b: kron(a, b), "cross": cross,
    "tensordot": lambda a, b, axes=2: tensordot(a, b, axes), "matmul": matmul,
    "vecdot": lambda x, y: linalg.vecdot(x, y), "polyfit": polyfit,
    "linalg.cholesky": cholesky, "linalg.cond": lambda x, p=None: linalg.cond(x, p),
    "linalg.cross": lambda x1, x2, axis=-1: linalg.cross(x1, x2, axis), "linalg.det": lambda a: linalg.det(a),
    "linalg.eigh": eigh, "linalg.eigvalsh": eigvalsh, "linalg.inv": lambda a: linalg.inv(a),
    "linalg.eig": lambda a: linalg.eig(a), "linalg.eigvals": lambda a: linalg.eigvals(a),
    "linalg.lstsq": least_squares, "linalg.matmul": lambda x1, x2: matmul(x1, x2), "linalg.matrix_norm": matrix_norm,
    "linalg.matrix_power": lambda a, n: linalg.matrix_power(a, n), "linalg.multi_dot": multi_dot, "linalg.norm": norm,
    "linalg.outer": linalg_outer, "linalg.pinv": pinv,
    "linalg.qr": lambda a, mode="reduced": linalg.qr(a, mode), "linalg.slogdet": lambda a: linalg.slogdet(a),
    "linalg.solve": solve, "linalg.svd": svd, "linalg.svdvals": lambda x: linalg.svdvals(x),
    "linalg.tensordot": lambda x1, x2, axes=2: tensordot(x1, x2, axes),
    "linalg.tensorinv": lambda a, ind=2: linalg.tensorinv(a, ind),
    "linalg.tensorsolve": lambda a, b, axes=None: linalg.tensorsolve(a, b, axes),
    "linalg.vecdot": lambda x1, x2, axis=-1: linalg.vecdot(x1, x2, axis), "linalg.vector_norm": vector_norm,
}  # fmt: skip
