"""A rehearsal: some steps of training on a copy of a model, by the optimizer that is to train it.

The model itself, its gradients and what the optimizer remembers stay as they are.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .engine.modes import enable_grad, no_grad
from .engine.tensor import Tensor
from .nn import BatchNorm, Dropout, Module, dtype_of
from .optim import SGD, Optimizer
from .training import Loss, captured, learning_step

Array = np.ndarray[Any, Any]

# How an update rule may be given: by an optimizer of the model's parameters, by what makes one of parameters, or by
# the rate of plain gradient descent.
Rule = Optimizer | Callable[[list[Tensor]], Optimizer] | float
Make = Callable[[list[Tensor]], Optimizer]


def makes(rule: Rule | None, model: Module, owner: str, lr: float = 0.1) -> Make:
    """What makes optimizers like a given one, out of whatever parameters; plain gradient descent if there is none.

    Parameters
    ----------
    rule
        Of an optimizer what its class is called with is taken over (of groups, what the first has), and not what it
        remembers.
    model
        Whose parameters it is for.
    owner
        Who asks, for errors.
    lr
        The rate where no rule is given.

    Raises
    ------
    TypeError
        The rule is none of those.
    ValueError
        The optimizer holds none of the model's parameters.
    """
    if rule is None or (isinstance(rule, float | int) and not isinstance(rule, bool)):
        rate = lr if rule is None else rule
        return lambda parameters: SGD(parameters, rate)
    if isinstance(rule, Optimizer):
        require_holds(rule, model, owner)
        kind, options = type(rule), options_of(rule)
        return lambda parameters: kind(parameters, **options)
    made: Any = rule(trainable(model)) if callable(rule) else rule
    if not (callable(rule) and isinstance(made, Optimizer)):
        raise TypeError(
            f"{owner}: expected an optimizer, a function that makes one, or a learning rate; got {type(made).__name__}"
        )
    require_holds(made, model, owner)
    return rule


def options_of(optimizer: Optimizer) -> dict[str, Any]:
    """What an optimizer's class is called with to make one like it, besides parameters: attributes of those names."""
    names = list(inspect.signature(type(optimizer)).parameters)[1:]
    return {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}


def require_holds(optimizer: Optimizer, model: Module, owner: str) -> None:
    """Refuse an optimizer of other parameters than the model's."""
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in optimizer.parameters):
        raise ValueError(f"{owner}: the optimizer holds none of this model's parameters; nothing would move")


def trainable(model: Module) -> list[Tensor]:
    """The parameters that an optimizer is made of."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def copied(model: Module, rule: Rule, owner: str) -> tuple[Module, Optimizer]:
    """A copy of a model with an optimizer of its own, which remembers what a given one does."""
    if isinstance(rule, Optimizer):
        require_holds(rule, model, owner)
        # Together, so that the parameters of the one copy are those of the other.
        return copy.deepcopy((model, rule))
    model = copy.deepcopy(model)
    return model, makes(rule, model, owner)(trainable(model))


def in_words(optimizer: Optimizer) -> str:
    """An optimizer with what is not usual about it."""
    rate = [f"lr {optimizer.lr:.3g}"] if hasattr(optimizer, "lr") else []
    more = {"momentum": getattr(optimizer, "momentum", 0.0), "weight decay": getattr(optimizer, "weight_decay", 0.0)}
    return ", ".join([type(optimizer).__name__, *rate, *(f"{k} {v:g}" for k, v in more.items() if v)])


def whole_batches(samples: int, size: int, seed: int) -> Iterator[Array]:
    """The numbers of samples, so many a batch, epoch after epoch without an end; what is left of one is left out."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(samples)
        for start in range(0, samples - size + 1, size):
            yield order[start : start + size]


