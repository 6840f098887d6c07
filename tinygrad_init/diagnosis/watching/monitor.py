"""A monitor: watches a training from inside and says when something goes wrong, in which step and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.samples import pairs, require_fits
from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...ops.losses import loss_of
from ...words import in_words
from ..findings import SHARE
from ..fronts.copies import as_array
from ..fronts.own_modules import Loss, loss_and_cotangent
from ..measures.guess import best_constant_loss
from .layer_states import LayerState, Watch
from .loss_trend import Trend

if TYPE_CHECKING:
    from ...training import Progress

# The samples that are looked at, and how many events are kept.
PROBED, MOST_EVENTS = 128, 1000
NEWLY = "killed after step"
# ‖∂C/∂W‖ of the first layer below or above this share of the last one's has vanished or exploded.
FACTOR = 1e3
# A loss that stays above this share of the best constant prediction's has learned nothing of the input.
LEARNED = 0.9
# Below this share of the largest gradient that was seen, a flat loss has converged.
SETTLED = 0.05


@dataclass(frozen=True)
class Event:
    """Something that has begun.

    Attributes
    ----------
    word
        "not finite", "exploding", "vanishing", "dead", "saturated", "oscillating", "plateau" or "converged".
    step
        The step after which it was seen, from 1.
    layer
        The number of the linear map, from 1; None if it is about the whole training.
    text
        In words, with the numbers.
    """

    word: str
    step: int
    layer: int | None
    text: str

    def __str__(self) -> str:
        where = "" if self.layer is None else f", layer {self.layer}"
        return f"step {self.step}{where}: {self.word}: {self.text}"


@dataclass(frozen=True)
class Moment:
    """The network after a step: the loss of that step, and every layer."""

    step: int
    loss: float
    layers: tuple[LayerState, ...]


class Monitor:
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
        Look after every so many steps. Without it a look is taken as soon as all looks together have cost no more than
        `budget` of the time that has passed (the first, which is slower, apart).
    budget
        The share of the time that looks may take, 0.05 unless given.
    capacity
        How many moments of the timeline are kept; when they are full every second one goes, and the distance between
        the others doubles.
    on_event
        Called with every new event.

    Attributes
    ----------
    timeline
        Moments, the first always among them.
    events
        What has begun, in order; each is told once, and again only after it had ended.

    Examples
    --------
    >>> monitor = Monitor(model, x, y, tgi.cross_entropy, on_event=print)
    >>> tgi.train(model, x, y, tgi.cross_entropy, optimizer, on_start=monitor.start, on_step=monitor)
    """

    def __init__(
        self,
        model: Module,
        x: Any,
        y: Any,
        loss: str | Loss,
        *,
        every: int | None = None,
        budget: float = 0.05,
        capacity: int = 512,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        if every is not None and not (isinstance(every, int) and every >= 1):
            raise ValueError(f"Monitor: expected to look every 1 or more steps, got {every}")
        if not 0 < budget <= 1:
            raise ValueError(f"Monitor: expected a budget between 0 and 1, got {budget}")
        if not (isinstance(capacity, int) and capacity >= 2):
            raise ValueError(f"Monitor: expected room for 2 or more moments, got {capacity}")
        x, y = pairs("Monitor", x, y)
        for what, values in (("x", x), ("y", y)):
            require_fits("Monitor", what, values, dtype_of(model, np.dtype(np.float32)))
        some = np.unique(np.linspace(0, len(x) - 1, PROBED).astype(int))  # evenly, since data are often sorted by class
        self.model, self.loss = model, loss_of(loss)
        self.x, self.y = x[some], y[some]
        self.every, self.budget, self.capacity, self.on_event = every, budget, capacity, on_event
        self.watch = Watch(model, self.x)
        self.trend = Trend()
        self.timeline: list[Moment] = []
        self.events: list[Event] = []
        self.active: set[tuple[str, int | None]] = set()
        self.ending: set[tuple[str, int | None]] = set()  # what was not so at the last look
        self.previous: Moment | None = None
        self.largest = 0.0
        self.due = 0.0
        self.stride, self.looks = 1, 0
        self._baseline: float | None = None

    def __call__(self, progress: Progress) -> None:
        """After a step of `tgi.train` (its `on_step`)."""
        self.after(progress.loss, progress.epoch)

    def after(self, loss: float | Tensor, epoch: int | None = None) -> None:
        """After a step of a loop of one's own that had this loss.

        Without the number of the epoch every step is taken to see the same samples.
        """
        loss = float(loss.item()) if isinstance(loss, Tensor) else float(loss)
        self.trend.add(loss, epoch)
        if self.every is not None:
            if (self.trend.steps - 1) % self.every == 0:
                self.look(loss)
        elif not math.isfinite(loss) and not self.broken:
            self.look(loss)
        else:
            now = perf_counter()
            if now >= self.due:
                self.look(loss)
                # So long that the look has taken `budget` of the time until the next. In the first much is done
                # that is not done again: it says nothing about the others.
                end = perf_counter()
                self.due = end + (end - now) * (1 / self.budget - 1) if self.looks > 1 else end

    def start(self) -> None:
        """Before the first step (`on_start` of `tgi.train`): what is dead then was born so."""
        self.look(math.nan)

    @property
    def broken(self) -> bool:
        """Whether the loss is no longer finite."""
        return any(word == "not finite" for word, _ in self.active)

    def look(self, loss: float) -> None:
        """Look at the network now, whatever it costs."""
        layers = self.watch.look()
        moment = Moment(self.trend.steps, loss, layers)
        if self.looks % self.stride == 0:
            if len(self.timeline) == self.capacity:
                self.timeline = self.timeline[::2]
                self.stride *= 2
            self.timeline.append(moment)
        self.looks += 1
        found = list(self.findings(moment))
        self.previous = moment
        for event in found:
            # A loss that rests has come to one kind of rest, and a layer that loses further units is told again.
            fresh = key_of(event) not in self.active or (event.word == "dead" and NEWLY in event.text)
            if fresh and len(self.events) < MOST_EVENTS:
                self.events.append(event)
                if self.on_event is not None:
                    self.on_event(event)
        # What ends and begins again at once is one event: a threshold must be left for a whole look.
        ended = self.active - {key_of(event) for event in found}
        self.active = {key_of(event) for event in found} | (ended - self.ending)
        self.ending = ended

    def findings(self, moment: Moment) -> Iterator[Event]:
        """Everything that is so at this moment."""
        step, layers = moment.step, moment.layers
        if not math.isfinite(moment.loss) and step > 0:
            yield Event("not finite", step, *self.origin(moment))
            return
        yield from self.dying(moment)
        for i, layer in enumerate(layers[:-1], 1):
            if layer.saturated > SHARE:
                yield Event("saturated", step, i, f"{layer.saturated:.0%} of its units, rms z {layer.z_rms:.2g}")
        sizes = [layer.gradient_rms for layer in layers]
        if len(sizes) > 1 and all(math.isfinite(size) for size in sizes):
            first, last = sizes[0], sizes[-1]
            text = f"rms ∂C/∂W is {last:.2g} at the last layer and {first:.2g} at the first"
            if first * FACTOR < last:
                yield Event("vanishing", step, 1, text)
            elif first > last * FACTOR > 0:
                yield Event("exploding", step, 1, text)
        norm = math.hypot(*(size for size in sizes if math.isfinite(size))) if sizes else 0.0
        self.largest = max(self.largest, norm)
        if self.trend.oscillating:
            yield Event(
                "oscillating",
                step,
                None,
                f"the loss swings around {self.trend.mean:.3g}: the learning rate is too high",
            )
        elif self.trend.flat:
            yield self.rest(moment, norm)

    def dying(self, moment: Moment) -> Iterator[Event]:
        """Units that have slope 0 everywhere: from the beginning, or since the last look, and then by which update."""
        before = self.previous
        for i, layer in enumerate(moment.layers[:-1], 1):
            if not layer.dead:
                continue
            known = set() if before is None else set(before.layers[i - 1].dead)
            new = [unit for unit in layer.dead if unit not in known]
            many = f"{len(layer.dead)} of {layer.units} units"
            if before is None:
                born = "were born dead" if moment.step == 0 else "were dead when first looked at"
                yield Event("dead", moment.step, i, f"{many} {born}")
            elif new:
                cause = self.watch.causes.get((layer.name, new[0]), "an update moved z")
                text = f"{many}, {len(new)} of them {NEWLY} {before.step} (unit {new[0]}: {cause})"
                yield Event("dead", moment.step, i, text)
            else:
                yield Event("dead", moment.step, i, many)

    def origin(self, moment: Moment) -> tuple[int | None, str]:
        """Where the first number that is not finite comes from."""
        if not np.isfinite(self.watch.x.numpy()).all():
            return None, f"the inputs hold infinities or NaN; the loss is {moment.loss}"
        assert self.watch.network is not None
        for i, (layer, link) in enumerate(zip(moment.layers, self.watch.network.linears(), strict=True), 1):
            broken = [p.name for p in link.parameters if not np.isfinite(p.values).all()]
            if broken:
                return i, f"the update has made {broken[0]} infinite or NaN; the loss is {moment.loss}"
            if not math.isfinite(layer.z_rms):
                return i, f"z of {layer.name} overflows; the loss is {moment.loss}"
        return None, f"the loss is {moment.loss}, though all layers are finite on the probe batch"

    def rest(self, moment: Moment, norm: float) -> Event:
        """A loss that no longer falls: has it converged, or stopped too early?"""
        loss, baseline = self.trend.mean, self.baseline
        since = f"no lower than {self.trend.best:.3g} since step {self.trend.improved}"
        if loss > LEARNED * baseline:
            why = "; ".join(
                f"{word} at layer {layer}" for word, layer in sorted(self.active, key=str) if layer is not None
            )
            text = f"{since}, no better than the best constant prediction ({baseline:.3g})"
            return Event("plateau", moment.step, None, text + (f"; {why}" if why else ""))
        share = norm / self.largest if self.largest > 0 else math.nan
        if not share > SETTLED or loss < SETTLED * baseline:
            return Event("converged", moment.step, None, f"{since}; the gradient is {share:.2g} of its largest")
        flat = [i for i, layer in enumerate(moment.layers[:-1], 1) if len(layer.dead) > SHARE * layer.units]
        why = f"; units of {in_words(flat)} are dead" if flat else "; try another learning rate"
        text = f"{since}, though the gradient is still {share:.2g} of its largest{why}"
        return Event("plateau", moment.step, None, text)

    @property
    def baseline(self) -> float:
        """The loss of the best prediction that does not look at the input, on the probe batch."""
        if self._baseline is None:
            assert self.watch.network is not None
            targets = as_array(self.y, np.float64)
            outputs = self.watch.network.output.shape
            self._baseline = best_constant_loss(loss_and_cotangent(self.loss, targets, np.float64), targets, outputs)
        return self._baseline


def key_of(event: Event) -> tuple[str, int | None]:
    """What an event is about."""
    return "rest" if event.word in ("plateau", "converged") else event.word, event.layer
