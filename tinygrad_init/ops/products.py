"""Linear maps: matrix products and the layer x Wᵀ + b."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .registry import Array, operation
from .shape import _reshape, _transpose, expand_dims, sum_to

STACKS = 5  # axes of stacks that the kernel takes


def _matmul_examples(rng: np.random.Generator) -> list[Any]:
    shapes = [((2, 3), (3, 4)), ((5, 2, 3), (3, 1)), ((2, 1, 2, 3), (4, 3, 2)), ((2, 0), (0, 3))]
    return [((rng.normal(size=a), rng.normal(size=b)), {}) for a, b in shapes]


@operation(
    lambda g, y: _matmul(g, _turned(y)),
    lambda g, x: _matmul(_turned(x), g),
    formula="x y, matrices or stacks of them",
    broadcasts=True,
    examples=_matmul_examples,
)
def _matmul(x: Array, y: Array, /) -> Array:
    if x.ndim == y.ndim == 2:
        return kernels.matmul(x, y)
    stacks = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = np.broadcast_to(x, (*stacks, *x.shape[-2:])), np.broadcast_to(y, (*stacks, *y.shape[-2:]))
    if len(stacks) <= STACKS:
        return kernels.matmul(x, y)
    out = np.empty((*stacks, x.shape[-2], y.shape[-1]), x.dtype)
    for at in np.ndindex(*stacks[:-STACKS]):
        out[at] = kernels.matmul(x[at], y[at])
    return out


def _turned(x: Tensor) -> Tensor:
    """Every matrix of a stack transposed."""
    return _transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def matmul(x: Any, y: Any) -> Any:
    """The matrix product as NumPy's `@` has it: vectors, matrices, and stacks of matrices that broadcast.

    Raises
    ------
    ValueError
        An operand is 0-d, or the inner sizes or the stacks do not fit.
    """
    if not isinstance(x, Tensor) and not isinstance(y, Tensor) and is_discrete(x) and is_discrete(y):
        return discrete(np.matmul(operand(x), operand(y)))
    a, b = coerce("matmul", (x, y))
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul: expected vectors or matrices, got shapes {a.shape} and {b.shape}; use * for numbers")
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(f"matmul: inner sizes differ: {a.shape} @ {b.shape}")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(f"matmul: the stacks do not broadcast: {a.shape} @ {b.shape}") from None
    if b.ndim <= 2 < a.ndim:  # a stack times one matrix is one product of all rows
        return _reshape(matmul(_as_matrix(a), b), (*a.shape[:-1], *b.shape[1:]))
    out = _matmul(expand_dims(a, 0) if a.ndim == 1 else a, expand_dims(b, 1) if b.ndim == 1 else b)
    if a.ndim == 1:
        out = _reshape(out, (*out.shape[:-2], out.shape[-1]))
    return _reshape(out, out.shape[:-1]) if b.ndim == 1 else out


def _linear_rule(g: Tensor, x: Tensor, weight: Tensor, needs: tuple[bool, ...]) -> list[Any]:
    """x̄ = δ W, W̄ = δᵀ x, b̄ = Σ δ over the samples."""
    delta, rows = _as_matrix(g), _as_matrix(x)
    return [
        _reshape(_matmul(delta, weight), x.shape) if needs[0] else None,
        _matmul(_turned(delta), rows) if needs[1] else None,
        sum_to(delta, weight.shape[:1]) if needs[2] else None,
    ]


def _as_matrix(x: Tensor) -> Tensor:
    """All axes but the last joined into one."""
    return x if x.ndim == 2 else _reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@operation(
    _linear_rule,
    formula="x Wᵀ + b",
    joint=True,
    examples=lambda rng: [
        ((rng.normal(size=(5, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)), {}),
        ((rng.normal(size=(2, 2, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)), {}),
        ((rng.normal(size=3), rng.normal(size=(4, 3)), rng.normal(size=4)), {}),
    ],
)
def _linear(x: Array, weight: Array, bias: Array, /) -> Array:
    if x.ndim == 2:
        return kernels.linear(x, weight, bias)
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return kernels.linear(rows, weight, bias).reshape(*x.shape[:-1], weight.shape[0])


def linear(x: Any, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A layer's linear map x Wᵀ + b.

    Parameters
    ----------
    x
        Of shape (..., in_features).
    weight
        Of shape (out_features, in_features).
    bias
        Of shape (out_features,), or None.

    Returns
    -------
    Tensor
        Of shape (..., out_features).

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
    if bias is not None and isinstance(x, Tensor):  # as nearly always: nothing is left to be said
        inputs, sizes = x.shape, weight.shape
        if len(sizes) == 2 and len(inputs) > 0 and inputs[-1] == sizes[1] and bias.shape == sizes[:1]:
            return _linear(x, weight, bias)
    x, weight = coerce("linear", (x, weight))
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        features = x.shape[-1] if x.ndim else "no"
        expected = f"(*, {features})" if weight.ndim == 2 else "(out_features, in_features)"
        raise ValueError(
            f"linear: weight has shape {weight.shape} but input has {features} features; expected {expected}"
        )
    if bias is None:
        return matmul(x, weight.T)
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: bias has shape {bias.shape}; expected {weight.shape[:1]}")
    return _linear(x, weight, bias)


METHODS["matmul"] = matmul
