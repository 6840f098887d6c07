"""Which learning rate? A range test: the rate grows from step to step until training breaks down (Smith 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data.samples import pairs, require_fits
from .nn import Module, dtype_of
from .ops.losses import loss_of
from .rehearsal import Rehearsal, Rule, makes
from .training import Loss

Array = np.ndarray[Any, Any]

# A loss that is so many times its lowest has broken down, and by this factor one stays below the rate of that.
BROKEN, SAFETY = 1.5, 4.0
# Losses are averaged over about so many steps, since each is of one batch.
SMOOTHED = 5
# A rate that survives its one step in the test may still be too large for many: it is tried for so many steps, and a
# third of it, as long as that ends lower.
TRIED, SMALLER, MOST_SMALLER = 60, 3.0, 4
# A loss that is still above this share of its first has hardly fallen: then smaller rates are tried in any case.
FALLEN = 0.95
# A rate has failed that ends so many times higher than a third of it.
FAILED = 2.0


@dataclass(frozen=True)
class RateSearch:
    """What a range test has shown.

    Attributes
    ----------
    rule
        The optimizer in words.
    rates, losses
        The rate of every step that was taken, and the loss before it, averaged over a few steps.
    breakdown
        The rate at which the loss had grown to one and a half times its lowest, or was no longer finite; infinite if
        it never had.
    tried
        Rates that were then kept for 60 steps, and the mean of the last losses: a quarter of `breakdown`, or the rate
        with the lowest loss if that is less, and thirds of it as long as these ended lower.
    lr
        What is suggested: the best of those, or the next if the one before had failed, which is too near.
    """

    rule: str
    rates: Array
    losses: Array
    breakdown: float
    tried: tuple[tuple[float, float], ...]

    @property
    def lr(self) -> float:
        ends = [loss for _, loss in self.tried]
        best, start = ends.index(min(ends)), float(self.losses[0])
        failed = best > 0 and ends[best - 1] > FAILED * ends[best]
        if failed and best + 1 < len(ends) and ends[best + 1] < FALLEN * start:
            best += 1
        return self.tried[best][0]

    def __str__(self) -> str:
        ends = f"up to {self.rates[-1]:.2g}" if math.isinf(self.breakdown) else f"breaks down at {self.breakdown:.2g}"
        return f"{self.rule}: {ends}, lowest loss {np.nanmin(self.losses):.3g}; learning rate {self.lr:.2g}"

    def figure(self) -> Any:
        """The loss against the rate, with the suggestion, as a matplotlib figure.

        Raises
        ------
        ImportError
            The extra `plot` is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ImportError("a figure needs matplotlib; install it with: pip install 'tinygrad_init[plot]'") from None
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, color="#2a78d6")
        axes.axvline(self.lr, color="#008300", linestyle="--", label=f"suggested {self.lr:.2g}")
        if math.isfinite(self.breakdown):
            axes.axvline(self.breakdown, color="#e34948", linestyle=":", label=f"breakdown {self.breakdown:.2g}")
        low, high = float(np.nanmin(self.losses)), float(self.losses[0])
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title=self.rule)
        axes.set_ylim(low - 0.1 * (high - low + 1e-12), high + 0.5 * (high - low + 1e-12))
        axes.legend()
        return figure


def find_lr(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    *,
    optimizer: Rule | None = None,
    batch_size: int = 64,
    lowest: float = 1e-6,
    highest: float = 100.0,
    steps: int = 120,
    rng: int = 0,
) -> RateSearch:
    """The largest learning rate with which training is safe, by a range test on a copy of the model.

    The rate grows geometrically from `lowest` to `highest`; the test ends when the loss has broken down (Smith 2017,
    "Cyclical learning rates for training neural networks", section 3.3).

    Parameters
    ----------
    model, x, y, loss
        As in `train`. The model stays as it is.
    optimizer
        What will train it: an optimizer of the model's parameters or a function that makes one; plain gradient descent
        unless given. Its own rate does not matter.
    batch_size
        Samples a step.
    lowest, highest, steps
        The rates at both ends, and in how many steps the one becomes the other.
    rng
        The seed of the order of samples.

    Raises
    ------
    TypeError, ValueError
        As in `train`; or the rates are not positive and growing, or there are fewer than 10 steps.
    """
    if not (0 < lowest < highest < math.inf and steps >= 10):
        raise ValueError(
            f"find_lr: expected rates 0 < lowest < highest and at least 10 steps, got {lowest}, {highest} and {steps}"
        )
    x, y = pairs("find_lr", x, y)
    for what, values in (("x", x), ("y", y)):
        require_fits("find_lr", what, values, dtype_of(model))
    make = makes(optimizer, model, "find_lr")
    return range_test(
        Rehearsal(model, x, y, loss_of(loss), make, batch_size=batch_size, rng=rng), lowest, highest, steps
    )


def range_test(rehearsal: Rehearsal, lowest: float = 1e-6, highest: float = 100.0, steps: int = 120) -> RateSearch:
    """The test itself; the rehearsal is then wherever that has left it."""
    rates = np.geomspace(lowest, highest, steps)
    rehearsal.restart(lowest)
    means: list[float] = []
    total, weight, breakdown = 0.0, 0.0, math.inf
    for rate in rates:
        rehearsal.lr = float(rate)
        total, weight = (old + (new - old) / SMOOTHED for old, new in ((total, rehearsal.step()), (weight, 1.0)))
        means.append(total / weight)
        if not means[-1] <= BROKEN * min(means):
            breakdown = float(rate)
            break
    known, losses = rates[: len(means)], np.array(means)
    best = float(known[int(np.nanargmin(losses))]) if np.isfinite(losses).any() else lowest
    tried = tuple(kept(rehearsal, min(breakdown / SAFETY, best)))
    return RateSearch(rehearsal.rule.split(",")[0], known, losses, breakdown, tried)


def kept(rehearsal: Rehearsal, rate: float) -> Iterator[tuple[float, float]]:
    """The rate and smaller ones, each kept for some steps, and the last losses; until these are no lower."""
    lowest = math.inf
    for _ in range(MOST_SMALLER):
        rehearsal.restart(rate)
        rehearsal.advance(TRIED)
        last = float(np.mean(rehearsal.losses[-10:])) if len(rehearsal.losses) == TRIED else math.inf
        yield rate, last if math.isfinite(last) else math.inf
        if lowest < FALLEN * rehearsal.losses[0] and not last < lowest:
            return
        lowest, rate = min(lowest, last), rate / SMALLER
