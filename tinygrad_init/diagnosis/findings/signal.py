"""Does the signal arrive? Numbers on their way forward that overflow, grow, fade or lose what they say of the input."""

from __future__ import annotations

from collections.abc import Iterator

from ...words import Phrase, phrase
from ..measures.signal import ratio
from ..records import Measured, Verdict
from . import remedies
from .conditions import holds, layers_where
from .numbers import of_network
from .registry import SIGNAL, finding


@finding(SIGNAL, rank=0, remedy=remedies.overflow)
def not_finite_forward(measured: Measured) -> Iterator[Verdict]:
    """Inputs, or the first link whose output, are not finite."""
    numbers = of_network(measured)
    if holds("not_finite.inputs", numbers):
        first = None if measured.fit is None else measured.fit.input_missing
        where = None if first is None else phrase("not_finite.where", row=first[0], column=first[1])
        yield Verdict("exploding", None, "not_finite.inputs", {"share": measured.inputs.not_finite, "where": where})
    elif measured.first_not_finite is not None:
        name, layer = measured.first_not_finite
        yield Verdict("exploding", layer, "not_finite.output", {"module": name})
    elif holds("not_finite.loss", numbers):
        yield Verdict("exploding", None, "not_finite.loss", {"loss": measured.loss})


@finding(SIGNAL, rank=20, remedy=remedies.constant)
def constant_input(measured: Measured) -> Iterator[Verdict]:
    """Samples that are all the same."""
    if holds("inputs.constant", of_network(measured)):
        yield Verdict("lost", None, "inputs.constant")


@finding(SIGNAL, rank=60, remedy=remedies.scale)
def unscaled(measured: Measured) -> Iterator[Verdict]:
    """Inputs that are far larger, or far smaller, than the formulas for weights assume."""
    if holds("inputs.unscaled", of_network(measured)):
        inputs = measured.inputs
        numbers = {"rms": inputs.rms, "mean": inputs.mean, "z": measured.layers[0].z.rms}
        yield Verdict("unscaled", None, "inputs.unscaled", numbers)
    elif measured.inputs.across_samples > 0 and holds("inputs.small", of_network(measured)):
        yield Verdict("unscaled", None, "inputs.small", {"spread": measured.inputs.across_samples})


@finding(SIGNAL, rank=100, remedy=remedies.scaling)
def growing(measured: Measured) -> Iterator[Verdict]:
    """A signal that grows on its way, or is too large at its end."""
    first, last, depth = measured.layers[0], measured.layers[-1], len(measured.layers)
    if holds("signal.growing", of_network(measured)):
        numbers = {"first": first.z.rms, "last": last.z.rms, "loss": loss_of(measured)}
        yield Verdict("exploding", depth, "signal.growing", numbers)
    elif holds("signal.loud", of_network(measured)):
        times = ratio(measured.loss, measured.guess)
        numbers = {"z": last.z.rms, "loss": loss_of(measured), "times": times, "guess": measured.guess}
        yield Verdict("exploding", depth, "signal.loud", numbers)
    elif not measured.trained and streams(measured) and holds("signal.oversized", of_network(measured)):
        numbers = {
            "z": of_network(measured)["z_typical"],
            "loss": loss_of(measured),
            "times": ratio(measured.loss, measured.guess),
            "guess": measured.guess,
        }
        yield Verdict("exploding", None, "signal.oversized", numbers)
    elif not measured.trained and holds("signal.sure", of_network(measured)):
        times = ratio(measured.loss, measured.guess)
        numbers = {"z": last.z.rms, "loss": loss_of(measured), "times": times, "guess": measured.guess}
        yield Verdict("exploding", depth, "signal.sure", numbers, fault=False)


def streams(measured: Measured) -> bool:
    """Whether there is a stream past residual branches that are normalized: that hides the size of weights."""
    return measured.sequences is not None and bool(measured.sequences.stream)


@finding(SIGNAL, rank=120, remedy=remedies.scaling)
def fading(measured: Measured) -> Iterator[Verdict]:
    """A signal that shrinks on its way."""
    if not silent(measured) and holds("signal.fading", of_network(measured)):
        numbers = {"first": measured.layers[0].z.rms, "last": measured.layers[-1].z.rms}
        yield Verdict("vanishing", len(measured.layers), "signal.fading", numbers)


@finding(SIGNAL, rank=130, remedy=remedies.carry)
def lost(measured: Measured) -> Iterator[Verdict]:
    """A signal that is exactly 0, or no longer depends on the input."""
    if empty := silent(measured):
        fault = not all(begins_at_zero(measured, i) for i in empty)
        yield Verdict("lost", empty[0], "signal.zero", {"layers": empty}, fault=fault)
    for i in in_all_uses(measured, "signal.lost"):
        z = measured.layers[i - 1].z
        biases = any(layer.bias > 0 for layer in measured.layers[:i])
        rest = phrase("signal.lost.biases" if biases else "signal.lost.same")
        numbers = {"z": z.rms, "across": z.across_samples, "rest": rest}
        yield Verdict("lost", i, "signal.lost", numbers, fault=not begins_at_zero(measured, i))
        return


def begins_at_zero(measured: Measured, layer: int) -> bool:
    """Whether a layer has nothing but zeros for weights and gets a gradient: after one step it has a signal."""
    return measured.layers[layer - 1].w.rms == 0 and not measured.zeros[layer - 1].whole


def silent(measured: Measured) -> list[int]:
    """The layers whose z is exactly 0 on every sample."""
    return in_all_uses(measured, "signal.zero")


def in_all_uses(measured: Measured, key: str) -> list[int]:
    """The layers for which a finding holds, and for all others with the same weights.

    What a recurrent network takes its first step from may be 0: what it makes of later states carries the signal.
    """
    found = [i for i, _ in layers_where(measured, key)]
    carrying = {layer.name for i, layer in enumerate(measured.layers, 1) if i not in found}
    return [i for i in found if measured.layers[i - 1].name not in carrying]


def loss_of(measured: Measured) -> Phrase:
    """The loss, as sentences speak of it."""
    return phrase("loss.is" if measured.trained else "loss.starts", loss=measured.loss)
