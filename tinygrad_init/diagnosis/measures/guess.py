"""The loss of the best prediction that does not look at the input: what a network has to be better than."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def best_constant_loss(
    loss_of: Callable[[Array], tuple[float, Array]], targets: Any, outputs: tuple[int, ...], steps: int = 100
) -> float:
    """Found by gradient descent (Adam).

    Parameters
    ----------
    loss_of
        From predictions to the loss and its cotangent, in float64 (`Network.loss_of`).
    targets
        What is to be predicted.
    outputs
        The shape of the predictions, the samples first.
    """
    known = np.asarray(targets, np.float64)
    alike = known.shape == outputs and np.isfinite(known).all()
    constant = known.mean(axis=0) if alike else np.zeros(outputs[1:])
    scale = max(1.0, float(np.std(known))) if alike else 1.0
    m, v = np.zeros_like(constant), np.zeros_like(constant)
    found = math.inf
    with np.errstate(all="ignore"):
        for step in range(1, steps + 1):
            cost, cotangent = loss_of(np.broadcast_to(constant, outputs))
            found = min(found, cost)
            slope = np.sum(cotangent, axis=0)
            m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope * slope
            rate = 0.3 * scale * (1 - step / (steps + 1))
            constant = constant - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-12)
    return found
