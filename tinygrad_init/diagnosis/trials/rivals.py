"""Setups that are trained side by side: all for a while, the better ones for longer (successive halving)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import dtype_of
from ...rate_search import range_test
from ...rehearsal import Rehearsal
from ...training import Loss
from .changes import rate
from .setup import Setup, scaled

Array = np.ndarray[Any, Any]

# Parts of the samples that a loss is averaged over, to see how sure a difference is.
PARTS = 16
# A range test of so many steps, from and to these rates.
LOWEST, HIGHEST, STEPS = 1e-6, 100.0, 90


@dataclass(frozen=True)
class Score:
    """How well a network does on samples that it has not been trained on.

    Attributes
    ----------
    losses
        Over parts of the samples; NaN if training broke down.
    accuracy
        The share of classes that are right; NaN where there are none.
    samples
        How many there were.
    """

    losses: Array
    accuracy: float
    samples: int

    @property
    def loss(self) -> float:
        """Their mean."""
        return float(np.mean(self.losses))

    @property
    def rank(self) -> tuple[bool, float, float]:
        """What is lower is better: accuracy first, where there are classes, then the loss."""
        broken = not math.isfinite(self.loss)
        return broken, 0.0 if math.isnan(self.accuracy) or broken else -self.accuracy, self.loss

    def better_than(self, other: Score, share: float, errors: float = 2.0) -> bool:
        """Whether this is beyond chance: by the loss without fewer right classes, or by the classes.

        Parameters
        ----------
        share
            By which the loss must be lower at least.
        errors
            How many standard errors of the difference that must be, too.
        """
        if not math.isfinite(other.loss) or not math.isfinite(self.loss):
            return math.isfinite(self.loss)
        gained = self.losses - other.losses
        sure = float(np.mean(gained)) + errors * float(np.std(gained)) / math.sqrt(len(gained)) < 0
        lower = self.loss < (1 - share) * other.loss and (sure or len(gained) < 2)
        if math.isnan(self.accuracy) or math.isnan(other.accuracy):
            return lower
        more = self.accuracy - other.accuracy
        error = math.sqrt(max(other.accuracy * (1 - other.accuracy), 1 / self.samples) / self.samples)
        return more > errors * error or (lower and more >= 0)


def mean(scores: list[Score]) -> Score:
    """Over several seeds."""
    return Score(
        np.mean([score.losses for score in scores], axis=0),
        float(np.mean([score.accuracy for score in scores])),
        scores[0].samples,
    )


@dataclass
class Ground:
    """Samples to train on, to choose by, and to compare with at the end, as they were given; the loss as a function."""

    train: tuple[Array, Array]
    choose: tuple[Array, Array]
    compare: tuple[Array, Array]
    loss: Loss

    def score(self, setup: Setup, output: Array, samples: tuple[Array, Array]) -> Score:
        """Of outputs of the model of a setup; the loss in the units of the given targets."""
        _, y = samples
        kind = dtype_of(setup.model, np.dtype(np.float32))
        with np.errstate(all="ignore"):
            output = output if setup.y_scaler is None else scaled(setup.y_scaler, output, back=True)
        targets = y.astype(kind) if y.dtype.kind == "f" else y
        accuracy = right(output, y)
        losses = []
        with np.errstate(all="ignore"), no_grad():
            for part in np.array_split(np.arange(len(y)), min(PARTS, len(y))):
                losses.append(float(self.loss(Tensor(output[part]), targets[part]).item()))
        found = np.array(losses)
        return Score(found if np.isfinite(found).all() else np.full(len(found), math.nan), accuracy, len(y))


def right(output: Array, y: Array) -> float:
    """The share of classes that are right, where targets are class numbers, or 0 and 1 for a single output."""
    if y.ndim == 1 and y.dtype.kind in "iub" and output.ndim == 2 and output.shape[1] > 1:
        return float(np.mean(output.argmax(axis=1) == y))
    if output.size == y.size and y.size and np.isin(y, (0, 1)).all() and len(y) == y.size:
        # Of logits the sign says the class; of probabilities whether they are above one half.
        middle = 0.5 if output.min() >= 0 and output.max() <= 1 else 0.0
        return float(np.mean((output.reshape(-1) > middle) == (y.reshape(-1) > 0.5)))
    return math.nan


@dataclass
class Rival:
    """A setup in training.

    Attributes
    ----------
    setup
        What is trained.
    run
        Its training.
    scores
        After how many steps it did how well.
    """

    setup: Setup
    run: Rehearsal
    scores: dict[int, Score] = field(default_factory=dict)

    @staticmethod
    def of(setup: Setup, ground: Ground, seed: int) -> Rival:
        """A setup, its training not yet begun; what is drawn anew for each step comes from the seed."""
        x, y = ground.train
        rehearsal = Rehearsal(
            setup.model, setup.inputs(x), setup.targets(y), ground.loss, setup.optimizer,
            batch_size=setup.batch_size, clip=setup.clip, rng=seed, owner="recommend",
        )  # fmt: skip
        return Rival(setup, rehearsal)

    def seconds(self, steps: int = 5) -> float:
        """What a step takes, the first apart; it is then where it began."""
        self.run.advance(1)
        began = time.perf_counter()
        self.run.advance(1 + steps)
        taken = (time.perf_counter() - began) / steps
        self.run.restart(self.setup.lr)
        return max(taken, 1e-9)

    def find_rate(self) -> None:
        """Take the rate that a range test says."""
        found = range_test(self.run, LOWEST, HIGHEST, STEPS)
        self.setup = self.setup.changed(rate(float(f"{found.lr:.2g}")), self.setup.seed, self.run.x)
        self.run.restart(self.setup.lr)

    def go_on(self, steps: int, ground: Ground) -> Score:
        """Train until so many steps have been taken, and see."""
        if steps not in self.scores:
            self.run.advance(steps)
            self.scores[steps] = self.score(ground, ground.choose)
        return self.scores[steps]

    def score(self, ground: Ground, samples: tuple[Array, Array]) -> Score:
        """As it stands."""
        return ground.score(self.setup, self.run.predictions(self.setup.inputs(samples[0])), samples)

    @property
    def last(self) -> Score:
        """The latest score."""
        return self.scores[max(self.scores)]
