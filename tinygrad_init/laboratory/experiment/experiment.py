"""An experiment that runs: networks side by side, steps, and a way back to every step.

A step is a captured program: it runs in C without the interpreter's lock, and gives the same bits each time. So a
checkpoint every now and then is enough to be at any step again exactly.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...diagnosis.fronts.own_modules import forward
from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import BatchNorm, Buffer, Module
from ...optim import Optimizer
from ...training import Loss, captured, learning_step
from ...words import Phrase, phrase
from ..looking.structure import layers_of
from ..messages.config import Config, Edit
from . import build
from .samples import Samples

Array = np.ndarray[Any, Any]


class Source(Protocol):
    """Where data and networks come from: a config alone (the module `build`), or a model (`given_model`)."""

    def check(self, config: Config, /) -> None:
        """Raise Invalid where the parts of a config do not fit each other."""

    def numbers(self, config: Config, /) -> int:
        """A measure of the memory that an experiment needs."""

    def samples(self, config: Config, /) -> Samples:
        """The data."""

    def start(self, config: Config, samples: Samples, /) -> tuple[Module, list[Phrase]]:
        """A network at its start, and what is to be said about that."""

    def loss(self, config: Config, /) -> Loss:
        """From predictions and targets to the mean loss."""

    def trained(self, model: Module, /) -> list[Tensor]:
        """The parameters of a network that are trained."""


@dataclass(frozen=True)
class Saved:
    """Everything of a run that a step changes and a later one reads: numbers, and the states of random generators."""

    arrays: list[Array]
    generators: list[Any]


MOST_CHECKPOINTS = 256
CHECKPOINT_BYTES = 48 * 1024 * 1024
MOST_LOSSES = 1 << 16


class Run:
    """One network being trained.

    Attributes
    ----------
    label
        "" for the first, else the variant's.
    config
        The experiment's, with what the variant changes.
    samples
        What it learns.
    epoch_steps
        How many steps an epoch of it has.
    notes
        What the library said about the start.
    layers
        The linear maps in the order in which they are called.
    unexplained
        Why `diagnose` cannot say anything of the model; "" if it can.
    losses
        Of the batch of every step so far, before its update; of every `Experiment.stride`-th step where they are many.
    """

    def __init__(self, label: str, config: Config, samples: Samples, source: Source) -> None:
        self.label, self.config = label, config
        self.samples = samples
        self.epoch_steps = build.steps_an_epoch(config, len(samples.x))
        self._order: tuple[int, Array] = (-1, np.empty(0))
        self.model, self.notes = source.start(config, samples)
        self.loss = source.loss(config)
        self.layers = layers_of(self.model, samples.x[:2])
        self.unexplained = why_unexplained(self.model, samples.x[:2])
        if self.unexplained:
            self.notes = [*self.notes, phrase("no_verdict", reason=self.unexplained)]
        self.parameters: list[Tensor] = list(self.model.parameters())
        self.optimizer: Optimizer = build.optimizer(config, source.trained(self.model))
        self.losses = array("d")
        penalty = build.penalty(config, [layer.linear.weight for layer in self.layers])
        step = learning_step(self.model, self.loss, self.optimizer, config.clip or None, penalty)
        self.learn: Callable[[Array, Array], Tensor] = captured(step)
        self.buffers = buffers_of(self.model)
        self.generators = generators_of(self.model)

    def batch(self, step: int) -> tuple[Array, Array]:
        """Inputs and targets of a step."""
        samples, size = self.samples, self.config.batch
        if size == 0:
            return samples.x, samples.target
        epoch, i = divmod(step, self.epoch_steps)
        if self._order[0] != epoch:
            self._order = epoch, build.order_of(self.config, len(samples.x), epoch)
        chosen = self._order[1][i * size : (i + 1) * size]
        return samples.x[chosen], samples.target[chosen]

    def edit(self, edit: Edit) -> None:
        """Set one weight or bias."""
        linear = self.layers[edit.layer].linear
        parameter = linear.bias if edit.input is None else linear.weight
        values = np.array(parameter.numpy())
        values[edit.unit if edit.input is None else (edit.unit, edit.input)] = edit.value
        with no_grad():
            parameter.copy_(values)

    def memory(self) -> list[Array]:
        """What the update rule remembers."""
        return [part for p in self.optimizer.parameters for part in self.optimizer.state[p].values()]

    def save(self) -> Saved:
        """Copies of everything that a step changes and a later one reads."""
        tensors = [*self.parameters, *self.buffers]
        arrays = [np.array(values) for values in (*(tensor.numpy() for tensor in tensors), *self.memory())]
        return Saved(arrays, [generator.bit_generator.state for generator in self.generators])

    def load(self, saved: Saved) -> None:
        """Put it back, in place: the captured program goes on with the same memory."""
        tensors = [*self.parameters, *self.buffers]
        count = len(tensors)
        with no_grad():
            for tensor, values in zip(tensors, saved.arrays[:count], strict=True):
                tensor.copy_(values)
        for part, values in zip(self.memory(), saved.arrays[count:], strict=True):
            part[...] = values
        for generator, state in zip(self.generators, saved.generators, strict=True):
            generator.bit_generator.state = state


def same_data(one: Config, other: Config) -> bool:
    """Whether two configs learn from the same samples in the same form."""
    seeds = [config.seed if config.data.seed is None else config.data.seed for config in (one, other)]
    return seeds[0] == seeds[1] and one.data == other.data and one.loss == other.loss


def generators_of(model: Module) -> list[np.random.Generator]:
    """The random generators of a model's modules, such as those of dropout."""
    found = [vars(module).get("rng") for _, module in model.named_modules()]
    return [rng for rng in found if isinstance(rng, np.random.Generator)]


