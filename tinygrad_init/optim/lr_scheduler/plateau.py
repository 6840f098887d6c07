"""Rates that fall when nothing improves any more."""

from __future__ import annotations

import math
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, outside_of_programs, require_optimizer


class ReduceLROnPlateau(LRScheduler):
    """Times a factor when a metric has not improved for so many epochs.

    Parameters
    ----------
    optimizer
        As in `LRScheduler`.
    mode
        "min" if the metric is to fall, "max" if it is to rise.
    factor
        Below 1.
    patience
        Epochs without improvement that are borne.
    threshold, threshold_mode
        What counts as an improvement: a share of the best ("rel") or a difference ("abs").
    cooldown
        Epochs after a reduction in which nothing is counted.
    min_lr
        The lowest rate, or one for each group.
    eps
        A reduction by less is not made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                "ReduceLROnPlateau: expected the mode 'min' or 'max' and the threshold_mode 'rel' or 'abs', "
                f"got {mode!r} and {threshold_mode!r}"
            )
        self.optimizer = require_optimizer("ReduceLROnPlateau", optimizer)
        self.min_lrs = for_each_group("ReduceLROnPlateau", "min_lr", optimizer, min_lr)
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the metric of an epoch, a number or a tensor of one, and reduce the rates if it is time."""
        outside_of_programs(self)
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        better = self.improves(current)
        self.best = current if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def improves(self, current: float) -> bool:
        """Whether a metric is better than the best, by more than the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            limit = self.best * (1 + sign * self.threshold)
        else:
            limit = self.best + sign * self.threshold
        return current < limit if self.mode == "min" else current > limit

    def reduce(self) -> None:
        """Lower all rates."""
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # a group has come since
            if len(set(self.min_lrs)) != 1:
                raise RuntimeError(
                    f"ReduceLROnPlateau: min_lr was given for {len(self.min_lrs)} groups, and there are {len(groups)} "
                    "now; set min_lrs"
                )
            self.min_lrs = self.min_lrs[:1] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            reduced = max(group["lr"] * self.factor, lowest)
            if group["lr"] - reduced > self.eps:
                group["lr"] = reduced
