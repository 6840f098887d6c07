"""What is asked of a network beside what it can give: data, output, loss and targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..network import ACTIVATION, OTHER, WEIGHTS, Link, Network
from ..records import Fit

Array = np.ndarray[Any, Any]

# Losses whose targets are class numbers, and those that compute probabilities of their own out of logits.
OF_CLASSES = ("cross_entropy", "hinge")
OF_LOGITS = ("cross_entropy", "binary_cross_entropy")
# What makes probabilities.
SOFTMAX = ("softmax", "log_softmax")
# A function that stays within this from -1000 to 1000 is bounded.
BOUNDED = 50.0


def fit(network: Network, x: Any, y: Any) -> Fit:
    """Of a network and the data that it is to learn, as they came.

    Parameters
    ----------
    network
        Run on the data with its loss (`loss_name`).
    x, y
        Samples and targets.
    """
    inputs, targets = np.asarray(x), np.asarray(y)
    ends_in, low, high = ending(network)
    classes = network.loss_name in OF_CLASSES
    with np.errstate(all="ignore"):
        numbers = np.asarray(targets, np.float64) if targets.dtype.kind in "fiub" else np.full(1, math.nan)
        spread = [math.nan] * 4 if classes else [float(f(numbers)) for f in (np.min, np.max, np.mean, np.std)]
        scales, widest, off_centre = features(inputs)
    return Fit(
        loss=network.loss_name,
        outputs=network.output.size // max(len(network.output), 1),
        ends_in=ends_in,
        output_low=low,
        output_high=high,
        target_low=spread[0],
        target_high=spread[1],
        target_mean=spread[2],
        target_std=spread[3],
        class_shares=class_shares(network.loss_name, targets),
        feature_scales=scales,
        widest=widest,
        off_centre=off_centre,
        input_missing=first_missing(inputs),
        target_missing=first_missing(targets),
    )


def ending(network: Network) -> tuple[str, float, float]:
    """What the last linear map's output goes through, and between what numbers that keeps it."""
    for link in reversed(network.links):
        if link.role == WEIGHTS:
            break
        kind = makes_probabilities(link)
        if kind:
            return kind, *((0.0, 1.0) if kind == "softmax" else (-math.inf, 0.0))
        if link.role == ACTIVATION and link.label != "identity":
            return link.label, *bounds(link)
        if link.role == OTHER and link.output.shape == link.x.shape and math.isfinite(bounds(link)[0]):
            return link.label, *bounds(link)
    return "", -math.inf, math.inf


def makes_probabilities(link: Link) -> str:
    """Whether what comes out of a link are probabilities of classes, or their logarithms: "softmax", "log_softmax"."""
    out = link.output
    if link.role in (WEIGHTS, ACTIVATION) or out.ndim != 2 or out.shape != link.x.shape or not np.isfinite(out).all():
        return ""
    for kind, values in (("softmax", out), ("log_softmax", np.exp(out))):
        if np.all(values >= 0) and np.allclose(values.sum(axis=1), 1.0, atol=1e-5):
            return kind
    return ""


def bounds(link: Link) -> tuple[float, float]:
    """Between what numbers the output stays, whatever comes in; infinite where it does not."""
    # A thousand is far out for any φ, and what is still small there is bounded.
    far = np.resize(np.concatenate([[-1e3, 1e3], np.linspace(-20, 20, 2001)]), (2003, link.x.shape[-1]))
    try:
        out = link.again(far.astype(link.x.dtype)).output
    except (TypeError, ValueError):  # it wants another shape
        return -math.inf, math.inf
    low, high = float(np.min(out)), float(np.max(out))
    return low if low > -BOUNDED else -math.inf, high if high < BOUNDED else math.inf


def class_shares(loss: str, targets: Array) -> tuple[float, ...]:
    """The share of every class, where targets are class numbers, one output a class, or 0 and 1."""
    if loss in OF_CLASSES and targets.ndim == 1 and targets.size and targets.dtype.kind in "iub":
        counts = np.bincount(targets.astype(np.int64) - int(targets.min()))
    elif loss == "binary_cross_entropy" and targets.size and np.isin(targets, (0, 1)).all():
        columns = targets.reshape(len(targets), -1)
        one_hot = columns.shape[1] > 1 and np.all(columns.sum(axis=1) == 1)
        ones = columns.sum(axis=0)
        counts = ones if one_hot else np.array([len(columns) - ones[0], ones[0]]) if columns.shape[1] == 1 else ones[:0]
    else:
        return ()
    total = float(np.sum(counts))
    return tuple(float(count) / total for count in counts) if total else ()


def features(inputs: Array) -> tuple[tuple[float, ...], int | None, tuple[float, int | None]]:
    """Scales of the features, the widest, and the one that lies farthest off its centre."""
    if inputs.ndim != 2 or inputs.dtype.kind not in "fiub" or not np.isfinite(inputs).all() or len(inputs) < 2:
        return (), None, (0.0, None)
    means, stds = np.mean(inputs, axis=0, dtype=np.float64), np.std(inputs, axis=0, dtype=np.float64)
    moving = stds > 1e-12 * np.max(np.abs(inputs), initial=0.0)
    if not moving.any():
        return (), None, (0.0, None)
    known = stds[moving]
    off = np.where(moving, np.abs(means) / np.where(moving, stds, 1.0), 0.0)
    farthest = int(np.argmax(off))
    known = np.sort(known)
    scales = float(known[0]), float(known[(len(known) - 1) // 2]), float(known[-1])
    return scales, int(np.argmax(stds)), (float(off[farthest]), farthest)


def first_missing(values: Array) -> tuple[int, int] | None:
    """Sample and feature of the first number that is infinite or NaN."""
    if values.dtype.kind != "f" or not values.size:
        return None
    rows = values.reshape(len(values), -1)
    bad = np.argwhere(~np.isfinite(rows))
    return (int(bad[0][0]), int(bad[0][1])) if len(bad) else None
