"""A monitor: watches a training from inside and says when something goes wrong, in which step and where."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.samples import pairs, require_fits
from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...ops.losses import loss_of
from ..fronts.copies import as_array
from ..fronts.own_modules import Loss, loss_and_cotangent
from ..measures.guess import best_constant_loss
from .base_monitor import IN_A_ROW, BaseMonitor, finite
from .events import Event, Moment
from .layer_states import Watch, norm

if TYPE_CHECKING:
    from ...training import Progress

Array = np.ndarray[Any, Any]

# The samples that are looked at.
PROBED = 128
# The gradients of two steps one after the other differ by less than this share where they have added up.
ALIKE = 0.5
# The gradients of these first steps are compared whatever that costs: soon after, such a training may be lost.
EARLY = range(8 - IN_A_ROW, 9)


class Monitor(BaseMonitor):
    """Looks at a network while it is trained.

    Parameters
    ----------
    model
        What is trained.
    x, y
        A probe batch; up to 128 of its samples are used.
    loss
        As in training: the name of a loss, or a function from predictions and targets to one number.
    every
        Look after every so many steps. Without it looks are taken before the first step, after the tenth, at the end,
        and whenever all together have cost no more than `budget` of the time that has passed.
    budget
        The share of the time that looks may take, 0.03 unless given.
    capacity
        How many moments of the timeline are kept; when they are full every second one goes, and the distance between
        the others doubles.
    on_event
        Called with every new event.
    on_moment
        Called with every moment that was looked at, also with those that the timeline does not keep.

    Attributes
    ----------
    timeline
        Moments, the first always among them.
    events
        What has begun and what is over, in order; each is told once, and again only after it had ended.

    Examples
    --------
    >>> monitor = Monitor(model, x, y, tgi.cross_entropy, on_event=print)
    >>> tgi.train(model, x, y, tgi.cross_entropy, optimizer, monitor=monitor)
    """

    watch: Watch

    def __init__(
        self,
        model: Module,
        x: Any,
        y: Any,
        loss: str | Loss,
        *,
        every: int | None = None,
        budget: float = 0.03,
        capacity: int = 512,
        on_event: Callable[[Event], object] | None = None,
        on_moment: Callable[[Moment], object] | None = None,
    ) -> None:
        x, y = pairs("Monitor", x, y)
        for what, values in (("x", x), ("y", y)):
            require_fits("Monitor", what, values, dtype_of(model, np.dtype(np.float32)))
        some = np.unique(np.linspace(0, len(x) - 1, PROBED).astype(int))  # evenly, since data are often sorted by class
        self.model, self.loss = model, loss_of(loss)
        self.x, self.y = x[some], y[some]
        super().__init__(Watch(model, self.x, self.y, self.loss), every, budget, capacity, on_event, on_moment)
        self.gradients: list[Array] = []  # what those of the next step are compared with
        self.alike = 0
        self.at_first = math.nan  # the gradients' norm in the first step over that of the probe
        self._guessing: float | None = None

    def __call__(self, progress: Progress) -> None:
        """After a step of `tgi.train` (its `on_step`)."""
        self.after(progress.loss, progress.epoch)

    def after(self, loss: float | Tensor, epoch: int | None = None) -> None:
        """After a step of a loop of one's own that had this loss.

        Without the number of the epoch every step is taken to see the same samples.
        """
        number = float(loss.item()) if isinstance(loss, Tensor) else float(loss)
        if self.steps < EARLY[-1] and self.every is None and not self.following:
            self.follow_early(number)
        self.add(number, epoch)

    def follow_early(self, loss: float) -> None:
        """Whether gradients add up from the first step on."""
        now, step = perf_counter(), self.steps + 1
        if math.isnan(self.at_first):
            self.look_at_gradients()
        if step == EARLY[0]:
            self.gradients = copies(self.watch.gradients)
        elif step in EARLY:
            found = self.compare_gradients()
            if step == EARLY[-1]:
                self.weigh(found)
                if self.added:
                    self.judge_again(loss)
        self.paid(perf_counter() - now)

    def look_at_gradients(self) -> None:
        """How large those of the last step are, in the first one beside the probe's."""
        found = self.watch.gradients
        self.largest = max(self.largest, finite(norm(found)))
        if found and math.isnan(self.at_first):
            self.at_first = self.over_probe(found)
        if self.following:
            self.gradients = copies(found)

    def follow_gradients(self) -> None:
        """Whether they add up: they change little then from step to step, and are larger than the loss gives."""
        self.weigh(self.compare_gradients())

    def compare_gradients(self) -> list[Array]:
        """Those of the last step, and whether they are much like those of the step before."""
        before, later = self.gradients, self.watch.gradients
        change = norm(a - b for a, b in zip(later, before, strict=True)) if len(later) == len(before) else math.inf
        self.alike = self.alike + 1 if 0 < change < ALIKE * norm(later) else 0
        self.gradients = copies(later)
        return later

    def weigh(self, gradients: list[Array]) -> None:
        """How much larger they are than the loss gives, where they have been much alike for some steps."""
        self.added = 0.0
        if self.alike >= IN_A_ROW and self.at_first > 0:
            times = self.over_probe(gradients)
            self.added = min(times, times / self.at_first)

    def over_probe(self, gradients: list[Array]) -> float:
        """The norm of gradients over that of the probe batch's own."""
        probe = self.probe_gradient()
        return finite(norm(gradients)) / probe if probe > 0 else math.nan

    def guessing(self) -> float:
        """The loss of the best prediction that does not look at the input, on the probe batch."""
        if self._guessing is None:
            assert self.watch.network is not None
            targets = as_array(self.y, np.float64)
            outputs = self.watch.network.output.shape
            self._guessing = best_constant_loss(loss_and_cotangent(self.loss, targets, np.float64), targets, outputs)
        return self._guessing


def copies(arrays: list[Array]) -> list[Array]:
    """Of gradients, which the next step writes over."""
    return [np.array(array) for array in arrays]
