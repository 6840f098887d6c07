"""What the page says of a report: verdict, answers and notes, without advice that names what is already so."""

from __future__ import annotations

from dataclasses import dataclass

from ...diagnosis import Answer, Report, Verdict
from ...diagnosis.judging import untold
from ...words import Phrase
from ..messages.config import Config
from ..messages.frames import AnswerOf, Said, VerdictOf, said

# Which initializers are what an advice calls a start: the same spread, whatever the shape of the distribution.
STARTS = {f"start.{name}": (name, f"{name}_uniform", f"{name}_truncated") for name in ("he", "xavier", "lecun")}
# What is advised instead where the start is the advised one.
INSTEAD = {"advice.dead": "advice.dead.design", "advice.saturated": "advice.saturated.inputs"}
DESIGN = ("advice.carry", "advice.factor", "advice.start")


@dataclass(frozen=True)
class Told:
    """What is said of a report, as long as there is no newer one: to judge takes longer than a frame."""

    verdict: VerdictOf | None = None
    answers: tuple[AnswerOf, ...] = ()
    notes: tuple[Said, ...] = ()


def told(report: Report, config: Config) -> Told:
    """A report's verdict, answers and notes as they are sent; `config` is that of the run."""
    notes = tuple(said(note.note()) for note in untold(report))
    return Told(verdict_of(report.verdict), tuple(answer_of(one, config) for one in report.answers), notes)


def verdict_of(verdict: Verdict) -> VerdictOf:
    """A verdict as it is sent."""
    return VerdictOf(verdict.word, verdict.layer, verdict.reason, said(verdict.why))


def answer_of(answer: Answer, config: Config) -> AnswerOf:
    """An answer as it is sent."""
    what = news(answer.said, config)
    return AnswerOf(answer.key, answer.question, answer.good, str(what), said(what))


def news(what: Phrase, config: Config) -> Phrase:
    """A sentence without what is advised and already so; what else helps is said instead."""
    numbers = {
        name: news(value, config) if isinstance(value, Phrase) else value for name, value in what.numbers.items()
    }
    if config.clip and isinstance(numbers.get("clip"), Phrase):
        numbers["clip"] = None
    start = numbers.get("start")
    if isinstance(start, Phrase) and has_start(start.key, config):
        if what.key in INSTEAD:
            return Phrase(INSTEAD[what.key], {})
        if what.key in DESIGN:
            return Phrase("advice.design", {})
    return Phrase(what.key, numbers)


def has_start(key: str, config: Config) -> bool:
    """Whether all layers begin as is advised."""
    return all(start.name in STARTS.get(key, ()) and start.sigma_b == 0 for start in config.starts)
