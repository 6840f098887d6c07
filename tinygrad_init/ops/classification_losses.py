"""Losses of classes: weighted, smoothed, with margins, one class or several a sample.

`reduction` is "mean" (the default), "sum" or "none", as for all losses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .activation_variants import log_sigmoid
from .activations import log_softmax, softplus
from .elementwise import clip, where
from .rearranging import moveaxis
from .registry import Array
from .shape import _reshape, expand_dims, getitem
from .targets import _constant, _numbers, class_numbers, class_weights, reduce


def _rows(name: str, scores: Tensor, target: Array) -> tuple[Tensor, Array, tuple[int, ...]]:
    """Scores as (samples, classes), numbers of classes in a row, and the shape that there is a loss for each of."""
    if scores.ndim == 0:
        raise ValueError(f"{name}: expected scores of shape (samples, classes), got one number")
    if scores.ndim == 1:
        shape: tuple[int, ...] = ()
        rows = expand_dims(scores, 0)
    else:
        shape = (scores.shape[0], *scores.shape[2:])
        rows = scores if scores.ndim == 2 else moveaxis(scores, 1, -1)
        rows = _reshape(rows, (-1 if scores.size else int(np.prod(shape)), scores.shape[1]))
    if target.shape != shape:
        raise ValueError(f"{name}: target has shape {target.shape}; expected {shape}, that of the scores, "
                         f"{scores.shape}, without the axis of classes")  # fmt: skip
    return rows, target.reshape((rows.shape[0],)), shape


def _picked(
    name: str,
    rows: Tensor,
    labels: Array,
    shape: tuple[int, ...],
    reduction: str,
    weight: Tensor | None,
    ignore_index: int | None,
    smoothing: float,
) -> Tensor:
    """Losses from logarithms of probabilities in rows."""
    keep = None if ignore_index is None else labels != ignore_index
    if keep is not None and mode.trace is None and keep.all():
        keep = None
    numbers = class_numbers(labels if keep is None else np.where(keep, labels, 0), rows.shape, name)
    classes = rows.shape[1]
    losses = -getitem(rows, (np.arange(len(numbers)), numbers))
    counted = None if weight is None else getitem(weight, numbers)
    losses = losses if counted is None else losses * counted
    if smoothing:
        spread = -(rows if weight is None else rows * weight).sum(1)
        losses = (1.0 - smoothing) * losses + (smoothing / classes) * spread
    if keep is not None:
        losses = where(keep, losses, 0.0)
        ones = Tensor(np.ones(len(numbers)), rows.dtype) if counted is None else counted
        counted = where(keep, ones, 0.0)
    if reduction == "mean" and counted is not None:
        reduce(losses, "mean", name)  # refuses no samples
        return losses.sum() / counted.sum()
    return reduce(_reshape(losses, shape), reduction, name)


def _require_smoothing(smoothing: float) -> None:
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"cross_entropy: expected label_smoothing from 0 to 1, got {smoothing}")


def weighted_cross_entropy(
    logits: Tensor, target: Any, reduction: str, weight: Any, ignore_index: int | None, label_smoothing: float
) -> Tensor:
    """`cross_entropy` with all of its options."""
    name = "cross_entropy"
    _require_smoothing(label_smoothing)
    if logits.ndim == 0:
        raise ValueError(f"{name}: expected logits of shape (samples, classes), got one number")
    axis = 0 if logits.ndim == 1 else 1
    classes = class_weights(name, weight, logits.shape[axis], logits)
    labels = _numbers(target, name)
    if labels.shape != logits.shape:
        rows, numbers, shape = _rows(name, logits, labels)
        return _picked(name, log_softmax(rows), numbers, shape, reduction, classes, ignore_index, label_smoothing)
    if ignore_index is not None and ignore_index >= 0:
        raise ValueError(f"{name}: ignore_index={ignore_index} is for class numbers, not for probabilities")
    probabilities = target if isinstance(target, Tensor) else _constant(target, logits, name)
    if label_smoothing:
        probabilities = probabilities * (1.0 - label_smoothing) + label_smoothing / logits.shape[axis]
    terms = where(probabilities == 0, 0.0, probabilities * log_softmax(logits, axis))  # 0·ln 0 is 0
    if classes is not None:
        terms = terms * _reshape(classes, (-1, *(1,) * (logits.ndim - axis - 1)))
    return reduce(-terms.sum(axis), reduction, name)


def nll_loss(
    input: Any, target: Any, *, weight: Any = None, ignore_index: int | None = -100, reduction: str = "mean"
) -> Tensor:
    """-x at the target class, of logarithms of probabilities such as `log_softmax` makes; see `cross_entropy`."""
    (x,) = coerce("nll_loss", (input,))
    rows, labels, shape = _rows("nll_loss", x, _numbers(target, "nll_loss"))
    weights = class_weights("nll_loss", weight, rows.shape[1], x)
    return _picked("nll_loss", rows, labels, shape, reduction, weights, ignore_index, 0.0)


def multi_margin_loss(
    input: Any, target: Any, *, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """Σ max(0, margin - s_y + s_j)^p over the wrong classes, divided by the number of classes (Crammer, Singer 2001).

    Parameters
    ----------
    input
        Scores of shape (samples, classes), or (classes,).
    target
        Class numbers.
    p
        1 or 2.
    weight
        A number for each class that the losses of its samples are multiplied by.
    """
    name = "multi_margin_loss"
    (x,) = coerce(name, (input,))
    if p not in (1, 2) or x.ndim not in (1, 2):
        raise ValueError(f"{name}: expected p 1 or 2 and scores (samples, classes), got {p} and shape {x.shape}")
    labels = _numbers(target, name)
    # One sample's number may stand alone or in a row, as in PyTorch.
    rows, labels, shape = _rows(name, x, labels.reshape(()) if x.ndim == 1 and labels.shape == (1,) else labels)
    numbers, weights = class_numbers(labels, rows.shape, name), class_weights(name, weight, rows.shape[1], x)
    right = expand_dims(getitem(rows, (np.arange(len(numbers)), numbers)), 1)
    over = clip(margin + rows - right, 0.0, None)
    over = over * over if p == 2 else over
    wrong = np.arange(rows.shape[1]) != numbers[:, np.newaxis]
    losses = where(wrong, over, 0.0).sum(1) * (1.0 / rows.shape[1])
    losses = losses if weights is None else losses * getitem(weights, numbers)
    return reduce(_reshape(losses, shape), reduction, name)


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Σ max(0, 1 - s_j + s_i) over classes j of a sample and i that are none of it, divided by the number of classes.

    Parameters
    ----------
    input
        Scores of shape (samples, classes), or (classes,).
    target
        For each sample the numbers of its classes, then -1, in as many columns as there are classes.
    """
    name = "multilabel_margin_loss"
    (x,) = coerce(name, (input,))
    y = _numbers(target, name)
    if x.ndim not in (1, 2) or y.shape != x.shape:
        raise ValueError(f"{name}: expected scores (samples, classes) and a target like them, got {x.shape}, {y.shape}")
    rows, y = (x, y) if x.ndim == 2 else (expand_dims(x, 0), y.reshape((1, -1)))
    samples, classes = rows.shape
    open_, hits = np.ones((samples,)), np.zeros((samples, classes))
    for k in range(classes):
        open_ = np.where(y[:, k] >= 0, open_, 0.0)
        numbers = class_numbers(np.where(open_ > 0, y[:, k], 0), rows.shape, name)
        hits = hits + np.where(np.arange(classes) == numbers[:, np.newaxis], open_[:, np.newaxis], 0.0)
    over = clip(1.0 - expand_dims(rows, 2) + expand_dims(rows, 1), 0.0, None)
    counts = (hits[:, :, np.newaxis] * np.where(hits > 0, 0.0, 1.0)[:, np.newaxis, :]).astype(x.dtype)
    losses = (over * counts).sum((1, 2)) * (1.0 / classes)
    return reduce(losses if x.ndim == 2 else _reshape(losses, ()), reduction, name)


