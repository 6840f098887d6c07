"""What can be wrong with a network: each finding is a function that looks at a report for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .measures.signal import ratio

if TYPE_CHECKING:
    from .report import Report

# A signal or gradient that shrinks or grows by this factor between the ends of the network has vanished or exploded.
FACTOR = 30.0
# Inputs of this size are not scaled.
UNSCALED = 10.0
# A layer counts as saturated or dead when more than this share of its units is.
SHARE = 0.5
# Below this share of its size the part of the signal that depends on the input counts as lost.
LOST = 1e-3
# A first loss that is so many times the one of guessing comes from outputs that are too large.
LOUD = 10.0
# A layer that learns so many times slower (or faster) than a typical one is left behind (or runs away).
SPREAD = 30.0
# An update by this share of the weights is large, whatever the other layers do.
TOO_FAST = 0.1
# A gradient that is so many decades smaller in float64 is an error of rounding.
ROUNDED = 3.0


@dataclass(frozen=True)
class Verdict:
    """What is wrong, where and why.

    Attributes
    ----------
    word
        "vanishing", "exploding", "lost", "unscaled", "stuck", "asleep", "saturated", "dead", "symmetric", "correlated"
        or "healthy".
    layer
        The number of the linear map, from 1; None if it is about all of them.
    reason
        In words, with the numbers.
    """

    word: str
    layer: int | None
    reason: str

    def __str__(self) -> str:
        where = "" if self.layer is None else f" at layer {self.layer}"
        return f"{self.word}{where}: {self.reason}"


def not_finite(report: Report) -> Iterator[Verdict]:
    """Numbers that have overflowed, on either way."""
    yield from not_finite_forward(report)
    yield from not_finite_backward(report)


def not_finite_forward(report: Report) -> Iterator[Verdict]:
    """Inputs, or the first link whose output, are not finite."""
    if report.inputs.not_finite > 0:
        yield Verdict("exploding", None, f"{report.inputs.not_finite:.2g} of the inputs' numbers are infinite or NaN")
        return
    if report.first_not_finite is not None:
        name, layer = report.first_not_finite
        yield Verdict("exploding", layer, f"what comes out of module {name} is no longer finite")
    elif not math.isfinite(report.loss):
        yield Verdict("exploding", None, f"the loss is {report.loss}")


def not_finite_backward(report: Report) -> Iterator[Verdict]:
    """The first layer, coming from the output, whose cotangent or gradient is no longer finite."""
    for i, layer in reversed(list(enumerate(report.layers, 1))):
        for what, found in (("∂C/∂z", layer.dz), ("∂C/∂W", layer.dw)):
            if found.not_finite > 0:
                yield Verdict("exploding", i, f"{what} is no longer finite")
                return


def constant_input(report: Report) -> Iterator[Verdict]:
    """Samples that are all the same."""
    if report.samples > 1 and report.inputs.across_samples == 0:
        yield Verdict("lost", None, "all samples have the same input: there is nothing to learn from")


def unscaled(report: Report) -> Iterator[Verdict]:
    """Inputs that are far larger than the formulas for weights assume; a constant input is told here, too."""
    yield from constant_input(report)
    if report.inputs.rms > UNSCALED and report.layers[0].z.rms > UNSCALED:
        yield Verdict(
            "unscaled",
            None,
            f"the inputs' root mean square is {report.inputs.rms:.3g} (their mean {report.inputs.mean:.3g}), so rms z "
            f"is {report.layers[0].z.rms:.3g} instead of about 1",
        )


def begins(report: Report) -> str:
    return "is" if report.trained else "starts at"


def growing(report: Report) -> Iterator[Verdict]:
    """A signal that grows on its way."""
    first, last = report.layers[0], report.layers[-1]
    if len(report.layers) > 1 and last.z.rms > FACTOR * max(first.z.rms, 1.0):
        yield Verdict(
            "exploding",
            len(report.layers),
            f"z grows from {first.z.rms:.2g} at the first layer to {last.z.rms:.2g} here; "
            f"the loss {begins(report)} {report.loss:.3g}",
        )
    elif report.loss > LOUD * report.guess and last.z.rms > LOUD:
        times = (
            f"{ratio(report.loss, report.guess):.2g} times that of the best constant prediction ({report.guess:.3g})"
        )
        reason = f"rms z is {last.z.rms:.2g} at the output: the loss {begins(report)} {report.loss:.3g}, {times}"
        yield Verdict("exploding", len(report.layers), reason)


def fading(report: Report) -> Iterator[Verdict]:
    """A signal that shrinks on its way, or is exactly 0."""
    first, last = report.layers[0], report.layers[-1]
    silent = [i for i, layer in enumerate(report.layers, 1) if layer.z.rms == 0]
    if silent:
        yield Verdict("lost", silent[0], f"z is exactly 0 on every sample in {in_words(silent)}")
        return
    if len(report.layers) > 1 and last.z.rms * FACTOR < first.z.rms:
        yield Verdict(
            "vanishing",
            len(report.layers),
            f"z shrinks from {first.z.rms:.2g} at the first layer to {last.z.rms:.2g} here",
        )


def lost(report: Report) -> Iterator[Verdict]:
    """A signal that no longer depends on the input: biases alone keep its size up."""
    if report.samples < 2:
        return
    for i, layer in enumerate(report.layers, 1):
        if layer.z.across_samples < LOST * layer.z.rms:
            yield Verdict(
                "lost",
                i,
                f"rms z is {layer.z.rms:.2g}, but only {layer.z.across_samples:.2g} of it depends on the input: "
                "what is left comes from the biases",
            )
            return


def stuck(report: Report) -> Iterator[Verdict]:
    """Weights that get no gradient at all, and never will or not yet."""
    never = [i for i, zeros in enumerate(report.zeros, 1) if zeros.whole and zeros.wakes is None]
    if never:
        zeros = report.zeros[never[0] - 1]
        yield Verdict(
            "stuck", never[0], f"∂C/∂W is exactly 0 in {in_words(never)} and stays so on these samples: {zeros.because}"
        )
    asleep = [(i, zeros) for i, zeros in enumerate(report.zeros, 1) if zeros.whole and (zeros.wakes or 0) > 0]
    if asleep:
        (i, first), (j, last) = asleep[0], asleep[-1]
        order = f"layer {j} can wake in step {(last.wakes or 0) + 1}"
        if i != j:
            order += f", layer {i} not before step {(first.wakes or 0) + 1}"
        yield Verdict(
            "asleep", i, f"∂C/∂W is exactly 0 in {in_words([k for k, _ in asleep])}: {first.because}; {order}"
        )


def rounding(report: Report) -> Iterator[Verdict]:
    """Gradients of which float64 keeps far less: what arrives in the network's own dtype is rounding error."""
    noise = []
    for i, (layer, why) in enumerate(zip(report.layers, report.attributions, strict=True), 1):
        if layer.dw.rms > 0 and math.isfinite(why.log10):
            own = math.log10(layer.dw.rms) + 0.5 * math.log10(layer.dw.count)
            if own - why.log10 > ROUNDED:
                noise.append(i)
    if noise:
        reason = f"∂C/∂W is nothing but rounding error in {in_words(noise)}: the contributions cancel"
        yield Verdict("stuck", noise[0], reason)