def why_unexplained(model: Module, x: Array) -> str:
    """Why `diagnose`, which looks at a model in float64 as well, cannot say anything of it; "" if it can."""
    try:
        for dtype in (None, np.float64):
            forward(model, x, dtype)
    except TypeError as error:
        return str(error)
    return ""


def buffers_of(model: Module) -> list[Buffer]:
    """What a model remembers besides its parameters.

    Not what the Lab's own batch normalization does: its statistics are those of the last pass, whatever came before.
    """
    modules = [module for _, module in model.named_modules()]
    fleeting = [module for module in modules if isinstance(module, BatchNorm) and module.momentum == 1.0]
    ids = {id(buffer) for module in fleeting for _, buffer in module.named_buffers()}
    return [buffer for _, buffer in model.named_buffers() if id(buffer) not in ids]


class Experiment:
    """The runs of a config, all at the same step; `own` says whether their model is somebody's own.

    Parameters
    ----------
    config
        What is run.
    source
        Where data and networks come from.

    Raises
    ------
    Invalid
        The parts of the config do not fit each other.
    """

    def __init__(self, config: Config, source: Source = build) -> None:
        source.check(config)
        self.config, self.own = config, source is not build
        self.samples = source.samples(config)
        labels = ["", *(variant.label for variant in config.variants)]
        self.runs = [
            Run(label, each, self.samples if same_data(each, config) else source.samples(each), source)
            for label, each in zip(labels, build.configs(config), strict=True)
        ]
        self.step, self.stride = 0, 1
        self.epoch_steps = self.runs[0].epoch_steps
        self.checkpoints: dict[int, list[Saved]] = {}  # one for every run
        self.spacing = 1
        size = sum(values.nbytes for run in self.runs for values in run.save().arrays)
        self.most_checkpoints = max(2, min(MOST_CHECKPOINTS, CHECKPOINT_BYTES // size))
        self.edits: dict[int, list[Edit]] = {}
        for edit in config.edits:
            self.edits.setdefault(edit.step, []).append(edit)
        self.arrive()
        self.keep()

    def advance(self) -> None:
        """One step of every run."""
        for run in self.runs:
            loss = run.learn(*run.batch(self.step)).item()
            if len(run.losses) * self.stride == self.step:
                run.losses.append(loss)
        if len(self.runs[0].losses) > MOST_LOSSES:
            self.stride *= 2
            for run in self.runs:
                run.losses = run.losses[::2]
        self.step += 1
        self.arrive()
        if self.step % self.spacing == 0:
            self.keep()

    def arrive(self) -> None:
        """What the user changes by hand at this step."""
        for edit in self.edits.get(self.step, ()):
            self.runs[edit.run].edit(edit)

    def keep(self) -> None:
        """Make a checkpoint of this step; where there are too many, every other one goes."""
        if self.step in self.checkpoints:
            return
        self.checkpoints[self.step] = [run.save() for run in self.runs]
        while len(self.checkpoints) > self.most_checkpoints:
            self.spacing *= 2
            self.checkpoints = {step: kept for step, kept in self.checkpoints.items() if step % self.spacing == 0}

    def back(self, step: int) -> None:
        """To the nearest checkpoint at or before a step, unless that lies further back than where the runs are now.

        From there `advance` leads to the step itself, exactly.
        """
        nearest = max(kept for kept in self.checkpoints if kept <= step)
        if self.step > step or nearest > self.step:
            self.keep()  # the way forward again is then short
            nearest = max(kept for kept in self.checkpoints if kept <= step)
            for run, saved in zip(self.runs, self.checkpoints[nearest], strict=True):
                run.load(saved)
            self.step = nearest

    @property
    def timeline(self) -> tuple[int, ...]:
        """The steps of the checkpoints, ascending."""
        return tuple(sorted(self.checkpoints))
