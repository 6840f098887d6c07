"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, outside_of_programs
from .plateau import ReduceLROnPlateau


class Combined(LRScheduler):
    """Several schedules of one optimizer."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Its own state, with those of its schedules."""
        return {**super().state_dict(), "_schedulers": [schedule.state_dict() for schedule in self._schedulers]}

    def unsaved(self) -> set[str]:
        return {"optimizer", "_schedulers"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for schedule, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self._schedulers))}])"


def together(owner: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
    """The optimizer that several schedules have in common."""
    if not schedulers:
        raise ValueError(f"{owner}: expected at least one schedule, got none")
    for i, schedule in enumerate(schedulers):
        if not isinstance(schedule, LRScheduler):
            raise TypeError(f"{owner}: expected schedules, got {type(schedule).__name__} as number {i}")
        if isinstance(schedule, ReduceLROnPlateau):
            raise ValueError(f"{owner}: ReduceLROnPlateau, number {i}, wants a metric at each step and would get none")
        optimizer = schedule.optimizer if optimizer is None else optimizer
        if schedule.optimizer is not optimizer:
            raise ValueError(f"{owner}: expected schedules of one optimizer, number {i} is another's")
    assert optimizer is not None
    return optimizer


class SequentialLR(Combined):
    """One schedule after the other: a warm-up, and what comes then.

    Parameters
    ----------
    optimizer
        That of all schedules.
    schedulers
        In order; each begins at its epoch 0.
    milestones
        The epochs at which the second, the third ... take over.
    last_epoch
        As in `LRScheduler`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = together("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: expected one milestone between each two of {len(schedulers)} schedules, "
                f"got {len(milestones)}"
            )
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        # Each schedule has set the rates of its first epoch when it was made: only the first should have.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self.take_back()
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first.begin()
        self._last_lr = first.get_last_lr()

    def take_back(self) -> None:
        """Let all schedules stand before their first epoch."""
        for schedule in self._schedulers:
            if isinstance(schedule, SequentialLR | ChainedScheduler):
                schedule.take_back()
            else:
                schedule.last_epoch -= 1

    def step(self, epoch: float | None = None) -> None:
        outside_of_programs(self)
        if epoch is not None:
            raise ValueError("SequentialLR: there is no closed form of an epoch; call step() so many times")
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        schedule = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            schedule.move_to(0)
        else:
            schedule.step()
        self._last_lr = schedule.get_last_lr()


class ChainedScheduler(Combined):
    """Several schedules at once, each of which changes what the one before has left.

    Parameters
    ----------
    schedulers
        In order.
    optimizer
        That of all schedules.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = together("ChainedScheduler", schedulers, optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def begin(self) -> None:
        for schedule in self._schedulers:
            schedule.begin()
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def take_back(self) -> None:
        """Let all schedules stand before their first epoch."""
        for schedule in self._schedulers:
            schedule.last_epoch -= 1

    def move_to(self, epoch: float | None) -> None:
        for schedule in self._schedulers:
            schedule.move_to(epoch)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def step(self, epoch: float | None = None) -> None:
        outside_of_programs(self)
        for schedule in self._schedulers:
            schedule.step(epoch)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
