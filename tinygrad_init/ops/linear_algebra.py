"""Sums over named indices, and linear algebra: rules in closed form, made of operations.

Rules are those of Giles (2008, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation") unless another source is named. All take stacks of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors, coerce
from ..engine.tensor import Tensor, wrap
from ..kernels.apart import apart
from .products import _turned, matmul
from .rearranging import diagonal, tril
from .reductions import sum as total
from .registry import Array, operation
from .results import Results
from .shape import _reshape, _transpose, broadcast_to, expand_dims

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _parsed(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The indices of every operand and of the result, one letter each; an ellipsis becomes letters."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ValueError(f"einsum: {subscripts!r} names {len(inputs)} operands, got {len(shapes)}")
    free = [letter for letter in LETTERS if letter not in text]
    open_ends = [(names, shape) for names, shape in zip(inputs, shapes, strict=True) if "..." in names]
    hidden = max((len(shape) - len(names.replace("...", "")) for names, shape in open_ends), default=0)
    stack = "".join(free[:hidden])
    found = []
    for names, shape in zip(inputs, shapes, strict=True):
        extra = len(shape) - len(names.replace("...", ""))
        if extra < 0 or (extra > 0 and "..." not in names):
            raise ValueError(f"einsum: {names!r} does not fit shape {shape}")
        found.append(names.replace("...", stack[hidden - extra :] if extra else ""))
    if arrow:
        end = right.replace("...", stack)
    else:
        every = "".join(found)
        end = stack + "".join(sorted(c for c in set(every) - set(stack) if every.count(c) == 1))
    if unknown := set(end) - set("".join(found)):
        raise ValueError(f"einsum: the result names {', '.join(sorted(unknown))}, which no operand has")
    return found, end


def _spelled(operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Subscripts and operands, of operands that are each followed by the numbers of their axes."""
    paired = len(operands) // 2 * 2
    parts = []
    for axes in (*operands[1:paired:2], *operands[paired:]):
        wrong = not isinstance(axes, Sequence) or isinstance(axes, str)
        if wrong or any(
            i is not Ellipsis and not (isinstance(i, int | np.integer) and 0 <= i < len(LETTERS)) for i in axes
        ):
            raise TypeError(
                f"einsum: expected subscripts first, or a list of whole numbers from 0 to {len(LETTERS) - 1} after "
                f"each operand, got {axes!r}"
            )
        parts.append("".join("..." if i is Ellipsis else LETTERS[i] for i in axes))
    left = ",".join(parts[: paired // 2])
    return f"{left}->{parts[-1]}" if len(operands) > paired else left, operands[:paired:2]


def einsum(subscripts: Any, *operands: Any) -> Tensor:
    """Products summed over indices by name: `einsum("ij,jk->ik", a, b)` is a matrix product.

    Parameters
    ----------
    subscripts
        As `np.einsum` takes them: letters for the axes of every operand, an ellipsis for the others, and after `->`
        those of the result; without it the letters that come once, in order. NumPy's other spelling is taken, too:
        `einsum(a, [0, 1], b, [1, 2], [0, 2])`, where numbers name the axes.
    operands
        Tensors, arrays or numbers; of whole numbers alone the result is whole.

    Raises
    ------
    ValueError
        The letters do not fit the shapes.
    TypeError
        There are no subscripts, and no lists of whole numbers after the operands.

    Notes
    -----
    Operands are joined two by two, from the left: their common indices become those of a matrix product.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _spelled((subscripts, *operands))
    xs = as_tensors("einsum", operands)
    names, end = _parsed(subscripts, [x.shape for x in xs])
    sizes: dict[str, int] = {}
    for indices, x in zip(names, xs, strict=True):
        for letter, n in zip(indices, x.shape, strict=True):
            if sizes.setdefault(letter, n) == 1:
                sizes[letter] = n
            elif n not in (1, sizes[letter]):
                raise ValueError(f"einsum: index {letter!r} is {sizes[letter]} long in one operand and {n} in another")
    left, have = _alone(xs[0], names[0], "".join(names[1:]) + end)
    for i, (x, indices) in enumerate(zip(xs[1:], names[1:], strict=True), 1):
        later = "".join(names[i + 1 :]) + end
        right, other = _alone(x, indices, have + later)
        left, have = _joined(left, have, right, other, later)
    left, have = _alone(left, have, end)
    out = _transpose(left, tuple(have.index(letter) for letter in end)) if have != end else left
    return broadcast_to(out, tuple(sizes[letter] for letter in end))


def _alone(x: Tensor, indices: str, needed: str) -> tuple[Tensor, str]:
    """An operand without repeated indices, of which the diagonal is taken, and without those that nobody else has."""
    for letter in dict.fromkeys(indices):
        while indices.count(letter) > 1:
            a = indices.index(letter)
            b = indices.index(letter, a + 1)
            x = diagonal(x, 0, a, b)
            indices = "".join(c for i, c in enumerate(indices) if i not in (a, b)) + letter
    gone = tuple(i for i, letter in enumerate(indices) if letter not in needed)
    if gone:
        x = total(x, gone)
        indices = "".join(letter for letter in indices if letter in needed)
    return x, indices


def _joined(x: Tensor, a: str, y: Tensor, b: str, later: str) -> tuple[Tensor, str]:
    """The product of two operands, summed over what only they have."""
    stack = [c for c in a if c in b and c in later]
    inner = [c for c in a if c in b and c not in later]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    lengths = dict(zip(b, y.shape, strict=True))
    for letter, n in zip(a, x.shape, strict=True):
        lengths[letter] = max(n, lengths.get(letter, 1)) if 0 not in (n, lengths.get(letter, 1)) else 0

    def matrix(t: Tensor, have: str, first: list[str], second: list[str]) -> Tensor:
        order = [*stack, *first, *second]
        t = _transpose(t, tuple(have.index(c) for c in order))
        t = broadcast_to(t, tuple(lengths[c] for c in order))
        sides = [int(np.prod([lengths[c] for c in part], dtype=int)) for part in (first, second)]
        return _reshape(t, (*(lengths[c] for c in stack), *sides))

    out = matmul(matrix(x, a, rows, inner), matrix(y, b, inner, columns))
    return _reshape(out, tuple(lengths[c] for c in (*stack, *rows, *columns))), "".join((*stack, *rows, *columns))


def _square(name: str, x: Any, operands: Callable[..., Any] = coerce) -> Any:
    (x,) = operands(name, (x,))
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: expected square matrices, got shape {x.shape}")
    return x


def _solvable(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(size=shape) + 3 * np.eye(shape[-1])


@operation(
    lambda g, out: -matmul(matmul(_turned(out), g), _turned(out)),
    formula="x⁻¹",
    examples=lambda rng: [((_solvable(rng, 3, 3),), {}), ((_solvable(rng, 2, 2, 2),), {})],
)
def _inv(x: Array, /) -> Array:
    return _numpy("inv", np.linalg.inv, x)


def _numpy(name: str, function: Any, *arrays: Array) -> Any:
    """A function of NumPy's, whose complaint is passed on in this package's way."""
    try:
        return apart(function, *arrays)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"{name}: {error}") from None


def inv(x: Tensor) -> Tensor:
    """The inverse of square matrices.

    Raises
    ------
    ValueError
        They are not square, or one is singular.
    """
    return _inv(_square("inv", x))


def solve(a: Any, b: Any) -> Tensor:
    """x with a x = b, for square matrices a and vectors or matrices b.

    Raises
    ------
    ValueError
        The shapes do not fit, or a matrix is singular.
    """
    a, b = coerce("solve", (a, b))
    a = _square("solve", a)
    vector = b.ndim == 1
    if b.shape[-1 if vector else -2] != a.shape[-1]:
        raise ValueError(f"solve: expected {a.shape[-1]} rows on the right, got shape {b.shape}")
    out = _solve(a, expand_dims(b, 1) if vector else b)
    return _reshape(out, out.shape[:-1]) if vector else out


@operation(
    lambda g, a, out: -matmul(_solve(_turned(a), g), _turned(out)),
    lambda g, a: _solve(_turned(a), g),
    formula="a⁻¹ b",
    broadcasts=True,
    examples=lambda rng: [
        ((_solvable(rng, 3, 3), rng.normal(size=(3, 2))), {}),
        ((_solvable(rng, 2, 2, 2), rng.normal(size=(2, 2, 1))), {}),
    ],
)
def _solve(a: Array, b: Array, /) -> Array:
    return _numpy("solve", np.linalg.solve, a, b)


@operation(
    lambda g, x: _scaled(g, _turned(_inv(x))),
    formula="ln |det x|",
    examples=lambda rng: [((_solvable(rng, 3, 3),), {}), ((_solvable(rng, 2, 2, 2),), {})],
)
def _logabsdet(x: Array, /) -> Array:
    return np.asarray(apart(np.linalg.slogdet, x)[1])


@operation(None, formula="the sign of det x", exempt="a sign has no derivative but 0, and is never recorded")
def _detsign(x: Array, /) -> Array:
    return np.asarray(apart(np.linalg.slogdet, x)[0])


def _scaled(g: Tensor, matrices: Tensor) -> Tensor:
    """Every matrix of a stack times its own number."""
    return _reshape(g, (*g.shape, 1, 1)) * matrices


class SlogDet(Results):
    """The determinant as its sign, which has no history, and the logarithm of its size."""

    __slots__ = ()
    names = ("sign", "logabsdet")


def slogdet(x: Tensor) -> SlogDet:
    """Sign and logarithm of the determinant of square matrices; the gradient is not defined where that is 0."""
    x = _square("slogdet", x)
    return SlogDet(_detsign(x.detach()), _logabsdet(x))


@operation(
    lambda g, x: _scaled(g, _cofactors(x)),
    formula="det x",
    examples=lambda rng: [((_solvable(rng, 3, 3),), {}), ((_solvable(rng, 2, 2, 2),), {})],
)
def _det(x: Array, /) -> Array:
    return np.asarray(apart(np.linalg.det, x))


def _cofactors_rule(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """Σ(g ∘ x⁻ᵀ) C - x⁻ᵀ gᵀ C with C the cofactors, of d(det(x) x⁻ᵀ); where x has an inverse."""
    turned = _turned(_inv(x))
    return _scaled(total(g * turned, (-2, -1)), out) - matmul(matmul(turned, _turned(g)), out)


@operation(
    _cofactors_rule,
    formula="det(x) x⁻ᵀ",
    examples=lambda rng: [((_solvable(rng, 3, 3),), {}), ((_solvable(rng, 2, 2, 2),), {})],
)
def _cofactors(x: Array, /) -> Array:
    """By singular values, so that no inverse is needed: det(U) det(V) U diag(∏_{j≠i} s_j) Vᵀ."""
    u, s, vh = apart(np.linalg.svd, x)
    others = np.stack([np.prod(np.delete(s, i, -1), axis=-1) for i in range(s.shape[-1])], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return np.asarray(((sign[..., None, None] * u * others[..., None, :]) @ vh).astype(x.dtype))


def det(x: Tensor) -> Tensor:
    """The determinant of square matrices; its derivative by a singular one is that of the cofactors, of first order."""
    return _det(_square("det", x))


def _lower(x: Tensor) -> Tensor:
    """The lower triangle with half of the diagonal."""
    return tril(x) - 0.5 * x * np.eye(x.shape[-1], dtype=x.dtype)


def _cholesky_rule(g: Tensor, out: Tensor) -> Tensor:
    """½ L⁻ᵀ (P + Pᵀ) L⁻¹ with P the lower triangle of Lᵀ ḡ, half of its diagonal (Murray 2016, eq. 10)."""
    p = _lower(matmul(_turned(out), g))
    inverse = _inv(out)
    return 0.5 * matmul(matmul(_turned(inverse), p + _turned(p)), inverse)


@operation(
    _cholesky_rule,
    formula="the lower triangular L with L Lᵀ = (x + xᵀ)/2",
    examples=lambda rng: [((m @ np.swapaxes(m, -1, -2),), {}) for m in (_solvable(rng, 3, 3), _solvable(rng, 2, 2, 2))],
)
def _cholesky(x: Array, /) -> Array:
    return _numpy("cholesky", np.linalg.cholesky, 0.5 * (x + np.swapaxes(x, -1, -2)))


def cholesky(x: Tensor) -> Tensor:
    """The lower triangular L with L Lᵀ = x for symmetric, positive definite matrices.

    Raises
    ------
    ValueError
        They are not square or not positive definite.
    """
    return _cholesky(_square("cholesky", x))


def matrix_power(x: Tensor, n: int) -> Tensor:
    """The product of a square matrix with itself, n times; of its inverse where n < 0."""
    x = _square("matrix_power", x, coerce if n < 0 else as_tensors)
    if n < 0:
        return matrix_power(inv(x), -n)
    identity = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape).copy()
    out = discrete(identity) if is_discrete(x) else wrap(identity)
    while n:
        out = matmul(out, x) if n & 1 else out
        n >>= 1
        x = matmul(x, x) if n else x
    return out


def outer(x: Any, y: Any) -> Tensor:
    """The products of all elements of two vectors, as a matrix."""
    x, y = as_tensors("outer", (x, y))
    return _reshape(x, (x.size, 1)) * _reshape(y, (1, y.size))


def tensordot(x: Any, y: Any, axes: int | Sequence[Any] = 2) -> Tensor:
    """Products summed over axes of both: the last so many of x and the first of y, or those of two lists."""
    x, y = as_tensors("tensordot", (x, y))
    if isinstance(axes, int):
        pairs: list[Any] = [list(range(x.ndim - axes, x.ndim)), list(range(axes))]
    else:
        pairs = [[a] if isinstance(a, int) else list(a) for a in axes]
    a, b = list(LETTERS[: x.ndim]), list(LETTERS[x.ndim : x.ndim + y.ndim])
    for i, j in zip(*pairs, strict=True):
        b[j] = a[i]
    kept = [c for c in a if c not in b] + [c for c in b if c not in a]
    return einsum(f"{''.join(a)},{''.join(b)}->{''.join(kept)}", x, y)


METHODS.update(
    inv=inv, inverse=inv, det=det, slogdet=slogdet, cholesky=cholesky, matrix_power=matrix_power, outer=outer
)
