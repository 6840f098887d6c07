"""Slopes of activations: where they are flat, and where exactly 0."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...engine.backward import grad
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...nn import Activation, Module, dtype_of

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


def units_of(activation: Module) -> int:
    """How many units the activation is made for; 1 if for any number of them."""
    return max((parameter.size for parameter in activation.parameters()), default=1)


def shape_of(activation: Module) -> tuple[float, bool]:
    """The steepest slope, and whether φ saturates on the left and on the right, as tanh does and ReLU does not.

    Found once for an activation that learns nothing.
    """
    if isinstance(activation, Activation):
        return _shape_of(activation.name, tuple(sorted(activation.params.items())))
    return measured_shape(activation)


@lru_cache(maxsize=256)
def _shape_of(name: str, params: tuple[tuple[str, float], ...]) -> tuple[float, bool]:
    return measured_shape(Activation(name, **dict(params)))


def measured_shape(activation: Module) -> tuple[float, bool]:
    """The same by looking at many points."""
    units = units_of(activation)

    def slopes(low: float, high: float, points: int) -> Array:
        return np.abs(derivative(activation, np.repeat(np.linspace(low, high, points)[:, None], units, axis=1)))

    top = float(np.max(slopes(-10, 10, 2001))) or 1.0
    return top, all(bool(np.all(slopes(*tail, 201) < FLAT * top)) for tail in ((-40, -20), (20, 40)))


def slopes_at(activation: Module, z: Array) -> Array:
    """|φ'(z)|, in the dtype of z, as a share of φ's steepest slope."""
    return np.abs(derivative(activation, z)) / np.asarray(shape_of(activation)[0], z.dtype)


def flat_on_both_sides(activation: Module) -> bool:
    """Whether φ saturates on the left and on the right."""
    return shape_of(activation)[1]
