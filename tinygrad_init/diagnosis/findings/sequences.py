"""What can be wrong on sequences: attention that sees one key, states that forget, targets that can be read off."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..records import Attention, Measured, Recurrence, Verdict
from . import remedies
from .conditions import holds
from .registry import FIT, GRADIENT, SIGNAL, finding


def of_attention(found: Attention) -> dict[str, float]:
    """The numbers of one that the table of conditions compares."""
    return {
        "attention_unscaled": found.unscaled,
        "attention_logits": found.logits,
        "attention_entropy": found.entropy,
    }


def of_recurrence(found: Recurrence) -> dict[str, float]:
    """The same of a layer over time."""
    return {"reach": found.reach}


@finding(FIT, rank=23, remedy=remedies.hide_targets)
def read_off(measured: Measured) -> Iterator[Verdict]:
    """Predictions that depend on an input that is their target."""
    found = measured.sequences
    if found is None or found.read_off is None:
        return
    if found.read_off > 0:
        yield Verdict("misfit", None, "fit.read_ahead", {"ahead": found.read_off})
    else:
        yield Verdict("misfit", None, "fit.read_again", {"behind": -found.read_off})


@finding(SIGNAL, rank=65, remedy=remedies.divide)
def attention(measured: Measured) -> Iterator[Verdict]:
    """Softmaxes that see one key only from the start, since products grow with the width."""
    for found in () if measured.sequences is None else measured.sequences.attention:
        numbers = of_attention(found)
        told = {"module": found.name, "width": found.width, "logits": found.logits, "entropy": found.entropy}
        if holds("attention.unscaled", numbers):
            yield Verdict("saturated", None, "attention.unscaled", told)
            return
        if not measured.trained and holds("attention.collapsed", numbers):
            yield Verdict("saturated", None, "attention.collapsed", told, fault=False)
            return


@finding(GRADIENT, rank=112, remedy=remedies.remember)
def over_time(measured: Measured) -> Iterator[Verdict]:
    """A gradient of which nothing reaches the first steps of a sequence."""
    for found in () if measured.sequences is None else measured.sequences.recurrences:
        if holds("gradient.over_time", of_recurrence(found)):
            told = {"decades": abs(found.reach), "steps": found.steps, "name": found.name}
            key = "gradient.over_time" if math.isfinite(found.reach) else "gradient.over_time.none"
            yield Verdict("vanishing", None, key, told)
            return
