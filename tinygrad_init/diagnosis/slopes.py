"""Slopes of activations: where they are flat, and where exactly 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._engine.backward import grad
from .._engine.modes import enable_grad
from .._engine.tensor import Tensor
from ..nn import Module

Array = np.ndarray[Any, Any]

# A slope below this share of the activation's steepest counts as flat.
FLAT = 0.1
# A unit that is flat on this share of the samples counts as saturated.
MOSTLY = 2 / 3


def derivative(activation: Module, z: Array) -> Array:
    """φ'(z), element by element."""
    with enable_grad():
        point = Tensor(z.astype(dtype_of(activation, z.dtype)), requires_grad=True)
        return np.asarray(grad(activation(point).sum(), point).numpy())


def value(activation: Module, z: float) -> Array:
    """φ(z) at one point: one number, or one for each unit whose slope is learned."""
    point = np.full(units_of(activation), z)
    return np.asarray(activation(Tensor(point, dtype_of(activation, point.dtype))).numpy())


def dtype_of(activation: Module, otherwise: Any) -> Any:
    """The dtype of what the activation learns, if it learns something."""
    return next((parameter.dtype for parameter in activation.parameters()), otherwise)


def units_of(activation: Module) -> int:
    """How many units the activation is made for; 1 if for any number of them."""
    return max((parameter.size for parameter in activation.parameters()), default=1)


def steepest(activation: Module) -> float:
    """The largest |φ'|; 1 for a constant."""
    grid = np.repeat(np.linspace(-10, 10, 2001)[:, None], units_of(activation), axis=1)
    return float(np.max(np.abs(derivative(activation, grid)))) or 1.0


def slopes_at(activation: Module, z: Array, top: float | None = None) -> Array:
    """|φ'(z)|, in the dtype of z, as a share of φ's steepest slope `top`."""
    return np.abs(derivative(activation, z)) / np.asarray(steepest(activation) if top is None else top, z.dtype)


def flat_on_both_sides(activation: Module) -> bool:
    """Whether φ saturates on the left and on the right, as sigmoid and tanh do and ReLU does not."""
    tails = (np.linspace(-40, -20, 201), np.linspace(20, 40, 201))
    return all(
        bool(np.all(slopes_at(activation, np.repeat(tail[:, None], units_of(activation), axis=1)) < FLAT))
        for tail in tails
    )
