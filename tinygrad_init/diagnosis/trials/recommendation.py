"""The search for what would make a network train better, and the recommendation that comes of it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...nn import Module
from ...training import Loss
from ...words import Phrase, phrase
from ..fronts.own_modules import loss_and_cotangent
from ..measures.guess import best_constant_loss
from ..records import BETTER, Judged, Recommended, Trial
from ..showing.text import as_text, recommendation_view
from .rivals import Ground, Rival, Score, mean
from .setup import Change, Setup

Array = np.ndarray[Any, Any]

# Of fewer samples none can be held out: then setups are judged on those that they are trained on.
CERTAIN, LEAST = 30, 4
# Of all steps these shares are the stages, and so many setups are left after each.
STAGES = ((0.1, 10), (0.3, 5), (1.0, 3))
SEEDS = 2
# A setup with fewer changes is taken if its loss is within this share of the best, or where there are classes, if it
# is within a standard error of the best and its loss within so many times that one's.
CLOSE, CLOSE_LOSS = 0.1, 3.0
# A trial may not be longer; where one would take too much of the budget it is shorter, but has at least so many steps.
MOST_STEPS, LEAST_STEPS = 100_000, 100
# What all trials together take: so many steps, and so many times the longest of them.
FIXED, TIMES = 6000, 13
# What is not better than guessing by this share has learned nothing.
GUESSED = 0.02


class Recommendation(Recommended):
    """What to change, tried out; `print` shows it."""

    __doc__ = Recommended.__doc__

    def text(self, language: str = "en") -> str:
        """What `print` shows, in one of `words.LANGUAGES`."""
        return as_text(recommendation_view(self, language))

    def __rich__(self) -> Any:
        return recommendation_view(self)

    def __str__(self) -> str:
        return self.text()


def ground_of(x: Array, y: Array, loss: Loss, seed: int) -> Ground:
    """The samples in three parts."""
    if len(x) < CERTAIN:  # in the order in which they came
        return Ground((x, y), (x, y), (x, y), loss)
    train, choose, compare = ((x[part], y[part]) for part in parts(len(x), seed))
    return Ground(train, choose, compare, loss)


def parts(samples: int, seed: int) -> tuple[Array, Array, Array]:
    """The numbers of the samples to train on, to choose by and to compare with; all three times where there are few."""
    order = np.random.default_rng(seed).permutation(samples)
    if samples < CERTAIN:
        return order, order, order
    fifth = samples // 5
    return order[2 * fifth :], order[:fifth], order[fifth : 2 * fifth]


def made(given: Setup, changes: tuple[Change, ...], seed: int, x: Array) -> Setup:
    """The setup with all changes, what is drawn from one seed."""
    setup = replace(given, model=copy.deepcopy(given.model), seed=seed)
    for change in changes:
        setup = setup.changed(change, seed, x)
    return setup


def fresh(setup: Setup, given: Setup, x: Array, seed: int) -> Module:
    """The recommended model at its start, ready to be trained."""
    return made(given, setup.changes, setup.seed, x).model.train()


@dataclass
class Search:
    """Rivals that are trained for ever longer, the worse half left behind at each stage."""

    setup: Any  # a `Setup`, or what stands for one in another framework
    ground: Any
    seeds: list[int]
    steps: int
    budget: float
    on_trial: Callable[[Phrase], object] | None = None

    def __post_init__(self) -> None:
        self.end = time.monotonic() + self.budget
        self.given = self.rival(self.setup, self.seeds[0])
        affordable = (self.budget / self.given.seconds() - FIXED) / TIMES
        self.steps = min(self.steps, max(LEAST_STEPS, int(affordable)))
        self.stages = [(max(1, round(share * self.steps)), left) for share, left in STAGES]
        for steps, _ in self.stages:
            self.given.go_on(steps, self.ground)
        self.rivals: list[Rival] = []
        self.repeated: dict[int, list[Rival]] = {}
        self.guess = self.guessing()

    def rival(self, setup: Setup, seed: int) -> Rival:
        """A setup that is to be trained."""
        return Rival.of(setup, self.ground, seed)

    def made(self, changes: tuple[Change, ...], seed: int) -> Setup:
        """The given setup with changes."""
        return made(self.setup, changes, seed, self.ground.train[0])

    def guessing(self) -> float:
        """The loss, on the samples for the comparison, of the best prediction that does not look at the input."""
        _, y = self.ground.compare
        outputs = self.given.run.predictions(self.setup.inputs(self.ground.compare[0][:1])).shape[1:]
        exact = loss_and_cotangent(self.ground.loss, y.astype(np.float64) if y.dtype.kind == "f" else y, np.float64)
        return best_constant_loss(exact, y, (len(y), *outputs))

    @property
    def over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() > self.end

    def best(self, proposed: Iterable[tuple[Change, ...]]) -> list[Rival]:
        """The few that are left at the end, the best first."""
        steps, left = self.stages[0]
        for changes in proposed:
            if self.over:
                break
            try:
                rival = self.rival(self.made(changes, self.seeds[0]), self.seeds[0])
                rival.find_rate()
                if self.on_trial is not None:
                    self.on_trial(said(rival.setup))
                rival.go_on(steps, self.ground)
            except (TypeError, ValueError):  # what this model or these samples do not allow
                continue
            self.rivals.append(rival)
        running = sorted(self.rivals, key=lambda rival: rival.last.rank)[:left]
        for steps, left in self.stages[1:]:
            for rival in running:
                if not self.over:
                    rival.go_on(steps, self.ground)
            running = sorted(running, key=lambda rival: (-max(rival.scores), rival.last.rank))[:left]
        return running

    def again(self, rival: Rival) -> list[Rival]:
        """A rival, and the same from other seeds, trained as long."""
        if id(rival) not in self.repeated:
            self.repeated[id(rival)] = [rival]
            for seed in self.seeds[1:SEEDS]:
                if self.over and rival is not self.given:
                    break
                other = self.rival(self.made(rival.setup.changes, seed), seed)
                other.go_on(max(rival.scores), self.ground)
                self.repeated[id(rival)].append(other)
        return self.repeated[id(rival)]

    def chosen_by(self, rival: Rival) -> Score:
        """Its mean score over the seeds, on the samples to choose by."""
        return mean([one.last for one in self.again(rival)])

    def compared(self, rival: Rival) -> Score:
        """The same on samples that nothing was chosen by."""
        return mean([one.score(self.ground, self.ground.compare) for one in self.again(rival)])

    def learns(self, score: Score) -> bool:
        """Whether a network is better than guessing."""
        return score.loss < (1 - GUESSED) * self.guess or score.accuracy > most_frequent(self.wanted)

    @property
    def wanted(self) -> Array:
        """The targets of the samples for the comparison."""
        return self.ground.compare[1]

    def decide(self, running: list[Rival]) -> Rival:
        """The best of those that are left with the fewest changes, if it is better than what was given."""
        scores = {id(rival): self.chosen_by(rival) for rival in running}
        finite = [rival for rival in running if math.isfinite(scores[id(rival)].loss)]
        if not finite:
            return self.given
        first = scores[id(min(finite, key=lambda rival: scores[id(rival)].rank))]
        close = [rival for rival in finite if close_to(scores[id(rival)], first)]
        best = min(close, key=lambda rival: (len(rival.setup.changes), scores[id(rival)].rank))
        if not scores[id(best)].better_than(self.chosen_by(self.given), BETTER):
            return self.given
        # Not used for choosing, but what is worse there is not handed back.
        was, now = self.compared(self.given), self.compared(best)
        return self.given if was.better_than(now, 0.0) or not self.learns(now) else best

    def recommendation(self, chosen: Rival, setup: Any, before: Judged, after: Judged, samples: int) -> Recommendation:
        """What was found, with the diagnoses of what was given and of what is handed back."""
        was, now = self.compared(self.given), self.compared(chosen)
        return Recommendation(
            setup=setup,
            trials=tuple(self.trials(chosen)),
            before=before,
            after=after,
            loss_before=was.loss,
            loss_after=now.loss,
            accuracy_before=was.accuracy,
            accuracy_after=now.accuracy,
            guess=self.guess,
            learns=self.learns(now),
            certain=samples >= CERTAIN,
            steps=self.steps,
        )

    def trials(self, chosen: Rival) -> Iterator[Trial]:
        """What was tried, in order, beside the given setup after as many steps."""
        for rival in self.rivals:
            steps = max(rival.scores)
            was, now = self.given.scores[steps], rival.last
            yield Trial(said(rival.setup), was.loss, now.loss, rival is chosen, steps, was.accuracy, now.accuracy)


def close_to(score: Score, best: Score) -> bool:
    """Whether it is about as good: the rule of one standard error (Breiman et al. 1984, section 3.4.3)."""
    if math.isnan(best.accuracy):
        return score.loss <= (1 + CLOSE) * best.loss
    error = math.sqrt(max(best.accuracy * (1 - best.accuracy), 1 / best.samples) / best.samples)
    return score.accuracy >= best.accuracy - error and score.loss <= CLOSE_LOSS * best.loss


def most_frequent(y: Array) -> float:
    """The share of right guesses of whoever always says the most frequent class, and two standard errors more."""
    if y.dtype.kind not in "iub" or y.ndim != 1:
        return math.inf
    share = float(np.unique(y, return_counts=True)[1].max() / len(y))
    return share + 2 * math.sqrt(max(share * (1 - share), 1 / len(y)) / len(y))


def said(setup: Setup) -> Phrase:
    """All changes of a setup in words."""
    return phrase("change.several", changes=tuple(change.what for change in setup.changes))
