"""The loss of the best prediction that does not look at the input: what a network has to be better than."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Slopes that cancel to this share of their sizes are 0, and a share of no sample is this.
LEVEL, LEAST = 1e-9, 1e-38


def best_constant_loss(
    loss_of: Callable[[Array], tuple[float, Array]], targets: Any, outputs: tuple[int, ...], steps: int = 100
) -> float:
    """What is best for squared errors and cross entropies is tried first, then found by gradient descent (Adam).

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
    found, start = math.inf, np.zeros(outputs[1:])
    with np.errstate(all="ignore"):
        for constant in likely(np.asarray(targets), outputs):
            cost, cotangent = loss_of(np.broadcast_to(constant, outputs))
            if np.abs(cotangent.sum(axis=0)).max() <= LEVEL * np.abs(cotangent).sum():
                return cost  # no constant nearby is better
            if cost < found:
                found, start = cost, constant
        constant = start
        scale = max(1.0, float(np.std(known))) if alike else 1.0
        m, v = np.zeros_like(constant), np.zeros_like(constant)
        for step in range(1, steps + 1):
            cost, cotangent = loss_of(np.broadcast_to(constant, outputs))
            found = min(found, cost)
            slope = np.sum(cotangent, axis=0)
            m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope * slope
            rate = 0.3 * scale * (1 - step / (steps + 1))
            constant = constant - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-12)
    return found


def likely(targets: Array, outputs: tuple[int, ...]) -> Iterator[Array]:
    """Constants that are the best for the usual losses.

    The mean of the targets for squared errors; the logarithms of the classes' shares for a cross entropy of a softmax,
    the logits of the mean for one of sigmoids (a class that never comes has the least logarithm that float32 holds).
    """
    yield np.zeros(outputs[1:])
    if targets.shape == outputs:
        mean = np.asarray(targets, np.float64).mean(axis=0)
        yield mean
        if np.all((mean >= 0) & (mean <= 1)):
            yield np.log(np.maximum(mean, LEAST)) - np.log(np.maximum(1 - mean, LEAST))
            yield np.log(np.maximum(mean, LEAST))
    elif targets.shape == outputs[:1] and len(outputs) == 2 and targets.dtype.kind in "iub" and targets.min() >= 0:
        shares = np.bincount(targets.astype(np.int64), minlength=outputs[1])[: outputs[1]] / len(targets)
        yield np.log(np.maximum(shares, LEAST))
