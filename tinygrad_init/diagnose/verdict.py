"""Verdicts: from the layers' numbers to one word, the layer it is about, and the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .probe import Snapshot

HEALTHY = "healthy"
# A gradient that shrinks or grows by this factor between the last layer and the first has vanished or exploded.
FACTOR = 100.0
# A layer counts as saturated or dead when more than this share of its units is.
SHARE = 0.5
# A loss that is still above this share of its first value has hardly fallen.
LEARNED = 0.95


@dataclass(frozen=True)
class Verdict:
    """What is wrong, where and why.

    Attributes
    ----------
    word
        "vanishing", "exploding", "saturated", "dead", "symmetric" or "healthy".
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


def judge(before: Snapshot, after: Snapshot | None, losses: list[float]) -> Verdict:
    """A verdict on a start from its first batch, the state after training, and the losses of the epochs.

    The start is judged first: it is the cause. Only if it looks healthy is the trained network looked at.
    """
    found = (
        not_finite(before)
        or symmetric(before)
        or dead(before, "at the start", share=0.999)
        or saturated(before, "at the start")
        or exploding(before)
        or vanishing(before)
        or dead(before, "at the start")
    )
    if found is not None:
        return found
    for epoch, loss in enumerate(losses):
        if not math.isfinite(loss):
            return Verdict("exploding", None, f"the loss became {loss} in epoch {epoch + 1}: the steps are too large")
    if after is not None:
        found = not_finite(after) or dead(after, "after training") or saturated(after, "after training")
        if found is not None:
            return found
    first, last = before.layers[0], before.layers[-1]
    reason = f"∂C/∂z is {last.dz_rms:.2g} at the last layer and still {first.dz_rms:.2g} at the first"
    if losses:
        reason += f"; loss {before.loss:.3g} to {losses[-1]:.3g}"
        if losses[-1] > LEARNED * before.loss:
            reason += (
                ", which is hardly any progress: the start is not to blame, look at the learning rate and the epochs"
            )
    return Verdict(HEALTHY, None, reason)


def not_finite(snapshot: Snapshot) -> Verdict | None:
    """Numbers that have overflowed."""
    for i, layer in enumerate(snapshot.layers, 1):
        for what, number in (("z", layer.z_rms), ("∂C/∂z", layer.dz_rms), ("∂C/∂W", layer.dw_rms)):
            if not math.isfinite(number):
                return Verdict("exploding", i, f"{what} is no longer finite")
    if not math.isfinite(snapshot.loss):
        return Verdict("exploding", None, f"the loss is {snapshot.loss}")
    return None


def symmetric(snapshot: Snapshot) -> Verdict | None:
    """A hidden layer whose units are all the same unit."""
    for i, layer in enumerate(snapshot.layers[:-1], 1):
        if layer.distinct == layer.distinct_updates == 1 and layer.units > 1:
            reason = f"its {layer.units} units are identical and get identical updates: the layer is worth one unit"
            silent = [j for j, other in enumerate(snapshot.layers, 1) if other.dw_rms == 0]
            if silent:
                reason += f"; the gradient of the weights is exactly 0 in {layers_in_words(silent)}"
            return Verdict("symmetric", i, reason)
    return None


def layers_in_words(numbers: list[int]) -> str:
    """ "layer 3", "layers 1 to 4" or "layers 1, 3"."""
    if len(numbers) == 1:
        return f"layer {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"layers {numbers[0]} to {numbers[-1]}"
    return f"layers {', '.join(map(str, numbers))}"


def exploding(snapshot: Snapshot) -> Verdict | None:
    """A signal or a gradient that grows from layer to layer."""
    layers = snapshot.layers
    first, last = layers[0], layers[-1]
    if len(layers) > 1 and first.dz_rms > FACTOR * last.dz_rms > 0:
        return Verdict(
            "exploding",
            1,
            f"∂C/∂z grows from {last.dz_rms:.2g} at the last layer to {first.dz_rms:.2g} here, "
            f"a factor of {first.dz_rms / last.dz_rms:.2g} over {len(layers) - 1} layers",
        )
    if len(layers) > 1 and last.z_rms > FACTOR * max(first.z_rms, 1.0):
        return Verdict(
            "exploding",
            len(layers),
            f"z grows from {first.z_rms:.2g} at the first layer to {last.z_rms:.2g} here; "
            f"the loss starts at {snapshot.loss:.3g}",
        )
    return None


def dead(snapshot: Snapshot, when: str, share: float = SHARE) -> Verdict | None:
    """A hidden layer of which more than a share lets no gradient through."""
    for i, layer in enumerate(snapshot.layers[:-1], 1):
        if layer.dead > share:
            return Verdict(
                "dead", i, f"{layer.dead:.0%} of its units have slope 0 on every sample {when}: nothing passes"
            )
    return None


def saturated(snapshot: Snapshot, when: str) -> Verdict | None:
    """A hidden layer most of whose units hardly answer to their input."""
    for i, layer in enumerate(snapshot.layers[:-1], 1):
        if layer.saturated > SHARE:
            return Verdict(
                "saturated",
                i,
                f"{layer.saturated:.0%} of its units are on the flat part of the activation {when} "
                f"(rms z {layer.z_rms:.2g})",
            )
    return None


def vanishing(snapshot: Snapshot) -> Verdict | None:
    """A gradient that shrinks on its way back."""
    layers = snapshot.layers
    first, last = layers[0], layers[-1]
    if len(layers) > 1 and first.dz_rms * FACTOR < last.dz_rms:
        factor = first.dz_rms / last.dz_rms
        return Verdict(
            "vanishing",
            1,
            f"∂C/∂z falls from {last.dz_rms:.2g} at the last layer to {first.dz_rms:.2g} here, "
            f"a factor of {factor:.2g} over {len(layers) - 1} layers",
        )
    return None
