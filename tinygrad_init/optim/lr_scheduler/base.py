"""What all schedules have in common."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

from ...engine.modes import mode
from ..groups import Group
from ..optimizer import Optimizer


class LRScheduler:
    """Sets the learning rate of each group of an optimizer's parameters, epoch by epoch.

    A schedule says in `rate` how a group's rate follows from the one that it has, so that several schedules may act on
    one optimizer, and something else may change rates as well. Where there is a closed form of the epoch alone it is
    `rate_at`.

    Parameters
    ----------
    optimizer
        Whose `param_groups` are changed; each keeps its first rate as "initial_lr".
    last_epoch
        Where a resumed schedule stands; -1 at the beginning.

    Attributes
    ----------
    base_lrs
        The first rates.
    last_epoch
        The number of the epoch whose rates hold.

    Raises
    ------
    TypeError
        It is no optimizer.
    KeyError
        A group of a resumed optimizer has no "initial_lr".
    """

    optimizer: Optimizer
    base_lrs: list[float]
    _initial = False  # while rates are set for the first time

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = require_optimizer(type(self).__name__, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: with last_epoch={last_epoch} expected 'initial_lr' in group {i}, as in "
                    "the loaded state of an optimizer that had a schedule"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.begin()

    def begin(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count = 0
        self._initial = True
        try:
            self.step()
        finally:
            self._initial = False

    def step(self, epoch: float | None = None) -> None:
        """On to the next epoch; call it after the optimizer's own `step`.

        Parameters
        ----------
        epoch
            Which epoch, if not the next one.
        """
        outside_of_programs(self)
        self._step_count += 1
        self.move_to(epoch)

    def move_to(self, epoch: float | None) -> None:
        """Set the rates of an epoch, by the closed form if there is one; None: of the next."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch  # type: ignore[assignment]
        rates = self.get_lr() if epoch is None or not self.has_closed_form else self.closed_form()
        self.set_rates(rates)

    def set_rates(self, rates: list[float]) -> None:
        """Give each group its rate."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def get_lr(self) -> list[float]:
        """The rates of the epoch `last_epoch`, found from those of the one before."""
        return [self.rate(i, group) for i, group in enumerate(self.optimizer.param_groups)]

    def closed_form(self) -> list[float]:
        """The rates of the epoch `last_epoch`, found from the first ones."""
        return [self.rate_at(base) for base in self.base_lrs]

    @property
    def has_closed_form(self) -> bool:
        return type(self).rate_at is not LRScheduler.rate_at

    def rate(self, i: int, group: Group) -> float:
        """The next rate of group number `i`."""
        raise NotImplementedError

    def rate_at(self, base: float) -> float:
        """The rate of the epoch `last_epoch` where the first was `base`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """The rates that were set last."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; functions that were given are not saved."""
        return copy.deepcopy({name: value for name, value in vars(self).items() if name not in self.unsaved()})

    def unsaved(self) -> set[str]:
        """Attributes that are not part of the state."""
        return {"optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another schedule was; the optimizer's rates are part of the optimizer's own state."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{type(self).__name__}: expected a state_dict, got {type(state_dict).__name__}")
        vars(self).update(copy.deepcopy(dict(state_dict)))

    def __repr__(self) -> str:
        names = [name for name in inspect.signature(type(self)).parameters if name in vars(self)]
        options = [f"{name}={vars(self)[name]!r}" for name in names if name not in ("optimizer", "last_epoch")]
        return f"{type(self).__name__}({', '.join([*options, f'last_epoch={self.last_epoch}'])})"


def require_optimizer(owner: str, optimizer: Any) -> Optimizer:
    """Refuse what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{owner}: expected an optimizer, got {type(optimizer).__name__}")
    return optimizer


def outside_of_programs(schedule: Any) -> None:
    """Refuse a step of a schedule in a function that is being captured: no run would repeat it."""
    trace = mode.trace
    if trace is not None:
        trace.refuse(
            f"{type(schedule).__name__}.step() would happen once, when the function is captured; call it after the "
            "program, which reads the rates anew at each run"
        )


def for_each_group(owner: str, name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group; a single one holds for all."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(f"{owner}: expected {groups} values of {name}, one for each group, got {len(value)}")
    return list(value)
