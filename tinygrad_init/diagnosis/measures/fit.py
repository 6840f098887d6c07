"""What is asked of a network beside what it can give: data, output, loss and targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..network import ACTIVATION, OTHER, WEIGHTS, Link, Network
from ..records import Fit
from .guess import classes_along

Array = np.ndarray[Any, Any]

# Losses whose targets are class numbers, and those that compute probabilities of their own out of logits.
OF_CLASSES = ("cross_entropy", "hinge")
OF_LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")
OF_NUMBERS = ("mse", "half_squared_error")
# Of fewer samples no shares are told.
FEWEST = 10
# What makes probabilities.
SOFTMAX = ("softmax", "log_softmax")
# A function that is the same at both of these on one side is bounded there.
FAR = np.array([-1e4, -1e3, 1e3, 1e4])


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
    ends_in, low, high, cut = ending(network)
    linear = is_linear(network)
    numeric = network.loss_name and network.loss_name not in OF_CLASSES
    with np.errstate(all="ignore"):
        numbers = np.asarray(targets, np.float64) if targets.dtype.kind in "fiub" else np.full(1, math.nan)
        spread = [float(f(numbers)) if numeric else math.nan for f in (np.min, np.max, np.mean, np.std)]
        scales, widest, off_centre = features(inputs)
    return Fit(
        loss=network.loss_name,
        outputs=outputs_of(network, targets),
        ends_in=ends_in,
        output_low=low,
        output_high=high,
        cut_off=cut,
        target_low=spread[0],
        target_high=spread[1],
        target_mean=spread[2],
        target_std=spread[3],
        class_shares=class_shares(network.loss_name, targets),
        feature_scales=scales,
        widest=widest,
        off_centre=off_centre,
        stretched=stretches(network, targets),
        linear=linear,
        linear_share=explained(inputs, targets, network.output.shape[1:]) if linear else math.nan,
        input_missing=first_missing(inputs),
        target_missing=first_missing(targets),
    )


def outputs_of(network: Network, targets: Array) -> int:
    """How many numbers are predicted: of each sample, or of each of its positions that has a class of its own."""
    shape = network.output.shape
    if network.loss_name in OF_CLASSES and (axis := classes_along(targets[: shape[0]], shape)) is not None:
        return shape[axis]
    return network.output.size // max(len(network.output), 1)


def ending(network: Network) -> tuple[str, float, float, bool]:
    """What the last linear map's output goes through, between what numbers that keeps it, and whether it cuts off."""
    for link in network.before_output():
        if len(link.inputs) != 1:
            break
        kind = makes_probabilities(link)
        if kind:
            return kind, *((0.0, 1.0) if kind == "softmax" else (-math.inf, 0.0)), False
        if link.role == ACTIVATION and link.label == "identity":
            continue
        if link.role == ACTIVATION:
            return link.label, *bounds(link)
        # What comes from another linear map, or is learned, has no bound of its own.
        if link.role != OTHER or link.parameters or link.mixes_samples or link.output.shape != link.x.shape:
            break
        if math.isfinite(bounds(link)[0]):
            return link.label, *bounds(link)
    return "", -math.inf, math.inf, False


def makes_probabilities(link: Link) -> str:
    """Whether what comes out of a link are probabilities of classes, or their logarithms: "softmax", "log_softmax"."""
    out = link.output
    if link.role in (WEIGHTS, ACTIVATION) or out.ndim < 2 or out.shape != link.x.shape or not np.isfinite(out).all():
        return ""
    for kind, values in (("softmax", out), ("log_softmax", np.exp(out))):
        if np.all(values >= 0) and any(
            np.allclose(values.sum(axis=axis), 1.0, atol=1e-5) for axis in {1, out.ndim - 1}
        ):
            return kind
    return ""


