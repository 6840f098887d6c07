"""Networks that were trained for comparison: from several starts, or with changes that were proposed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ...words import Phrase, phrase
from .verdicts import Judged, Verdict

# A setup is recommended only if it lowers the loss by this share, or classifies more rightly.
BETTER = 0.05


@dataclass(frozen=True)
class Settings:
    """What was diagnosed.

    Attributes
    ----------
    data, samples, classes
        The data set, its size, the number of classes; 0 for a regression.
    sizes
        Of the network: input, hidden layers, output.
    optimizer, lr
        What trains, by its name in `update_rules.OPTIMIZERS`, and at which learning rate.
    scaled_targets
        Whether the targets of a regression are brought to mean 0 and variance 1.
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
    optimizer: str = "sgd"
    scaled_targets: bool = False


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
        Share of held-out samples that the trained network classifies rightly; None for a regression.
    r2
        R² on held-out samples: 1 if the trained network's numbers are right, 0 if they are as good as the mean; None
        for classes, NaN where all held-out targets are the same.
    """

    init: str
    verdict: Verdict
    before: Judged
    after: Judged
    losses: tuple[float, ...]
    accuracy: float | None
    r2: float | None = None


@dataclass
class Compared:
    """The same network and data from several starts, in the order in which they were run."""

    settings: Settings
    starts: list[Start] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """Changes that were tried together.

    Attributes
    ----------
    what
        The changes.
    before, after
        The loss on samples held out, without and with them, after as many steps; NaN if training broke down.
    kept
        Whether that is the recommendation.
    steps
        How many steps those were: setups that fell behind were trained less.
    accuracy_before, accuracy_after
        The shares of right classes; NaN where there are none.
    """

    what: Phrase
    before: float
    after: float
    kept: bool
    steps: int = 0
    accuracy_before: float = math.nan
    accuracy_after: float = math.nan

    @property
    def change(self) -> str:
        """The changes in words."""
        return str(self.what)

    @property
    def because(self) -> Phrase:
        """What came of it."""
        if not math.isfinite(self.after):
            return phrase("trial.broke")
        if not math.isfinite(self.before):
            return phrase("trial.mended")
        if self.after <= (1 - BETTER) * self.before:
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
        A copy of the model with everything that was kept, at its start, and how to train it: `setup.train`,
        `setup.predict`, `setup.code`.
    trials
        Everything that was tried, in order.
    before, after
        Diagnoses of the model as it was and of the recommended one, both at their starts, with their optimizers.
    loss_before, loss_after, accuracy_before, accuracy_after
        The mean losses and accuracies after training each for the same number of steps from two seeds, on samples that
        nothing was chosen by; NaN if training broke down or there are no classes.
    guess
        The loss there of the best prediction that does not look at the input.
    learns
        Whether the recommended setup is better than that.
    certain
        Whether there were enough samples to hold some out.
    steps
        How many steps the last trials were trained for.
    """

    setup: Any
    trials: tuple[Trial, ...]
    before: Judged
    after: Judged
    loss_before: float
    loss_after: float
    accuracy_before: float
    accuracy_after: float
    guess: float
    learns: bool
    certain: bool
    steps: int

    @property
    def kept(self) -> tuple[Phrase, ...]:
        """What was kept."""
        return tuple(change.what for change in self.setup.changes)

    @property
    def changes(self) -> tuple[str, ...]:
        """The same in words."""
        return tuple(map(str, self.kept))
