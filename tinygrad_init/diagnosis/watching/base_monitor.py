"""What monitors of models of any framework have in common: when to look, and what to tell."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from ...words import phrase
from .events import Event, Moment
from .loss_trend import IMPROVEMENT, Trend
from .symptoms import JUMPS, Seen, symptoms
from .watched import Watched

# How many events are kept.
MOST_EVENTS = 1000
# Whatever the budget, a look is taken after this step.
ANYWAY = 10
# So many losses are noted down before they are reckoned with.
NOTED = 1024
# So many steps after a look each is followed by its effect on the probe batch.
FOLLOWED = JUMPS
# By chance the gradients of two steps are not alike so many times in a row.
IN_A_ROW = 3


class BaseMonitor:
    """What monitors of models of any framework have in common: when to look, and what to tell.

    Parameters
    ----------
    watch
        The model with its probe batch.
    every, budget, capacity, on_event, on_moment
        As in `Monitor`.
    """

    def __init__(
        self,
        watch: Watched,
        every: int | None,
        budget: float,
        capacity: int,
        on_event: Callable[[Event], object] | None,
        on_moment: Callable[[Moment], object] | None = None,
    ) -> None:
        owner = type(self).__name__
        if every is not None and not (isinstance(every, int) and every >= 1):
            raise ValueError(f"{owner}: expected to look every 1 or more steps, got {every}")
        if not 0 < budget <= 1:
            raise ValueError(f"{owner}: expected a budget between 0 and 1, got {budget}")
        if not (isinstance(capacity, int) and capacity >= 2):
            raise ValueError(f"{owner}: expected room for 2 or more moments, got {capacity}")
        self.every, self.budget, self.capacity = every, budget, capacity
        self.on_event, self.on_moment = on_event, on_moment
        self.watch = watch
        self.steps = 0
        self.noted: list[tuple[float, int | None]] = []  # losses that the trend does not know yet
        self._trend = Trend()
        self.timeline: list[Moment] = []
        self.events: list[Event] = []
        self.active: dict[tuple[str, int | None], Event] = {}
        self.ending: set[tuple[str, int | None]] = set()  # what was not so at the last look
        self.previous: Moment | None = None
        self.stride, self.looks = 1, 0
        self.began: float | None = None
        self.spent = self.cost = 0.0  # seconds: by all looks, and by the last with what followed
        self.quiet = 0.0  # until when no look fits the budget, and losses are noted down and no more
        self.following = 0  # so many steps are still followed
        self.compared: float | None = None  # the loss of the probe that they are compared with
        self.jumps: deque[float] = deque(maxlen=JUMPS)
        self.added, self.exact = 0.0, False
        self.largest = self.steepest = 0.0
        self.probe, self.probe_best, self.probe_improved = math.nan, math.inf, 0

    def add(self, loss: float, epoch: int | None = None) -> None:
        """One more step, which had this loss. Most are noted down and no more: a step may take but 100 µs."""
        self.noted.append((loss, epoch))
        self.steps += 1
        now = perf_counter()
        if now < self.quiet and loss - loss == 0 and len(self.noted) < NOTED:
            return
        if self.began is None:
            self.began = now
        due = self.due(now, loss)
        if self.following:
            self.follow()
        if due:
            self.cost = 0.0
            self.look(loss)
        elif self.following == 0 and self.compared is not None:
            self.compared = None
            self.judge_again(loss)
        elif not self.following and self.steps < ANYWAY:
            return
        self.reckon()
        self.paid(perf_counter() - now)
        if self.steps >= ANYWAY and self.compared is None and self.every is None:
            self.quiet = self.next_look

    def paid(self, seconds: float) -> None:
        """A look, or what follows it, has taken so long."""
        self.spent += seconds
        self.cost += seconds

    @property
    def trend(self) -> Trend:
        """The losses of all steps so far."""
        self.reckon()
        return self._trend

    def reckon(self) -> None:
        """Reckon with what was noted down."""
        self._trend.add(self.noted)
        self.noted.clear()

    def due(self, now: float, loss: float) -> bool:
        """Whether to look after this step."""
        if self.every is None and not math.isfinite(loss):
            return not self.broken
        return self.planned(now, self.steps)

    def planned(self, now: float, step: int) -> bool:
        """Whether a look after this step was wanted, or can be afforded."""
        if self.every is not None:
            return (step - 1) % self.every == 0
        return step == ANYWAY or self.affordable(now) or self.looks == 0

    def affordable(self, now: float) -> bool:
        """Whether another look fits the budget."""
        return now >= self.next_look

    @property
    def next_look(self) -> float:
        """When another look fits the budget, if it costs what the last did, and so does that at the end."""
        return math.inf if self.began is None else self.began + (self.spent + 2 * self.cost) / self.budget

    def start(self) -> None:
        """Before the first step: what is dead then was born so."""
        began = perf_counter()
        self.look(math.nan)
        self.paid(perf_counter() - began)

    def end(self) -> None:
        """After the last step: what is so at the end."""
        if self.steps and (self.previous is None or self.previous.step < self.steps):
            self.look(self.trend.last)

    @property
    def broken(self) -> bool:
        """Whether the loss is no longer finite."""
        return any(word == "not finite" for word, _ in self.active)

    def keep(self, moment: Moment) -> None:
        """Put a moment into the timeline, which is thinned when it is full."""
        if self.looks % self.stride == 0:
            if len(self.timeline) == self.capacity:
                self.timeline = self.timeline[::2]
                self.stride *= 2
            self.timeline.append(moment)
        self.looks += 1

    def tell(self, found: list[Event], step: int, fresh: bool = True) -> None:
        """What has begun, and what is over: what ends and begins again at once is one event."""
        for event in found:
            # A layer that loses further units is told again, and a note that has become a fault.
            known = self.active.get(event.key)
            if known is None or event.said.key == "event.dead.killed" or (event.fault and not known.fault):
                self.say(event)
        now = {event.key: event for event in found}
        # What has ended is seen by a fresh look, as long as numbers are finite.
        ends = fresh and not any(event.word == "not finite" for event in found)
        gone = set(self.active) - set(now) if ends else set()
        for key in gone & self.ending:
            begun = self.active.pop(key)
            self.say(replace(begun, step=step, said=phrase("event.over", steps=step - begun.step), over=True))
        self.ending = gone - self.ending if ends else self.ending
        self.active |= {key: self.active.get(key, event) for key, event in now.items()}

    def say(self, event: Event) -> None:
        """Keep an event and tell it."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(event)
            if self.on_event is not None:
                self.on_event(event)

    def look(self, loss: float) -> None:
        """Look at the network now, whatever it costs."""
        moment = Moment(self.steps, loss, self.watch.look(whole=not math.isfinite(loss) and self.looks > 0))
        self.keep(moment)
        if self.on_moment is not None:
            self.on_moment(moment)
        self.following = FOLLOWED if self.worth_following(moment.step) else 0
        self.look_at_gradients()
        self.compare_with(self.watch.probe_loss(fresh=True))
        if not self.following:
            self.compared = None
        self.judge(moment)

    def worth_following(self, step: int) -> bool:
        """Whether the next steps are followed: where it fits the budget, and they tell what the next look does not."""
        return self.every is not None or (step >= ANYWAY and self.affordable(perf_counter()))

    def look_at_gradients(self) -> None:
        """What the gradients of the last step tell."""

    def follow_gradients(self) -> None:
        """What those of one more step tell."""

    def judge_again(self, loss: float) -> None:
        """Tell what is so, with the layers as they were at the last look."""
        if self.previous is not None:
            self.judge(Moment(self.steps, loss, self.previous.layers), fresh=False)

    def judge(self, moment: Moment, fresh: bool = True) -> None:
        """Tell what is so."""
        seen = Seen(
            moment, self.previous, self.trend, self.watch, tuple(self.jumps), self.added, self.largest, self.steepest,
            self.guessing, fresh, self.probe, self.probe_best, self.probe_improved, self.exact,
        )  # fmt: skip
        found = self.find(seen)
        self.previous = moment
        self.tell(found, moment.step, fresh)

    def find(self, seen: Seen) -> list[Event]:
        """Everything that is so at this moment."""
        return list(symptoms(seen))

    def guessing(self) -> float:
        """The loss of the best prediction that does not look at the input, on the probe batch."""
        raise NotImplementedError

    def follow(self) -> None:
        """What the last step has done to the loss of the probe, and to the gradients."""
        assert self.compared is not None
        self.following -= 1
        before, now = self.compared, self.watch.probe_loss()
        if 0 < before < math.inf and math.isfinite(now):
            self.jumps.append((now - before) / before)
        self.follow_gradients()
        self.compare_with(now)

    def compare_with(self, probe: float) -> None:
        """Keep what the next step will be compared with."""
        self.probe = probe
        if probe < self.probe_best - IMPROVEMENT * abs(self.probe_best) or self.probe_best == math.inf > probe:
            self.probe_best, self.probe_improved = probe, self.steps
        self.compared = probe

    def probe_gradient(self) -> float:
        """The norm of the probe batch's own gradient, 0 where it is no number."""
        probe = finite(self.watch.probe_gradient())
        self.steepest = max(self.steepest, probe)
        return probe


def finite(value: float) -> float:
    """The number, or 0 if it is none."""
    return value if math.isfinite(value) else 0.0
