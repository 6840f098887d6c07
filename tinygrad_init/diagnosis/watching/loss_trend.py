"""Where a loss is going: down, nowhere, up, or back and forth."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

# So many losses are averaged.
SMOOTHED = 20
# The last losses, of which a swing is judged.
RECENT = 64
# An improvement by less than this share does not count.
IMPROVEMENT = 0.01
# A loss counts as flat that has not improved for this share of all steps, and for at least so many.
PATIENCE, LEAST = 0.3, 50
# Successive differences of pure noise correlate by -1/2; those of a swing between two values by -1.
SWING = -0.8
# Of so many losses a swing can be told from chance: of single steps, and of means over epochs, which are less noisy.
ENOUGH, ENOUGH_EPOCHS = 32, 8
# A swing by less than this share of the loss is no matter.
AMPLITUDE = 0.02
# A loss that is above its lowest by this share of that, and of what guessing costs, goes up.
RISE, RISE_OF_GUESSING = 0.5, 0.1
# By so many standard errors of the mean no loss is above another by chance, though that is the lowest of many.
ERRORS = 5.0


class Trend:
    """The history of a loss in a few numbers.

    Attributes
    ----------
    first, last
        The first loss that was finite, and the last.
    mean
        A moving average over about the last `SMOOTHED` losses.
    best
        The lowest that it has been, where improvements count.
    improved
        The step in which that was.
    """

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.last_few: deque[float] = deque(maxlen=SMOOTHED)  # what is finite of the last losses, of single steps
        self.steps = 0
        self.epoch = 0
        self.in_epoch: list[float] = []  # the losses of the epoch that is going on
        self.first = self.last = self.mean = math.nan
        self.best = math.inf
        self.improved = 0

    def add(self, losses: Iterable[tuple[float, int | None]]) -> None:
        """More steps, and in which epoch each: batches differ, so that only means over epochs tell of a swing."""
        for loss, epoch in losses:
            self.steps += 1
            self.last = loss
            if epoch is None:
                self.recent.append(loss)
            else:
                if epoch != self.epoch and self.in_epoch:
                    self.recent.append(sum(self.in_epoch) / len(self.in_epoch))
                    self.in_epoch.clear()
                self.epoch = epoch
                self.in_epoch.append(loss)
            if not math.isfinite(loss):
                continue
            self.last_few.append(loss)
            self.first = loss if math.isnan(self.first) else self.first
            self.mean = loss if math.isnan(self.mean) else self.mean + (loss - self.mean) / min(self.steps, SMOOTHED)
            # The first losses are each of one batch only: the best of them is that of their mean.
            if self.steps <= SMOOTHED or self.mean < self.best - IMPROVEMENT * abs(self.best):
                self.best, self.improved = self.mean, self.steps

    @property
    def flat(self) -> bool:
        """Whether the loss has not improved for long."""
        return self.long_since(self.improved)

    def long_since(self, step: int) -> bool:
        """Whether a step was so long ago that what was best then will not be bettered soon."""
        return self.steps - step > max(LEAST, PATIENCE * self.steps)

    @property
    def typical(self) -> float:
        """The median of the last few losses: no single difficult sample counts."""
        return float(np.median(self.last_few)) if self.last_few else math.nan

    @property
    def swings(self) -> bool:
        """Whether the loss jumps back and forth between steps, and not as noise does."""
        losses = np.array(self.recent)
        if len(losses) < (ENOUGH_EPOCHS if self.in_epoch else ENOUGH) or not np.isfinite(losses).all():
            return False
        steps = np.diff(losses)
        size = float(np.sum(steps * steps))
        if size == 0 or np.mean(np.abs(steps)) < AMPLITUDE * np.mean(np.abs(losses)):
            return False
        return float(np.sum(steps[1:] * steps[:-1])) / size < SWING

    def rises(self, guessing: Callable[[], float]) -> bool:
        """Whether the loss is well above its lowest, or its first, measured by that and by what guessing costs."""
        now = min(self.mean, self.typical)
        if self.steps <= SMOOTHED or not risen(now, min(self.best, self.first), 0.0):
            return False
        constant = guessing()
        return risen(now, self.lowest(constant), constant)

    def lowest(self, guessing: float) -> float:
        """What a rising loss is above: the lowest so far, or what it was at first, if guessing is no better."""
        return min(self.best, max(self.first, guessing))

    @property
    def sure(self) -> float:
        """So much above the lowest no mean is by chance: a few standard errors."""
        return ERRORS * float(np.std(self.last_few)) / math.sqrt(len(self.last_few)) if self.last_few else math.inf


def risen(loss: float, lowest: float, guessing: float) -> bool:
    """Whether a loss is well above a lower one."""
    return loss - lowest > max(RISE * abs(lowest), RISE_OF_GUESSING * abs(guessing))
