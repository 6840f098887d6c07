"""An experiment that runs: networks side by side, steps, and a way back to every step.

A step is a captured program: it runs in C without the interpreter's lock, and gives the same bits each time. So a
checkpoint every now and then is enough to be at any step again exactly.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from .._engine.modes import no_grad
from .._engine.tensor import Tensor
from ..nn import Sequential, linear_maps
from ..ops.losses import LOSSES
from ..optim import Optimizer
from ..program import capture
from ..training import learning_step
from . import build
from .config import Config, Edit
from .samples import Samples, samples

Array = np.ndarray[Any, Any]
Checkpoint = list[list[Array]]  # for every run

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
    notes
        What the library said about the start.
    losses
        Of the batch of every step so far, before its update; of every `Experiment.stride`-th step where they are many.
    """

    def __init__(self, label: str, config: Config, samples: Samples) -> None:
        self.label, self.config = label, config
        self.model: Sequential = build.network(config, samples.x.shape[1], samples.outputs)
        self.notes = build.start(self.model, config)
        self.parameters: list[Tensor] = list(self.model.parameters())
        self.optimizer: Optimizer = build.optimizer(config, self.parameters)
        self.losses = array("d")
        penalty = build.penalty(config, self.model)
        step = learning_step(self.model, LOSSES[config.loss], self.optimizer, config.clip or None, penalty)
        self.learn: Callable[[Array, Array], Tensor] = capture(step)

    def edit(self, edit: Edit) -> None:
        """Set one weight or bias."""
        linear = vars(linear_maps(self.model)[edit.layer][0])
        parameter = linear["bias" if edit.input is None else "weight"]
        values = np.array(parameter.numpy())
        values[edit.unit if edit.input is None else (edit.unit, edit.input)] = edit.value
        with no_grad():
            parameter.copy_(values)

    def memory(self) -> list[Array]:
        """What the update rule remembers."""
        return [part for i in range(len(self.parameters)) for part in self.optimizer.state[i]]

    def save(self) -> list[Array]:
        """Copies of everything that a step changes and a later one reads."""
        return [np.array(values) for values in (*(p.numpy() for p in self.parameters), *self.memory())]

    def load(self, saved: list[Array]) -> None:
        """Put it back, in place: the captured program goes on with the same memory."""
        count = len(self.parameters)
        with no_grad():
            for parameter, values in zip(self.parameters, saved[:count], strict=True):
                parameter.copy_(values)
        for part, values in zip(self.memory(), saved[count:], strict=True):
            part[...] = values


class Experiment:
    """The runs of a config, all at the same step.

    Parameters
    ----------
    config
        What is run.

    Raises
    ------
    Invalid
        The parts of the config do not fit each other.
    """

    def __init__(self, config: Config) -> None:
        build.check(config)
        self.config = config
        self.samples = samples(config)
        labels = ["", *(variant.label for variant in config.variants)]
        self.runs = [Run(label, each, self.samples) for label, each in zip(labels, build.configs(config), strict=True)]
        self.step, self.stride = 0, 1
        self.epoch_steps = build.steps_an_epoch(config, len(self.samples.x))
        self._order: tuple[int, Array] = (-1, np.empty(0))
        self.checkpoints: dict[int, Checkpoint] = {}
        self.spacing = 1
        size = sum(values.nbytes for run in self.runs for values in run.save())
        self.most_checkpoints = max(2, min(MOST_CHECKPOINTS, CHECKPOINT_BYTES // size))
        self.edits: dict[int, list[Edit]] = {}
        for edit in config.edits:
            self.edits.setdefault(edit.step, []).append(edit)
        self.arrive()
        self.keep()

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

    def advance(self) -> None:
        """One step of every run."""
        x, y = self.batch(self.step)
        for run in self.runs:
            loss = run.learn(x, y).item()
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