def bounds(link: Link) -> tuple[float, float, bool]:
    """Between what numbers the output stays, whatever comes in, and whether all below -1 comes out the same."""
    points = np.concatenate([FAR, np.linspace(-20, 20, 2001)])
    columns = np.repeat(points[:, None], link.x.shape[-1], axis=1).astype(link.x.dtype)
    try:
        out = link.again(columns).output.reshape(len(points), -1)[:, 0].astype(np.float64)
    except (TypeError, ValueError):  # it wants another shape
        return -math.inf, math.inf, False
    low, high = float(np.min(out)), float(np.max(out))
    for near, far in ((out[1], out[0]), (out[2], out[3])):
        if abs(far - near) > 0.01 * (1 + abs(near)):  # it goes on
            low, high = (-math.inf, high) if far < near else (low, math.inf)
    left = out[len(FAR) :][points[len(FAR) :] <= -1]
    return low, high, bool(np.all(left == left[0]))


def class_shares(loss: str, targets: Array) -> tuple[float, ...]:
    """The share of every class, where targets are class numbers (from 0 or -1), one output a class, or 0 and 1."""
    if len(targets) < FEWEST:
        return ()
    if loss in OF_CLASSES and targets.ndim == 1 and targets.dtype.kind in "iub":
        counts = np.bincount(targets.astype(np.int64) - min(int(targets.min()), 0))
    elif loss == "binary_cross_entropy_with_logits" and targets.size and np.isin(targets, (0, 1)).all():
        columns = targets.reshape(len(targets), -1)
        one_hot = columns.shape[1] > 1 and np.all(columns.sum(axis=1) == 1)
        ones = columns.sum(axis=0)
        counts = ones if one_hot else np.array([len(columns) - ones[0], ones[0]]) if columns.shape[1] == 1 else ones[:0]
    else:
        return ()
    total = float(np.sum(counts))
    return tuple(float(count) / total for count in counts) if total else ()


def stretches(network: Network, targets: Array) -> bool:
    """Whether a loss takes targets in a row for something else than in a column, as PyTorch's `mse_loss` does."""
    if not math.isfinite(network.loss):  # no such number is close to itself
        return False
    if network.loss_name in OF_CLASSES or targets.ndim != 1 or network.output.shape != (len(network.output), 1):
        return False
    rows = targets[: len(network.output)]
    try:
        column = network.again(y=rows[:, None]).loss
    except (TypeError, ValueError):
        return False
    return len(rows) > 1 and not math.isclose(column, network.loss, rel_tol=1e-3)


def is_linear(network: Network) -> bool:
    """Whether the output is a linear function of the input, but for what it goes through after the last linear map."""
    last = max((i for i, link in enumerate(network.links) if link.role == WEIGHTS), default=-1)
    return last >= 0 and all(
        link.role == WEIGHTS or link.draws or (link.role == ACTIVATION and link.label == "identity")
        for link in network.links[: last + 1]
    )


def explained(inputs: Array, targets: Array, outputs: tuple[int, ...]) -> float:
    """The share of the targets' variance that the best linear map of the features explains: an adjusted R²."""
    if inputs.ndim != 2 or inputs.dtype.kind not in "fiub" or targets.dtype.kind not in "fiub":
        return math.nan
    samples, known = len(inputs), inputs.astype(np.float64)
    degrees = samples - inputs.shape[1] - 1
    if degrees < samples / 2:
        return math.nan
    wanted = targets.reshape(samples, -1).astype(np.float64)
    if targets.ndim == 1 and targets.dtype.kind in "iub" and len(outputs) == 1 and outputs[0] > 1:
        wanted = np.eye(outputs[0])[np.clip(targets, 0, outputs[0] - 1)]
    if not (np.isfinite(known).all() and np.isfinite(wanted).all()):
        return math.nan
    spread = known.std(axis=0)
    design = np.column_stack([(known - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0), np.ones(samples)])
    rest = wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
    total = float(np.sum((wanted - wanted.mean(axis=0)) ** 2))
    return 1 - float(np.sum(rest**2)) / total * (samples - 1) / degrees if total > 0 else math.nan


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
