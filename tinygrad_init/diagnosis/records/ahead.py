"""What the first steps of training on a copy have shown."""

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
        How many were wanted, each on a batch of its own out of the samples: half as many where that was enough.
    lr
        Its rate.
    first, last
        The loss of the first batch, and the mean of the last ones; `last` is infinite if training broke down.
    evaluated
        The loss of all samples after the steps, of the network as it is when it is used: with the running averages of
        batch normalization. NaN for a network without any.
    held_out
        The loss of a quarter of the samples that no step sees, the lowest of those looked at; NaN where there are too
        few.
    held_out_better
        Where that is no better than guessing, the share of those samples whose own loss is; NaN otherwise.
    better, better_last
        Where the loss has not fallen far: the rate that a range test suggests in place of the optimizer's own, and the
        mean of the last losses after `tried` steps with it; NaN otherwise.
    without_decay
        There, if the optimizer makes weights smaller, the mean of the last losses after `tried` steps of one that does
        not; NaN otherwise.
    without_dropout
        The same, if the model drops numbers, with one that keeps them all.
    unmoved
        The parameters that are frozen, or that the optimizer does not hold.
    tried
        How many steps those were.
    """

    rule: str
    steps: int
    lr: float
    first: float
    last: float
    evaluated: float = math.nan
    held_out: float = math.nan
    held_out_better: float = math.nan
    better: float = math.nan
    better_last: float = math.nan
    without_decay: float = math.nan
    without_dropout: float = math.nan
    unmoved: tuple[str, ...] = ()
    tried: int = 60

    @property
    def growth(self) -> float:
        """The last loss over the first; infinite if training broke down."""
        if not math.isfinite(self.last):
            return math.inf
        return self.last / self.first if self.first > 0 else math.nan

    @property
    def rate_factor(self) -> float:
        """By what the optimizer's rate would have to be multiplied to be the suggested one."""
        return self.better / self.lr if self.lr > 0 else math.nan

    @property
    def better_share(self) -> float:
        """The last loss with the suggested rate over that with the optimizer's own."""
        return self.better_last / self.last if self.last > 0 else math.nan

    @property
    def decay_share(self) -> float:
        """The last loss without weight decay over that with it."""
        return self.without_decay / self.last if self.last > 0 else math.nan

    @property
    def dropout_share(self) -> float:
        """The last loss without dropout over that with it."""
        return self.without_dropout / self.last if self.last > 0 else math.nan
