"""Products of vectors and matrices by the names that they have in NumPy and PyTorch, and what is made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import maximum
from .linear_algebra import outer, tensordot
from .products import matmul
from .rearranging import moveaxis
from .reductions import mean
from .reductions import sum as total
from .shape import _getitem, _reshape, one_axis, stack, swapaxes
from .spelling import refuse

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "corrcoef", "cov", "cross", "cumulative_trapezoid", "dot",
    "ger", "inner", "kron", "mm", "mv", "trapezoid", "trapz", "vdot", "vecdot",
]  # fmt: skip


def product(name: str, x: Any, y: Any) -> Any:
    """The matrix product; of whole numbers it is whole."""
    x, y = as_tensors(name, (x, y))
    return discrete(np.matmul(operand(x), operand(y))) if is_discrete(x) else matmul(x, y)


def _of_axes(name: str, x: Any, y: Any, first: int, second: int) -> Any:
    x, y = as_tensors(name, (x, y))
    if (x.ndim, y.ndim) != (first, second):
        raise ValueError(f"{name}: expected {first} and {second} axes, got shapes {x.shape} and {y.shape}")
    return product(name, x, y)


def mm(x: Any, y: Any) -> Any:
    """The product of two matrices."""
    return _of_axes("mm", x, y, 2, 2)


def mv(x: Any, y: Any) -> Any:
    """The product of a matrix and a vector."""
    return _of_axes("mv", x, y, 2, 1)


def bmm(x: Any, y: Any) -> Any:
    """The products of two stacks of matrices, one by one."""
    if np.shape(operand(x))[:1] != np.shape(operand(y))[:1]:
        raise ValueError(f"bmm: expected as many matrices, got shapes {np.shape(x)} and {np.shape(y)}")
    return _of_axes("bmm", x, y, 3, 3)


def dot(x: Any, y: Any) -> Any:
    """Σ x·y of vectors; of matrices their product, and of more axes the sum over the last and the last but one.

    That is NumPy's function; PyTorch's is of vectors alone.
    """
    x, y = as_tensors("dot", (x, y))
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if y.ndim > 2 and not is_discrete(x):
        return tensordot(x, y, ([x.ndim - 1], [y.ndim - 2]))
    return product("dot", x, y) if y.ndim <= 2 else discrete(np.dot(operand(x), operand(y)))


def vdot(x: Any, y: Any) -> Any:
    """Σ x·y of all elements in a row."""
    x, y = as_tensors("vdot", (x, y))
    return product("vdot", _reshape(x, (x.size,)), _reshape(y, (y.size,)))


def inner(x: Any, y: Any) -> Any:
    """Sums over the last axes of both, for every choice of the others; a number multiplies."""
    x, y = as_tensors("inner", (x, y))
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"inner: the last axes differ: {x.shape} and {y.shape}")
    rows = _reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    columns = _reshape(y, (math.prod(y.shape[:-1]), y.shape[-1]))
    return _reshape(product("inner", rows, swapaxes(columns, 0, 1)), (*x.shape[:-1], *y.shape[:-1]))


def vecdot(x: Any, y: Any, axis: int = -1, *, dim: int | None = None) -> Any:
    """Σ x·y along one axis, the others stretched to a common shape."""
    x, y = as_tensors("vecdot", (x, y))
    return total(x * y, axis if dim is None else dim)


ger = outer


def _scaled(alpha: float, x: Any) -> Any:
    return x if alpha == 1 else alpha * x


def _added(name: str, x: Any, found: Any, beta: float, alpha: float) -> Any:
    """beta·x + alpha·found; where beta is 0, x is not looked at, so that its NaN do not matter."""
    if beta == 0:
        return _scaled(alpha, found) + (x * 0 if is_discrete(operand(x)) else 0.0) if alpha != 1 else found
    return _scaled(beta, as_tensors(name, (x,))[0]) + _scaled(alpha, found)


def addmm(x: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta·x + alpha·(mat1 mat2)."""
    return _added("addmm", x, mm(mat1, mat2), beta, alpha)