def exploding(report: Report) -> Iterator[Verdict]:
    """A gradient that grows on its way back, and makes the first layer's updates large."""
    way, share = report.attributions[0].way, first_update(report)
    if way > math.log10(FACTOR) and (share > SPREAD or report.layers[0].update_ratio > TOO_FAST):
        yield Verdict("exploding", 1, f"‖∂C/∂z‖ grows{between(report)}")


def vanishing(report: Report) -> Iterator[Verdict]:
    """A gradient that shrinks on its way back, and makes the first layer's updates small beside the others'.

    The norm alone says too little: normalization, pooling and scaled inputs change it without changing any update.
    """
    way, share = report.attributions[0].way, first_update(report)
    first, last = report.layers[0], report.layers[-1]
    if way < -math.log10(FACTOR) and (not share >= 1 / SPREAD or last.z.rms * FACTOR < first.z.rms):
        yield Verdict("vanishing", 1, f"‖∂C/∂z‖ falls{between(report)}")


def first_update(report: Report) -> float:
    """The first layer's update as a share of its weights, over that of a typical layer."""
    return ratio(report.layers[0].update_ratio, report.typical_update)


def between(report: Report) -> str:
    """By how much the gradient changes from the last layer to the first, and through which factors."""
    why = report.attributions[0]
    # What would be written as +0.0 explains nothing.
    parts = ", ".join(f"{value:+.1f} decades from {label}" for label, value in why.largest(2) if abs(value) >= 0.05)
    change = f"{10.0 ** abs(why.way):.2g}" if abs(why.way) < 300 else f"10^{abs(why.way):.0f}"
    return f" by a factor of {change} from the output to the first layer" + (f" ({parts})" if parts else "")


def symmetric(report: Report) -> Iterator[Verdict]:
    """Hidden layers with units that are the same unit and get the same updates."""
    for i, layer in enumerate(report.layers[:-1], 1):
        width = max(len(layer.distinct), len(layer.distinct_updates))
        if layer.units > 1 and width == 1:
            reason = f"its {layer.units} units are identical and get identical updates: the layer is worth one unit"
            if not layer.distinct.exact:
                reason += " (they differ, but only by rounding)"
            silent = [j for j, zeros in enumerate(report.zeros, 1) if zeros.whole]
            if silent:
                reason += f"; the gradient of the weights is exactly 0 in {in_words(silent)}"
            yield Verdict("symmetric", i, reason)
            return
        if 1 < width <= SHARE * layer.units:
            yield Verdict("symmetric", i, f"its {layer.units} units are {width} different ones, each several times")
            return


def drawn_twice(report: Report) -> Iterator[Verdict]:
    """Layers that were filled with the same random numbers."""
    for one, other in report.same_draws[:1]:
        yield Verdict(
            "correlated", None, f"{one} and {other} hold the same random numbers: one seed or generator was used twice"
        )


def dead(report: Report, share: float) -> Iterator[Verdict]:
    """A hidden layer of which more than a share lets no gradient through."""
    for i, layer in enumerate(report.layers[:-1], 1):
        if layer.dead_share > share:
            units = f"{layer.dead_share:.0%} of its units"
            yield Verdict("dead", i, f"{units} have slope 0 on every sample {report.when}: nothing passes through them")
            return


def saturated(report: Report) -> Iterator[Verdict]:
    """A hidden layer most of whose units hardly answer to their input."""
    for i, layer in enumerate(report.layers[:-1], 1):
        if layer.saturated > SHARE:
            yield Verdict(
                "saturated",
                i,
                f"{layer.saturated:.0%} of its units are on the flat part of {layer.activation} {report.when} "
                f"(rms z {layer.z.rms:.2g})",
            )
            return


def in_words(numbers: Sequence[int]) -> str:
    """ "layer 3", "layers 1 to 4" or "layers 1, 3"."""
    if len(numbers) == 1:
        return f"layer {numbers[0]}"
    if list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"layers {numbers[0]} to {numbers[-1]}"
    return f"layers {', '.join(map(str, numbers))}"
