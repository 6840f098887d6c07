"""Would 16 bits do? What float16 would make of signal and gradient; worth to know, no fault."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...words import phrase
from ..records import Measured, Verdict
from . import remedies
from .conditions import layers_where
from .registry import GRADIENT, SIGNAL, finding


@finding(GRADIENT, rank=180, remedy=remedies.try_out)
def underflow(measured: Measured) -> Iterator[Verdict]:
    """Gradients of which float16 would make zeros, and by what the loss would have to be multiplied."""
    layers = [i for i, _ in layers_where(measured, "precision.underflow")]
    if not layers or measured.evidence is None:
        return
    found = [measured.evidence.precision[i - 1] for i in layers]
    scale = measured.evidence.loss_scale
    if math.isnan(scale):
        keep = phrase("precision.no_scale", share=max(one.lost("bfloat16") for one in found))
    else:
        keep = phrase("precision.scale", scale=scale)
    numbers = {"share": max(one.lost("float16") for one in found), "layers": layers, "keep": keep}
    yield Verdict("imprecise", None, "precision.underflow", numbers, fault=False)


@finding(SIGNAL, rank=190, remedy=remedies.try_out)
def overflow(measured: Measured) -> Iterator[Verdict]:
    """Numbers of which float16 would make infinities."""
    layers = [i for i, _ in layers_where(measured, "precision.overflow")]
    if not layers or measured.evidence is None:
        return
    found = [measured.evidence.precision[i - 1] for i in layers]
    shares = {form: max(one.overflow(form) for one in found) for form in ("float16", "bfloat16")}
    numbers = {"share": shares["float16"], "layers": layers, "other": shares["bfloat16"]}
    yield Verdict("imprecise", None, "precision.overflow", numbers, fault=False)