class Rehearsal:
    """Trains a copy.

    Parameters
    ----------
    model, x, y, loss
        As in `train`, the loss as a function.
    rule
        The optimizer, or what makes one; see `Rule`.
    batch_size
        Samples a step, always as many; all if there are fewer.
    clip
        The largest norm of all gradients together; None: any.
    rng
        The seed of the order of samples.
    owner
        Who asks, for errors.

    Attributes
    ----------
    model, optimizer
        The copies.
    losses
        Of every step since the last start.
    """

    def __init__(
        self,
        model: Module,
        x: Array,
        y: Array,
        loss: Loss,
        rule: Rule,
        *,
        batch_size: int = 64,
        clip: float | None = None,
        rng: int = 0,
        owner: str = "rehearsal",
    ) -> None:
        self.model, self.optimizer = copied(model, rule, owner)
        self.kind = dtype_of(self.model, np.dtype(np.float32))
        self.x, self.y = self.samples(x), self.samples(y)
        self.loss, self.batch_size, self.seed = loss, min(batch_size, len(x)), rng
        self.learn = captured(learning_step(self.model.train(), loss, self.optimizer, clip))
        self.weights = {name: np.array(values) for name, values in self.model.state_dict().items()}
        self.remembered = {p: copy.deepcopy(dict(known)) for p, known in self.optimizer.state.items() if known}
        self.order = self.batches()
        self.losses: list[float] = []

    def samples(self, values: Any) -> Array:
        """Real numbers in the dtype of the model; others as they are."""
        found = values.numpy() if isinstance(values, Tensor) else np.asarray(values)
        return found.astype(self.kind) if found.dtype.kind == "f" else found

    def batches(self) -> Iterator[tuple[Array, Array]]:
        """Epoch after epoch, without an end; all of one size, so that one program is enough."""
        for chosen in whole_batches(len(self.x), self.batch_size, self.seed):
            yield self.x[chosen], self.y[chosen]

    def restart(self, lr: float) -> None:
        """Back to where it began, with another rate."""
        self.model.load_state_dict(self.weights)
        self.optimizer.lr = lr
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                known = self.remembered.get(p) or self.optimizer.start(p, group)
                for name, now in self.optimizer.state[p].items():
                    now[...] = known[name]  # in place: a captured program has their addresses
        self.order = self.batches()
        self.losses = []

    def step(self) -> float:
        """One step, and its loss before it."""
        with np.errstate(all="ignore"), enable_grad():
            self.losses.append(float(self.learn(*next(self.order)).item()))
        return self.losses[-1]

    def advance(self, steps: int) -> None:
        """Go on until so many steps have been taken since the last start, or the loss is no longer finite."""
        while len(self.losses) < steps and (not self.losses or math.isfinite(self.losses[-1])):
            self.step()

    @property
    def lr(self) -> float:
        """The optimizer's rate; NaN of one that has none."""
        return float(getattr(self.optimizer, "lr", math.nan))

    @lr.setter
    def lr(self, rate: float) -> None:
        self.optimizer.lr = rate

    @property
    def rule(self) -> str:
        """The optimizer in words."""
        return in_words(self.optimizer)

    @property
    def normalizes(self) -> bool:
        """Whether the model is another when it is used: with the running averages of batch normalization."""
        return any(isinstance(module, BatchNorm) for _, module in self.model.named_modules())

    @property
    def unmoved(self) -> tuple[str, ...]:
        """The parameters that no step moves: frozen, or not the optimizer's."""
        held = {id(parameter) for parameter in self.optimizer.parameters if parameter.requires_grad}
        return tuple(name for name, parameter in self.model.named_parameters() if id(parameter) not in held)

    @property
    def decays(self) -> bool:
        """Whether the optimizer makes weights smaller."""
        return getattr(self.optimizer, "weight_decay", 0.0) > 0

    def without_decay(self) -> None:
        """Let no weights decay from now on."""
        self.optimizer.weight_decay = 0.0

    @property
    def drops(self) -> list[Dropout]:
        """The modules that drop numbers."""
        return [module for _, module in self.model.named_modules() if isinstance(module, Dropout) and module.p > 0]

    def without_dropout(self) -> None:
        """Drop no numbers from now on."""
        for module in self.drops:
            module.p = 0.0

    def cost(self, x: Array, y: Array) -> float:
        """The loss of samples as the copy is when it is used; infinite where it is no number.

        NaN of no samples, and where the model takes batches of one size alone.
        """
        if len(x) == 0:
            return math.nan
        try:
            predictions = Tensor(self.predictions(x), self.kind)
        except (TypeError, ValueError):
            return math.nan
        with np.errstate(all="ignore"), no_grad():
            found = float(self.loss(predictions, self.samples(y)).item())
        return found if math.isfinite(found) else math.inf

    def predictions(self, x: Array) -> Array:
        """The copy's outputs, as they are when it is used."""
        with np.errstate(all="ignore"), no_grad():
            try:
                return np.asarray(self.model.eval()(Tensor(self.samples(x))).numpy())
            finally:
                self.model.train()
