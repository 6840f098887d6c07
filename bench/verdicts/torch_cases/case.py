"""What a case is: a training as somebody wrote it, and what should be said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from .settings import Setting


class Hooks(Protocol):
    """What a tool that watches may do in somebody's loop."""

    def before(self, step: int, x: Any, y: Tensor) -> object:
        """Before the model is called."""

    def gradients(self, step: int, loss: Tensor) -> object:
        """After backward, before the optimizer steps."""

    def after(self, step: int, loss: Tensor) -> object:
        """After the optimizer has stepped, before gradients are set to zero."""


@dataclass
class Training:
    """A model, data, and somebody's loop.

    Attributes
    ----------
    model, optimizer
        What is trained, and by what.
    x, y
        All samples, of which the first 512 may be asked about.
    loss
        From what the model returns and targets to one number.
    batch, parts
        Samples of a batch, batches a step.
    change
        What is done to the batch of a step.
    after_backward, after_step
        What is done then.
    backward, steps, zeroes
        Whether the loop calls them.
    names
        Where the fault is: one of these modules (or words for data) has to be named; none if it is no module's.
    """

    model: nn.Module
    optimizer: Optimizer
    x: Tensor
    y: Tensor
    loss: Callable[[Any, Any], Tensor] = F.cross_entropy
    batch: int = 32
    parts: int = 1
    change: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] = lambda x, y, step: (x, y)
    after_backward: Callable[[int], object] = lambda step: None
    after_step: Callable[[int], object] = lambda step: None
    backward: bool = True
    steps: bool = True
    zeroes: bool = True
    names: tuple[str, ...] = ()
    losses: list[float] = field(default_factory=list)

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """One after the other, without an end."""
        generator = torch.Generator().manual_seed(seed)
        while True:
            order = torch.randperm(len(self.y), generator=generator)
            for start in range(0, len(order) - self.batch + 1, self.batch):
                rows = order[start : start + self.batch]
                yield self.x[rows], self.y[rows]

    def run(self, steps: int, seed: int, hooks: Hooks | None = None) -> None:
        """Train, as the loop does it."""
        batches = self.batches(seed)
        for step in range(steps):
            total = torch.zeros(())
            for _ in range(self.parts):
                x, y = self.change(*next(batches), step)
                if hooks is not None:
                    hooks.before(step, x, y)
                loss = self.loss(self.model(x), y) / self.parts
                if self.backward:
                    loss.backward()
                total = total + loss.detach()
            self.after_backward(step)
            if hooks is not None:
                hooks.gradients(step, total)
            if self.steps:
                self.optimizer.step()
            if hooks is not None:
                hooks.after(step, total)
            if self.zeroes:
                self.optimizer.zero_grad()
            self.after_step(step)
            self.losses.append(float(total))


@dataclass(frozen=True)
class Said:
    """One thing that a tool has said.

    Attributes
    ----------
    word
        What the tool calls it.
    text
        What a user reads, without advice; it names the modules.
    fault
        Whether the tool calls it a fault, not something worth to know.
    """

    word: str
    text: str
    fault: bool = True


@dataclass(frozen=True)
class Case:
    """A training, with its rubric.

    Attributes
    ----------
    name
        Of the case, the same in both halves.
    make
        The training in a setting; mended or not.
    words
        A pattern: what the cause may be called. "" of what is healthy.
    """

    name: str
    make: Callable[[Setting, bool], Training]
    words: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.words

    def named_by(self, said: Said, names: Sequence[str]) -> bool:
        """Whether something that was said is the cause, and where it is."""
        if not re.search(self.words, f"{said.word}: {said.text}", re.IGNORECASE):
            return False
        return not names or any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", said.text) for name in names)
