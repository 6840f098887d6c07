"""What to do about a finding, by rule; `recommend` tries it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .report import Report
    from .verdict import Answer, Verdict

# A plain gradient step that changes the weights by this share is neither timid nor wild.
GOOD_UPDATE = 1e-3
# Rectifiers want He's gain; what is linear around 0 wants 1.
RECTIFIERS = ("relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "softplus")


def good_start(report: Report) -> str:
    """The start that suits the activation."""
    names = {layer.activation for layer in report.layers}
    if names & set(RECTIFIERS):
        return "He's start (std √(2/fan_in))"
    return "LeCun's start (std 1/√fan_in)" if names & {"selu"} else "Xavier's start (std √(2/(fan_in + fan_out)))"


def advise(report: Report, found: Sequence[Answer]) -> Answer:
    """The last question: one sentence for the gravest finding, or for the learning rate if there is none."""
    from .verdict import ADVICE, Answer, gravest

    worst = gravest(report)
    if worst is None:
        return Answer(ADVICE, True, learning_rate(report))
    others = {finding.word for answer in found for finding in answer.findings} - {worst.word}
    sentence = remedy(worst, report)
    if "correlated" in others:
        sentence += " Draw all layers from one generator, not from one seed each."
    return Answer(ADVICE, False, sentence)


def remedy(worst: Verdict, report: Report) -> str:
    """What to do about one finding."""
    start = good_start(report)
    if worst.word in ("symmetric", "stuck", "asleep"):
        return f"Draw the weights at random, each by itself: {start}, biases 0."
    if worst.word == "correlated":
        return "Draw all layers from one generator, not from one seed each."
    if worst.word == "lost":
        return f"Use {start} and biases 0, so that the weights carry the signal."
    if worst.word == "dead":
        return f"Use {start}, biases 0 and a smaller learning rate, or an activation with a slope on both sides."
    if worst.word == "saturated":
        return f"Bring z down to about 1: scale the inputs to unit variance and use {start}."
    return scaling(report, start)


def scaling(report: Report, start: str) -> str:
    """What to do about a signal or a gradient that changes from layer to layer."""
    way = report.attributions[0]
    label, value = max(way.totals().items(), key=lambda item: abs(item[1]), default=("W", 0.0))
    steps = max(len(report.layers) - 1, 1)
    if label.endswith("'") and value < 0 and label in ("sigmoid'", "hard_sigmoid'"):
        return (
            f"Change the activation: {label} alone costs {-value / steps:.1f} decades a layer, and no start makes its "
            "slope larger than 1/4. Use relu with He's start, or tanh with Xavier's."
        )
    if np.isfinite(way.way) and abs(way.way) > 0.3:
        factor = 10 ** (-way.way / steps)
        return (
            f"Use {start}; at this batch, weights {factor:.2g} times as large would keep the gradient's size from "
            f"layer to layer{'; or clip its norm' if way.way > 0 else ''}."
        )
    return f"Use {start}, and biases 0."


def learning_rate(report: Report) -> str:
    """For a healthy start: how large a step is."""
    ratios = [layer.update_ratio for layer in report.layers if np.isfinite(layer.update_ratio)]
    if not ratios or report.lr == 0:
        return "Nothing: the start is healthy."
    typical = float(np.median(ratios))
    if typical == 0:
        return "Nothing: the start is healthy, and the loss has no slope."
    if GOOD_UPDATE / 10 <= typical <= GOOD_UPDATE * 30:
        return f"Nothing: the start is healthy; a step of plain gradient descent changes weights by {typical:.2g}."
    better = report.lr * GOOD_UPDATE / typical
    return (
        f"Keep the start; with plain gradient descent a learning rate near {better:.1g} instead of {report.lr:g} "
        f"would change weights by {GOOD_UPDATE:g} a step, now it is {typical:.2g}."
    )
