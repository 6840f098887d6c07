"""Losses of two classes: of the logit before the sigmoid, and of the probability after it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .activations import sigmoid, softplus
from .elementwise import gated, log, log1p, maximum
from .registry import Array, binary, operation
from .targets import _fitting, reduce, require_between

SMALLEST = 1e-12  # what the slope of a probability is divided by at least, as in PyTorch
LOWEST = -100.0  # no logarithm is taken to be less, as in PyTorch: a probability of 0 costs 100

_binary_cross_entropy = binary(
    "binary_cross_entropy_with_logits",
    "-y ln σ(x) - (1 - y) ln(1 - σ(x))",
    # σ(x) - y, written so that nothing cancels for y = 0 and 1
    lambda g, x, y: gated(g, (1.0 - y) * sigmoid(x) - y * sigmoid(-x)),
    lambda g, x: gated(g, -x),
)


def binary_cross_entropy_with_logits(
    logits: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Tensor:
    """-y ln σ(z) - (1 - y) ln(1 - σ(z)), of logits z, written so that nothing cancels or overflows for y = 0 and 1.

    Parameters
    ----------
    logits
        Of any shape.
    target
        Probabilities from 0 to 1 of the same shape.
    weight
        A factor for each element, stretched to the shape of the logits.
    pos_weight
        A factor for the first part alone, so that a class that is rare counts more.

    Raises
    ------
    ValueError
        A target does not lie between 0 and 1, or its shape differs.
    """
    name = "binary_cross_entropy_with_logits"
    (logits,) = coerce(name, (logits,))
    y = _between(target, logits, name)
    if pos_weight is None:
        losses = _binary_cross_entropy(logits, y)
    else:
        losses = y * pos_weight * softplus(-logits) + (1.0 - y) * softplus(logits)
    return reduce(losses if weight is None else losses * weight, reduction, name)


@operation(
    lambda g, x, y: gated(g, (x - y) / maximum(x * (1.0 - x), SMALLEST)),
    lambda g, x: gated(g, maximum(log1p(-x), LOWEST) - maximum(log(x), LOWEST)),
    formula="-y ln x - (1 - y) ln(1 - x), each logarithm at least -100",
    examples=lambda rng: [((rng.uniform(0.1, 0.9, size=(2, 3)), rng.uniform(size=(2, 3))), {})],
)
def _of_probabilities(x: Array, y: Array, /) -> Array:
    with np.errstate(divide="ignore"):
        return -(y * np.maximum(np.log(x), LOWEST) + (1 - y) * np.maximum(np.log1p(-x), LOWEST))


def binary_cross_entropy(prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None) -> Tensor:
    """-y ln p - (1 - y) ln(1 - p), of probabilities p, with PyTorch's limits: no logarithm is less than -100.

    For training take `binary_cross_entropy_with_logits`: near 0 and 1 a sigmoid has no digits left for this one.

    Parameters
    ----------
    prediction
        Probabilities, of any shape.
    target
        Probabilities from 0 to 1 of the same shape.
    weight
        A factor for each element, stretched to the shape of the prediction.

    Raises
    ------
    ValueError
        A prediction is no probability (logits are taken by `binary_cross_entropy_with_logits`), or a target is none.
    """
    name = "binary_cross_entropy"
    (prediction,) = coerce(name, (prediction,))
    y = _between(target, prediction, name)
    require_between(
        operand(prediction.detach()), 0, 1, lambda _: ValueError(
            f"{name}: predictions must be probabilities from 0 to 1, as a sigmoid gives them; "
            f"{name}_with_logits takes what is before the sigmoid"
        )
    )  # fmt: skip
    losses = _of_probabilities(prediction, y)
    return reduce(losses if weight is None else losses * weight, reduction, name)


def _between(target: Any, prediction: Tensor, name: str) -> Tensor:
    """A target whose numbers are probabilities; another network may give them."""
    y = _fitting(target, prediction, name)
    require_between(operand(y.detach()), 0, 1, lambda _: ValueError(f"{name}: targets must lie between 0 and 1"))
    return y
