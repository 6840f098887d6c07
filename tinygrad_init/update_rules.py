"""Update rules by the names that command lines and reports call them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .engine.tensor import Tensor
from .naming import known_name
from .optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop


@dataclass(frozen=True)
class UpdateRule:
    """An update rule that has a name.

    Attributes
    ----------
    lr
        A learning rate that suits it, for features of size 1 and classes.
    lr_regression
        The same for squared errors, whose slopes grow with the error.
    make
        From parameters and a learning rate to the optimizer.
    """

    lr: float
    lr_regression: float
    make: Callable[[list[Tensor], float], Optimizer]

    def lr_for(self, task: str) -> float:
        """A learning rate that suits it, for "classification" or "regression"."""
        return self.lr_regression if task == "regression" else self.lr

    def at(self, lr: float) -> Callable[[list[Tensor]], Optimizer]:
        """What makes the optimizer of parameters, as `train` and `diagnose` want it."""
        return lambda parameters: self.make(parameters, lr)


OPTIMIZERS: dict[str, UpdateRule] = {
    "sgd": UpdateRule(0.1, 0.02, SGD),
    "momentum": UpdateRule(0.05, 0.01, lambda parameters, lr: SGD(parameters, lr, momentum=0.9)),
    "nesterov": UpdateRule(0.05, 0.01, lambda parameters, lr: SGD(parameters, lr, momentum=0.9, nesterov=True)),
    "adam": UpdateRule(1e-3, 1e-3, Adam),
    "adamw": UpdateRule(1e-3, 1e-3, AdamW),
    "nadam": UpdateRule(1e-3, 1e-3, NAdam),
    "radam": UpdateRule(1e-3, 1e-3, RAdam),
    "adamax": UpdateRule(2e-3, 2e-3, Adamax),
    "rmsprop": UpdateRule(1e-3, 1e-3, RMSprop),
    "adagrad": UpdateRule(1e-2, 1e-2, Adagrad),
    "adadelta": UpdateRule(1.0, 1.0, Adadelta),
}

# What they are called elsewhere; how a name is written (AdamW, adam_w) does not matter.
ALIASES: dict[str, str] = {
    "gradient_descent": "sgd",
    "sgd_momentum": "momentum",
    "sgd_with_momentum": "momentum",
    "nag": "nesterov",
}


def optimizer_name(name: str) -> str:
    """What an update rule is called here, by our name or that of other libraries (`ALIASES`).

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        There is none of that name.
    """
    return known_name("an optimizer", name, OPTIMIZERS, ALIASES)
