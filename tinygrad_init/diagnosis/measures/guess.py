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
    axis = classes_along(np.asarray(targets), outputs)
    # Positions of a sequence or an image are like samples: all have the same constant for each class.
    together = tuple(i for i in range(len(outputs)) if i == 0 or axis not in (None, i))
    found, start = math.inf, np.zeros([1 if i in together else size for i, size in enumerate(outputs)])
    with np.errstate(all="ignore"):
        for constant in likely(np.asarray(targets), outputs, axis):
            cost, cotangent = loss_of(np.broadcast_to(constant, outputs))
            if np.abs(cotangent.sum(axis=together)).max() <= LEVEL * np.abs(cotangent).sum():
                return cost  # no constant nearby is better
            if cost < found:
                found, start = cost, constant
        constant = start
        scale = max(1.0, float(np.std(known))) if alike else 1.0
        m, v = np.zeros_like(constant), np.zeros_like(constant)
        for step in range(1, steps + 1):
            cost, cotangent = loss_of(np.broadcast_to(constant, outputs))
            found = min(found, cost)
            slope = np.sum(cotangent, axis=together, keepdims=True)
            m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope * slope
            rate = 0.3 * scale * (1 - step / (steps + 1))
            constant = constant - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-12)
    return found


def classes_along(targets: Array, outputs: tuple[int, ...]) -> int | None:
    """Which axis of the outputs are classes, of which the targets hold the numbers; None where they hold none."""
    if targets.dtype.kind not in "iub" or len(outputs) < 2:
        return None
    without = {axis: (*outputs[:axis], *outputs[axis + 1 :]) for axis in (1, len(outputs) - 1)}
    return next((axis for axis, shape in without.items() if targets.shape == shape), None)


def likely(targets: Array, outputs: tuple[int, ...], axis: int | None) -> Iterator[Array]:
    """Constants that are the best for the usual losses.

    The mean of the targets for squared errors; the logarithms of the classes' shares for a cross entropy of a softmax,
    the logits of the mean for one of sigmoids (a class that never comes has the least logarithm that float32 holds).

    Parameters
    ----------
    targets, outputs
        As in `best_constant_loss`.
    axis
        See `classes_along`.
    """
    yield np.zeros([1] * len(outputs))
    if targets.shape == outputs:
        mean = np.asarray(targets, np.float64).mean(axis=0, keepdims=True)
        yield mean
        if np.all((mean >= 0) & (mean <= 1)):
            yield np.log(np.maximum(mean, LEAST)) - np.log(np.maximum(1 - mean, LEAST))
            yield np.log(np.maximum(mean, LEAST))
    elif axis is not None:
        known = targets[(targets >= 0) & (targets < outputs[axis])].astype(np.int64)  # others are left out by the loss
        shares = np.bincount(known.reshape(-1), minlength=outputs[axis]) / max(known.size, 1)
        yield np.log(np.maximum(shares, LEAST)).reshape([-1 if i == axis else 1 for i in range(len(outputs))])
