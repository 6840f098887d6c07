"""The state of a PyTorch model between two steps of a training: `layer_states` for models of PyTorch.

Gradients are read where the optimizer reads them, since somebody's loop may set them to zero right after its step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...words import Phrase, phrase
from ..fronts.torch_links import as_array
from ..fronts.torch_losses import Loss, cost_of, prediction
from ..fronts.torch_signals import Signal, Signals
from ..fronts.torch_steps import held
from ..fronts.torch_twin import Twin, norm_of, values_of
from .layer_states import Before, LayerState, mover

Array = np.ndarray[Any, Any]

LINEAR = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)


@dataclass(frozen=True)
class Examined:
    """What was so before an update whose gradient is not finite.

    Attributes
    ----------
    parameter
        The first parameter that was not finite.
    module
        The first module whose output on the probe batch was not, though its input was; "" if none, but the result.
    gradient, later
        The parameter nearest to the loss whose gradient is not, and the one after it, whose gradient is.
    buffer
        The first buffer that is not.
    """

    parameter: str | None
    module: str | None
    gradient: str
    later: str | None
    buffer: str | None


class TorchWatch:
    """Looks at a model's layers, on a probe batch if there is one, and at its gradients.

    Parameters
    ----------
    model
        Any module.
    optimizers
        What trains it.
    x, y, loss
        The probe batch, and from predictions and targets to one number; all None without one.
    """

    def __init__(self, model: nn.Module, optimizers: tuple[Optimizer, ...], x: Any, y: Any, loss: Loss | None) -> None:
        self.model, self.optimizers = model, optimizers
        self.probe = None if loss is None else Twin(model, x, y, loss)
        self.first = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.size = norm_of(list(self.first.values()))
        self.known_moved: set[str] = set()
        self.gradients: dict[str, float] = {}  # the norms of the last step's
        self.had_gradient: set[str] = set()
        self.before: dict[str, Before] = {}
        self.causes: dict[tuple[str, int], Phrase] = {}
        self.returned: Any = None  # for the probe batch, as it was looked at
        self.examined: Examined | None = None
        self.steps = self.losses = 0  # of the optimizers; that have come

    @property
    def samples(self) -> int:
        """How many the probe batch has; 0 without one."""
        return 0 if self.probe is None else len(self.probe.y)

    @property
    def output(self) -> Tensor | None:
        """The predictions for the probe batch, as it was looked at."""
        return None if self.returned is None else prediction(self.returned)

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """By name, as the model has them now."""
        return dict(self.model.named_parameters())

    @property
    def learned(self) -> dict[str, nn.Parameter]:
        """Those that are not frozen."""
        return {name: p for name, p in self.parameters.items() if p.requires_grad}

    @property
    def held(self) -> set[int]:
        """The identities of what the optimizers move."""
        return {id(parameter) for optimizer in self.optimizers for parameter in held(optimizer)}

    def gather(self) -> None:
        """Keep the norms of the gradients that are there."""
        self.gradients = {name: norm_of([p.grad]) for name, p in self.parameters.items() if p.grad is not None}
        self.had_gradient |= self.gradients.keys()

    @property
    def gradient_norm(self) -> float:
        """Of all gradients together."""
        return math.hypot(*self.gradients.values())

    def look(self, whole: bool = False) -> tuple[LayerState, ...]:
        """All layers as they are now: as the probe batch goes through them, or else as modules have their weights."""
        parameters, signals = self.parameters, self.signals()
        if not signals:
            signals = {
                f"{name}.weight": Signal(f"{name}.weight", math.nan, None, len(module.weight))
                for name, module in self.model.named_modules()
                if isinstance(module, LINEAR) and f"{name}.weight" in parameters
            }
        taken = self.held
        return tuple(self.state(signal, parameters[name], taken) for name, signal in signals.items())

    def signals(self) -> dict[str, Signal]:
        """What goes through the layers of the probe batch."""
        if self.probe is None:
            return {}
        self.probe.refresh()
        signals = Signals(self.probe.twin)
        with self.probe.ready(), signals:
            self.returned = self.probe.returned()
        return signals.layers

    def state(self, signal: Signal, weight: nn.Parameter, taken: set[int]) -> LayerState:
        """A layer as it is now."""
        if signal.mean is not None and signal.active:
            self.find_causes(signal.name, signal, as_array(weight))
        size = math.sqrt(max(weight.numel(), 1))
        own = weight.requires_grad and id(weight) in taken and signal.weight in self.had_gradient
        return LayerState(
            name=signal.name,
            weight_rms=norm_of([weight]) / size,
            gradient_rms=self.gradients.get(signal.weight, math.nan) / size,
            z_rms=signal.z_rms,
            saturated=signal.saturated,
            dead=signal.dead,
            units=signal.units,
            # What is frozen, without gradients, or not the optimizer's is another matter.
            moved=not own or self.has_moved(signal.weight, weight),
        )

    def find_causes(self, name: str, signal: Signal, weight: Array) -> None:
        """What has moved the units of a dense layer that have died since the last look."""
        assert signal.mean is not None
        bias = self.parameters.get(f"{name}.bias")
        now = Before(weight, None if bias is None else as_array(bias), signal.mean, signal.dead)
        before = self.before.get(name)
        if before is not None and now.weight.shape == (signal.units, len(signal.mean)):
            for unit in set(now.dead) - set(before.dead):
                self.causes[name, unit] = mover(before, now, unit)
        self.before[name] = now

    def probe_loss(self, fresh: bool = False) -> float:
        """The loss of the probe batch as the model is now, or (`fresh`) as it was just looked at; NaN without one."""
        if self.probe is None:
            return math.nan
        if fresh and self.returned is not None:
            with torch.no_grad():
                return float(cost_of(self.probe.loss, self.returned, self.probe.y))
        self.probe.refresh()
        return self.probe.cost()

    def probe_gradient(self) -> float:
        """The norm of the probe batch's own gradient by all parameters; NaN without one."""
        return math.nan if self.probe is None else self.probe.gradient()

    def growth(self) -> float:
        """The norm of all parameters over that at the first look."""
        return norm_of(list(self.parameters.values())) / self.size if self.size > 0 else math.nan

    def distance(self) -> float:
        """How far the parameters are from where they were at the first look, as a share of their norm."""
        now = self.parameters
        moved = [p.detach() - self.first[name] for name, p in now.items() if self.comparable(name, p)]
        size = norm_of(list(now.values()))
        return norm_of(moved) / size if size > 0 else math.nan

    @property
    def moved(self) -> bool:
        """Whether any parameter is another than at the first look."""
        return any(self.has_moved(name, p) for name, p in self.parameters.items())

    def comparable(self, name: str, parameter: Tensor) -> bool:
        """Whether it was there at the first look."""
        first = self.first.get(name)
        return first is not None and first.shape == parameter.shape and first.device == parameter.device

    def has_moved(self, name: str, parameter: Tensor) -> bool:
        """Whether a parameter is or was another than at the first look."""
        if name not in self.known_moved:
            if self.comparable(name, parameter) and torch.equal(self.first[name], parameter.detach()):
                return False
            self.known_moved.add(name)
        return True

    def examine(self) -> None:
        """Before an update by a gradient that is not finite: what else is not."""
        bad = [
            not bool(torch.isfinite(values_of(p.grad)).all()) for p in self.parameters.values() if p.grad is not None
        ]
        names = [name for name, p in self.parameters.items() if p.grad is not None]
        last = max((i for i, broken in enumerate(bad) if broken), default=None)
        if last is None:
            return
        module = None
        if self.probe is not None:
            self.probe.refresh()
            module = self.probe.first_broken()
        self.examined = Examined(
            parameter=first_broken(self.parameters),
            module=module,
            gradient=names[last],
            later=names[last + 1] if last + 1 < len(names) else None,
            buffer=first_broken(dict(self.model.named_buffers())),
        )

    def origin(self, layers: tuple[LayerState, ...], loss: float) -> tuple[int | None, Phrase]:
        """Where the first number that is not finite comes from."""
        module, said = self.culprit(loss)
        names = [layer.name for layer in layers]
        return (names.index(module) + 1 if module in names else None), said

    def culprit(self, loss: float) -> tuple[str | None, Phrase]:
        """The same, with the name of the module."""
        if self.probe is not None and not all(
            bool(torch.isfinite(x).all()) for x in self.probe.inputs.values() if x.is_floating_point()
        ):
            return None, phrase("event.not finite.inputs", loss=loss)
        found = self.examined
        if found is None:  # the gradient was finite, or nobody has seen it
            broken = first_broken(self.parameters)
            if broken is not None:
                return module_of(broken), phrase("event.not finite.update", parameter=broken, loss=loss)
            return None, phrase("event.not finite.batch", loss=loss)
        if found.parameter is not None:
            return module_of(found.parameter), phrase("event.not finite.update", parameter=found.parameter, loss=loss)
        if math.isfinite(loss):
            later = phrase("event.not finite.later", name=found.later) if found.later else None
            said = phrase("event.not finite.gradient", parameter=found.gradient, loss=loss, later=later)
            return module_of(found.gradient), said
        if found.module:
            return found.module, phrase("event.not finite.signal", layer=found.module, loss=loss)
        if found.buffer is not None:
            return module_of(found.buffer), phrase("event.not finite.buffer", buffer=found.buffer, loss=loss)
        return None, phrase("event.not finite.batch", loss=loss)

    def why_unmoved(self) -> Phrase:
        """Why no parameter has moved."""
        taken = self.held
        if not self.steps:
            return phrase("event.unmoved.step", losses=self.losses)
        if not any(id(p) in taken for p in self.parameters.values()):
            return phrase("event.unmoved.foreign")
        if not self.gradients:
            return phrase("event.unmoved.backward")
        if self.gradient_norm == 0:
            return phrase("event.unmoved.zero")
        return phrase("event.unmoved.rate" if self.rate == 0 else "event.unmoved.optimizer")

    @property
    def rate(self) -> float:
        """The highest learning rate of a group of parameters; NaN where there is none."""
        rates = [group["lr"] for optimizer in self.optimizers for group in optimizer.param_groups if "lr" in group]
        return float(max(rates)) if rates else math.nan


def first_broken(tensors: dict[str, Any]) -> str | None:
    """The name of the first that is not finite."""
    return next(
        (n for n, t in tensors.items() if t.is_floating_point() and not bool(torch.isfinite(t.detach()).all())), None
    )


def module_of(name: str) -> str:
    """The module that has a parameter or buffer."""
    return name.rpartition(".")[0]
