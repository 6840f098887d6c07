"""A few steps of training on a copy of a model of this package, by the optimizer that is to train it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...nn import Module
from ...rate_search import range_test
from ...rehearsal import Rehearsal, Rule, in_words
from ..records import Ahead
from .own_modules import Loss

STEPS, BATCH, LAST = 120, 64, 20
# Where the loss is still above this share of guessing it is asked which rate would have been better.
FALLEN = 0.5


def few_steps(model: Module, x: Any, y: Any, loss: Loss, optimizer: Rule, guess: float) -> Ahead | None:
    """Train a copy for 120 steps; model and optimizer stay as they are, also what the optimizer remembers.

    None for a single sample, of which nothing can be learned that others have.

    Parameters
    ----------
    model, x, y, loss
        As in `diagnose`.
    optimizer
        One that was made of the model's parameters, a function that makes one, or the rate of plain gradient descent.
        What one of somebody's own remembers of a parameter must be kept by its number, as `Optimizer.state` is.
    guess
        The loss of the best prediction that does not look at the input.

    Raises
    ------
    ValueError
        The optimizer holds none of the model's parameters.
    TypeError
        It is none of those.
    """
    if len(x) < 2:
        return None
    rehearsal = Rehearsal(model, x, y, loss, optimizer, batch_size=BATCH, owner="diagnose")
    rule, lr = in_words(rehearsal.optimizer), float(getattr(rehearsal.optimizer, "lr", math.nan))
    rehearsal.advance(STEPS)
    losses = rehearsal.losses
    last = float(np.mean(losses[-LAST:])) if len(losses) == STEPS else math.inf
    found = Ahead(rule, STEPS, lr, losses[0], last if math.isfinite(last) else math.inf)
    if not found.last > FALLEN * guess or math.isnan(lr) or not math.isfinite(losses[0]):
        return found
    search = range_test(rehearsal)
    return replace(found, better=search.lr, better_last=dict(search.tried)[search.lr])
