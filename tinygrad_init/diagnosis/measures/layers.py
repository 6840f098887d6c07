"""What every layer of a network looks like on a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Cotangent, Link, Network
from ..records import Layer
from .signal import describe, ratio, rms
from .slopes import FLAT, MOSTLY, share_of_steepest
from .symmetry import classes

Array = np.ndarray[Any, Any]


def measure(network: Network, lr: float) -> tuple[Layer, ...]:
    """All layers of a network that was run on a batch, first to last."""
    with np.errstate(all="ignore"):
        return tuple(
            _layer(network, link, activation, network.cotangents[link], lr) for link, activation in network.layers()
        )


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
        dz=describe(Cotangent(delta.unit * len(network.output), delta.log10).numbers()),
        dw=dw,
        saturated=saturated,
        dead=dead,
        update_ratio=ratio(lr * dw.rms, w.rms),
        distinct=classes(parameters),
        distinct_updates=classes(gradients),
        bias=0.0 if link.bias is None else rms(link.bias.values),
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
    saturated = 0.0
    if activation.saturates:
        saturated = float(np.mean((np.mean(slopes < FLAT, axis=0) >= MOSTLY) & known))
    return saturated, tuple(np.flatnonzero(~np.any(slopes, axis=0) & known).tolist())
