"""The state of every layer between two steps of a training, from one forward pass and the gradients that are there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.tensor import Tensor
from ...nn import Module, dtype_of, undisturbed
from ..fronts.copies import as_array
from ..fronts.own_modules import forward, linear_maps_alone
from ..measures.layers import flat_units_of
from ..measures.signal import rms
from ..network import Link, Network

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LayerState:
    """A linear map and the activation after it, between two steps.

    Attributes
    ----------
    name
        Of the linear map.
    weight_rms, gradient_rms, z_rms
        Root mean squares of the weight, of the last step's ∂C/∂W (NaN if there is none), and of z on the probe batch.
    saturated
        Share of saturated units, as in `Layer`.
    dead
        The units whose slope is exactly 0 on the whole probe batch.
    units
        How many there are.
    """

    name: str
    weight_rms: float
    gradient_rms: float
    z_rms: float
    saturated: float
    dead: tuple[int, ...]
    units: int


@dataclass
class Before:
    """What a layer was when it was last looked at, to find out what has moved its units."""

    weight: Array
    bias: Array | None
    x: Array  # its mean
    dead: tuple[int, ...]


class Watch:
    """Looks at a model's layers on a probe batch.

    Parameters
    ----------
    model
        Any module. What its activations do is seen if it is a chain (see `diagnose`); else its linear maps alone.
    x
        The probe batch.
    """

    def __init__(self, model: Module, x: Any) -> None:
        self.model = model
        self.x = Tensor(as_array(x), dtype_of(model, np.dtype(np.float32)))
        self.before: dict[str, Before] = {}
        self.causes: dict[tuple[str, int], str] = {}
        self.network: Network | None = None  # as it was last seen

    def look(self) -> tuple[LayerState, ...]:
        """All layers as they are now; `causes` then says what has moved units that have died since the last look."""
        with undisturbed(self.model), np.errstate(all="ignore"):
            self.model.eval()
            try:
                self.network = forward(self.model, self.x)
            except TypeError:
                self.network = linear_maps_alone(self.model, self.x)
            gradients = self.network.gradients
            return tuple(self._state(*layer, gradients) for layer in self.network.layers())

    def _state(self, link: Link, activation: Link | None, gradients: dict[str, Array]) -> LayerState:
        weight = link.matrix.values
        saturated, dead = (0.0, ()) if activation is None else flat_units_of(link, activation)
        now = Before(np.array(weight), None if link.bias is None else np.array(link.bias.values), mean_of(link.x), dead)
        before = self.before.get(link.name)
        if before is not None and weight.ndim == 2:
            for unit in set(dead) - set(before.dead):
                self.causes[link.name, unit] = mover(before, now, unit)
        self.before[link.name] = now
        gradient = gradients.get(link.matrix.name)
        return LayerState(
            name=link.name,
            weight_rms=rms(now.weight),
            gradient_rms=math.nan if gradient is None else rms(gradient),
            z_rms=rms(link.output),
            saturated=saturated,
            dead=dead,
            units=len(link.by_unit(weight)),
        )


def mean_of(x: Array) -> Array:
    """The mean input of a dense layer."""
    return np.asarray(x.reshape(-1, x.shape[-1]).mean(axis=0))


def mover(before: Before, now: Before, unit: int) -> str:
    """What has moved a unit's mean z most: its bias, its weights, or what comes from below.

    Δz = W Δx + ΔW x + Δb, with the old weights and the new input.
    """
    shares = {
        "its input": float(before.weight[unit] @ (now.x - before.x)),
        "its weights": float((now.weight[unit] - before.weight[unit]) @ now.x),
        "its bias": 0.0 if now.bias is None or before.bias is None else float(now.bias[unit] - before.bias[unit]),
    }
    name = max(shares, key=lambda key: abs(shares[key]))
    return f"{name} moved z by {shares[name]:+.2g}"
