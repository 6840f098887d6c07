"""What every layer of a network looks like on a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network import Cotangent, Link, Network
from .signal import Distribution, describe, ratio
from .slopes import FLAT, MOSTLY, share_of_steepest
from .symmetry import Classes, classes

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Layer:
    """One linear map and the activation after it, on one batch.

    Attributes
    ----------
    name
        Of the linear map, such as "layers.0".
    units
        Its number of outputs (channels of a convolution).
    activation
        The name of the activation after it, "" without one.
    w, z, a
        Weights, preactivations and activations.
    dz
        ∂C/∂z times the number of samples: what one sample sends back, C being the mean loss.
    dw
        ∂C/∂W.
    saturated
        Share of units whose slope φ'(z) is below 10 % of the activation's steepest on at least two thirds of the
        samples. Only for activations that are flat on both sides: a ReLU unit that is mostly off is sparse.
    dead
        The units whose slope is exactly 0 on all samples: no gradient passes.
    update_ratio
        Learning rate · rms ∂C/∂W / rms W: by which share a plain gradient step changes the weights (NaN for 0/0).
    distinct, distinct_updates
        The units by the equality of weights and bias, and of the gradients of those.
    """

    name: str
    units: int
    activation: str
    w: Distribution
    z: Distribution
    a: Distribution
    dz: Distribution
    dw: Distribution
    saturated: float
    dead: tuple[int, ...]
    update_ratio: float
    distinct: Classes
    distinct_updates: Classes

    @property
    def dead_share(self) -> float:
        return len(self.dead) / self.units


def measure(network: Network, lr: float) -> tuple[Layer, ...]:
    """All layers of a network that was run on a batch, first to last."""
    cotangents = network.backward()
    with np.errstate(all="ignore"):
        return tuple(_layer(network, link, activation, cotangents[link], lr) for link, activation in network.layers())


def _layer(network: Network, link: Link, activation: Link | None, delta: Cotangent, lr: float) -> Layer:
    z, weight = link.output, link.by_unit(link.matrix.values)
    gradient = link.by_unit(network.gradients[link.matrix.name])
    parameters, gradients = [weight], [gradient]
    if link.bias is not None:
        parameters.append(link.bias.values)
        gradients.append(network.gradients[link.bias.name])
    saturated, dead = (0.0, ()) if activation is None else flat_units_of(link, activation)
    w, dw = describe(weight), describe(gradient)
    return Layer(
        name=link.name,
        units=len(weight),
        activation="" if activation is None else activation.label,
        w=w,
        z=describe(z),
        a=describe(z if activation is None else activation.output),
        dz=describe(Cotangent(delta.unit * len(z), delta.log10).numbers()),
        dw=dw,
        saturated=saturated,
        dead=dead,
        update_ratio=ratio(lr * dw.rms, w.rms),
        distinct=classes(parameters),
        distinct_updates=classes(gradients),
    )


def flat_units_of(link: Link, activation: Link) -> tuple[float, tuple[int, ...]]:
    """The share of saturated units and the numbers of the dead ones, as `Layer` has them."""
    slopes = share_of_steepest(activation.activation, activation.x)
    return flat_units(activation.activation, link.rows(slopes), link.rows(activation.x))


def flat_units(activation: Any, slopes: Array, z: Array) -> tuple[float, tuple[int, ...]]:
    """The same from the slopes, as shares of the steepest, and what goes into the activation: a column for each unit.

    A unit with infinities or NaN is neither.
    """
    known = np.all(np.isfinite(z), axis=0)
    mostly = np.mean(slopes < FLAT, axis=0) >= MOSTLY
    saturated = float(np.mean(mostly & known)) if activation.saturates else 0.0
    return saturated, tuple(int(i) for i in np.flatnonzero(np.all(slopes == 0, axis=0) & known))
