"""A network at its start and how it is trained: what is tried, what is recommended, and what is used are the same."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...data import Scaler
from ...data.samples import as_numbers
from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...optim import Optimizer
from ...rehearsal import Make, in_words, options_of, trainable
from ...training import History, Loss, train
from ...training import predict as outputs_of
from ...words import Phrase

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Change:
    """Something that is done to a setup before its training.

    Attributes
    ----------
    what
        In words.
    apply
        What it makes of a setup, a seed and the inputs.
    code
        The lines of Python that do the same to `model`, `x`, `y`; `{seed}` stands for the seed. Empty where the
        training itself shows it.
    """

    what: Phrase
    apply: Callable[[Setup, int, Array], Setup]
    code: str = ""


@dataclass(frozen=True)
class Setup:
    """A network at its start, and how it is trained.

    Attributes
    ----------
    model
        At its start.
    make
        Makes the optimizer of parameters, with a rate that does not matter.
    lr
        The learning rate.
    clip
        The largest norm of all gradients together; None: any.
    x_scaler, y_scaler
        What inputs and targets are scaled by, fitted to what was given; None: nothing.
    loss, batch_size
        As in `train`.
    changes
        What was done to the model and the training that were given.
    seed
        Of what was drawn.
    """

    model: Module
    make: Make
    lr: float
    clip: float | None = None
    x_scaler: Scaler | None = None
    y_scaler: Scaler | None = None
    loss: str | Loss = "cross_entropy"
    batch_size: int = 64
    changes: tuple[Change, ...] = ()
    seed: int = 0

    def optimizer(self, parameters: list[Tensor]) -> Optimizer:
        """Make the optimizer, as `train` wants it."""
        found = self.make(parameters)
        found.lr = self.lr
        return found

    def changed(self, change: Change, seed: int, x: Array) -> Setup:
        """With one more change."""
        return replace(change.apply(self, seed, x), changes=(*self.changes, change), seed=seed)

    def inputs(self, x: Any) -> Array:
        """Inputs as the model takes them."""
        found = scaled(self.x_scaler, as_numbers("Setup", "x", x))
        return found.astype(dtype_of(self.model, np.dtype(np.float32))) if found.dtype.kind == "f" else found

    def targets(self, y: Any) -> Array:
        """Targets as the model learns them."""
        return scaled(self.y_scaler, as_numbers("Setup", "y", y))

    def train(self, x: Any, y: Any, *, epochs: int = 10, **options: Any) -> History:
        """Train `model`, as it was tried; call it again to go on.

        Parameters
        ----------
        x, y
            Inputs and targets as they were given to `recommend`, not scaled.
        epochs, options
            As in `tgi.train`.
        """
        if (held := options.get("validation")) is not None and not isinstance(held, float | int):
            options["validation"] = self.inputs(held[0]), self.targets(held[1])
        return train(
            self.model.train(), self.inputs(x), self.targets(y), self.loss, self.optimizer,
            epochs=epochs, batch_size=self.batch_size, clip=self.clip, **options,
        )  # fmt: skip

    def predict(self, x: Any) -> Array:
        """The model's outputs, in the units of the targets."""
        found = outputs_of(self.model.eval(), self.inputs(x))
        return found if self.y_scaler is None else scaled(self.y_scaler, found, back=True)

    def code(self) -> str:
        """The Python that makes and trains this setup of `model`, `x` and `y` as they were given to `recommend`."""
        optimizer = self.optimizer(trainable(copy.deepcopy(self.model)))
        usual = inspect.signature(type(optimizer)).parameters
        chosen = {k: v for k, v in options_of(optimizer).items() if k == "lr" or v != usual[k].default}
        options = "".join(f", {name}={value!r}" for name, value in rounded(chosen).items())
        loss = repr(self.loss) if isinstance(self.loss, str) else "loss"
        clip = "" if self.clip is None else f", clip={self.clip:g}"
        lines = ["import tinygrad_init as tgi"]
        lines += [change.code.format(seed=self.seed) for change in self.changes if change.code]
        lines += [
            f"optimizer = lambda parameters: tgi.optim.{type(optimizer).__name__}(parameters{options})",
            f"tgi.train(model, x, y, {loss}, optimizer, epochs=10, batch_size={self.batch_size}{clip})",
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return in_words(self.optimizer(trainable(copy.deepcopy(self.model))))


def rounded(options: dict[str, Any]) -> dict[str, Any]:
    """Options as they are written: numbers without the digits of rounding."""
    return {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in options.items()}


def scaled(scaler: Scaler | None, values: Array, back: bool = False) -> Array:
    """Values scaled by feature, or as a whole where the scaler was fitted to a single one; `back` undoes it."""
    if scaler is None:
        return values
    assert scaler.shift is not None
    columns = values.reshape(-1, len(scaler.shift))
    return (scaler.inverse(columns) if back else scaler.transform(columns)).reshape(values.shape)
