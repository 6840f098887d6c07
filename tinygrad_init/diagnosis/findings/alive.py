"""Are they alive? Units that let no gradient through, or hardly answer to their input."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Measured, Verdict
from . import remedies
from .conditions import layers_where
from .registry import ALIVE, finding


@finding(ALIVE, rank=70, remedy=remedies.revive)
def all_dead(measured: Measured) -> Iterator[Verdict]:
    """A hidden layer of which nothing lets a gradient through."""
    yield from dead_by(measured, "alive.all_dead")


@finding(ALIVE, rank=80, remedy=remedies.calm)
def saturated(measured: Measured) -> Iterator[Verdict]:
    """A hidden layer most of whose units hardly answer to their input."""
    for i, key in layers_where(measured, "alive.saturated"):
        layer = measured.layers[i - 1]
        numbers = {"share": layer.saturated, "activation": layer.activation, "when": measured.when, "z": layer.z.rms}
        yield Verdict("saturated", i, key, numbers)
        return


@finding(ALIVE, rank=140, remedy=remedies.revive)
def dead(measured: Measured) -> Iterator[Verdict]:
    """A hidden layer of which more than half lets no gradient through."""
    yield from dead_by(measured, "alive.dead")


def dead_by(measured: Measured, condition: str) -> Iterator[Verdict]:
    """The first layer for which a condition holds."""
    for i, key in layers_where(measured, condition):
        yield Verdict("dead", i, key, {"share": measured.layers[i - 1].dead_share, "when": measured.when})
        return
