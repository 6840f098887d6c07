"""What to do about a finding, by rule; `recommend` tries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .measures.zeros import LOSS
from .network import power_of_ten

if TYPE_CHECKING:
    from .findings import Verdict
    from .report import Report

# Plain gradient steps that change the weights by such shares are neither timid nor wild; in the middle is this one.
TIMID, WILD, GOOD_UPDATE = 1e-5, 0.1, 3e-3
# Activations for which a start has a name of its own; for the others there is the critical start of theory.
NAMED = {
    **dict.fromkeys(("relu", "leaky_relu", "prelu"), ("He's start (std √(2/fan_in))", 2.0)),
    **dict.fromkeys(
        ("tanh", "sigmoid", "erf", "identity", "softsign", "hardtanh", "sin", "elu"),
        ("Xavier's start (std √(2/(fan_in + fan_out)))", 1.0),
    ),
    "selu": ("LeCun's start (std 1/√fan_in)", 1.0),
}
# Activations with φ(c z) = c φ(z) for c > 0: the gradient's size is a power of the weights'.
HOMOGENEOUS = ("", "identity", "relu", "leaky_relu", "prelu")


ONE_GENERATOR = "Draw all layers from one generator, not from one seed each."


def activation_of(report: Report) -> str:
    """The hidden layers' activation, the first if there are several."""
    return next((layer.activation for layer in report.layers if layer.activation), "identity")


def good_start(report: Report) -> str:
    """The start that suits the activation."""
    name = activation_of(report)
    return NAMED[name][0] if name in NAMED else f"the critical start of {name} (tgi.starts.critical)"


def has_good_start(report: Report) -> bool:
    """Whether the hidden layers' weights have that size already."""
    name = activation_of(report)
    if name not in NAMED:
        return False
    # A product, as a power that is too large would be an error.
    sizes = [layer.w.rms * layer.w.rms * layer.w.count / layer.units for layer in report.layers[:-1]]
    return bool(sizes) and all(0.7 * NAMED[name][1] < size < 1.4 * NAMED[name][1] for size in sizes)


def remedy(worst: Verdict, report: Report) -> str:
    """What to do about one finding."""
    start = good_start(report)
    if report.inputs.not_finite > 0:
        return "Find out where the inputs' infinities and NaN come from; no network survives them."
    if worst.layer is None and worst.word == "lost":
        return "Look at how the inputs are made: every sample has the same."
    if worst.word == "unscaled":
        return "Scale the inputs: every feature to mean 0 and variance 1 (tgi.data.StandardScaler)."
    if worst.word == "stuck" and all(LOSS in zeros.rules for zeros in report.zeros):
        return "Look at the loss: it does not depend on the outputs, or it is at its minimum already."
    if worst.word in ("symmetric", "stuck", "asleep"):
        return f"Draw the weights at random, each by itself: {start}, biases 0."
    if worst.word == "correlated":
        return ONE_GENERATOR
    if worst.word == "lost" and not has_good_start(report):
        return f"Use {start} and biases 0, so that the weights carry the signal."
    if worst.word == "dead":
        return f"Use {start}, biases 0 and a smaller learning rate, or an activation with a slope on both sides."
    if worst.word == "saturated":
        return f"Bring z down to about 1: use {start}."
    return scaling(report, start)


def scaling(report: Report, start: str) -> str:
    """What to do about a signal or a gradient that changes from layer to layer."""
    way = report.attributions[0]
    label, value = max(way.totals().items(), key=lambda item: abs(item[1]), default=("W", 0.0))
    steps = max(len(report.layers) - 1, 1)
    if value < 0 and label in ("sigmoid'", "hard_sigmoid'"):
        return (
            f"Change the activation: {label} alone costs {-value / steps:.1f} decades a layer, and no start makes its "
            "slope larger than 1/4. Use relu with He's start, or tanh with Xavier's."
        )
    if has_good_start(report):
        return (
            "The weights have the start that suits the activation: at this depth and width that is not enough. Use "
            "residual connections or normalization, or fewer and wider layers."
        )
    if activation_of(report) in HOMOGENEOUS and np.isfinite(way.way) and abs(way.way) > 0.3:
        factor = power_of_ten(-way.way / steps)
        return (
            f"Use {start}; at this batch, weights {factor:.2g} times as large would keep the gradient's size from "
            f"layer to layer{'; or clip its norm' if way.way > 0 else ''}."
        )
    return f"Use {start}, and biases 0{'; or clip the gradient' if way.way > 0 else ''}."


def learning_rate(report: Report) -> str:
    """For a healthy network: how large a step is."""
    typical, what = report.typical_update, "network" if report.trained else "start"
    if np.isnan(typical) or report.lr == 0:
        return f"Nothing: the {what} is healthy."
    if typical == 0:
        return f"Nothing: the {what} is healthy, and the loss has no slope."
    # Steps become small where training ends, and should.
    if typical <= WILD and (typical >= TIMID or report.trained):
        return f"Nothing: the {what} is healthy; a step of plain gradient descent changes weights by {typical:.2g}."
    better = report.lr * GOOD_UPDATE / typical
    return (
        f"Keep the {what}; a step of plain gradient descent changes weights by {typical:.2g}: try a learning rate near "
        f"{better:.1g} instead of {report.lr:g}."
    )
