"""Which finding is the gravest, and the six questions that somebody asks whose network does not train, each answered in
one sentence: do data, output, loss and targets fit, does the signal arrive, does the gradient, are the units different,
are they alive, what should I do?
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from ..words import Phrase, phrase
from .findings import ADVICE, FINDINGS, QUESTIONS, Finding
from .findings.alive import dead, saturated
from .findings.gradient import at_both_ends, not_finite_backward
from .findings.registry import FIT, UNITS
from .findings.signal import not_finite_forward
from .findings.steps import learns, learns_apart, solved, told
from .records import Answer, Confidence, Judged, Measured, Verdict

HEALTHY = "healthy"
# A loss that is still above this share of its first value has hardly fallen.
LEARNED = 0.95
# Plain gradient steps that change the weights by such shares are neither timid nor wild; in the middle is this one.
TIMID, WILD, GOOD_UPDATE = 1e-5, 0.1, 3e-3
# Notes that an answer tells in words of its own.
IN_OTHER_WORDS = {"units.some_alike": "answer.units.mostly"}
# Of fewer networks than these a share of right verdicts says little.
COUNTED = 10


def found_in(measured: Measured) -> Iterator[tuple[Finding, Verdict]]:
    """Everything that was found, causes before what follows from them, faults and notes."""
    for finding in FINDINGS:
        excused = excuse(finding.question, measured) is not None
        for verdict in finding.look(measured):
            yield finding, replace(verdict, fault=False) if excused else verdict


def excuse(question: str, measured: Measured) -> str | None:
    """Why what was found is no fault: the loss has fallen ("solved"), or falls ("learns"); None if nothing excuses it.

    What does not fit stays a fault; and units that are the same are worth one, unless that comes further than one can.
    """
    if question == FIT:
        return None
    if solved(measured):
        return "solved"
    return "learns" if (learns_apart if question == UNITS else learns)(measured) else None


def notes(measured: Measured) -> tuple[Verdict, ...]:
    """What is worth to know and no fault."""
    return tuple(verdict for _, verdict in found_in(measured) if not verdict.fault)


def untold(report: Judged) -> tuple[Verdict, ...]:
    """The notes that no answer tells already."""
    said = [answer.said for answer in report.answers]
    told, keys = [part for one in said for part in one.numbers.values()], {one.key for one in said}
    return tuple(
        note
        for note in report.notes
        if note.why not in told and note.phrase() not in told and IN_OTHER_WORDS.get(note.key) not in keys
    )


def gravest(measured: Measured) -> tuple[Finding, Verdict] | None:
    """The finding that explains most, if there is a fault."""
    return next((found for found in found_in(measured) if found[1].fault), None)


def answers(measured: Measured) -> tuple[Answer, ...]:
    """All six, in the order in which they are asked."""
    given = tuple(answer(question, measured) for question in QUESTIONS if question != ADVICE)
    return (*given, advice(measured, [verdict.word for _, verdict in found_in(measured) if verdict.fault]))


def answer(question: str, measured: Measured) -> Answer:
    """The first fault is the answer, or that there is none."""
    found = [verdict for finding in FINDINGS if finding.question == question for verdict in finding.look(measured)]
    faults, notes = (tuple(verdict for verdict in found if verdict.fault == fault) for fault in (True, False))
    if faults and (why := excuse(question, measured)) is not None:
        return Answer(question, True, phrase(f"answer.{why}", verdict=faults[0].phrase()))
    if faults:
        return Answer(question, False, phrase("answer.no", verdict=faults[0].phrase()), faults)
    if question == FIT and notes:
        return Answer(question, True, phrase("answer.fit.note", note=notes[0].why))
    return Answer(question, True, good(question, measured))


def good(question: str, measured: Measured) -> Phrase:
    """The answer to a question about which there is nothing to complain."""
    layers = measured.layers
    if question == FIT and measured.fit is None:
        return phrase("answer.fit.unknown")
    if question == "signal":
        return phrase("answer.signal", last=layers[-1].z.rms, first=layers[0].z.rms)
    if question == "gradient":
        return phrase("answer.gradient", ends=at_both_ends(measured))
    if question == "units":
        for i, layer in enumerate(layers[:-1], 1):
            width = max(len(layer.distinct), len(layer.distinct_updates))
            if width < layer.distinct.units:  # those that are not finite are in no class
                return phrase("answer.units.mostly", layer=i, distinct=width, units=layer.units)
    return phrase(f"answer.{question}")


def advice(measured: Measured, words: Sequence[str]) -> Answer:
    """The last question: one sentence for the gravest finding, or for the learning rate if there is none."""
    worst = gravest(measured)
    if worst is None:
        return Answer(ADVICE, True, learning_rate(measured))
    finding, verdict = worst
    remedy = finding.remedy(measured)
    if "correlated" in words and verdict.word != "correlated":
        remedy = phrase("answer.both", first=remedy, second=phrase("advice.generator"))
    return Answer(ADVICE, False, remedy)


def learning_rate(measured: Measured) -> Phrase:
    """For a healthy network: how large a step is."""
    typical, what = measured.typical_update, "network" if measured.trained else "start"
    state = phrase("advice.solved" if solved(measured) else f"advice.{what}_is_healthy")
    if solved(measured) or math.isnan(typical) or measured.lr == 0:
        return phrase("advice.nothing", state=state)
    if typical == 0 and not any(layer.dw.rms > 0 for layer in measured.layers):
        return phrase("advice.flat", state=state)
    if typical == 0:  # of those that have weights and gradients, half have none yet
        return phrase("advice.nothing", state=state)
    # Steps become small where training ends, and should.
    if typical <= WILD and (typical >= TIMID or measured.trained):
        return phrase("advice.step", state=state, typical=typical)
    if measured.ahead is not None:  # whose steps have shown more than any rule says
        return phrase("advice.nothing", state=state)
    better = measured.lr * GOOD_UPDATE / typical
    return phrase("advice.rate", keep=phrase(f"advice.keep_{what}"), typical=typical, better=better, lr=measured.lr)


def judge(before: Measured, after: Measured | None = None, losses: Sequence[float] = ()) -> Verdict:
    """A verdict on a start from its first batch, the state after training, and the losses of the epochs.

    The start is judged first: it is the cause. Only if it looks healthy is the trained network looked at.
    """
    found = gravest(before)
    if found is not None:
        return found[1]
    for epoch, loss in enumerate(losses):
        if not math.isfinite(loss):
            return Verdict("exploding", None, "not_finite.training", {"loss": loss, "epoch": epoch + 1})
    if after is not None:
        for look in (not_finite_forward, not_finite_backward, dead, saturated):
            if (worse := next(look(after), None)) is not None:
                return worse
    ends = at_both_ends(before)
    if not losses and solved(before):
        return Verdict(HEALTHY, None, "healthy.solved", {"loss": before.loss, "guess": before.guess}, fault=False)
    if not losses and before.ahead is not None:
        return Verdict(HEALTHY, None, "healthy.ahead", {"ends": ends, **told(before)}, fault=False)
    if not losses:
        return Verdict(HEALTHY, None, "healthy", {"ends": ends}, fault=False)
    stands = phrase("healthy.stands") if losses[-1] > LEARNED * before.loss else None
    numbers = {"ends": ends, "before": before.loss, "after": losses[-1], "stands": stands}
    return Verdict(HEALTHY, None, "healthy.trained", numbers, fault=False)


@cache
def shares() -> dict[str, Any]:
    """How many verdicts of each word were right; `python -m bench.verdicts --shares` writes it anew."""
    found: dict[str, Any] = json.loads(files(f"{__package__}.findings").joinpath("shares.json").read_text("utf-8"))
    return found


def confidence(measured: Measured, verdict: Verdict) -> Confidence | None:
    """How often a verdict of that word was right about networks that were diagnosed in the same way, then trained.

    None where it was not counted: of a network that is trained, without an optimizer or with fewer steps, or for a word
    that hardly any of those networks got.
    """
    table, ahead = shares(), measured.ahead
    counted = table["words"].get(verdict.word)
    if (
        counted is None
        or counted["networks"] < COUNTED
        or measured.trained
        or ahead is None
        or ahead.steps < table["steps"]
    ):
        return None
    return Confidence(counted["right"], counted["networks"], table["source"])
