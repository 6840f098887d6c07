"""What to do about a finding, by rule; `recommend` tries it out."""

from __future__ import annotations

import math

from ...activations import ActivationRecord, activation
from ...words import Phrase, phrase
from ..network import RESIDUAL, power_of_ten
from ..records import Layer, Measured

# Var w times fan_in (or the mean fan) of the starts that have names.
SIZES = {"he": 2.0, "xavier": 1.0, "lecun": 1.0}
# No start makes the slope of such an activation larger: sigmoid's is at most 1/4.
GENTLE = 0.25
# Another rate is named where it brings the loss below this share of what the given one does.
FURTHER = 0.9


def activation_of(measured: Measured) -> str:
    """The hidden layers' activation, the first if there are several."""
    return next((layer.activation for layer in measured.layers if layer.activation), "identity")


def record_of(name: str) -> ActivationRecord | None:
    """What is known of an activation; None of somebody's own."""
    try:
        return activation(name)
    except ValueError:
        return None


def good_start(measured: Measured) -> Phrase:
    """The start that suits the activation."""
    name = activation_of(measured)
    record = record_of(name)
    return phrase(f"start.{'critical' if record is None else record.start}", activation=name)


def has_good_start(measured: Measured) -> bool:
    """Whether the hidden layers' weights have that size already."""
    record = record_of(activation_of(measured))
    size = None if record is None else SIZES.get(record.start)
    sizes = [weight_variance(layer) for layer in measured.layers[:-1]]
    return size is not None and bool(sizes) and all(0.7 * size < found < 1.4 * size for found in sizes)


def weight_variance(layer: Layer) -> float:
    """fan_in times the mean square of the weights; a product, as a power that is too large would be an error."""
    return layer.w.rms * layer.w.rms * layer.w.count / layer.units


def overflow(measured: Measured) -> Phrase:
    """Infinities and NaN: of the inputs, or made on the way."""
    return phrase("advice.inputs") if measured.inputs.not_finite > 0 else scaling(measured)


def constant(measured: Measured) -> Phrase:
    """Inputs that are all the same."""
    return phrase("advice.constant")


def scale(measured: Measured) -> Phrase:
    """Inputs that are too large or too small."""
    return phrase("advice.scale")


def mend_data(measured: Measured) -> Phrase:
    """Infinities and NaN in the targets."""
    return phrase("advice.targets_missing")


def other_rate(measured: Measured) -> Phrase:
    """Steps that are too large or too small: which rate a range test suggests."""
    ahead = measured.ahead
    if ahead is None or not math.isfinite(ahead.better) or not math.isfinite(ahead.better_last):
        return phrase("advice.smaller_steps")
    return phrase("advice.other_rate", better=ahead.better, lr=ahead.lr)


def try_out(measured: Measured) -> Phrase:
    """No rule knows: that is what `recommend` is for."""
    return phrase("advice.try_out")


def go_further(measured: Measured) -> Phrase:
    """A loss that does not fall far: another rate, if one was found that gets further in half the steps."""
    ahead = measured.ahead
    further = ahead is not None and ahead.better_share < FURTHER
    return other_rate(measured) if further else try_out(measured)


def smaller_steps(measured: Measured) -> Phrase:
    """Running averages follow weights that move less."""
    return phrase("advice.smaller_steps")


def other_labels(measured: Measured) -> Phrase:
    """Labels that have nothing to do with the inputs, or too few samples."""
    return phrase("advice.other_labels")


def fit_output(measured: Measured) -> Phrase:
    """What stands between the last linear map and the loss."""
    fit = measured.fit
    assert fit is not None
    if fit.outputs == 1 and fit.ends_in in ("softmax", "log_softmax"):
        return phrase("advice.one_output", label=fit.ends_in)
    return phrase("advice.output", label=fit.ends_in)


def scale_targets(measured: Measured) -> Phrase:
    """Targets that are too large, too small or off their centre."""
    return phrase("advice.scale_targets")


def balance_classes(measured: Measured) -> Phrase:
    """Classes of very different sizes."""
    return phrase("advice.classes")


def without_biases(measured: Measured) -> Phrase | None:
    """That biases should be 0, where they are not."""
    return phrase("advice.biases") if any(layer.bias > 0 for layer in measured.layers) else None


def draw(measured: Measured) -> Phrase:
    """Weights that are alike, or all 0."""
    return phrase("advice.draw", start=good_start(measured), biases=without_biases(measured))


