"""Do the steps lead down? What the first ones have shown, where it is known how the network will be trained."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..measures.signal import ratio
from ..records import Measured, Verdict
from . import remedies
from .conditions import holds
from .registry import FIT, GRADIENT, finding


def numbers_of(measured: Measured) -> dict[str, float]:
    """The numbers that the table of conditions compares; NaN if no steps were taken."""
    ahead = measured.ahead
    sharpness = None if measured.evidence is None else measured.evidence.sharpness
    if sharpness is not None and sharpness.metric == "adam":
        sharpness = None  # that metric lasts for a step
    return {
        "loss_over_guess": ratio(measured.loss, measured.guess),
        "ahead_growth": math.nan if ahead is None else ahead.growth,
        "ahead_over_guess": math.nan if ahead is None else ratio(ahead.last, measured.guess),
        "evaluated_over_guess": math.nan if ahead is None else ratio(ahead.evaluated, measured.guess),
        "held_out_over_guess": math.nan if ahead is None else ratio(ahead.held_out, measured.guess),
        "held_out_better": math.nan if ahead is None else ahead.held_out_better,
        "rate_factor": math.nan if ahead is None else ahead.rate_factor,
        "better_share": math.nan if ahead is None else ahead.better_share,
        "decay_share": math.nan if ahead is None else ahead.decay_share,
        "dropout_share": math.nan if ahead is None else ahead.dropout_share,
        "ahead_steps": math.nan if ahead is None else ahead.steps,
        "sharpness": math.nan if sharpness is None else sharpness.share,
    }


def learns(measured: Measured) -> bool:
    """Whether the loss fell far in the first steps: what was found is then no fault."""
    return holds("steps.learns", numbers_of(measured))


def learns_apart(measured: Measured) -> bool:
    """Whether it fell so far that units that are alike are no fault either."""
    return learns(measured) and holds("steps.learns_apart", numbers_of(measured))


def solved(measured: Measured) -> bool:
    """Whether the loss is near its floor already: nothing is wrong then."""
    return holds("solved", numbers_of(measured))


def told(measured: Measured) -> dict[str, object]:
    """What is said of the steps."""
    ahead = measured.ahead
    assert ahead is not None
    return {
        "steps": ahead.steps,
        "rule": ahead.rule,
        "first": ahead.first,
        "last": ahead.last,
        "evaluated": ahead.evaluated,
        "held_out": ahead.held_out,
        "guess": measured.guess,
        "better": ahead.better,
        "better_last": ahead.better_last,
        "half": ahead.tried,
    }


@finding(GRADIENT, rank=145, remedy=remedies.other_rate)
def steps(measured: Measured) -> Iterator[Verdict]:
    """Steps that are too large (the loss grows, is no longer finite, or would fall with smaller ones) or too small."""
    numbers = numbers_of(measured)
    if measured.ahead is None:
        return
    if holds("steps.overshooting", numbers):
        yield Verdict("overshooting", None, "steps.overshooting", told(measured))
    elif holds("steps.too_large", numbers):
        yield Verdict("overshooting", None, "steps.too_large", told(measured))
    elif holds("steps.too_small", numbers):
        yield Verdict("creeping", None, "steps.too_small", told(measured))


@finding(GRADIENT, rank=143, remedy=remedies.less_decay)
def decay(measured: Measured) -> Iterator[Verdict]:
    """Weights that decay faster than they learn."""
    if measured.ahead is not None and holds("steps.decay", numbers_of(measured)):
        numbers = {**told(measured), "without": measured.ahead.without_decay}
        yield Verdict("shrinking", None, "steps.decay", numbers)


@finding(GRADIENT, rank=144, remedy=remedies.less_dropout)
def dropped(measured: Measured) -> Iterator[Verdict]:
    """Dropout that drowns what the layers say."""
    if measured.ahead is not None and holds("steps.dropout", numbers_of(measured)):
        numbers = {**told(measured), "without": measured.ahead.without_dropout}
        yield Verdict("lost", None, "steps.dropout", numbers)


@finding(GRADIENT, rank=170, remedy=remedies.hold)
def unmoved(measured: Measured) -> Iterator[Verdict]:
    """Parameters that no step will move; worth to know, since some are frozen on purpose."""
    if measured.ahead is not None and measured.ahead.unmoved:
        yield Verdict("unmoved", None, "steps.unmoved", {"names": measured.ahead.unmoved}, fault=False)


@finding(GRADIENT, rank=175, remedy=remedies.other_rate)
def sharp(measured: Measured) -> Iterator[Verdict]:
    """Steps that grow along the steepest curvature; worth to know, since the steps on a copy have shown what comes."""
    evidence = measured.evidence
    if evidence is not None and evidence.sharpness is not None and holds("steps.sharp", numbers_of(measured)):
        found = evidence.sharpness
        numbers = {"share": found.share, "when": measured.when, "eigenvalue": found.eigenvalue, "most": found.largest}
        yield Verdict("sharp", None, "steps.sharp", numbers, fault=False)


@finding(GRADIENT, rank=155, remedy=remedies.go_further)
def stalled(measured: Measured) -> Iterator[Verdict]:
    """A loss that hardly falls, or slowly, whatever the reason."""
    numbers = numbers_of(measured)
    if measured.ahead is None:
        return
    if holds("steps.stalled", numbers):
        yield Verdict("stalled", None, "steps.stalled", told(measured))
    elif holds("steps.slow", numbers):
        yield Verdict("slow", None, "steps.slow", told(measured))


@finding(FIT, rank=154, remedy=remedies.other_labels)
def memorized(measured: Measured) -> Iterator[Verdict]:
    """Samples that are learned by heart: of others nothing is known. So it is with labels that belong to nothing."""
    if measured.ahead is not None and holds("steps.memorized", numbers_of(measured)):
        yield Verdict("misfit", None, "steps.memorized", told(measured))


@finding(GRADIENT, rank=156, remedy=remedies.smaller_steps)
def lagging(measured: Measured) -> Iterator[Verdict]:
    """Batch normalization whose running averages do not follow: what is learned is not there when it is used."""
    if measured.ahead is not None and holds("steps.lagging", numbers_of(measured)):
        yield Verdict("lagging", None, "steps.lagging", told(measured))
