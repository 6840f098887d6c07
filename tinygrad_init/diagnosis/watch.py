"""The state of every layer between two steps of a training, from one forward pass and the gradients that are there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._engine.modes import no_grad
from .._engine.tensor import Tensor
from ..nn import Call, Module, observe
from .chain import ACTIVATION, WEIGHTS, kind_of
from .signal import rms
from .slopes import FLAT, MOSTLY, flat_on_both_sides, slopes_at, steepest

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
    x: Array


class Watch:
    """Looks at a model's layers on a probe batch.

    Parameters
    ----------
    model
        Any module; every module in it with a weight of two or more axes counts as a linear map.
    x
        The probe batch.
    """

    def __init__(self, model: Module, x: Any) -> None:
        self.model = model
        kind = next((parameter.dtype for parameter in model.parameters()), np.dtype(np.float32))
        self.x = Tensor(x.numpy() if isinstance(x, Tensor) else np.asarray(x), kind)
        self.names = {id(module): name for name, module in model.named_modules()}
        self.before: dict[str, Before] = {}
        self.causes: dict[tuple[str, int], str] = {}
        self.shapes: dict[int, tuple[float, bool]] = {}  # of activations: steepest slope, flat on both sides
        # A look must not move running statistics or draw random numbers.
        self.has_modes = any(
            not list(module.children()) and kind_of(module) not in (ACTIVATION, WEIGHTS)
            for _, module in model.named_modules()
        )

    def look(self) -> tuple[LayerState, ...]:
        """All layers as they are now; `causes` then says what has moved a unit since the last look."""
        was = self.model.training
        if self.has_modes and was:
            self.model.eval()
        try:
            with no_grad(), np.errstate(all="ignore"), observe() as calls:
                self.model(self.x)
        finally:
            if self.has_modes and was:
                self.model.train()
        with np.errstate(all="ignore"):
            return tuple(self._state(call, activation) for call, activation in layers_in(calls))

    def shape_of(self, activation: Module) -> tuple[float, bool]:
        """An activation's steepest slope, and whether it is flat on both sides; found once unless it is learned."""
        if list(activation.parameters()):
            return steepest(activation), flat_on_both_sides(activation)
        if id(activation) not in self.shapes:
            self.shapes[id(activation)] = steepest(activation), flat_on_both_sides(activation)
        return self.shapes[id(activation)]

    def _state(self, call: Call, activation: Call | None) -> LayerState:
        module, x, z = call.module, call.inputs[0].numpy(), call.output.numpy()
        name = self.names[id(module)]
        weight, bias = vars(module)["weight"], vars(module).get("bias")
        units = z.shape[-1] if weight.ndim == 2 else z.shape[1]
        saturated = 0.0
        dead: tuple[int, ...] = ()
        if activation is not None:
            top, both = self.shape_of(activation.module)
            slopes = slopes_at(activation.module, activation.inputs[0].numpy(), top)
            by_unit = slopes.reshape(-1, units) if weight.ndim == 2 else np.moveaxis(slopes, 1, -1).reshape(-1, units)
            dead = tuple(int(i) for i in np.flatnonzero(np.all(by_unit == 0, axis=0)))
            if both:
                saturated = float(np.mean(np.mean(by_unit < FLAT, axis=0) >= MOSTLY))
        now = Before(np.array(weight.numpy()), None if bias is None else np.array(bias.numpy()), np.array(x))
        if name in self.before and weight.ndim == 2:
            for unit in dead:
                self.causes[name, unit] = mover(self.before[name], now, unit)
        self.before[name] = now
        gradient = weight.grad
        return LayerState(
            name=name,
            weight_rms=rms(now.weight),
            gradient_rms=math.nan if gradient is None else rms(gradient.numpy()),
            z_rms=rms(z),
            saturated=saturated,
            dead=dead,
            units=units,
        )


def layers_in(calls: list[Call]) -> list[tuple[Call, Call | None]]:
    """The calls of linear maps, each with that of the activation that follows before the next."""
    found: list[tuple[Call, Call | None]] = []
    for call in calls:
        kind = kind_of(call.module)
        if kind == WEIGHTS:
            found.append((call, None))
        elif kind == ACTIVATION and found and found[-1][1] is None:
            found[-1] = found[-1][0], call
    return found


def mover(before: Before, now: Before, unit: int) -> str:
    """What has moved a unit's mean z most: its bias, its weights, or what comes from below.

    Δz = W Δx + ΔW x + Δb, with the old weights and the new input.
    """
    x, old = now.x.reshape(-1, now.x.shape[-1]).mean(axis=0), before.x.reshape(-1, before.x.shape[-1]).mean(axis=0)
    shares = {
        "its input": float(before.weight[unit] @ (x - old)),
        "its weights": float((now.weight[unit] - before.weight[unit]) @ x),
        "its bias": 0.0 if now.bias is None or before.bias is None else float(now.bias[unit] - before.bias[unit]),
    }
    name = max(shares, key=lambda key: abs(shares[key]))
    return f"{name} moved z by {shares[name]:+.2g}"
