"""What would make this network train better? Proposed, tried out on copies, kept only if it helps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...data.samples import pairs, require_fits
from ...nn import Module, dtype_of
from ...ops.losses import loss_of
from ...progress import shown
from ...rehearsal import Rule, makes, trainable
from ...training import Loss, warn_of
from ...words import Phrase
from ..diagnosing import diagnose, is_torch
from ..records import Judged
from .changes import adam, by_name, together
from .recommendation import LEAST, MOST_STEPS, SEEDS, Recommendation, Search, fresh, ground_of
from .setup import Change, Setup

Array = np.ndarray[Any, Any]

BATCH = 64  # samples a step


def recommend(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    *,
    optimizer: Rule | None = None,
    lr: float = 0.1,
    steps: int = 1000,
    batch_size: int = BATCH,
    budget: float = 60.0,
    rng: np.random.Generator | int | None = 0,
    progress: bool | None = None,
    on_trial: Callable[[Phrase], object] | None = None,
) -> Recommendation:
    """Propose scales, a start, an activation, normalization, residual connections, clipping, an optimizer and its rate.

    Changes that belong together are tried together, on copies: each for a short while at the rate that a range test
    suggests, the better ones for longer (successive halving, Jamieson and Talwalkar 2016), the last few from another
    seed, too, beside the network as it is. A setup is recommended only if it is better than that beyond chance; of
    several that are about as good the one with the fewest changes. The model itself is not changed.

    Parameters
    ----------
    model
        What does not train; also a module of PyTorch's (see `tgi.torch.recommend`). Its own start is the first
        candidate, and its output layer stays.
    x, y
        Training data, from 4 samples on. A fifth is for choosing, and another fifth, which nothing is chosen by, for
        the comparison at the end; below 30 samples everything is judged on all of them.
    loss
        The name of a loss out of `tgi.nn.LOSSES`, or a function from predictions and targets to their mean loss.
    optimizer
        What was to train it: an optimizer of the model's parameters or a function that makes one; plain gradient
        descent unless given. Adam is tried, too.
    lr
        The learning rate of plain gradient descent so far, where no optimizer is given.
    steps, batch_size
        How long the longest trials train, and with how many samples a step.
    budget
        Seconds after which no further trial is begun.
    rng
        For starts and batches.
    progress
        Show a bar where the errors of a terminal go; unless said otherwise, in notebooks alone.
    on_trial
        Called before each trial with the change, a phrase that `print` and `str` say in English.

    Raises
    ------
    TypeError, ValueError
        As in `diagnose`; or there are fewer than 4 samples.

    Warns
    -----
    RuntimeWarning
        The model, the loss or the optimizer cannot be captured; its steps then run one by one.
    """
    if is_torch(model):
        from . import torch_recommendation  # only where PyTorch is there already

        if batch_size != BATCH or not isinstance(rng, int):
            raise ValueError(
                f"recommend: expected batches of {BATCH} and a seed for PyTorch's models; got {batch_size} and {rng}"
            )
        theirs: Any = torch_recommendation.recommend
        found: Recommendation = theirs(
            model, x, y, loss, optimizer=optimizer, lr=lr, steps=steps, budget=budget, rng=rng, progress=progress,
            on_trial=on_trial,
        )  # fmt: skip
        return found
    if not 1 <= steps <= MOST_STEPS or batch_size < 1 or not budget > 0:
        raise ValueError(
            f"recommend: expected 1 to {MOST_STEPS} steps, at least 1 sample a batch and a positive budget, got "
            f"{steps}, {batch_size} and {budget}"
        )
    x, y = pairs("recommend", x, y, least=LEAST)
    for what, values in (("x", x), ("y", y)):
        require_fits("recommend", what, values, dtype_of(model))
    function = loss_of(loss)
    make = makes(optimizer, model, "recommend", lr)
    rate = float(make(trainable(model)).lr)
    given = Setup(copy.deepcopy(model), make, rate, loss=by_name(loss), batch_size=batch_size)
    before = diagnose(model, x[:512], y[:512], function, rate, optimizer=make)
    seeds = [int(seed) for seed in np.random.default_rng(rng).integers(2**31, size=2 + SEEDS)]
    search = Search(given, ground_of(x, y, function, seeds[0]), seeds[1:], steps, budget)
    search.on_trial = on_trial
    if (refused := search.given.run.learn.refused) is not None:
        warn_of("recommend", refused, 2)
    with shown(candidates(given, before, x, y), "trying", progress) as proposed:
        best = search.best(proposed)
    chosen = search.decide(best)
    setup = replace(chosen.setup, model=fresh(chosen.setup, given, x, seeds[2]))
    after = diagnose(
        setup.model, setup.inputs(x[:512]), setup.targets(y[:512]), function, setup.lr, optimizer=setup.optimizer
    )
    return search.recommendation(chosen, setup, before, after, len(x))


def candidates(given: Setup, before: Judged, x: Array, y: Array) -> list[tuple[Change, ...]]:
    """Changes that are tried together, with the given optimizer and with Adam."""
    other = adam(given)
    found = list(together(given, before, x, y))
    return found if other is None else [more for changes in found for more in (changes, (*changes, other))]
