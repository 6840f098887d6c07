"""The five questions that somebody asks whose network does not train, each answered in one sentence.

Does the signal arrive? Does the gradient arrive? Are the units different? Are they alive? What should I do?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .advice import ONE_GENERATOR, learning_rate, remedy
from .findings import (
    FACTOR,
    SHARE,
    Verdict,
    constant_input,
    dead,
    drawn_twice,
    exploding,
    fading,
    growing,
    lost,
    not_finite,
    not_finite_backward,
    not_finite_forward,
    rounding,
    saturated,
    stuck,
    symmetric,
    unscaled,
    vanishing,
)

if TYPE_CHECKING:
    from .report import Report

HEALTHY = "healthy"
# A loss that is still above this share of its first value has hardly fallen.
LEARNED = 0.95


@dataclass(frozen=True)
class Answer:
    """One of the five questions and its answer.

    Attributes
    ----------
    question
        As a person asks it.
    good
        Whether there is nothing to complain about.
    sentence
        The answer in short.
    findings
        Everything that was found, the gravest first.
    """

    question: str
    good: bool
    sentence: str
    findings: tuple[Verdict, ...] = ()


SIGNAL, GRADIENT, DIFFERENT, ALIVE, ADVICE = (
    "Does the signal arrive?",
    "Does the gradient arrive?",
    "Are the units different?",
    "Are they alive?",
    "What should I do?",
)


def answers(report: Report) -> tuple[Answer, ...]:
    """All five, in the order in which they are asked."""
    layers = report.layers
    first, last = layers[0], layers[-1]
    found = (
        answer(
            SIGNAL,
            (*not_finite_forward(report), *unscaled(report), *growing(report), *fading(report), *lost(report)),
            f"Yes: rms z is {last.z.rms:.2g} at the last layer, {first.z.rms:.2g} at the first.",
        ),
        answer(
            GRADIENT,
            (
                *not_finite_backward(report),
                *stuck(report),
                *rounding(report),
                *exploding(report),
                *vanishing(report),
            ),
            f"Yes: {at_both_ends(report)}.",
        ),
        answer(
            DIFFERENT,
            (*symmetric(report), *drawn_twice(report)),
            different(report),
        ),
        answer(
            ALIVE,
            (*dead(report, 0.999), *saturated(report), *dead(report, SHARE)),
            "Yes: in every hidden layer most units answer to their input.",
        ),
    )
    return (*found, advice(report, found))


def advice(report: Report, found: Sequence[Answer]) -> Answer:
    """The last question: one sentence for the gravest finding, or for the learning rate if there is none."""
    worst = gravest(report)
    if worst is None:
        return Answer(ADVICE, True, learning_rate(report))
    others = {finding.word for answer in found for finding in answer.findings} - {worst.word}
    sentence = remedy(worst, report)
    return Answer(ADVICE, False, f"{sentence} {ONE_GENERATOR}" if "correlated" in others else sentence)


def at_both_ends(report: Report) -> str:
    """The gradient's size, if that is no complaint."""
    first, last = report.layers[0].dz.rms, report.layers[-1].dz.rms
    if last > FACTOR * first:
        return (
            f"∂C/∂z falls from {last:.2g} at the last layer to {first:.2g} at the first, but the first layer's updates "
            "are not small beside the others'"
        )
    return f"∂C/∂z is {last:.2g} at the last layer and still {first:.2g} at the first"


def different(report: Report) -> str:
    """How many units are different, if that is no complaint."""
    for i, layer in enumerate(report.layers[:-1], 1):
        if len(layer.distinct) < layer.units:
            return f"Mostly: layer {i} has {len(layer.distinct)} different units of {layer.units}."
    return "Yes: no two units of a hidden layer are the same."


def answer(question: str, findings: Sequence[Verdict], otherwise: str) -> Answer:
    """The first finding is the answer, or that there is none."""
    if not findings:
        return Answer(question, True, otherwise)
    return Answer(question, False, f"No, {findings[0]}.", tuple(findings))


def judge(before: Report, after: Report | None = None, losses: Sequence[float] = ()) -> Verdict:
    """A verdict on a start from its first batch, the state after training, and the losses of the epochs.

    The start is judged first: it is the cause. Only if it looks healthy is the trained network looked at.
    """
    found = gravest(before)
    if found is not None:
        return found
    for epoch, loss in enumerate(losses):
        if not math.isfinite(loss):
            return Verdict("exploding", None, f"the loss became {loss} in epoch {epoch + 1}: the steps are too large")
    if after is not None:
        worse = [*not_finite(after), *dead(after, SHARE), *saturated(after)]
        if worse:
            return worse[0]
    reason = at_both_ends(before)
    if losses:
        reason += f"; loss {before.loss:.3g} to {losses[-1]:.3g}"
        if losses[-1] > LEARNED * before.loss:
            reason += (
                ", which is hardly any progress: the start is not to blame, look at the learning rate and the epochs"
            )
    return Verdict(HEALTHY, None, reason)


def gravest(report: Report) -> Verdict | None:
    """The finding that explains most, if there is one: a cause comes before what follows from it."""
    causes = (
        not_finite,
        constant_input,
        symmetric,
        stuck,
        rounding,
        unscaled,
        lambda report: dead(report, 0.999),
        saturated,
        exploding,
        growing,
        vanishing,
        fading,
        lost,
        lambda report: dead(report, SHARE),
        drawn_twice,
    )
    return next((found for cause in causes for found in cause(report)), None)
