"""What a network's layers look like on a batch: one forward, one backward, statistics of every layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._engine.backward import grad
from .._engine.modes import enable_grad
from .._engine.tensor import Tensor
from ..nn import Linear, Module, layers_of
from ..ops import norm

Array = np.ndarray[Any, Any]

# A slope below this share of the activation's steepest counts as flat.
FLAT = 0.1
# A unit that is flat on this share of the samples counts as saturated.
MOSTLY = 2 / 3


@dataclass(frozen=True)
class LayerStats:
    """One linear map and the activation after it, on one batch.

    Attributes
    ----------
    name
        Of the linear map, such as "layers.0".
    units
        Its number of outputs.
    z_rms, a_rms
        Root mean square of preactivations and activations.
    saturated
        Share of units whose slope φ'(z) is below 10 % of the activation's steepest on at least two thirds of the
        samples. Only for activations that are flat on both sides: a ReLU unit that is mostly off is sparse.
    dead
        Share of units whose slope is exactly 0 on all samples: no gradient passes.
    dz_rms
        Root mean square of ∂C/∂z over samples and units, times the number of samples: what one sample sends back.
    dw_rms
        Root mean square of ∂C/∂W, C the mean loss of the batch.
    weight_rms
        Root mean square of the weights.
    update_ratio
        Learning rate · dw_rms / weight_rms: by which share a plain gradient step changes the weights (NaN for 0/0).
    distinct
        How many of the units differ in their weights and bias by more than rounding.
    distinct_updates
        How many of them differ in the gradient of weights and bias by more than rounding.
    """

    name: str
    units: int
    z_rms: float
    a_rms: float
    saturated: float
    dead: float
    dz_rms: float
    dw_rms: float
    weight_rms: float
    update_ratio: float
    distinct: int
    distinct_updates: int


@dataclass(frozen=True)
class Snapshot:
    """All layers of a network at one moment, and the loss there."""

    loss: float
    layers: tuple[LayerStats, ...]


def rms(values: Array) -> float:
    """Root mean square, in float64; it neither overflows nor underflows on the way. That of nothing is 0."""
    return norm(Tensor(values, np.float64)).item() / math.sqrt(max(values.size, 1))


def measure(model: Module, x: Array, y: Any, loss: Callable[[Tensor, Any], Tensor], lr: float) -> Snapshot:
    """Run a batch forward and backward and look at every layer; the model is left as it was.

    Parameters
    ----------
    model
        A chain of linear maps and activations; its parameters' gradients are not touched.
    x, y
        The batch, as `loss` wants it.
    loss
        The mean loss over the batch.
    lr
        The learning rate, for the update ratio.
    """
    with enable_grad():
        chain = layers_of(model)
        zs, activations = forward(chain, x)
        cost = loss(activations[-1], y)
        parameters = [[p for p in (linear.weight, linear.bias) if p is not None] for linear, _ in chain]
        gradients = iter(grad(cost, [*zs, *(p for of_layer in parameters for p in of_layer)]))
        dzs = [next(gradients).numpy() for _ in zs]
        updates = [[next(gradients).numpy() for _ in of_layer] for of_layer in parameters]
    layers = []
    names = {id(module): name for name, module in model.named_modules()}
    for i, (linear, activation) in enumerate(chain):
        saturated, dead = (0.0, 0.0) if activation is None else flat_units(activation, zs[i].numpy())
        weight_rms, dw_rms = rms(linear.weight.numpy()), rms(updates[i][0])
        layers.append(
            LayerStats(
                name=names[id(linear)],
                units=linear.out_features,
                z_rms=rms(zs[i].numpy()),
                a_rms=rms(activations[i].numpy()),
                saturated=saturated,
                dead=dead,
                dz_rms=rms(dzs[i]) * len(x),
                dw_rms=dw_rms,
                weight_rms=weight_rms,
                update_ratio=ratio(lr * dw_rms, weight_rms),
                distinct=distinct_rows([p.numpy() for p in parameters[i]]),
                distinct_updates=distinct_rows(updates[i]),
            )
        )
    return Snapshot(cost.item(), tuple(layers))


def ratio(numerator: float, denominator: float) -> float:
    """A quotient that is infinite, or NaN for 0/0, instead of an error."""
    if denominator == 0:
        return float("nan") if numerator == 0 else float("inf")
    return numerator / denominator


def forward(chain: list[tuple[Linear, Module | None]], x: Array) -> tuple[list[Tensor], list[Tensor]]:
    """The results z of the linear maps, and what the activation after each makes of it (without one: z itself)."""
    zs: list[Tensor] = []
    activations: list[Tensor] = []
    signal: Any = x
    for linear, activation in chain:
        zs.append(linear(signal))
        signal = zs[-1] if activation is None else activation(zs[-1])
        activations.append(signal)
    return zs, activations


def flat_units(activation: Module, z: Array) -> tuple[float, float]:
    """The shares of saturated and of dead units, as `LayerStats` has them."""
    slopes = slopes_at(activation, z)
    saturated = np.mean(slopes < FLAT, axis=0) >= MOSTLY if flat_on_both_sides(activation) else np.zeros(1)
    return float(np.mean(saturated)), float(np.mean(np.all(slopes == 0, axis=0)))


def slopes_at(activation: Module, z: Array) -> Array:
    """|φ'(z)|, in the dtype of z, as a share of φ's steepest slope."""
    steepest = float(np.max(np.abs(derivative(activation, np.linspace(-10, 10, 2001)))))
    return np.abs(derivative(activation, z)) / np.asarray(steepest or 1.0, z.dtype)


def flat_on_both_sides(activation: Module) -> bool:
    """Whether φ saturates on the left and on the right, as sigmoid and tanh do and ReLU does not."""
    tails = (np.linspace(-40, -20, 201), np.linspace(20, 40, 201))
    return all(bool(np.all(slopes_at(activation, tail) < FLAT)) for tail in tails)


def derivative(activation: Module, z: Array) -> Array:
    """φ'(z), element by element."""
    dtype = next((parameter.dtype for parameter in activation.parameters()), z.dtype)
    point = Tensor(z.astype(dtype), requires_grad=True)
    return np.asarray(grad(activation(point).sum(), point).numpy())


def distinct_rows(arrays: Sequence[Array]) -> int:
    """How many rows differ by more than rounding, taken together over a weight (units, inputs) and a bias (units,)."""
    rows = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    tolerance = 1e3 * np.finfo(rows.dtype).eps
    size = np.max(np.abs(rows), axis=1)
    left = np.ones(len(rows), dtype=bool)
    count = 0
    while left.any():
        first = int(np.argmax(left))
        difference = np.max(np.abs(rows[left] - rows[first]), axis=1)
        same = ~(difference > tolerance * np.maximum(size[left], size[first]))
        left[np.flatnonzero(left)[same]] = False
        left[first] = False
        count += 1
    return count
