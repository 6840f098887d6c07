"""Elimination: the factors P, L, U of matrices, what they solve, and products of Householder reflections."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from .matrix_functions import solve_triangular
from .products import _turned, matmul
from .rearranging import tril, triu
from .registry import Array, operation
from .results import Results
from .shape import _getitem, concatenate, expand_dims


class Elimination(Results):
    """A permutation, a lower triangle with ones on the diagonal, and an upper triangle: x = P L U."""

    __slots__ = ()
    names = ("P", "L", "U")


class Packed(Results):
    """L below the diagonal and U above, in one matrix, and which rows were exchanged, counted from 1 as in LAPACK."""

    __slots__ = ()
    names = ("LU", "pivots")


def _order(x: Array) -> tuple[Array, Array]:
    """The rows in the order that elimination with the largest pivots takes them, and the exchanges one by one."""
    a = np.array(x, np.float64)
    rows, columns = a.shape[-2:]
    stack = a.reshape(-1, rows, columns)
    each = np.arange(len(stack))
    order = np.tile(np.arange(rows), (len(stack), 1))
    steps = min(rows, columns)
    pivots = np.empty((len(stack), steps), np.int32)
    for k in range(steps):
        p = k + np.argmax(np.abs(stack[:, k:, k]), axis=1)
        pivots[:, k] = p + 1
        for t in (order, stack):
            here, there = t[each, k].copy(), t[each, p].copy()
            t[each, k], t[each, p] = there, here
        pivot = stack[:, k, k]
        factor = stack[:, k + 1 :, k] / np.where(pivot == 0, 1.0, pivot)[:, None]
        stack[:, k + 1 :, k:] -= factor[..., None] * stack[:, None, k, k:]
        stack[:, k + 1 :, k] = 0.0
    return order.reshape(*x.shape[:-2], rows), pivots.reshape(*x.shape[:-2], steps)


def _eliminated_rule(g: Tensor, out: Tensor) -> Tensor:
    """L⁻ᵀ (tril(Lᵀ Ḡ, -1) + triu(Ḡ Uᵀ)) U⁻ᵀ of the packed factors (de Hoog, Anderssen and Lukas 2011, section 2)."""
    lower = tril(out, -1) + np.eye(out.shape[-1], dtype=out.dtype)
    upper = triu(out)
    inner = tril(matmul(_turned(lower), tril(g, -1)), -1) + triu(matmul(triu(g), _turned(upper)))
    half = solve_triangular(_turned(lower), inner, upper=True, unitriangular=True)
    return _turned(solve_triangular(upper, _turned(half), upper=True))


@operation(
    _eliminated_rule,
    formula="L below the diagonal and U above, of square matrices whose rows are in order",
    examples=lambda rng: [
        ((rng.normal(size=(3, 3)) + 3 * np.eye(3),), {}),
        ((rng.normal(size=(2, 2, 2)) + 3 * np.eye(2),), {}),
    ],
)
def _eliminated(x: Array, /) -> Array:
    a = np.array(x)
    for k in range(a.shape[-1] - 1):
        pivot = a[..., k, k]
        a[..., k + 1 :, k] /= np.where(pivot == 0, a.dtype.type(1), pivot)[..., None]
        a[..., k + 1 :, k + 1 :] -= a[..., k + 1 :, k, None] * a[..., k, None, k + 1 :]
    return a


def lu(x: Any, *, pivot: bool = True) -> Elimination:
    """x = P L U by elimination with the largest pivot of each column.

    Which rows are exchanged changes only in jumps, so P is without history. Of matrices that are not square the square
    part is eliminated, and the rest solved for. Where a pivot is 0 there is no derivative.
    """
    packed, order, _ = _factors("lu", x, pivot)
    rows, columns = packed.shape[-2:]
    n = min(rows, columns)
    lower = tril(_getitem(packed, (..., slice(n))), -1) + np.eye(rows, n, dtype=packed.dtype)
    permutation = np.swapaxes(np.eye(rows, dtype=packed.dtype)[order], -1, -2)
    return Elimination(wrap(permutation.copy()), lower, triu(_getitem(packed, (..., slice(n), slice(None)))))


def _factors(name: str, x: Any, pivot: bool) -> tuple[Tensor, Array, Array]:
    """L and U in one matrix, the order of the rows, and how it came about."""
    if not pivot:
        raise ValueError(f"{name}: pivot=False is not here: elimination without exchanges of rows loses digits")
    (x,) = coerce(name, (x,))
    if x.ndim < 2:
        raise ValueError(f"{name}: expected matrices, got shape {x.shape}")
    rows, columns = x.shape[-2:]
    order, pivots = _order(operand(x.detach()))
    x = matmul(wrap(np.eye(rows, dtype=x.dtype)[order]), x)
    n = min(rows, columns)
    packed = _eliminated(_getitem(x, (..., slice(n), slice(n))))
    if rows > n:
        below = _getitem(x, (..., slice(n, None), slice(None)))
        packed = concatenate([packed, solve_triangular(packed, below, upper=True, left=False)], -2)
    if columns > n:
        beside = _getitem(x, (..., slice(n, None)))
        packed = concatenate([packed, solve_triangular(packed, beside, upper=False, unitriangular=True)], -1)
    return packed, order, pivots


def lu_factor(x: Any, *, pivot: bool = True) -> Packed:
    """The factors of `lu` in one matrix, and the exchanges of rows."""
    packed, _, pivots = _factors("lu_factor", x, pivot)
    return Packed(packed, discrete(pivots))


def lu_solve(packed: Any, pivots: Any, b: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """x with a x = b (x a = b unless `left`; aᵀ if `adjoint`), for the factors of a that `lu_factor` gives."""
    packed, b = coerce("lu_solve", (packed, b))
    if not left:
        return _turned(lu_solve(packed, pivots, _turned(b), adjoint=not adjoint))
    places = np.asarray(operand(pivots))
    rows = packed.shape[-1]
    order = np.broadcast_to(np.arange(rows), (*places.shape[:-1], rows)).copy()
    for k in range(places.shape[-1]):
        there = places[..., k, None] - 1
        here = order[..., k].copy()
        order[..., k] = np.take_along_axis(order, there, -1)[..., 0]
        np.put_along_axis(order, there, here[..., None], -1)
    forward = wrap(np.eye(rows, dtype=packed.dtype)[order])
    if adjoint:
        middle = solve_triangular(_turned(packed), b, upper=False)
        out = solve_triangular(_turned(packed), middle, upper=True, unitriangular=True)
        return matmul(_turned(forward), out)
    middle = solve_triangular(packed, matmul(forward, b), upper=False, unitriangular=True)
    return solve_triangular(packed, middle, upper=True)


def householder_product(x: Any, tau: Any) -> Tensor:
    """The first columns of the product of reflections 1 - τ v vᵀ, whose vectors lie below the diagonal of x."""
    x, tau = coerce("householder_product", (x, tau))
    if x.ndim < 2 or x.shape[-2] < x.shape[-1] or tau.shape[-1:] > x.shape[-1:]:
        raise ValueError(f"householder_product: shapes {x.shape} and {tau.shape} do not fit")
    rows, columns = x.shape[-2:]
    vectors = tril(x, -1) + np.eye(rows, columns, dtype=x.dtype)
    out: Any = wrap(np.broadcast_to(np.eye(rows, columns, dtype=x.dtype), x.shape).copy())
    for k in reversed(range(tau.shape[-1])):
        v = _getitem(vectors, (..., slice(k, k + 1)))
        scale = expand_dims(_getitem(tau, (..., slice(k, k + 1))), -1)
        out = out - matmul(v, matmul(_turned(v), out)) * scale
    return out
