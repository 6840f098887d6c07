"""Rates that fall along half a cosine (Loshchilov and Hutter 2017)."""

from __future__ import annotations

import math

from ..groups import Group
from ..optimizer import Optimizer
from .base import LRScheduler, outside_of_programs


class CosineAnnealingLR(LRScheduler):
    """η_min + (η - η_min) (1 + cos πt/T)/2.

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    T_max, eta_min
        T, after which the rate rises again, and η_min.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        if self._initial:
            return group["lr"]
        t, low, period = self.last_epoch, self.eta_min, self.T_max
        if (t - 1 - period) % (2 * period) == 0:  # from the bottom, where the quotient below is 0/0
            return group["lr"] + (self.base_lrs[i] - low) * (1 - math.cos(math.pi / period)) / 2
        now, before = (1 + math.cos(math.pi * epoch / period) for epoch in (t, t - 1))
        return now / before * (group["lr"] - low) + low

    def rate_at(self, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine, again and again, each time so many times as long (SGDR).

    Parameters
    ----------
    optimizer, last_epoch
        As in `LRScheduler`.
    T_0, T_mult
        Epochs until the first restart, and the factor for each later one.
    eta_min
        The lowest rate.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"CosineAnnealingWarmRestarts: {name} must be a whole number from 1 on, got {value}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def rate(self, i: int, group: Group) -> float:
        return self.eta_min + (self.base_lrs[i] - self.eta_min) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2

    def step(self, epoch: float | None = None) -> None:
        """On to the next epoch, or to any, which may be a fraction: `step(epoch + batch / batches)`."""
        outside_of_programs(self)
        self._step_count += 1
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            self.find(epoch or 0)
        self.last_epoch = math.floor(epoch or 0)
        self.set_rates(self.get_lr())

    def find(self, epoch: float) -> None:
        """Which restart an epoch comes after, and by how much."""
        if epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: epoch must not be negative, got {epoch}")
        self.T_cur, self.T_i = epoch, self.T_0
        if epoch >= self.T_0 and self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        elif epoch >= self.T_0:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