def addmv(x: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta·x + alpha·(mat vec)."""
    return _added("addmv", x, mv(mat, vec), beta, alpha)


def addr(x: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta·x + alpha·vec1⊗vec2."""
    return _added("addr", x, _outer(vec1, vec2), beta, alpha)


def _outer(x: Any, y: Any) -> Any:
    x, y = as_tensors("outer", (x, y))
    return _reshape(x, (x.size, 1)) * _reshape(y, (1, y.size))


def baddbmm(x: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta·x + alpha·(batch1 batch2), stacks of matrices."""
    return _added("baddbmm", x, bmm(batch1, batch2), beta, alpha)


def addbmm(x: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta·x + alpha·Σ (batch1 batch2), the sum over the stacks."""
    return _added("addbmm", x, total(bmm(batch1, batch2), 0), beta, alpha)


def kron(x: Any, y: Any) -> Any:
    """Kronecker's product: every element of x times all of y, in blocks."""
    x, y = as_tensors("kron", (x, y))
    n = max(x.ndim, y.ndim)
    a, b = (1,) * (n - x.ndim) + tuple(x.shape), (1,) * (n - y.ndim) + tuple(y.shape)
    first = _reshape(x, tuple(m for pair in zip(a, (1,) * n, strict=True) for m in pair))
    second = _reshape(y, tuple(m for pair in zip((1,) * n, b, strict=True) for m in pair))
    return _reshape(first * second, tuple(p * q for p, q in zip(a, b, strict=True)))


def cross(x: Any, y: Any, axis: int | None = None, *, dim: int | None = None) -> Any:
    """The cross product of vectors of three along an axis.

    Raises
    ------
    TypeError
        No axis is named, and the last is not the first that is three long: NumPy takes the last, PyTorch the first.
    ValueError
        It is not three long.
    """
    x, y = as_tensors("cross", (x, y))
    shape = np.broadcast_shapes(x.shape, y.shape)
    wanted = axis if dim is None else dim
    if wanted is None:
        if 3 in shape[:-1]:
            raise refuse("cross(x, y)", "cross(x, y, axis=-1)", f"cross(x, y, dim={shape.index(3)})")
        wanted = -1
    at = one_axis(wanted, len(shape), "cross")
    a, b = x.broadcast_to(shape) if not is_discrete(x) else x, y.broadcast_to(shape) if not is_discrete(y) else y
    if is_discrete(x):
        a, b = (np.broadcast_to(operand(v), shape) for v in (x, y))
    if shape[at] != 3:
        raise ValueError(f"cross: expected three elements along axis {at}, got shape {shape}")

    def part(v: Any, i: int) -> Any:
        index = (slice(None),) * at + (i,)
        return v[index] if isinstance(v, np.ndarray) else _getitem(v, index)

    found = [
        part(a, (i + 1) % 3) * part(b, (i + 2) % 3) - part(a, (i + 2) % 3) * part(b, (i + 1) % 3) for i in range(3)
    ]
    return discrete(np.stack(found, at)) if is_discrete(x) else stack(found, at)


# Integrals and moments


def _widths(name: str, y: Any, x: Any, dx: float, axis: int) -> tuple[Any, Any, int]:
    """The integrand with its axis last, and how far its points are apart."""
    (y,) = as_tensors(name, (y,))
    at = one_axis(axis, y.ndim, name)
    y = moveaxis(y, at, -1)
    if x is None:
        return y, dx, at
    (x,) = as_tensors(name, (x,))
    x = x if x.ndim == 1 else moveaxis(x, at if x.ndim == y.ndim else -1, -1)
    return y, x[..., 1:] - x[..., :-1], at


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1, *, dim: int | None = None) -> Any:
    """The integral along an axis by the trapezoidal rule, at points x or dx apart."""
    y, width, _ = _widths("trapezoid", y, x, dx, axis if dim is None else dim)
    return total((y[..., 1:] + y[..., :-1]) * width, -1) * 0.5


trapz = trapezoid


def cumulative_trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1, *, dim: int | None = None) -> Any:
    """The integral up to each point but the first along an axis, by the trapezoidal rule."""
    from .cumulative import cumsum

    y, width, at = _widths("cumulative_trapezoid", y, x, dx, axis if dim is None else dim)
    return moveaxis(cumsum((y[..., 1:] + y[..., :-1]) * width, -1) * 0.5, -1, at)


def cov(x: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """Covariances of variables, which are rows, over observations, which are columns.

    Parameters
    ----------
    correction
        What is subtracted from the number of observations; 1, as in NumPy and PyTorch.
    fweights, aweights
        How often each observation was made, and how much it counts.

    Raises
    ------
    ValueError
        There are more than two axes.
    """
    (x,) = coerce("cov", (x,))
    if x.ndim > 2:
        raise ValueError(f"cov: expected at most two axes, got shape {x.shape}")
    rows = _reshape(x, (1, x.size)) if x.ndim < 2 else x
    weights: Any = None
    for given in (fweights, aweights):
        if given is not None:
            found = given.astype(rows.dtype) if isinstance(given, Tensor) else np.asarray(operand(given), rows.dtype)
            weights = found if weights is None else weights * found
    if weights is None:
        left = deviation = rows - mean(rows, 1, True)
        rest: Any = float(rows.shape[1] - correction)
    else:
        whole_sum = weights.sum()
        deviation = rows - total(rows * weights, 1, True) / whole_sum
        less = (
            1.0 if aweights is None else (weights * coerce("cov", (aweights,))[0].astype(rows.dtype)).sum() / whole_sum
        )
        left, rest = deviation * weights, whole_sum - correction * less
    found = matmul(left, swapaxes(deviation, 0, 1))
    found = found / maximum(rest, 0.0) if isinstance(rest, Tensor) else found / max(float(rest), 0.0)
    return _reshape(found, ()) if rows.shape[0] == 1 else found


def corrcoef(x: Any) -> Any:
    """Correlations of variables, which are rows, over observations, which are columns."""
    (x,) = coerce("corrcoef", (x,))
    found = cov(x)
    if found.ndim == 0:
        return found / found
    from .elementwise import clip, sqrt
    from .rearranging import diagonal

    size = sqrt(diagonal(found))
    return clip(found / _reshape(size, (size.size, 1)) / size, -1.0, 1.0)


METHODS.update({
    name: globals()[name] for name in __all__ if name not in ("cumulative_trapezoid", "trapezoid", "trapz")
})  # fmt: skip
