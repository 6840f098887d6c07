"""Rates that grow or fall by factors."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

from ..groups import Group
from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, require_optimizer

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The first rate times a function of the epoch.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    lr_lambda
        The function, or one for each group.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        owner = type(self).__name__
        self.lr_lambdas = for_each_group(owner, "lr_lambda", require_optimizer(owner, optimizer), lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        return self.base_lrs[i] * self.lr_lambdas[i](self.last_epoch)

    def unsaved(self) -> set[str]:
        return {"optimizer", "lr_lambdas"}

    def state_dict(self) -> dict[str, Any]:
        """Of the functions, what callable objects have as attributes; functions themselves are not saved."""
        kept = [None if isinstance(f, FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        functions = self.lr_lambdas
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, attributes in zip(functions, state_dict.get("lr_lambdas", ()), strict=False):
            if attributes is not None:
                vars(function).update(attributes)


class MultiplicativeLR(LambdaLR):
    """The last rate times a function of the epoch. Parameters are those of `LambdaLR`."""

    def rate(self, i: int, group: Group) -> float:
        return group["lr"] if self._initial else group["lr"] * self.lr_lambdas[i](self.last_epoch)


class StepLR(LRScheduler):
    """Times γ every so many epochs.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    step_size, gamma
        How many, and γ.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return group["lr"] * self.gamma if due else group["lr"]

    def rate_at(self, base: float) -> float:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """Times γ at certain epochs.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    milestones, gamma
        Which, and γ; one that stands twice counts twice.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        times = self.milestones.get(self.last_epoch, 0)
        return group["lr"] * self.gamma**times if times else group["lr"]

    def rate_at(self, base: float) -> float:
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(LRScheduler):
    """Times a factor, for so many epochs.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    factor, total_iters
        Which, and how many.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must lie in [0, 1], got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        if self.last_epoch == 0:
            return group["lr"] * self.factor
        return group["lr"] * (1.0 / self.factor) if self.last_epoch == self.total_iters else group["lr"]

    def rate_at(self, base: float) -> float:
        return base * (1 if self.last_epoch >= self.total_iters else self.factor)


class LinearLR(LRScheduler):
    """A factor that goes from one to another along a line: a warm-up.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    start_factor, end_factor, total_iters
        From, to, in so many epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must lie in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must lie in [0, 1], got {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        if self.last_epoch == 0:
            return group["lr"] * self.start_factor
        if self._initial or self.last_epoch > self.total_iters:
            return group["lr"]
        rise = self.end_factor - self.start_factor
        return group["lr"] * (1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def rate_at(self, base: float) -> float:
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ExponentialLR(LRScheduler):
    """Times γ at each epoch.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    gamma
        γ.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        return group["lr"] if self._initial else group["lr"] * self.gamma

    def rate_at(self, base: float) -> float:
        return base * self.gamma**self.last_epoch


class PolynomialLR(LRScheduler):
    """η (1 - t/T)^p, and 0 from T on.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    total_iters, power
        T and p.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        if self._initial or self.last_epoch > self.total_iters:
            return group["lr"]
        now, before = (1.0 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1))
        return group["lr"] * (now / before) ** self.power

    def rate_at(self, base: float) -> float:
        return base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
