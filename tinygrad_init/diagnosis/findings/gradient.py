"""Does the gradient arrive? Cotangents on their way back that overflow, stop, cancel, grow or vanish."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...words import Phrase, phrase
from ..records import Measured, Verdict
from . import remedies
from .conditions import holds, layers_where
from .numbers import of_network
from .registry import GRADIENT, finding

# What gets its gradient in the second step is worth to know and no fault: zeros in a readout, or at the end of a
# residual branch, are put there on purpose.
SOON = 1


@finding(GRADIENT, rank=10, remedy=remedies.overflow)
def not_finite_backward(measured: Measured) -> Iterator[Verdict]:
    """The first layer, coming from the output, whose cotangent or gradient is no longer finite."""
    for i, layer in reversed(list(enumerate(measured.layers, 1))):
        for what, found in (("∂C/∂z", layer.dz), ("∂C/∂W", layer.dw)):
            if found.not_finite > 0:
                yield Verdict("exploding", i, "not_finite.gradient", {"what": what})
                return


@finding(GRADIENT, rank=40, remedy=remedies.unstick)
def stuck(measured: Measured) -> Iterator[Verdict]:
    """Weights that get no gradient at all, and never will or not yet."""
    never = [i for i, zeros in enumerate(measured.zeros, 1) if zeros.whole and zeros.wakes is None]
    if never:
        because = measured.zeros[never[0] - 1].reasons
        yield Verdict("stuck", never[0], "gradient.stuck", {"layers": never, "because": because})
    asleep = [(i, zeros) for i, zeros in enumerate(measured.zeros, 1) if zeros.whole and (zeros.wakes or 0) > 0]
    if asleep:
        (i, first), (j, last) = asleep[0], asleep[-1]
        others = phrase("gradient.asleep.others", first=i, step=(first.wakes or 0) + 1) if i != j else None
        numbers = {
            "layers": [k for k, _ in asleep],
            "because": first.reasons,
            "last": j,
            "step": (last.wakes or 0) + 1,
            "others": others,
        }
        later = any((zeros.wakes or 0) > SOON for _, zeros in asleep)
        yield Verdict("asleep", i, "gradient.asleep", numbers, fault=later)


@finding(GRADIENT, rank=50, remedy=remedies.unstick)
def rounding(measured: Measured) -> Iterator[Verdict]:
    """Gradients of which float64 keeps far less: what arrives in the network's own dtype is rounding error."""
    noise = [i for i, _ in layers_where(measured, "gradient.rounding")]
    if noise:
        yield Verdict("stuck", noise[0], "gradient.rounding", {"layers": noise})


@finding(GRADIENT, rank=90, remedy=remedies.scaling)
def exploding(measured: Measured) -> Iterator[Verdict]:
    """A gradient that grows on its way back, and makes the first layer's updates large."""
    if holds("gradient.exploding", of_network(measured)):
        yield Verdict("exploding", 1, "gradient.exploding", on_the_way(measured))


@finding(GRADIENT, rank=110, remedy=remedies.scaling)
def vanishing(measured: Measured) -> Iterator[Verdict]:
    """A gradient that shrinks on its way back, and makes the first layer's updates small beside the others'.

    The norm alone says too little: normalization, pooling and scaled inputs change it without changing any update.
    """
    if holds("gradient.vanishing", of_network(measured)):
        why = measured.attributions[0]
        blocked = next((factor for factor in why.factors if factor.log10 == -math.inf), None)
        if why.way == -math.inf and blocked is not None:
            wakes = measured.zeros[0].wakes
            soon = wakes is not None and 0 < wakes <= SOON
            told = {"label": blocked.label, "module": blocked.name}
            yield Verdict("vanishing", 1, "gradient.blocked", told, fault=not soon)
        else:
            yield Verdict("vanishing", 1, "gradient.vanishing", on_the_way(measured))
    elif holds("gradient.falls", of_network(measured)):
        yield Verdict("vanishing", 1, "gradient.falls", at_both_ends(measured).numbers, fault=False)


def on_the_way(measured: Measured) -> dict[str, float | Phrase | None]:
    """By how much the gradient changes from the last layer to the first, and through which factors."""
    why = measured.attributions[0]
    # What would be written as +0.0 explains nothing.
    largest = [(label, value) for label, value in why.largest(2) if abs(value) >= 0.05]
    parts = [phrase("gradient.part", decades=value, label=label) for label, value in largest]
    return {"decades": abs(why.way), "parts": phrase("gradient.parts", parts=parts) if parts else None}


def at_both_ends(measured: Measured) -> Phrase:
    """The gradient's size, if that is no complaint."""
    if measured.layers[0].dz.rms == 0 < measured.layers[-1].dz.rms and (measured.zeros[0].wakes or 0) > 0:
        step = (measured.zeros[0].wakes or 0) + 1
        return phrase("gradient.wakes", last=measured.layers[-1].dz.rms, step=step)
    key = "gradient.falls" if holds("gradient.falls", of_network(measured)) else "gradient.arrives"
    return phrase(key, last=measured.layers[-1].dz.rms, first=measured.layers[0].dz.rms)
