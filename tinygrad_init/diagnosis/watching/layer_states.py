"""The state of every layer between two steps of a training, from one forward pass and the gradients that are there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engine.gradients import grad
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...nn import Call, Module, dtype_of, observe, undisturbed
from ...words import Phrase, phrase
from ..fronts.copies import as_array
from ..fronts.own_modules import Loss, forward, linear_maps_alone
from ..measures.layers import flat_units_of
from ..measures.signal import length, spread
from ..network import Link, Network, Parameter

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
    moved
        Whether its weight is another than when it was first looked at, or is not meant to be (frozen).
    """

    name: str
    weight_rms: float
    gradient_rms: float
    z_rms: float
    saturated: float
    dead: tuple[int, ...]
    units: int
    moved: bool = True


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
        Any module. What its activations do is seen if `diagnose` can open it; else its linear maps alone.
    x, y
        The probe batch.
    loss
        From predictions and targets to one number.
    """

    def __init__(self, model: Module, x: Any, y: Any, loss: Loss) -> None:
        self.model, self.y, self.loss = model, y, loss
        self.kind = dtype_of(model, np.dtype(np.float32))
        self.x = Tensor(as_array(x), self.kind)
        if getattr(y, "dtype", None) is not None and y.dtype.kind == "f":
            self.y = y.astype(self.kind)
        self.modules = dict(model.named_modules())
        self.parameters = dict(model.named_parameters())
        self.first: dict[str, Array] = {}  # every parameter when it was first looked at
        self.known_moved: set[str] = set()
        self.frozen: set[str] = set()
        self.before: dict[str, Before] = {}
        self.causes: dict[tuple[str, int], Phrase] = {}
        self.network: Network | None = None  # as it was last seen whole
        self.output: Any = None  # what came out then
        self.known: list[tuple[Link, Link | None]] | None = None  # its layers
        with self.quietly(), np.errstate(all="ignore"):
            self._find_layers()  # before the training, since it takes longer than all looks that follow

    def look(self, whole: bool = False) -> tuple[LayerState, ...]:
        """All layers as they are now; `causes` then says what has moved units that have died since the last look.

        Parameters
        ----------
        whole
            Whether `network` is wanted as it is now. Else, where each layer's modules are called once, one pass through
            the model is enough.
        """
        named = self.parameters
        with self.quietly(), np.errstate(all="ignore"):
            layers = None if whole else self._layers_again()
            if layers is None:
                layers = self._find_layers()
            if not self.first:
                self.first = {name: np.array(p.numpy()) for name, p in named.items()}
            self.frozen = {name for name, p in named.items() if not p.requires_grad}
            gradients = {name: p.grad.numpy() for name, p in named.items() if p.grad is not None}
            return tuple(self._state(*layer, gradients) for layer in layers)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """The model as it is used; afterwards it is as it was."""
        with undisturbed(self.model, list(self.modules.values())):
            for module in self.modules.values():
                module.training = False
            yield

    def _find_layers(self) -> list[tuple[Link, Link | None]]:
        """The layers of the whole network as it is now."""
        try:
            self.network = forward(self.model, self.x)
        except TypeError:
            self.network = linear_maps_alone(self.model, self.x)
        self.output = Tensor(self.network.output, self.network.output.dtype)
        self.known = self.network.layers()
        return self.known

    def _layers_again(self) -> list[tuple[Link, Link | None]] | None:
        """The layers as they were seen last, with what goes through them now; None if that has to be found anew."""
        if self.known is None:
            return None
        with no_grad(), observe() as calls:
            self.output = self.model(self.x)
        modules = {id(module): name for name, module in self.modules.items()}
        called: dict[str, list[Call]] = {}
        for call in calls:
            called.setdefault(modules.get(id(call.module), ""), []).append(call)

        def now(link: Link) -> Link:
            (call,) = called[link.name]
            found = replace(link, inputs=(call.inputs[0].numpy(),), output=call.output.numpy())
            if link.weight is None:
                return found
            bias = link.bias and Parameter(link.bias.name, self.parameters[link.bias.name].numpy())
            return replace(
                found, weight=Parameter(link.weight.name, self.parameters[link.weight.name].numpy()), bias=bias
            )

        try:
            return [(now(link), None if phi is None else now(phi)) for link, phi in self.known]
        except (KeyError, ValueError):  # a function, or a module that is called several times
            return None

    def _state(self, link: Link, activation: Link | None, gradients: dict[str, Array]) -> LayerState:
        weight, name = link.matrix.values, link.matrix.name
        saturated, dead = (0.0, ()) if activation is None else flat_units_of(link, activation)
        now = Before(np.array(weight), None if link.bias is None else np.array(link.bias.values), mean_of(link.x), dead)
        before = self.before.get(link.name)
        if before is not None and weight.ndim == 2:
            for unit in set(dead) - set(before.dead):
                self.causes[link.name, unit] = mover(before, now, unit)
        self.before[link.name] = now
        gradient = gradients.get(name)
        return LayerState(
            name=link.name,
            weight_rms=spread(now.weight),
            gradient_rms=math.nan if gradient is None else spread(gradient),
            z_rms=spread(link.output),
            saturated=saturated,
            dead=dead,
            units=len(link.by_unit(weight)),
            moved=name not in self.first or name in self.frozen or self.has_moved(name, weight),
        )

    @property
    def samples(self) -> int:
        """How many the probe batch has."""
        return len(self.x.numpy())

    def origin(self, layers: tuple[LayerState, ...], loss: float) -> tuple[int | None, Phrase]:
        """Where the first number that is not finite comes from."""
        if not np.isfinite(self.x.numpy()).all():
            return None, phrase("event.not finite.inputs", loss=loss)
        assert self.network is not None
        for i, (layer, link) in enumerate(zip(layers, self.network.linears(), strict=True), 1):
            broken = [p.name for p in link.parameters if not np.isfinite(p.values).all()]
            if broken:
                return i, phrase("event.not finite.update", parameter=broken[0], loss=loss)
            if not math.isfinite(layer.z_rms):
                return i, phrase("event.not finite.signal", layer=layer.name, loss=loss)
        return None, phrase("event.not finite.loss", loss=loss)

    def why_unmoved(self) -> Phrase:
        """Why no parameter has moved."""
        gradients = self.gradients
        if not gradients:
            return phrase("event.unmoved.backward")
        return phrase("event.unmoved.zero" if norm(gradients) == 0 else "event.unmoved.optimizer")

    @property
    def gradients(self) -> list[Array]:
        """The gradients that the parameters have, those of the last step; the next writes over them."""
        return [p.grad.numpy() for p in self.parameters.values() if p.grad is not None]

    def probe_loss(self, fresh: bool = False) -> float:
        """The loss of the probe batch as the model is now, or (`fresh`) as it was just looked at."""
        with no_grad(), np.errstate(all="ignore"):
            if not fresh:
                with self.quietly():
                    self.output = self.model(self.x)
            return float(self.loss(self.output, self.y).item())

    def probe_gradient(self) -> float:
        """The norm of the probe batch's own gradient by all parameters, without touching those that are there."""
        with self.quietly(), enable_grad(), np.errstate(all="ignore"):
            cost = self.loss(self.model(self.x), self.y)
            wanted = [parameter for parameter in self.parameters.values() if parameter.requires_grad]
            return norm(tensor.numpy() for tensor in grad(cost, wanted)) if wanted else 0.0

    def growth(self) -> float:
        """The norm of all parameters over that at the first look."""
        now = norm(p.numpy() for p in self.parameters.values())
        then = norm(self.first.values())
        return now / then if then > 0 else math.nan

    def distance(self) -> float:
        """How far the parameters are from where they were at the first look, as a share of their norm."""
        known = self.first
        moved = norm(p.numpy() - known[name] for name, p in self.parameters.items() if name in known)
        now = norm(p.numpy() for p in self.parameters.values())
        return moved / now if now > 0 else math.nan

    @property
    def moved(self) -> bool:
        """Whether any parameter is another than at the first look."""
        return any(self.has_moved(name, p.numpy()) for name, p in self.parameters.items() if name in self.first)

    def has_moved(self, name: str, values: Array) -> bool:
        """Whether a parameter is or was another than at the first look."""
        if name not in self.known_moved and not np.array_equal(self.first[name], values):
            self.known_moved.add(name)
        return name in self.known_moved


def norm(arrays: Any) -> float:
    """Of all numbers together."""
    return math.hypot(*(length(array) for array in arrays))


def mean_of(x: Array) -> Array:
    """The mean input of a dense layer."""
    return np.asarray(x.reshape(-1, x.shape[-1]).mean(axis=0))


def mover(before: Before, now: Before, unit: int) -> Phrase:
    """What has moved a unit's mean z most: its bias, its weights, or what comes from below.

    Δz = W Δx + ΔW x + Δb, with the old weights and the new input.
    """
    shares = {
        "input": float(before.weight[unit] @ (now.x - before.x)),
        "weights": float((now.weight[unit] - before.weight[unit]) @ now.x),
        "bias": 0.0 if now.bias is None or before.bias is None else float(now.bias[unit] - before.bias[unit]),
    }
    name = max(shares, key=lambda key: abs(shares[key]))
    return phrase(f"moved.{name}", by=shares[name])
