"""A few steps of training on a copy of a model of this package, by the optimizer that is to train it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...nn import Module
from ...rate_search import TRIED, range_test
from ...rehearsal import Rehearsal, Rule
from ..records import Ahead
from .own_modules import Loss

Array = np.ndarray[Any, Any]

STEPS, BATCH, LAST = 120, 64, 20
# Where the loss is not low then, it is asked again after so many.
PATIENT = 240
# From so many samples on one of so many is held out.
ENOUGH, ONE_OF = 128, 4
# Of those about so many are looked at one by one.
MOST_ALONE = 64
# Of a network so large that they would take longer than a second or so fewer steps are taken, by the number of
# multiplications, so that a verdict does not depend on the machine; and no other rates are tried.
MULTIPLICATIONS, FEWEST = 2e10, 25
# Where the loss is still above this share of guessing, that is what is done, and it is asked which rate would have been
# better; also if it is above the second share as the network is when it is used.
FALLEN, EVALUATED = 0.5, 0.6


def few_steps(
    model: Module, x: Any, y: Any, loss: Loss, optimizer: Rule, guess: float, work: float = 0.0
) -> Ahead | None:
    """Train a copy for 120 steps, or 240 where the loss is not low after those, or fewer if it is very large.

    Model and optimizer stay as they are, also what the optimizer remembers.

    None for a single sample, of which nothing can be learned that others have.

    Parameters
    ----------
    model, x, y, loss
        As in `diagnose`.
    optimizer
        One that was made of the model's parameters, a function that makes one, or the rate of plain gradient descent.
        What one of somebody's own remembers of a parameter must be what its `start` gives, and stand in its `state`.
    guess
        The loss of the best prediction that does not look at the input.
    work
        Multiplications that a sample takes on its way forward (`Network.work`).

    Raises
    ------
    ValueError
        The optimizer holds none of the model's parameters.
    TypeError
        It is none of those.
    """

    def rehearse(rows: Array, size: int) -> Rehearsal:
        return Rehearsal(model, x[rows], y[rows], loss, optimizer, batch_size=size, owner="diagnose")

    def cost(rehearsal: Any, rows: Array) -> float:
        return float(rehearsal.cost(x[rows], y[rows]))

    return look_ahead(rehearse, cost, len(x), guess, work)


def look_ahead(
    rehearse: Callable[[Array, int], Any],
    cost: Callable[[Any, Array], float],
    samples: int,
    guess: float,
    work: float,
) -> Ahead | None:
    """The same of a rehearsal in whatever framework.

    Parameters
    ----------
    rehearse
        From the numbers of samples to learn from and how many a step takes to a rehearsal: what `Rehearsal` has besides
        its model and optimizer.
    cost
        From a rehearsal and numbers of samples to their loss as the network is when it is used; NaN of none.
    samples, guess, work
        How many there are; the rest as in `few_steps`.
    """
    if samples < 2:
        return None
    seen, unseen = parts(samples)
    size = min(BATCH, len(seen))
    steps = int(min(PATIENT, max(FEWEST, MULTIPLICATIONS / max(3 * size * work, 1.0))))
    rehearsal = rehearse(seen, size)
    rule, lr = rehearsal.rule, rehearsal.lr
    last, evaluated, held_out, taken = math.inf, math.nan, math.nan, 0
    for taken in sorted({min(steps, STEPS), steps}):
        last = after(rehearsal, taken)
        evaluated = cost(rehearsal, seen) if rehearsal.normalizes else math.nan
        held_out = float(np.fmin(held_out, cost(rehearsal, unseen)))
        if last <= FALLEN * guess and not evaluated > EVALUATED * guess:
            break
    first, unmoved = rehearsal.losses[0], rehearsal.unmoved
    better = math.nan
    if held_out >= guess:
        some = unseen[:: max(len(unseen) // MOST_ALONE, 1)]
        better = float(np.mean([cost(rehearsal, some[i : i + 1]) < guess for i in range(len(some))]))
    found = Ahead(rule, taken, lr, first, last, evaluated, held_out, better, unmoved=unmoved)
    if not found.last > FALLEN * guess or math.isnan(lr) or not math.isfinite(found.first) or taken < STEPS:
        return found
    if rehearsal.decays:
        again = rehearse(seen, size)
        again.without_decay()
        found = replace(found, without_decay=after(again, TRIED))
    if rehearsal.drops:
        again = rehearse(seen, size)
        again.without_dropout()
        found = replace(found, without_dropout=after(again, TRIED))
    search = range_test(rehearsal)
    return replace(found, better=search.lr, better_last=dict(search.tried)[search.lr], tried=TRIED)


def after(rehearsal: Any, steps: int) -> float:
    """The mean of the last losses of so many steps; infinite if training breaks down."""
    rehearsal.advance(steps)
    last = float(np.mean(rehearsal.losses[-LAST:])) if len(rehearsal.losses) == steps else math.inf
    return last if math.isfinite(last) else math.inf


def parts(samples: int) -> tuple[Array, Array]:
    """The numbers of those to learn from, and of those that are held out, drawn once for all."""
    order = np.random.default_rng(0).permutation(samples)
    held = samples // ONE_OF if samples >= ENOUGH else 0
    return np.sort(order[held:]), np.sort(order[:held])
