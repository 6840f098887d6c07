"""Connectionist temporal classification: sequences of labels without times."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .elementwise import where
from .reductions import logsumexp
from .registry import Array
from .selection import places
from .shape import _getitem, concatenate, expand_dims, getitem, stack
from .targets import reduce

IMPOSSIBLE = -1e30  # in place of the logarithm of 0: differences of such are numbers


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln of the probability of all ways to read a sequence of labels out of longer sequences of classes.

    Graves et al. 2006, equations 6 to 8, with logarithms: a way goes through the labels with blanks between them, stays
    or steps on at each time, and may leave out a blank between two labels that differ.

    Parameters
    ----------
    log_probs
        Logarithms of probabilities, of shape (times, samples, classes), or (times, classes) for one sample.
    targets
        Labels without blanks, of shape (samples, longest), or all of them in a row.
    input_lengths, target_lengths
        How many times and labels each sample has.
    blank
        The class that stands for no label.
    reduction
        "mean" divides each loss by its number of labels first; "sum"; "none".
    zero_infinity
        Whether a sequence that is too short for its labels counts as 0, instead of an infinite loss.

    Raises
    ------
    ValueError
        Shapes or lengths do not fit, or a label is no class or the blank.
    """
    name = "ctc_loss"
    (x,) = coerce(name, (log_probs,))
    single = x.ndim == 2
    x = expand_dims(x, 1) if single else x
    if x.ndim != 3 or not 0 <= blank < x.shape[2]:
        raise ValueError(f"{name}: expected (times, samples, classes) and a blank among them, got {x.shape}, {blank}")
    steps, samples, classes = x.shape
    times, counts = (np.atleast_1d(places(name, n)).reshape(-1) for n in (input_lengths, target_lengths))
    if times.shape != (samples,) or counts.shape != (samples,) or np.any(times < 1) or np.any(times > steps):
        raise ValueError(f"{name}: expected {samples} lengths from 1 to {steps} and as many of targets, got "
                         f"{times.tolist()} and {counts.tolist()}")  # fmt: skip
    labels = _labels(name, places(name, targets), counts, single)
    inside = np.arange(labels.shape[1]) < counts[:, np.newaxis]
    wrong = inside & ((labels < 0) | (labels >= classes) | (labels == blank))
    if wrong.any():
        raise ValueError(f"{name}: target {labels[wrong][0]} is no class from 0 to {classes - 1} other than the blank")
    states = np.full((samples, 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = np.where(inside, labels, blank)
    losses = -_forward(x, states, blank, times, counts)
    impossible = losses.numpy() > -0.5 * IMPOSSIBLE
    losses = where(impossible, 0.0 if zero_infinity else np.inf, losses)
    if single and reduction == "none":
        return losses.reshape(())
    if reduction == "mean":
        losses = losses * (1.0 / np.maximum(counts, 1)).astype(x.dtype)
    return reduce(losses, reduction, name)


def _labels(name: str, targets: Array, counts: Array, single: bool) -> Array:
    """Labels as (samples, longest)."""
    longest = int(counts.max(initial=0))
    if targets.ndim == 2 and not single:
        if targets.shape[0] != len(counts) or targets.shape[1] < longest or np.any(counts < 0):
            raise ValueError(f"{name}: targets of shape {targets.shape} do not have lengths {counts.tolist()}")
        return targets[:, :longest]
    if targets.ndim != 1 or targets.size != counts.sum() or np.any(counts < 0):
        raise ValueError(f"{name}: targets of shape {targets.shape} do not have lengths {counts.tolist()}")
    found = np.zeros((len(counts), longest), np.int64)
    found[np.arange(longest) < counts[:, np.newaxis]] = targets
    return found


def _forward(x: Tensor, states: Array, blank: int, times: Array, counts: Array) -> Tensor:
    """ln of the probability that each sample ends in its last label or the blank behind it."""
    samples, n = states.shape
    each = np.arange(samples)
    spoken = getitem(x, (slice(None), each[:, np.newaxis], states))  # (times, samples, states)
    skips = np.zeros((samples, n), bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    nothing = Tensor(np.full((samples, 2), IMPOSSIBLE), x.dtype)
    at = where(np.arange(n) < 2, _getitem(spoken, 0), IMPOSSIBLE)
    for t in range(1, x.shape[0]):
        before = concatenate([nothing, at], 1)
        stepped, skipped = (_getitem(before, (slice(None), slice(k, k + n))) for k in (1, 0))
        ways = logsumexp(stack([at, stepped, where(skips, skipped, IMPOSSIBLE)]), 0)
        at = where((t < times)[:, np.newaxis], ways + _getitem(spoken, t), at)
    last = getitem(at, (each, 2 * counts))
    other = getitem(at, (each, np.maximum(2 * counts - 1, 0)))
    return logsumexp(stack([last, where(counts > 0, other, IMPOSSIBLE)]), 0)
