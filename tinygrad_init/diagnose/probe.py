"""What a network's layers look like on a batch: one forward, one backward, statistics of every layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._engine.backward import grad
from .._engine.modes import enable_grad
from .._engine.tensor import Tensor
from ..nn import MLP, Linear, Module

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
        samples.
    dead
        Share of units whose slope is exactly 0 on all samples: no gradient passes.
    dz_rms
        Root mean square of ∂C/∂z over samples and units, C the sum of the samples' losses: what one sample sends back.
    dw_rms
        Root mean square of ∂C/∂W, C the mean loss of the batch.
    weight_rms
        Root mean square of the weights.
    update_ratio
        Learning rate · dw_rms / weight_rms: by which share a plain gradient step changes the weights (NaN for 0/0).
    distinct
        How many of the units differ in their weights and bias by more than rounding.
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


@dataclass(frozen=True)
class Snapshot:
    """All layers of a network at one moment, and the loss there."""

    loss: float
    layers: tuple[LayerStats, ...]


def rms(values: Array) -> float:
    """Root mean square, in float64 and scaled, so that it neither overflows nor underflows on the way."""
    top = float(np.max(np.abs(values), initial=0.0))
    if top == 0 or not np.isfinite(top):
        return top
    return top * float(np.sqrt(np.mean(np.square(values.astype(np.float64) / top))))


def measure(model: MLP, x: Array, y: Any, loss: Callable[[Tensor, Any], Tensor], lr: float) -> Snapshot:
    """Run a batch forward and backward and look at every layer; the model is left as it was.

    Parameters
    ----------
    model
        Its parameters' gradients are not touched.
    x, y
        The batch, as `loss` wants it.
    loss
        The mean loss over the batch.
    lr
        The learning rate, for the update ratio.
    """
    with enable_grad():
        maps, zs, activations = forward(model, x)
        cost = loss(activations[-1], y)
        weights = [linear.weight for linear in maps]
        gradients = grad(cost, [*zs, *weights])
    layers = []
    names = [name for name, module in model.named_modules() if isinstance(module, Linear)]
    for i, linear in enumerate(maps):
        slopes = slopes_at(model, i, zs[i])
        weight_rms, dw_rms = rms(linear.weight.numpy()), rms(gradients[len(maps) + i].numpy())
        layers.append(
            LayerStats(
                name=names[i],
                units=linear.out_features,
                z_rms=rms(zs[i].numpy()),
                a_rms=rms(activations[i].numpy()),
                saturated=0.0 if slopes is None else float(np.mean(np.mean(slopes < FLAT, axis=0) >= MOSTLY)),
                dead=0.0 if slopes is None else float(np.mean(np.all(slopes == 0, axis=0))),
                dz_rms=rms(gradients[i].numpy()) * len(x),
                dw_rms=dw_rms,
                weight_rms=weight_rms,
                update_ratio=ratio(lr * dw_rms, weight_rms),
                distinct=distinct_units(linear),
            )
        )
    return Snapshot(cost.item(), tuple(layers))


def ratio(numerator: float, denominator: float) -> float:
    """A quotient that is infinite, or NaN for 0/0, instead of an error."""
    if denominator == 0:
        return float("nan") if numerator == 0 else float("inf")
    return numerator / denominator


def forward(model: MLP, x: Array) -> tuple[list[Linear], list[Tensor], list[Tensor]]:
    """The linear maps with their results z, and what the activation after each makes of it (the last: z itself)."""
    maps: list[Linear] = []
    zs: list[Tensor] = []
    activations: list[Tensor] = []
    signal: Any = x
    for module in model.layers:
        signal = module(signal)
        if isinstance(module, Linear):
            maps.append(module)
            zs.append(signal)
            activations.append(signal)
        else:
            activations[-1] = signal
    return maps, zs, activations


def slopes_at(model: MLP, i: int, z: Tensor) -> Array | None:
    """|φ'(z)| after the i-th linear map as a share of φ's steepest slope; None where no activation follows."""
    following = list(model.layers)[2 * i + 1 :]
    if not following:
        return None
    steepest = np.max(np.abs(derivative(following[0], np.linspace(-10, 10, 2001))))
    return np.abs(derivative(following[0], z.numpy().astype(np.float64))) / (steepest or 1.0)


def derivative(activation: Module, z: Array) -> Array:
    """φ'(z), element by element."""
    dtype = next((parameter.dtype for parameter in activation.parameters()), np.dtype(np.float64))
    point = Tensor(z.astype(dtype), requires_grad=True)
    return np.asarray(grad(activation(point).sum(), point).numpy())


def distinct_units(linear: Linear) -> int:
    """How many rows of weights and bias differ from each other by more than rounding."""
    rows = linear.weight.numpy()
    if linear.bias is not None:
        rows = np.concatenate([rows, linear.bias.numpy()[:, np.newaxis]], axis=1)
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
