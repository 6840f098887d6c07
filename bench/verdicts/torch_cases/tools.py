"""How tools are asked. A tool gets a training that has not begun, has it run, and hands back what a user would read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from torch import Tensor

import tinygrad_init as tgi

from .case import Said, Training
from .settings import Setting

OURS = "tinygrad_init"
ASKED = 512


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes
    ----------
    name
        Under which it is installed.
    ask
        Has the training run for the steps of the setting, and collects what the tool says.
    """

    name: str
    ask: Callable[[Training, Setting], Iterable[Said]]

    @property
    def version(self) -> str | None:
        """Of what is installed; None if it is not."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


class Watching:
    """Hooks that do nothing; a tool overrides what it wants."""

    def before(self, step: int, x: Any, y: Tensor) -> object:
        """Before the model is called."""

    def gradients(self, step: int, loss: Tensor) -> object:
        """After backward, before the optimizer steps."""

    def after(self, step: int, loss: Tensor) -> object:
        """After the optimizer has stepped."""


def ours(training: Training, s: Setting) -> list[Said]:
    """`diagnose` before the first step, with the optimizer; then `watch`. The gravest finding comes first."""
    x, y = training.x[:ASKED], training.y[:ASKED]
    said = before_the_first_step(training, x, y)
    with tgi.torch.watch(training.model, training.optimizer, x, y, training.loss) as monitor:

        class Told(Watching):
            def after(self, step: int, loss: Tensor) -> object:
                return monitor.step(loss)

        training.run(s.steps, s.seed, Told())
    events = [event for event in monitor.events if not event.over and event.word != "converged"]
    return [*said, *(Said(event.word, str(event), event.fault) for event in events)]


def before_the_first_step(training: Training, x: Any, y: Tensor) -> list[Said]:
    """What `diagnose` says. Where it refuses, its sentence is all that it says."""
    try:
        report = tgi.torch.diagnose(training.model, x, y, training.loss, optimizer=training.optimizer)
    except (TypeError, ValueError) as error:
        return [Said("refused", str(error))]

    def text(verdict: Any) -> str:
        where = "" if verdict.layer is None else f"in {report.layers[verdict.layer - 1].name}: "
        return f"{where}{verdict.why}"

    found = [report.verdict] if report.verdict.fault and report.verdict.word != "healthy" else []
    found += [verdict for answer in report.answers for verdict in answer.findings if verdict not in found]
    found += [note for note in report.notes if note not in found]
    return [Said(verdict.word, text(verdict), verdict.fault) for verdict in found]
