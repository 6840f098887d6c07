"""A few steps of training on a copy of a model of this package, by the optimizer that is to train it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...nn import Dropout, Module
from ...rate_search import TRIED, range_test
from ...rehearsal import Rehearsal, Rule, in_words
from ..records import Ahead
from .own_modules import Loss

STEPS, BATCH, LAST = 120, 64, 20
# Of a network so large that they would take longer than a second or so fewer steps are taken, by the number of
# multiplications, so that a verdict does not depend on the machine; and no other rates are tried.
MULTIPLICATIONS, FEWEST = 2e10, 25
# Where the loss is still above this share of guessing it is asked which rate would have been better.
FALLEN = 0.5


def few_steps(
    model: Module, x: Any, y: Any, loss: Loss, optimizer: Rule, guess: float, work: float = 0.0
) -> Ahead | None:
    """Train a copy for 120 steps, or fewer if it is very large.

    Model and optimizer stay as they are, also what the optimizer remembers.

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
    work
        Multiplications that a sample takes on its way forward (`Network.work`).

    Raises
    ------
    ValueError
        The optimizer holds none of the model's parameters.
    TypeError
        It is none of those.
    """
    if len(x) < 2:
        return None
    size = min(BATCH, len(x))
    steps = int(min(STEPS, max(FEWEST, MULTIPLICATIONS / max(3 * size * work, 1.0))))
    rehearsal = Rehearsal(model, x, y, loss, optimizer, batch_size=size, owner="diagnose")
    rule, lr = in_words(rehearsal.optimizer), float(getattr(rehearsal.optimizer, "lr", math.nan))
    last = after(rehearsal, steps)
    held = {id(parameter) for parameter in rehearsal.optimizer.parameters if parameter.requires_grad}
    unmoved = tuple(name for name, p in rehearsal.model.named_parameters() if id(p) not in held)
    found = Ahead(rule, steps, lr, rehearsal.losses[0], last, unmoved=unmoved)
    if not found.last > FALLEN * guess or math.isnan(lr) or not math.isfinite(found.first) or steps < STEPS:
        return found
    if getattr(rehearsal.optimizer, "weight_decay", 0.0) > 0:
        again = Rehearsal(model, x, y, loss, optimizer, batch_size=size, owner="diagnose")
        again.optimizer.weight_decay = 0.0
        found = replace(found, without_decay=after(again, TRIED))
    if dropouts(rehearsal.model):
        again = Rehearsal(model, x, y, loss, optimizer, batch_size=size, owner="diagnose")
        for module in dropouts(again.model):
            module.p = 0.0
        found = replace(found, without_dropout=after(again, TRIED))
    search = range_test(rehearsal)
    return replace(found, better=search.lr, better_last=dict(search.tried)[search.lr], tried=TRIED)


def after(rehearsal: Rehearsal, steps: int) -> float:
    """The mean of the last losses of so many steps; infinite if training breaks down."""
    rehearsal.advance(steps)
    last = float(np.mean(rehearsal.losses[-LAST:])) if len(rehearsal.losses) == steps else math.inf
    return last if math.isfinite(last) else math.inf


def dropouts(model: Module) -> list[Dropout]:
    """The modules that drop numbers."""
    return [module for _, module in model.named_modules() if isinstance(module, Dropout) and module.p > 0]
