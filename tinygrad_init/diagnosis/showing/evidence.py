"""What stands beside the verdict, in sentences, each with what it took."""

from __future__ import annotations

import math

from ...words import Phrase, phrase
from ..records import Evidence, Judged, Precision, Representation


def evidence_phrases(report: Judged) -> list[Phrase]:
    """How sure the verdict is, then the numbers that it does not rest on."""
    found: list[Phrase] = []
    if (sure := report.confidence) is not None:
        told = {"right": sure.right, "networks": sure.networks, "source": sure.source}
        found.append(phrase("evidence.confidence", **told))
    if (evidence := report.evidence) is None:
        return found
    said = {
        "sharpness": sharpness(report, evidence),
        "updates": updates(report, evidence),
        "representation": None if evidence.representation is None else representation(evidence.representation),
        "precision": precision(report, evidence.precision) if evidence.precision else None,
    }
    for name, sentence in said.items():
        if sentence is not None:
            found.append(phrase("evidence.price", said=sentence, seconds=evidence.seconds.get(name, math.nan)))
    return found


def sharpness(report: Judged, evidence: Evidence) -> Phrase | None:
    """The first step beside the largest that is stable."""
    found = evidence.sharpness
    if found is None or report.ahead is None:
        return None
    adam = found.metric == "adam"
    more = phrase("evidence.sharp.adam" if adam else "evidence.sharp") if found.share > 1 else None
    return phrase(
        "evidence.sharpness",
        rule=report.ahead.rule,
        share=max(found.share, 0.0),
        when=report.when,
        eigenvalue=found.eigenvalue,
        metric=phrase("evidence.metric.adam") if adam else None,
        most=found.largest,
        more=more,
    )


def updates(report: Judged, evidence: Evidence) -> Phrase | None:
    """Between what shares of their size weights change in the first step; None where none of them has a share."""
    shares = [(share, i) for i, share in enumerate(evidence.updates, 1) if math.isfinite(share)]
    if not shares or report.ahead is None:
        return None
    (low, slow), (high, fast) = min(shares), max(shares)
    return phrase("evidence.updates", rule=report.ahead.rule, low=low, slow=slow, high=high, fast=fast)


def representation(found: Representation) -> Phrase:
    """Whether the last hidden layer tells samples apart."""
    if math.isnan(found.participation_ratio):
        return phrase("evidence.representation.same", samples=found.samples)
    correlation = round(found.correlation, 2) + 0.0  # no -0.00
    return phrase("evidence.representation", **{**vars(found), "correlation": correlation})


def precision(report: Judged, layers: tuple[Precision, ...]) -> Phrase:
    """What 16 bits would lose; where float16 would lose much, in which layers."""
    notes = [note.why for note in report.notes if note.key.startswith("precision.")]
    if notes:
        return phrase("evidence.precision.notes", notes=notes)
    lost = {form: max(layer.lost(form) for layer in layers) for form in ("float16", "bfloat16")}
    return phrase("evidence.precision", **lost)
