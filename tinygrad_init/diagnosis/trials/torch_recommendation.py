"""`recommend` for PyTorch's modules: changes are tried on copies in PyTorch itself, and handed back as its lines."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...progress import shown
from ...rate_search import range_test
from ...words import Phrase
from ..fronts.torch_links import as_array
from ..fronts.torch_losses import loss_of
from ..fronts.torch_modules import as_tensor, dtype_of, named_inputs, run
from ..fronts.torch_steps import Rule, TorchRehearsal, copied
from ..measures.guess import best_constant_loss
from ..torch_diagnosing import diagnose
from .recommendation import LEAST, MOST_STEPS, SEEDS, Recommendation, Search, parts
from .rivals import HIGHEST, LOWEST, PARTS, STEPS, Rival, Score, right
from .torch_setup import Make, TorchSetup, candidates, rate, standardized

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Tensor]


@dataclass
class TorchGround:
    """The samples, and which of them to train on, to choose by, and to compare with at the end."""

    inputs: dict[str, Tensor]
    positional: bool
    targets: Tensor
    loss: Loss
    train: Array
    choose: Array
    compare: Array

    def fed(self, setup: TorchSetup) -> dict[str, Tensor]:
        """What goes into the model of a setup."""
        if not setup.scaled:
            return self.inputs
        name, first = next(iter(self.inputs.items()))
        return {**self.inputs, name: standardized(first, first[torch.from_numpy(self.train)])}


@dataclass
class TorchRival(Rival):
    """A setup in training."""

    setup: Any
    run: Any

    def find_rate(self) -> None:
        """Take the rate that a range test says."""
        found = range_test(self.run, LOWEST, HIGHEST, STEPS)
        self.setup = self.setup.changed(rate(float(f"{found.lr:.2g}")), self.setup.seed)
        self.run.restart(self.setup.lr)

    def score(self, ground: Any, samples: Any) -> Score:
        """As it stands, on samples by their numbers."""
        output, targets = self.run.predictions(samples), ground.targets[torch.from_numpy(samples)]
        several, losses = np.array_split(np.arange(len(samples)), min(PARTS, len(samples))), list[float]()
        whole = self.run.gives_whole(samples[:1])
        with torch.no_grad():
            for part in several:
                some = torch.from_numpy(part)
                of_part = self.run.cost(samples[part]) if whole else float(ground.loss(output[some], targets[some]))
                losses.append(of_part)
        found = np.array(losses)
        known = found if np.isfinite(found).all() else np.full(len(found), math.nan)
        return Score(known, right(as_array(output), as_array(targets)), len(samples))


class TorchSearch(Search):
    """The same search among PyTorch's models."""

    def rival(self, setup: Any, seed: int) -> Rival:
        """A setup that is to be trained."""
        ground = self.ground
        return TorchRival(
            setup,
            TorchRehearsal(
                setup.model, ground.fed(setup), ground.positional, ground.targets, ground.train, ground.loss,
                setup.optimizer, clip=setup.clip, rng=seed % 2**31,
            ),
        )  # fmt: skip

    def made(self, changes: tuple[Any, ...], seed: int) -> Any:
        """The given setup with changes."""
        setup = self.setup
        for change in changes:
            setup = setup.changed(change, seed)
        return setup

    def guessing(self) -> float:
        """The loss, on the samples for the comparison, of the best prediction that does not look at the input."""
        ground, rows = self.ground, torch.from_numpy(self.ground.compare)
        some = {name: value[rows] for name, value in ground.inputs.items()}
        given: Any = self.given
        network = run(
            given.setup.model,
            tuple(some.values()) if ground.positional else some,
            ground.targets[rows],
            ground.loss,
        )
        return best_constant_loss(cast(Any, network.loss_of), self.wanted, network.output.shape)

    @property
    def wanted(self) -> Array:
        """The targets of the samples for the comparison."""
        return as_array(self.ground.targets[torch.from_numpy(self.ground.compare)])


def recommend(
    model: nn.Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    *,
    optimizer: Rule | None = None,
    lr: float = 0.1,
    steps: int = 300,
    budget: float = 60.0,
    rng: int = 0,
    progress: bool | None = None,
    on_trial: Callable[[Phrase], object] | None = None,
) -> Recommendation:
    """What would make this PyTorch model train better? Tried out on copies, and handed back as PyTorch lines.

    Scales of the input, a start for each layer by the activation after it, activations, an activation at the output
    that the loss does not want, clipping, Adam, each with the rate that a range test suggests: tried side by side, the
    better ones for longer, and compared on samples that nothing was chosen by. What is not better beyond chance is not
    recommended. Nothing of the model changes; `found.setup.code()` has the lines, `found.setup.apply(model)` does it.

    Parameters
    ----------
    model, x, y, loss
        As in `tgi.torch.diagnose`; from 4 samples on.
    optimizer
        What was to train it: an optimizer of the model's parameters (its options are kept), or a function that makes
        one; plain gradient descent with `lr` unless given.
    steps
        How long the longest trials train.
    budget
        Seconds after which no further trial is begun.
    rng, progress, on_trial
        As in `tgi.recommend`.

    Raises
    ------
    TypeError, ValueError
        As in `diagnose`; or there are fewer than 4 samples.
    """
    if not 1 <= steps <= MOST_STEPS or not budget > 0:
        raise ValueError(f"recommend: expected 1 to {MOST_STEPS} steps and a positive budget, got {steps} and {budget}")
    function = loss_of(loss)
    before = diagnose(model, x, y, function, lr, optimizer=lr if optimizer is None else optimizer)
    inputs, targets = named_inputs(x, dtype_of(model)), as_tensor(y, dtype_of(model))
    if len(targets) < LEAST:
        raise ValueError(f"recommend: expected {LEAST} or more samples, got {len(targets)}")
    make, given_lr = maker(model, lr if optimizer is None else optimizer)
    given = TorchSetup(copy.deepcopy(model), make, given_lr)
    seeds = [int(seed) for seed in np.random.default_rng(rng).integers(2**31, size=2 + SEEDS)]
    ground = TorchGround(inputs, not isinstance(x, dict), targets, function, *parts(len(targets), seeds[0]))
    few = torch.arange(min(16, len(targets)))
    some = {name: value[few] for name, value in inputs.items()}
    network = run(model, some if isinstance(x, dict) else tuple(some.values()), targets[few], function, backward=False)
    search = TorchSearch(given, ground, seeds[1:], steps, budget)
    search.on_trial = on_trial
    first = next(iter(inputs.values()))
    proposals: list[Any] = list(candidates(given, network, first, before.answers[0].good))
    with shown(proposals, "trying", progress) as proposed:
        best = search.best(proposed)
    chosen = search.decide(best)
    setup = search.made(chosen.setup.changes, chosen.setup.seed)
    fed = ground.fed(setup)
    after = diagnose(
        setup.model, fed if isinstance(x, dict) else tuple(fed.values()), targets, function, optimizer=setup.optimizer
    )
    return search.recommendation(chosen, setup, before, after, len(targets))


def maker(model: nn.Module, rule: Rule) -> tuple[Make, float]:
    """What makes optimizers like a given one, with whatever rate, and its own."""
    _, made = copied(model, rule, "recommend")
    kind: Any = type(made)
    taken = inspect.signature(kind).parameters  # AdamW keeps for a default what it does not take
    free = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    options = {key: value for key, value in made.defaults.items() if key != "lr" and (free or key in taken)}

    def make(parameters: Any, lr: float) -> Optimizer:
        found: Optimizer = kind(parameters, lr=lr, **options)
        return found

    return make, float(made.param_groups[0]["lr"])