def hidden_layer(measured: Measured) -> Phrase:
    """A linear network."""
    return phrase("advice.activation_between" if len(measured.layers) > 1 else "advice.hidden_layer")


def less_dropout(measured: Measured) -> Phrase:
    """Dropout that drowns the signal."""
    return phrase("advice.dropout")


def hold(measured: Measured) -> Phrase:
    """Parameters that nobody moves."""
    return phrase("advice.hold")


def look_at_targets(measured: Measured) -> Phrase:
    """Targets that are all the same."""
    return phrase("advice.targets_alike")


def reshape_targets(measured: Measured) -> Phrase:
    """Targets in a row against predictions in a column."""
    return phrase("advice.reshape")


def more_samples(measured: Measured) -> Phrase:
    """Too few samples."""
    return phrase("advice.more_samples")


def less_decay(measured: Measured) -> Phrase:
    """Weights that decay faster than they learn."""
    return phrase("advice.decay")


def unstick(measured: Measured) -> Phrase:
    """Weights without a gradient: the loss has none, or they are to be drawn."""
    if all("loss derivative" in zeros.rules for zeros in measured.zeros):
        return phrase("advice.loss")
    if any(layer.dead_share == 1 and layer.w.rms > 0 for layer in measured.layers[:-1]):
        return revive(measured)
    return draw(measured)


def generator(measured: Measured) -> Phrase:
    """Weights of several layers that are the same."""
    return phrase("advice.generator")


def carry(measured: Measured) -> Phrase:
    """A signal that does not depend on the input."""
    if has_good_start(measured):
        return scaling(measured)
    return phrase("advice.carry", start=good_start(measured), biases=without_biases(measured))


def revive(measured: Measured) -> Phrase:
    """Dead units."""
    inputs = measured.inputs
    if abs(inputs.mean) > inputs.across_samples:  # all features on one side: units die together
        return phrase("advice.dead.inputs")
    if has_good_start(measured):
        return phrase("advice.dead.design")
    return phrase("advice.dead", start=good_start(measured), biases=without_biases(measured))


def calm(measured: Measured) -> Phrase:
    """Saturated units."""
    if has_good_start(measured):
        return phrase("advice.saturated.inputs")
    return phrase("advice.saturated", start=good_start(measured))


def scaling(measured: Measured) -> Phrase:
    """What to do about a signal or a gradient that changes from layer to layer."""
    way = measured.attributions[0]
    label, value = max(way.totals().items(), key=lambda item: abs(item[1]), default=("W", 0.0))
    steps = max(len(measured.layers) - 1, 1)
    record, start = record_of(activation_of(measured)), good_start(measured)
    if value < 0 and label in {f"{layer.activation}'" for layer in measured.layers if is_gentle(layer.activation)}:
        return phrase("advice.activation", label=label, decades=-value / steps)
    if label == RESIDUAL and value > 0:
        return phrase("advice.branches")
    if has_good_start(measured):
        return phrase("advice.design")
    if record is not None and record.homogeneous and math.isfinite(way.way) and abs(way.way) > 0.3:
        clip = phrase("advice.factor.clip") if way.way > 0 else None
        return phrase("advice.factor", start=start, factor=power_of_ten(-way.way / steps), clip=clip)
    biases = without_biases(measured)
    return phrase("advice.start", start=start, biases=biases, clip=phrase("advice.start.clip") if way.way > 0 else None)


def is_gentle(name: str) -> bool:
    """Whether the slope of an activation is at most 1/4 everywhere."""
    record = record_of(name)
    return record is not None and record.steepest <= GENTLE


def hide_targets(measured: Measured) -> Phrase:
    """Targets that stand in the input where the network sees them."""
    found = measured.sequences
    ahead = found is not None and (found.read_off or 0) > 0
    return phrase("advice.mask" if ahead else "advice.shift")


def divide(measured: Measured) -> Phrase:
    """Products of queries and keys that are too large."""
    found = [] if measured.sequences is None else list(measured.sequences.attention)
    width = max((each.width for each in found), default=0)
    return phrase("advice.divide", width=width)


def remember(measured: Measured) -> Phrase:
    """States that forget: by which size of the recurrent matrix, and which bias of forget gates, of the worst layer."""
    found = () if measured.sequences is None else measured.sequences.recurrences
    worst = min(found, key=lambda each: each.reach)
    gates = None if math.isnan(worst.forget) else phrase("advice.remember.forget", bias=worst.forget)
    return phrase("advice.remember", name=worst.name, radius=worst.radius, gates=gates, steps=worst.steps)
