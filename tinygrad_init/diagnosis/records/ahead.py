"""What a few steps of training on a copy have shown."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Ahead:
    """The first steps, by the optimizer that is to train the network.

    Attributes
    ----------
    rule
        The optimizer in words: "SGD, lr 0.1".
    steps
        How many were taken, each on a batch of its own out of the samples.
    first, last
        The loss of the first batch, and the mean of the last five; `last` is infinite or NaN if training broke down.
    """

    rule: str
    steps: int
    first: float
    last: float

    @property
    def growth(self) -> float:
        """The last loss over the first; infinite if training broke down."""
        if not math.isfinite(self.last):
            return math.inf
        return self.last / self.first if self.first > 0 else math.nan

    @property
    def fall(self) -> float:
        """By which share the loss has fallen; negative if it has grown."""
        return 1 - self.growth
