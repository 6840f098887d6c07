"""A rehearsal of a PyTorch model: some steps on a copy, by the optimizer that is to train it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...rehearsal import whole_batches
from .torch_losses import Loss, cost_of, one_number, prediction, takes_whole
from .torch_modules import duplicate, own_tensors

Array = np.ndarray[Any, Any]
# An optimizer of the model's parameters, what makes one of parameters, or the rate of plain gradient descent.
Rule: TypeAlias = Optimizer | Callable[[Any], Optimizer] | float


def copied(model: nn.Module, rule: Rule, owner: str) -> tuple[nn.Module, Optimizer]:
    """A copy of a model with an optimizer of its own, which remembers what a given one does.

    One that has not stepped yet and is warmed up by a schedule has the rate that this leads to.

    Raises
    ------
    TypeError
        The rule is none.
    ValueError
        The optimizer holds none of the model's parameters.
    """
    if isinstance(rule, Optimizer):
        require_holds(rule, model, owner)
        # Together, so that the parameters of the one copy are those of the other.
        both: tuple[nn.Module, Optimizer] = copy.deepcopy((model, rule), dict(own_tensors(model)))
        if not rule.state:
            warm_up(both[1])
        return both
    model = duplicate(model)
    if isinstance(rule, float | int) and not isinstance(rule, bool):
        return model, torch.optim.SGD(trainable(model), lr=float(rule))
    made: Any = rule(trainable(model)) if callable(rule) else rule
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"{owner}: expected an optimizer, a function that makes one, or a learning rate; got {type(made).__name__}"
        )
    require_holds(made, model, owner)
    return model, made


def warm_up(optimizer: Optimizer) -> None:
    """Give an optimizer the rates that its schedule, which has left its marks in the groups, will raise them to."""
    for group in optimizer.param_groups:
        group["lr"] = max(group.get("max_lr", group.get("initial_lr", group["lr"])), group["lr"])


def require_holds(optimizer: Optimizer, model: nn.Module, owner: str) -> None:
    """Refuse an optimizer of other parameters than the model's."""
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in held(optimizer)):
        raise ValueError(f"{owner}: the optimizer holds none of this model's parameters; nothing would move")


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that an optimizer is made of."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def held(optimizer: Optimizer) -> list[Any]:
    """The parameters that an optimizer moves."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


# The loss of so many samples at most is asked.
ASKED = 512
# With a larger share of their beginning in them, running averages say nothing yet.
BEGINNING = 0.1


class TorchRehearsal:
    """Trains a copy; what `Rehearsal` is for this package's models.

    Parameters
    ----------
    model, loss
        As in `diagnose`.
    inputs
        What the model is called with, by name: tensors, the samples first.
    positional
        Whether they are handed over in order, not by name.
    targets
        A tensor, the samples first.
    rows
        The numbers of the samples to learn from.
    rule
        See `Rule`.
    batch_size
        Samples a step, always as many.
    clip
        The largest norm of all gradients together; None: any.
    rng
        The seed of the order of samples and of what draws at random.
    most
        So many samples at most go through the model at once.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        positional: bool,
        targets: Tensor,
        rows: Array,
        loss: Loss,
        rule: Rule,
        batch_size: int = 64,
        clip: float | None = None,
        rng: int = 0,
        most: int = ASKED,
    ) -> None:
        self.model, self.optimizer = copied(getattr(model, "_orig_mod", model), rule, "diagnose")
        self.model.train()
        self.inputs, self.positional, self.targets, self.rows = inputs, positional, targets, rows
        self.loss, self.batch_size, self.most = loss, min(batch_size, len(rows)), most
        self.clip, self.seed = clip, rng
        self.weights = copy.deepcopy(self.model.state_dict())
        self.remembered = copy.deepcopy(self.optimizer.state_dict())
        # Groups keep their rates' proportions to the first.
        first = self.optimizer.param_groups[0]["lr"]
        self.proportions = [group["lr"] / first if first else 1.0 for group in self.optimizer.param_groups]
        self.order, self.losses = self.batches(), list[float]()

    def batches(self) -> Iterator[Array]:
        """Epoch after epoch, without an end; all of one size."""
        return (self.rows[chosen] for chosen in whole_batches(len(self.rows), self.batch_size, self.seed))

    def returned(self, rows: Array) -> Any:
        """What the copy returns for some samples."""
        chosen = torch.from_numpy(np.asarray(rows))
        inputs = {name: value[chosen] for name, value in self.inputs.items()}
        return self.model(*inputs.values()) if self.positional else self.model(**inputs)

    def loss_of(self, rows: Array) -> Tensor:
        """The loss of some samples."""
        return cost_of(self.loss, self.returned(rows), self.targets[torch.from_numpy(np.asarray(rows))])

    def step(self) -> float:
        """One step, and its loss before it; random numbers are left where they were."""
        rows = next(self.order)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(self.seed + len(self.losses))
            self.optimizer.zero_grad()
            cost = one_number(self.loss_of(rows))
            cost.backward()  # type: ignore[no-untyped-call]
            if self.clip is not None:
                nn.utils.clip_grad_norm_(held(self.optimizer), self.clip)
            self.optimizer.step()
        self.losses.append(cost.item())
        return self.losses[-1]

    def advance(self, steps: int) -> None:
        """Go on until so many steps have been taken since the last start, or the loss is no longer finite."""
        while len(self.losses) < steps and (not self.losses or math.isfinite(self.losses[-1])):
            self.step()

    def restart(self, lr: float) -> None:
        """Back to where it began, with another rate."""
        self.model.load_state_dict(self.weights)
        self.optimizer.load_state_dict(copy.deepcopy(self.remembered))
        self.lr = lr
        self.order, self.losses = self.batches(), []

    @property
    def lr(self) -> float:
        """The rate of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    @lr.setter
    def lr(self, rate: float) -> None:
        for group, proportion in zip(self.optimizer.param_groups, self.proportions, strict=True):
            group["lr"] = rate * proportion

    @property
    def rule(self) -> str:
        """The optimizer in words."""
        group = self.optimizer.param_groups[0]
        more = {"momentum": group.get("momentum", 0), "weight decay": group.get("weight_decay", 0)}
        said = [f"{key} {value:g}" for key, value in more.items() if value]
        return ", ".join([type(self.optimizer).__name__, f"lr {group['lr']:.3g}", *said])

    @property
    def normalizes(self) -> bool:
        """Whether the model is another when it is used: with the running averages of batch normalization."""
        return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.model.modules())

    @property
    def unmoved(self) -> tuple[str, ...]:
        """The parameters that no step moves: frozen, or not the optimizer's."""
        moved = {id(parameter) for parameter in held(self.optimizer) if parameter.requires_grad}
        return tuple(name for name, parameter in self.model.named_parameters() if id(parameter) not in moved)

    @property
    def decays(self) -> bool:
        """Whether the optimizer makes weights smaller."""
        return any(group.get("weight_decay", 0) > 0 for group in self.optimizer.param_groups)

    def without_decay(self) -> None:
        """Let no weights decay from now on."""
        for group in self.optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0

    @property
    def drops(self) -> list[Any]:
        """The modules that drop numbers."""
        return [one for one in self.model.modules() if isinstance(one, nn.modules.dropout._DropoutNd) and one.p]

    def without_dropout(self) -> None:
        """Drop no numbers from now on."""
        for module in self.drops:
            module.p = 0.0

    def cost(self, rows: Array) -> float:
        """The loss of samples as the copy is when it is used; NaN of none, infinite where it is no number.

        Of very many some are enough, evenly spread.
        """
        if len(rows) == 0:
            return math.nan
        rows = rows[:: -(-len(rows) // min(self.most, ASKED))]
        with self.used(len(rows)):
            found = float(self.loss_of(rows))
        return found if math.isfinite(found) else math.inf

    def gives_whole(self, rows: Array) -> bool:
        """Whether the loss is given all that the model returns, not the predictions alone."""
        with self.used(len(rows)):
            return takes_whole(self.loss, self.returned(rows), self.targets[torch.from_numpy(np.asarray(rows))])

    def predictions(self, rows: Array) -> Tensor:
        """The copy's outputs, as they are when it is used."""
        with self.used(len(rows)):
            return prediction(self.returned(rows))

    @contextmanager
    def used(self, samples: int) -> Iterator[None]:
        """The copy as it is when it is used, on so many samples at once.

        Where running averages are still those of the beginning, the batch's own statistics normalize: only more steps
        would get away from it, and nothing is wrong with them.
        """
        slow = [
            (module, module.momentum)
            for module in self.model.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            and module.momentum is not None
            and samples > 1
            and (1 - module.momentum) ** len(self.losses) > BEGINNING
        ]
        self.model.eval()
        for module, _ in slow:
            module.train().momentum = 0.0
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                yield
        finally:
            for module, momentum in slow:
                module.momentum = momentum
            self.model.train()
