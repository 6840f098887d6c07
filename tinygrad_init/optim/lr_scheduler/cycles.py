"""Rates that rise and fall, with a momentum that does the opposite (Smith 2017, 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from ..groups import Group
from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, require_optimizer


class Cycling(LRScheduler):
    """A schedule that may move the momentum, or the first of the betas, as well."""

    cycle_momentum: bool

    def prepare_momentum(self, optimizer: Optimizer, base: Any, most: Any, fresh: bool) -> None:
        """Find out what the momentum is called, and let captured programs read it at each run.

        Raises
        ------
        ValueError
            The optimizer has none.
        """
        owner = type(self).__name__
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(f"{owner}: the optimizer has neither momentum nor betas; pass cycle_momentum=False")
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums = for_each_group(owner, "base_momentum", optimizer, base)
        self.max_momentums = for_each_group(owner, "max_momentum", optimizer, most)
        for group, low, high in zip(optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
            group.read_anew("betas" if self.use_beta1 else "momentum")
            if fresh:
                self.set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def set_momentum(self, group: Group, value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(Cycling):
    """Between two rates, up and down along lines, with heights that may shrink.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`; a step is usually an update.
    base_lr, max_lr
        The two rates, or one of each for each group.
    step_size_up, step_size_down
        Steps up and down; down as many as up unless given.
    mode
        "triangular"; "triangular2": each cycle half as high; "exp_range": γ^step as high.
    gamma
        γ.
    scale_fn, scale_mode
        In place of a mode: the height as a function of the number of the "cycle", from 1, or of "iterations".
    cycle_momentum, base_momentum, max_momentum
        Whether the momentum goes the other way, and between what.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = require_optimizer("CyclicLR", optimizer)
        lowest = for_each_group("CyclicLR", "base_lr", optimizer, base_lr)
        self.max_lrs = for_each_group("CyclicLR", "max_lr", optimizer, max_lr)
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"CyclicLR: expected the mode 'triangular', 'triangular2' or 'exp_range', got {mode!r}")
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, lowest, strict=True):
                group["lr"] = rate
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.prepare_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def scale_fn(self, x: float) -> float:
        """How high a cycle, or a step, reaches."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (x - 1)

    def rate(self, i: int, group: Group) -> float:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            low, high = self.base_momentums[i], self.max_momentums[i]
            self.set_momentum(group, high - (high - low) * height * scale)
        low, high = self.base_lrs[i], self.max_lrs[i]
        return low + (high - low) * height * scale

    def unsaved(self) -> set[str]:
        return {"optimizer", "_scale_fn_custom"}

    def state_dict(self) -> dict[str, Any]:
        """Of `scale_fn`, what a callable object has as attributes; a function itself is not saved."""
        given = self._scale_fn_custom
        kept = None if given is None or isinstance(given, FunctionType) else dict(vars(given))
        return {**super().state_dict(), "_scale_fn_custom": kept}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict({name: v for name, v in state_dict.items() if name != "_scale_fn_custom"})
        if state_dict.get("_scale_fn_custom") is not None:
            vars(self._scale_fn_custom).update(state_dict["_scale_fn_custom"])


class OneCycleLR(Cycling):
    """Up once, and down to next to nothing: a whole training in one cycle.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`; a step is an update.
    max_lr
        The highest rate, or one for each group.
    total_steps, epochs, steps_per_epoch
        How many steps, or how many epochs of how many.
    pct_start
        The share of steps that go up.
    anneal_strategy
        Along half a cosine ("cos") or a line ("linear").
    cycle_momentum, base_momentum, max_momentum
        Whether the momentum goes the other way, and between what.
    div_factor, final_div_factor
        The highest rate over the first, and that over the last.
    three_phase
        Down to the first rate as slowly as up, and then to the last; else down to the last at once.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = require_optimizer("OneCycleLR", optimizer)
        counts = [epochs, steps_per_epoch] if total_steps is None else [total_steps]
        if not all(isinstance(count, int) and count > 0 for count in counts):
            raise ValueError(
                "OneCycleLR: expected total_steps, or epochs and steps_per_epoch, as whole numbers from 1 on; "
                f"got total_steps={total_steps}, epochs={epochs}, steps_per_epoch={steps_per_epoch}"
            )
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must lie in [0, 1], got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: expected anneal_strategy 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps = math.prod(count for count in counts if count is not None)
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum
        top, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        up = phase(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            back = float(2 * pct_start * self.total_steps) - 2
            down = [
                phase(back, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            down = [phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        self._schedule_phases = [up, *down]
        highest = for_each_group("OneCycleLR", "max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"], group["max_lr"] = rate / div_factor, rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self.prepare_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: step {self.last_epoch} of a schedule of {self.total_steps} steps")
        begin = 0.0
        for now in self._schedule_phases[:-1]:
            if self.last_epoch <= now["end_step"]:
                break
            begin = now["end_step"]
        else:
            now = self._schedule_phases[-1]
        share = (self.last_epoch - begin) / (now["end_step"] - begin)
        if self.cycle_momentum:
            self.set_momentum(group, self.between(group[now["start_momentum"]], group[now["end_momentum"]], share))
        return self.between(group[now["start_lr"]], group[now["end_lr"]], share)

    def between(self, start: float, end: float, share: float) -> float:
        """What lies between two numbers after a share of the way."""
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def phase(end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str) -> dict[str, Any]:
    """A part of the cycle: where it ends, and between which entries of a group the rate and the momentum go."""
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }
