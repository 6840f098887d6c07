"""Where a loss is going: down, nowhere, or back and forth."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

# So many losses are averaged.
SMOOTHED = 20
# The last losses, of which oscillation is judged.
RECENT = 64
# An improvement by less than this share does not count.
IMPROVEMENT = 0.01
# A loss counts as flat that has not improved for this share of all steps, and for at least so many.
PATIENCE, LEAST = 0.3, 50
# Successive differences of pure noise correlate by -1/2; those of a swing between two values by -1.
SWING = -0.8
# A swing by less than this share of the loss is no matter.
AMPLITUDE = 0.02


class Trend:
    """The history of a loss in a few numbers.

    Attributes
    ----------
    mean
        A moving average over about the last `SMOOTHED` losses.
    best
        The lowest that it has been, where improvements count.
    """

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.steps = 0
        self.epoch = 0
        self.in_epoch: list[float] = []  # the losses of the epoch that is going on
        self.mean = math.nan
        self.best = math.inf
        self.improved = 0

    def add(self, loss: float, epoch: int | None = None) -> None:
        """One more step, and in which epoch: batches differ, so that only means over epochs tell of a swing."""
        self.steps += 1
        if epoch is None:
            self.recent.append(loss)
        else:
            if epoch != self.epoch and self.in_epoch:
                self.recent.append(sum(self.in_epoch) / len(self.in_epoch))
                self.in_epoch.clear()
            self.epoch = epoch
            self.in_epoch.append(loss)
        if not math.isfinite(loss):
            return
        self.mean = loss if math.isnan(self.mean) else self.mean + (loss - self.mean) / min(self.steps, SMOOTHED)
        # The first losses are each of one batch only: none of them counts as the best.
        if self.steps <= SMOOTHED or self.mean < self.best - IMPROVEMENT * abs(self.best):
            self.best, self.improved = self.mean, self.steps

    @property
    def flat(self) -> bool:
        """Whether the loss has not improved for long."""
        return self.steps - self.improved > max(LEAST, PATIENCE * self.steps)

    @property
    def oscillating(self) -> bool:
        """Whether the loss jumps back and forth between steps, and not as noise does."""
        losses = np.array(self.recent)
        if len(losses) < 8 or not np.isfinite(losses).all():
            return False
        steps = np.diff(losses)
        size = float(np.sum(steps * steps))
        if size == 0 or np.mean(np.abs(steps)) < AMPLITUDE * np.mean(np.abs(losses)):
            return False
        return float(np.sum(steps[1:] * steps[:-1])) / size < SWING
