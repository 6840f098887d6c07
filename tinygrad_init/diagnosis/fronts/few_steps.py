"""A few steps of training on a copy of a model of this package, by the optimizer that is to train it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import BatchNorm, Dropout, Module
from ...rate_search import TRIED, range_test
from ...rehearsal import Rehearsal, Rule, in_words
from ..records import Ahead
from .own_modules import Loss

Array = np.ndarray[Any, Any]

STEPS, BATCH, LAST = 120, 64, 20
# Where the loss is not low then, it is asked again after so many.
PATIENT = 240
# From so many samples on one of so many is held out.
ENOUGH, ONE_OF = 128, 4
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
    seen, unseen = parts(len(x))
    held_x, held_y, x, y = x[unseen], y[unseen], x[seen], y[seen]
    size = min(BATCH, len(x))
    steps = int(min(PATIENT, max(FEWEST, MULTIPLICATIONS / max(3 * size * work, 1.0))))
    rehearsal = Rehearsal(model, x, y, loss, optimizer, batch_size=size, owner="diagnose")
    rule, lr = in_words(rehearsal.optimizer), float(getattr(rehearsal.optimizer, "lr", math.nan))
    normalized = any(isinstance(module, BatchNorm) for _, module in rehearsal.model.named_modules())
    last, evaluated, held_out, taken = math.inf, math.nan, math.nan, 0
    held_out_first = as_used(rehearsal, held_x, held_y)
    for taken in sorted({min(steps, STEPS), steps}):
        last = after(rehearsal, taken)
        evaluated = as_used(rehearsal, x, y) if normalized else math.nan
        held_out = float(np.fmin(held_out, as_used(rehearsal, held_x, held_y)))
        if last <= FALLEN * guess and not evaluated > EVALUATED * guess:
            break
    held = {id(parameter) for parameter in rehearsal.optimizer.parameters if parameter.requires_grad}
    unmoved = tuple(name for name, p in rehearsal.model.named_parameters() if id(p) not in held)
    found = Ahead(rule, taken, lr, rehearsal.losses[0], last, evaluated, held_out_first, held_out, unmoved=unmoved)
    if not found.last > FALLEN * guess or math.isnan(lr) or not math.isfinite(found.first) or taken < STEPS:
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


def parts(samples: int) -> tuple[Array, Array]:
    """The numbers of those to learn from, and of those that are held out, drawn once for all."""
    order = np.random.default_rng(0).permutation(samples)
    held = samples // ONE_OF if samples >= ENOUGH else 0
    return np.sort(order[held:]), np.sort(order[:held])


def as_used(rehearsal: Rehearsal, x: Any, y: Any) -> float:
    """The loss of samples in evaluation mode; NaN of none."""
    if len(x) == 0:
        return math.nan
    predictions = Tensor(rehearsal.predictions(x), rehearsal.kind)
    with np.errstate(all="ignore"), no_grad():
        loss = float(rehearsal.loss(predictions, rehearsal.samples(y)).item())
    return loss if math.isfinite(loss) else math.inf


def dropouts(model: Module) -> list[Dropout]:
    """The modules that drop numbers."""
    return [module for _, module in model.named_modules() if isinstance(module, Dropout) and module.p > 0]
