"""A few steps of training on a copy of a model of this package, by the optimizer that is to train it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...optim import SGD, Optimizer
from ...training import captured, learning_step
from ..records import Ahead
from .copies import as_array
from .own_modules import Loss

STEPS, BATCH, LAST = 30, 64, 5

Rule = Optimizer | Callable[[list[Tensor]], Optimizer] | float


def few_steps(model: Module, x: Any, y: Any, loss: Loss, optimizer: Rule) -> Ahead | None:
    """Train a copy for 30 steps; model and optimizer stay as they are, also what the optimizer remembers.

    None for a single sample, of which nothing can be learned that others have.

    Parameters
    ----------
    model, x, y, loss
        As in `diagnose`.
    optimizer
        One that was made of the model's parameters, a function that makes one, or the rate of plain gradient descent.
        What one of somebody's own remembers of a parameter must be kept by its number, as `Optimizer.state` is.

    Raises
    ------
    ValueError
        The optimizer holds none of the model's parameters.
    TypeError
        It is none of those.
    """
    if len(x) < 2:
        return None
    model, update = copied(model, optimizer)
    kind = dtype_of(model, np.dtype(np.float32))
    xs, ys = as_array(x, kind), as_array(y, kind)
    rng, size = np.random.default_rng(0), min(BATCH, len(xs))
    learn = captured(learning_step(model.train(), loss, update))
    losses = []
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            chosen = rng.permutation(len(xs))[:size]
            losses.append(float(learn(xs[chosen], ys[chosen]).item()))
    return Ahead(in_words(update), STEPS, losses[0], float(np.mean(losses[-LAST:])))


def copied(model: Module, optimizer: Rule) -> tuple[Module, Optimizer]:
    """A copy of a model with an optimizer of its own."""
    made: Any
    if isinstance(optimizer, Optimizer):
        # Together, so that the parameters of the one copy are those of the other.
        model, made = copy.deepcopy((model, optimizer))
    else:
        model = copy.deepcopy(model)
        parameters: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
        made = optimizer(parameters) if callable(optimizer) else optimizer
        if isinstance(made, float | int) and not isinstance(made, bool):
            made = SGD(parameters, made)
        if not isinstance(made, Optimizer):
            raise TypeError(
                "diagnose: expected an optimizer, a function that makes one, or a learning rate; "
                f"got {type(made).__name__}"
            )
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in made.parameters):
        raise ValueError("diagnose: the optimizer holds none of this model's parameters; nothing would move")
    return model, made


def in_words(optimizer: Optimizer) -> str:
    """An optimizer with what is not usual about it."""
    rate = [f"lr {optimizer.lr:g}"] if hasattr(optimizer, "lr") else []
    more = {"momentum": getattr(optimizer, "momentum", 0.0), "weight decay": getattr(optimizer, "weight_decay", 0.0)}
    return ", ".join([type(optimizer).__name__, *rate, *(f"{k} {v:g}" for k, v in more.items() if v)])
