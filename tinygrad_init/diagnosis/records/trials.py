"""Networks that were trained for comparison: from several starts, or with changes that were proposed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ...words import Phrase, phrase
from .verdicts import Judged, Verdict

# A change is kept if it lowers the loss after the trial by this share.
BETTER = 0.05


@dataclass(frozen=True)
class Settings:
    """What was diagnosed.

    Attributes
    ----------
    data, samples, classes
        The data set, its size, the number of classes.
    sizes
        Of the network: input, hidden layers, output.
    """

    data: str
    samples: int
    classes: int
    sizes: tuple[int, ...]
    activation: str
    loss: str
    lr: float
    epochs: int
    batch_size: int
    seed: int
    dtype: str


@dataclass(frozen=True)
class Start:
    """One start: its first batch, its training, its verdict.

    Attributes
    ----------
    init
        The name of the initializer.
    before, after
        The network before the first update and after the last.
    losses
        The mean training loss of each epoch.
    accuracy
        Share of held-out samples that the trained network classifies rightly.
    """

    init: str
    verdict: Verdict
    before: Judged
    after: Judged
    losses: tuple[float, ...]
    accuracy: float


@dataclass
class Compared:
    """The same network and data from several starts, in the order in which they were run."""

    settings: Settings
    starts: list[Start] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """A change that was tried.

    Attributes
    ----------
    what
        The change.
    before, after
        The loss after training for some steps without and with it; NaN if training broke down.
    kept
        Whether it is part of the recommendation.
    """

    what: Phrase
    before: float
    after: float
    kept: bool

    @property
    def change(self) -> str:
        """The change in words."""
        return str(self.what)

    @property
    def because(self) -> Phrase:
        """Why it was kept, or was not."""
        if not math.isfinite(self.after):
            return phrase("trial.broke")
        if self.kept and not math.isfinite(self.before):
            return phrase("trial.mended")
        if self.kept:
            return phrase("trial.lower", share=1 - self.after / self.before)
        return phrase("trial.little", share=BETTER) if self.after <= self.before else phrase("trial.worse")

    @property
    def why(self) -> str:
        """The same in words."""
        return str(self.because)


@dataclass(frozen=True)
class Recommended:
    """What to change, tried out.

    Attributes
    ----------
    setup
        A copy of the model with everything that was kept, at its start, and how to train it.
    trials
        Everything that was tried, in order.
    before, after
        Diagnoses of the model as it was and of the recommended one, both at their starts.
    loss_before, loss_after
        The losses after training each for the same number of steps.
    steps
        How many those were.
    """

    setup: Any
    trials: tuple[Trial, ...]
    before: Judged
    after: Judged
    loss_before: float
    loss_after: float
    steps: int

    @property
    def kept(self) -> tuple[Phrase, ...]:
        """What was kept; of several of a kind the last, which is the best. Another activation brings its own start."""
        kept = {trial.what.key: trial.what for trial in self.trials if trial.kept}
        if "change.activation" in kept:
            kept.pop("change.start", None)
        return tuple(kept.values())

    @property
    def changes(self) -> tuple[str, ...]:
        """The same in words."""
        return tuple(map(str, self.kept))
