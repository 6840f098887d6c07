"""What is so at a moment of a training, and why, as events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...words import Phrase, phrase
from ..findings import SHARE, threshold
from .events import Event, Moment
from .layer_states import LayerState
from .loss_trend import RISE_OF_GUESSING, SMOOTHED, Trend, risen
from .watched import Watched

# ‖∂C/∂W‖ of the first layer below or above this share of the last one's has vanished or exploded.
FACTOR = 1e3
# Gradients below this share of the largest that there were are rounding: no two of them are compared.
ROUNDING = 1e-6
# A layer of which this share of the units has slope 0 everywhere is told about; a single one among many is no matter.
DYING = 0.1
# A loss that stays above this share of the best constant prediction's has learned nothing of the input.
LEARNED = 0.9
# A loss below this share of it is as good as solved, as at a start: nothing keeps it from falling.
SOLVED = threshold("solved", "loss_over_guess")
# Below this share of the largest gradient of the probe batch that was seen, a flat loss has converged.
SETTLED = 0.05
# A single step that moves the loss of the same samples by this share, now up and now down, is too large.
JUMP = 0.1
# So many single steps are compared, of which so many go up and so many down.
JUMPS, EACH = 4, 1
# Gradients so many times as large as the loss gives, relative to the first step's, have added up over steps.
ADDED = 5.0
# After so many steps something has moved, or something is wrong.
SOON = 3
# Parameters that have lost this share of their norm while nothing is learned are shrinking.
SHRUNK = 0.5
# Parameters that have moved by less than this share of their norm have had no time.
CREPT = 0.01


@dataclass(frozen=True)
class Seen:
    """All that a look has found.

    Attributes
    ----------
    moment, before
        The network now, and at the look before (None at the first).
    trend, watch
        The losses so far; the model with its probe batch.
    jumps
        By what share single steps have changed the loss of the probe batch, the last few times that was measured.
    added
        How many times as large as the loss's own the gradients are, also relative to the first step's, if they have
        been nearly the same in several steps one after the other; else 0.
    largest, steepest
        The largest norm of the gradients of a step, and of the probe batch.
    guessing
        The loss of the best constant prediction; found when it is asked for. Without a probe batch the first loss.
    fresh
        Whether the layers were looked at after this very step, not some steps before.
    probe, probe_best, probe_improved
        The loss of the probe batch now, the lowest that it has been, and when that was.
    exact
        Whether those of earlier steps were found in the gradients, so that `added` is no estimate.
    dying
        A layer of which this share of the units is dead is told about.
    """

    moment: Moment
    before: Moment | None
    trend: Trend
    watch: Watched
    jumps: tuple[float, ...]
    added: float
    largest: float
    steepest: float
    guessing: Callable[[], float]
    fresh: bool
    probe: float
    probe_best: float
    probe_improved: int
    exact: bool = False
    dying: float = DYING

    def event(self, word: str, layer: int | None, said: Phrase) -> Event:
        """Something that is so now."""
        return Event(word, self.moment.step, layer, said)

    @property
    def flat(self) -> bool:
        """Whether neither the losses have improved for long nor, without their noise, that of the probe batch."""
        return self.trend.flat and self.trend.long_since(self.probe_improved)

    @property
    def accumulating(self) -> bool:
        """Whether gradients have added up over steps."""
        return self.exact or self.added > ADDED

    @property
    def jump(self) -> float:
        """How far single steps move the loss."""
        return float(np.mean(np.abs(self.jumps))) if self.jumps else math.nan

    @property
    def jumping(self) -> bool:
        """Whether single steps move the loss far, up and down."""
        ups = sum(change > 0 for change in self.jumps)
        return len(self.jumps) >= JUMPS and self.jump > JUMP and EACH <= ups <= len(self.jumps) - EACH


def symptoms(seen: Seen) -> Iterator[Event]:
    """Everything that is so at this moment."""
    step, loss, trend = seen.moment.step, seen.moment.loss, seen.trend
    if not math.isfinite(loss) and step > 0:
        yield seen.event("not finite", *seen.watch.origin(seen.moment.layers, loss))
        return
    if step >= SOON and not seen.watch.moved:
        yield seen.event("unmoved", None, phrase("event.unmoved", steps=step, why=seen.watch.why_unmoved()))
        return
    dead = list(dying(seen))
    yield from dead
    if seen.accumulating:
        yield seen.event("accumulating", None, phrase("event.accumulating", times=seen.added))
    inside = list(of_layers(seen))
    of_batches = list(of_the_loss(seen, [*dead, *inside]))
    if of_batches and harder(seen):  # which is worth to know, and no fault of the training
        of_batches = [replace(event, fault=False) for event in of_batches]
    troubled = [*inside, *of_batches]
    # What can be seen inside a network that has learned its task is no trouble, whatever it is.
    if troubled and trend.mean < SOLVED * seen.guessing():
        at_rest = rest(seen, []) if seen.flat else None
        troubled = [at_rest] if at_rest else []
    yield from troubled


def of_layers(seen: Seen) -> Iterator[Event]:
    """Saturated layers, those that do not move, and gradients that vanish or explode towards the first."""
    layers, step = seen.moment.layers, seen.moment.step
    for i, layer in enumerate(layers[:-1], 1):
        if layer.saturated > SHARE:
            yield seen.event("saturated", i, phrase("event.saturated", share=layer.saturated, z=layer.z_rms))
    if step >= SOON and seen.fresh:
        for i, layer in enumerate(layers, 1):
            if not layer.moved:
                yield seen.event("unmoved", i, phrase("event.unmoved", steps=step, why=why_still(layer)))
    sizes = [layer.gradient_rms for layer in layers]
    if len(sizes) < 2 or not all(map(math.isfinite, sizes)) or math.hypot(*sizes) < ROUNDING * seen.largest:
        return
    first, last = sizes[0], sizes[-1]
    said = phrase("event.gradients", last=last, first=first)
    if first * FACTOR < last:
        yield seen.event("vanishing", 1, said)
    elif first > last * FACTOR > 0:
        yield seen.event("exploding", 1, said)


def of_the_loss(seen: Seen, inside: list[Event]) -> Iterator[Event]:
    """A loss that goes up, back and forth, or nowhere."""
    trend = seen.trend
    if trend.rises(seen.guessing) and beyond_chance(seen):
        numbers = {"mean": trend.mean, "lowest": trend.lowest(seen.guessing())}
        yield seen.event("diverging", None, phrase("event.diverging", **numbers, why=why_rising(seen)))
    elif trend.swings or (seen.jumping and seen.flat):
        if trend.swings:
            said = phrase("event.swinging", mean=trend.mean)
        else:
            said = phrase("event.jumping", mean=trend.mean, jump=seen.jump)
        yield seen.event("oscillating", None, said)
    elif shrinking(seen):
        yield seen.event("shrinking", None, phrase("event.shrinking", share=seen.watch.growth(), mean=trend.mean))
    elif seen.flat and (found := rest(seen, inside)):
        yield found


def dying(seen: Seen) -> Iterator[Event]:
    """Units that have slope 0 everywhere: from the beginning, or since the last look, and then by which update."""
    step = seen.moment.step
    for i, layer in enumerate(seen.moment.layers[:-1], 1):
        if len(layer.dead) < seen.dying * layer.units or not layer.dead:
            continue
        known = set() if seen.before is None else set(seen.before.layers[i - 1].dead)
        new = [unit for unit in layer.dead if unit not in known]
        numbers = {"dead": len(layer.dead), "units": layer.units}
        if seen.before is None:
            said = phrase("event.dead.born" if step == 0 else "event.dead.found", **numbers)
        elif new:
            cause = seen.watch.causes.get((layer.name, new[0]), phrase("event.moved"))
            said = phrase("event.dead.killed", **numbers, new=len(new), step=seen.before.step, unit=new[0], cause=cause)
        else:
            said = phrase("event.dead", **numbers)
        yield seen.event("dead", i, said)


def why_still(layer: LayerState) -> Phrase:
    """Why a layer has not moved."""
    if math.isnan(layer.gradient_rms):
        return phrase("event.unmoved.unused")
    if layer.gradient_rms == 0:
        return phrase("event.unmoved.flat")
    return phrase("event.unmoved.held", gradient=layer.gradient_rms)


def why_rising(seen: Seen) -> Phrase | None:
    """What drives a loss up."""
    if seen.accumulating:
        return phrase("event.rising.accumulating")
    if seen.jump > JUMP:
        return phrase("event.rising.rate", jump=seen.jump)
    grown = seen.watch.growth()
    if grown > 1 / SHRUNK:
        return phrase("event.rising.weights", grown=grown)
    if grown < SHRUNK:
        return phrase("event.rising.decay", grown=grown)
    return phrase("event.rising.data", probe=seen.probe) if seen.probe < seen.trend.best else None


def beyond_chance(seen: Seen) -> bool:
    """Whether the loss has not just met difficult batches: that of the probe rises, too, or the rise is certain."""
    if risen(seen.probe, seen.probe_best, seen.guessing()):
        return True
    return seen.trend.mean - seen.trend.lowest(seen.guessing()) > seen.trend.sure


def harder(seen: Seen) -> bool:
    """Whether other samples are trained on than those of the probe, such as those that an adversary makes better.

    The loss of the batches is certainly above that of the probe then, which has not risen.
    """
    if not (seen.fresh and seen.watch.samples and math.isfinite(seen.probe)):
        return False
    guessing = seen.guessing()
    above = seen.trend.mean - seen.probe > max(seen.trend.sure, RISE_OF_GUESSING * abs(guessing))
    return above and not risen(seen.probe, seen.probe_best, guessing)


def shrinking(seen: Seen) -> bool:
    """Whether the parameters shrink while nothing is learned."""
    return seen.watch.growth() < SHRUNK and seen.trend.mean > LEARNED * seen.guessing()


def rest(seen: Seen, inside: list[Event]) -> Event | None:
    """A loss that no longer falls: has it converged, or stopped too early? Without a probe batch that may be open."""
    trend, guessing = seen.trend, seen.guessing()
    since = phrase("event.since", best=trend.best, steps=trend.steps - trend.improved, since=trend.improved)
    if not seen.watch.samples:
        numbers = {"since": since, "first": guessing}
        if trend.mean < SOLVED * guessing:
            return seen.event("converged", None, phrase("event.converged.first", **numbers))
        if trend.improved <= SMOOTHED:
            return seen.event("plateau", None, phrase("event.plateau.first", **numbers, end=end(seen, inside)))
        return None
    if trend.mean < SOLVED * guessing:
        return seen.event("converged", None, phrase("event.solved", since=since, guessing=guessing))
    if trend.mean > LEARNED * guessing:
        return seen.event(
            "plateau", None, phrase("event.plateau.guessing", since=since, guessing=guessing, end=end(seen, inside))
        )
    gradient = seen.watch.probe_gradient()
    share = gradient / max(seen.steepest, gradient) if gradient > 0 else 0.0
    numbers = {"since": since, "share": share, "samples": seen.watch.samples}
    if not share > SETTLED:
        return seen.event("converged", None, phrase("event.converged", **numbers))
    return seen.event("plateau", None, phrase("event.plateau", **numbers, end=end(seen, inside)))


def end(seen: Seen, inside: list[Event]) -> Phrase:
    """What would end a plateau."""
    if seen.jump > JUMP:
        return phrase("event.end.smaller", jump=seen.jump)
    if inside:
        at = sorted({(event.layer or 0, event.word) for event in inside})
        what = tuple(phrase("event.at", word=phrase(f"word.{word}"), layers=(layer,)) for layer, word in at)
        return phrase("event.end.layers", what=what)
    if (moved := seen.watch.distance()) < CREPT:
        return phrase("event.end.larger", moved=moved, steps=seen.moment.step)
    return phrase("event.end.try")
