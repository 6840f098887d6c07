"""Do the steps lead down? What the first ones have shown, where it is known how the network will be trained."""

from __future__ import annotations

from collections.abc import Iterator

from ..measures.signal import ratio
from ..records import Measured, Verdict
from . import remedies
from .conditions import holds
from .registry import GRADIENT, finding


def numbers_of(measured: Measured) -> dict[str, float]:
    """The numbers that the table of conditions compares; NaN if no steps were taken."""
    ahead = measured.ahead
    if ahead is None:
        return {"ahead_growth": float("nan"), "ahead_fall": float("nan"), "ahead_over_guess": float("nan")}
    over = ratio(ahead.last, measured.guess)
    return {"ahead_growth": ahead.growth, "ahead_fall": ahead.fall, "ahead_over_guess": over}


def learns(measured: Measured) -> bool:
    """Whether the loss fell in the first steps, and below that of guessing: what was found is then no fault."""
    return holds("steps.learns", numbers_of(measured))


@finding(GRADIENT, rank=145, remedy=remedies.smaller_steps)
def overshooting(measured: Measured) -> Iterator[Verdict]:
    """Steps that are too large: the loss grows, or is no longer finite."""
    ahead = measured.ahead
    if ahead is not None and holds("steps.overshooting", numbers_of(measured)):
        numbers = {"steps": ahead.steps, "rule": ahead.rule, "first": ahead.first, "last": ahead.last}
        yield Verdict("overshooting", None, "steps.overshooting", numbers)
