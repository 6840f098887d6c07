"""What a finding is: a function that looks at what was measured, with the question it belongs to and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...words import Phrase
from ..records import Measured, Verdict

Look = Callable[[Measured], Iterator[Verdict]]
Remedy = Callable[[Measured], Phrase]

FIT, SIGNAL, GRADIENT, UNITS, ALIVE, ADVICE = QUESTIONS = ("fit", "signal", "gradient", "units", "alive", "advice")


@dataclass(frozen=True)
class Finding:
    """Something that can be wrong.

    Attributes
    ----------
    look
        From what was measured to verdicts, the gravest first.
    question
        Which of the six questions it answers.
    rank
        How much it explains: the lowest is the cause of those above.
    remedy
        What to do about it.
    """

    look: Look
    question: str
    rank: int
    remedy: Remedy


FINDINGS: list[Finding] = []


def finding(question: str, rank: int, remedy: Remedy) -> Callable[[Look], Look]:
    """Register a function as a finding; see `Finding`."""

    def register(look: Look) -> Look:
        if any(known.rank == rank for known in FINDINGS):
            raise ValueError(f"two findings of rank {rank}")
        FINDINGS.append(Finding(look, question, rank, remedy))
        FINDINGS.sort(key=lambda known: known.rank)
        return look

    return register
