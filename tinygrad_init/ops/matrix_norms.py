"""Norms of vectors and matrices, of every order that NumPy and PyTorch know."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.apart import apart
from .decompositions import svd
from .elementwise import abs as size
from .elementwise import where
from .linear_algebra import _square, inv
from .rearranging import moveaxis
from .reductions import Axis, _max, _min
from .reductions import norm as length
from .reductions import sum as total
from .shape import _reshape, kept_shape, normalize_axes
from .spelling import either

Order = float | str | None


@either
def vector_norm(x: Any, ord: float = 2, axis: Axis = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ|x|^p)^(1/p) over axes, of all elements unless axes are given.

    Parameters
    ----------
    ord
        p: any number; inf and -inf are the largest and smallest absolute value, 0 counts what is not zero.

    Notes
    -----
    Where the norm is 0 its subgradient is 0; where single elements are 0 the derivative by them is taken to be 0, for
    every p. Ties of absolute values share it. The count of p = 0 has derivative 0.
    """
    (x,) = coerce("vector_norm", (x if dtype is None else x.astype(dtype),))
    axes = tuple(axis) if isinstance(axis, list) else axis
    if not isinstance(ord, int | float):
        raise TypeError(f"vector_norm: expected a number as order, got {ord!r}")
    if ord == 2:
        return length(x, axes, keepdims)
    absolute = size(x)
    if ord == math.inf:
        return _max(absolute, axes, keepdims)
    if ord == -math.inf:
        return _min(absolute, axes, keepdims)
    if ord == 1:
        return total(absolute, axes, keepdims)
    if ord == 0:
        return total(where(absolute == 0, 0.0, where(absolute == 0, x, 1.0)), axes, keepdims)
    largest = _max(absolute.detach(), axes, True)  # so that powers neither overflow nor underflow
    scale = where((largest == 0) | (largest == np.inf), 1.0, largest)
    powers = total((absolute / scale) ** float(ord), axes, True)
    zero = powers == 0
    out = where(zero, 0.0, where(zero, 1.0, powers) ** (1.0 / ord)) * scale
    return out if keepdims else _reshape(out, tuple(_left(x.shape, axes)))


def _left(shape: tuple[int, ...], axis: Axis) -> list[int]:
    axes = normalize_axes(axis, len(shape), "vector_norm")
    return [n for i, n in enumerate(shape) if i not in axes]


def svdvals(x: Any) -> Tensor:
    """The singular values of matrices in falling order; sums of equal ones have a derivative, single ones do not."""
    found: Tensor = svd(x).S
    return found


@either
def matrix_norm(x: Any, ord: Order = "fro", axis: tuple[int, int] = (-2, -1), keepdims: bool = False) -> Tensor:
    """A norm of matrices.

    Parameters
    ----------
    ord
        "fro": √Σx²; "nuc": the sum of singular values; 2, -2: the largest and smallest of them; 1, -1: the largest and
        smallest sum of absolute values of a column; inf, -inf: of a row.

    Notes
    -----
    Where several columns, rows or singular values are the largest, they share the derivative evenly. At singular
    values of 0 the nuclear norm has none; what it gives there is that of the others.
    """
    (x,) = coerce("matrix_norm", (x,))
    axes = tuple(axis)
    if len(axes) != 2 or x.ndim < 2:
        raise ValueError(f"matrix_norm: expected matrices and two axes, got shape {x.shape} and {axis}")
    rows, columns = (normalize_axes(a, x.ndim, "matrix_norm")[0] for a in axes)
    if rows == columns:
        raise ValueError(f"matrix_norm: expected two different axes, got {axis}")
    if ord in ("fro", None):
        return length(x, (rows, columns), keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        sums = total(size(x), rows if ord in (1, -1) else columns, True)
        out = (_max if ord in (1, math.inf) else _min)(sums, (rows, columns), True)
    elif ord in ("nuc", 2, -2):
        values = svdvals(moveaxis(x, (rows, columns), (-2, -1)))
        out = total(values, -1) if ord == "nuc" else (_max if ord == 2 else _min)(values, -1)
        out = _reshape(out, kept_shape(x.shape, (rows, columns)))
    else:
        raise ValueError(f"matrix_norm: expected order 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    if keepdims:
        return out
    return _reshape(out, tuple(n for i, n in enumerate(x.shape) if i not in (rows, columns)))


@either
def norm(x: Any, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`vector_norm` or `matrix_norm`, as NumPy's and PyTorch's `linalg.norm` choose.

    Without an order √Σx² over the axes given, or all; with an order but no axis the tensor must be a vector or a
    matrix; otherwise one axis is of vectors and two are of matrices.
    """
    (x,) = coerce("norm", (x,))
    axes = tuple(axis) if isinstance(axis, list) else axis
    if ord is None:
        return length(x, axes, keepdims)
    if axes is None:
        if x.ndim not in (1, 2):
            raise ValueError(f"norm: with an order expected a vector or a matrix, or axes; got shape {x.shape}")
        axes = tuple(range(x.ndim))
    several = axes if isinstance(axes, tuple) else (axes,)
    if len(several) == 2:
        return matrix_norm(x, ord, several, keepdims)
    if len(several) != 1 or isinstance(ord, str):
        raise ValueError(f"norm: order {ord!r} is none of {len(several)} axes; expected one axis or two")
    return vector_norm(x, ord, several, keepdims)


def cond(x: Any, p: Order = None) -> Tensor:
    """The condition number of matrices: the largest over the smallest singular value, or ‖x‖ ‖x⁻¹‖ in another norm.

    Parameters
    ----------
    p
        None and 2 for singular values, -2 for their inverse quotient, else an order of `matrix_norm`.

    Raises
    ------
    ValueError
        A norm other than of singular values is asked of matrices that are not square or are singular.
    """
    if p in (None, 2, -2):
        values = svdvals(x)
        first, last = values[..., 0], values[..., -1]
        return last / first if p == -2 else first / last
    x = _square("cond", x)
    return matrix_norm(x, p) * matrix_norm(inv(x), p)


def matrix_rank(x: Any, tol: Any = None, *, rtol: Any = None, atol: Any = None, hermitian: bool = False) -> Any:
    """How many singular values are above a limit, as whole numbers; it has no derivative.

    Parameters
    ----------
    tol, atol
        The limit itself.
    rtol
        The limit in terms of the largest singular value; as many spacings as the longer side unless one is given. With
        both the larger counts.
    hermitian
        Whether x is symmetric: nothing changes.
    """
    (x,) = coerce("matrix_rank", (x,))
    if x.ndim < 2:
        raise ValueError(f"matrix_rank: expected matrices, got shape {x.shape}")
    least = operand(0.0 if tol is None and atol is None else atol if tol is None else tol)
    if rtol is None:
        rtol = 0.0 if tol is not None or atol is not None else max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    values = apart(lambda a: np.linalg.svd(a, compute_uv=False), operand(x))
    limit = np.maximum(operand(rtol) * np.max(values, axis=-1, initial=0.0), least)
    return discrete(np.asarray(np.count_nonzero(values > limit[..., None], axis=-1)))