def multilabel_soft_margin_loss(input: Any, target: Any, *, weight: Any = None, reduction: str = "mean") -> Tensor:
    """-y ln σ(x) - (1 - y) ln σ(-x), averaged over the classes, the last axis.

    Parameters
    ----------
    weight
        A number for each class that its losses are multiplied by.
    """
    name = "multilabel_soft_margin_loss"
    (x,) = coerce(name, (input,))
    y = _constant(target, x, name).detach()
    losses = -(y * log_sigmoid(x) + (1.0 - y) * log_sigmoid(-x))
    if weight is not None:
        losses = losses * class_weights(name, weight, x.shape[-1], x)
    return reduce(losses.mean(-1), reduction, name)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(-y x)) for signs y = ±1."""
    (x,) = coerce("soft_margin_loss", (input,))
    return reduce(softplus(-_constant(target, x, "soft_margin_loss").detach() * x), reduction, "soft_margin_loss")


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - y (x₁ - x₂)): y = 1 where the first should rank higher, -1 where the second."""
    name = "margin_ranking_loss"
    x1, x2 = coerce(name, (input1, input2))
    if x1.ndim != x2.ndim or _numbers(target, name).ndim != x1.ndim:
        raise ValueError(f"{name}: expected inputs and target with as many axes, got {x1.shape} and {x2.shape}")
    y = Tensor(_numbers(target, name), x1.dtype)
    return reduce(clip(margin - y * (x1 - x2), 0.0, None), reduction, name)


def hinge_embedding_loss(input: Any, target: Any, *, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """x where y = 1, and max(0, margin - x) where y = -1: distances of pairs that are alike, and of others."""
    name = "hinge_embedding_loss"
    (x,) = coerce(name, (input,))
    y = operand(_constant(target, x, name))
    far = where(y == 1, 0.0, clip(margin - x, 0.0, None))
    return reduce(far + where(y == -1, 0.0, x), reduction, name)
