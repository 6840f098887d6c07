"""What losses share: targets that are checked, and losses of samples that become one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.modes import Unforeseen, mode
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .registry import Array


def reduce(values: Tensor, reduction: str, name: str) -> Tensor:
    """Losses a sample as one number, or as they are."""
    if reduction == "none":
        return values
    if reduction not in ("mean", "sum"):
        raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if values.size == 0 and reduction == "mean":
        raise ValueError(f"{name}: no samples to take the mean of; the sum of none is 0")
    return values.mean() if reduction == "mean" else values.sum()


def _numbers(target: Any, name: str) -> Array:
    """A target as an array.

    Raises
    ------
    TypeError
        It is not made of real numbers.
    """
    found = operand(target)
    if found.dtype.kind in "OSU":
        raise TypeError(
            f"{name}: expected a target of numbers, got {type(target).__name__} of {found.dtype}; names of classes "
            "become class numbers by classes, numbers = np.unique(names, return_inverse=True)"
        )
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected a target of real numbers, got {found.dtype}")
    return found


def _constant(target: Any, prediction: Tensor, name: str) -> Tensor:
    """A target as a tensor like the prediction, without a history."""
    if isinstance(target, Tensor) and target.requires_grad:
        raise TypeError(f"{name}: a target is a constant, but this one requires grad; detach() it")
    return _fitting(target, prediction, name)


def _fitting(target: Any, prediction: Tensor, name: str) -> Tensor:
    """A target as a tensor in the shape of the prediction."""
    _numbers(target, name)
    found = target if isinstance(target, Tensor) else Tensor(target, prediction.dtype)
    if found.shape != prediction.shape:
        raise ValueError(f"{name}: target has shape {found.shape}; expected {prediction.shape}, the prediction's")
    return found


def class_numbers(labels: Array, shape: tuple[int, ...], name: str, other: int | None = None) -> Array:
    """Labels checked to be whole numbers from 0 to classes - 1, one a sample.

    Raises
    ------
    ValueError
        They are not.
    Unforeseen
        They are not, and `other` is among them.
    """
    samples, classes = shape
    if labels.shape != (samples,):
        raise ValueError(f"{name}: target has shape {labels.shape}; expected ({samples},) or ({samples}, {classes})")

    def error(found: Array) -> Exception:
        bad = np.flatnonzero((found != np.trunc(found)) | (found < 0) | (found >= classes))[0]
        if other is not None and np.any(found == other):
            return Unforeseen(f"{name}: target {other}")
        return ValueError(f"{name}: target {found[bad]} of sample {bad} is no class number from 0 to {classes - 1}")

    require_between(labels, 0, classes - 1, error)
    if labels.dtype.kind != "f":
        return labels.astype(np.int64, copy=mode.trace is None)  # what is eager must not see later changes
    with np.errstate(invalid="ignore"):
        numbers = labels.astype(np.int64)
    require_between(numbers.astype(labels.dtype) - labels, 0, 0, error, labels)
    return numbers


def require_between(
    array: Array, low: float, high: float, error: Callable[[Array], Exception], show: Array | None = None
) -> None:
    """Raise what `error` makes of the numbers, or of `show`, unless all lie within limits; in programs, at each run."""
    trace = mode.trace
    if trace is not None:
        trace.recorder.check(array, low, high, error, show)
    elif not kernels.within(array, low, high):
        raise error(array if show is None else show)


def class_weights(name: str, weight: Any, classes: int, like: Tensor) -> Tensor | None:
    """A number for each class, as a constant tensor; None where there is none.

    Raises
    ------
    ValueError
        There are not as many as classes.
    """
    if weight is None:
        return None
    found = weight.detach() if isinstance(weight, Tensor) else Tensor(_numbers(weight, name), like.dtype)
    if found.shape != (classes,):
        raise ValueError(f"{name}: weight has shape {found.shape}; expected ({classes},), a number for each class")
    return found if found.dtype == like.dtype else found.astype(like.dtype)
