"""Fixed points of q' = σ_w² E φ(√q Z)² + σ_b², many networks at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .phi import LEAST, MOST, Moments, Phi
from .quadrature import Array

# Below this share of q a change of q cannot be told from rounding: q stays where it is.
STILL = 4e-13
# Newton's method doubles its digits each time; where it leaves its bracket, bisection halves that.
MOST_STEPS = 100


def fixed_points(phi: Phi, weight_variance: Any, bias_variance: Any, q0: float = 1.0) -> tuple[Array, Moments]:
    """Where q goes from q0, for arrays of σ_w² and σ_b² (stretched to a common shape), and the moments there.

    q moves up or down from q0 and, since E φ² grows with q for the usual activations, keeps its direction: to the next
    fixed point on that side, or to 0 or ∞ if there is none. Where q0 itself does not move, it is the answer.
    Brackets come from `Phi.table`, digits from Newton's method.
    """
    w2, b2 = np.broadcast_arrays(np.asarray(weight_variance, np.float64), np.asarray(bias_variance, np.float64))
    shape, w2, b2 = w2.shape, w2.ravel()[:, None], b2.ravel()[:, None]
    grid, table = phi.table
    start = _direction(w2 * phi.moments(q0).square + b2, np.clip(q0, LEAST, MOST))[:, 0]
    signs = _direction(w2 * table.square + b2, grid)
    up = start > 0
    behind, ahead = grid < q0, grid > q0
    # The nearest point of the table on the way at which q would turn back; -1: there is none.
    above = _first((signs < 0) & ahead)
    below = _last((signs > 0) & behind)
    end = np.where(up, above, below)
    q = np.where(start == 0, q0, np.where(up, np.inf, 0.0))
    open_ = np.flatnonzero((start != 0) & (end >= 0))
    if open_.size:
        near = np.where(up[open_], np.maximum(end[open_] - 1, 0), np.minimum(end[open_] + 1, grid.size - 1))
        far, near_q = grid[end[open_]], grid[near]
        near_q = np.where(up[open_], np.maximum(near_q, q0), np.minimum(near_q, q0))
        q[open_] = _newton(phi, w2[open_, 0], b2[open_, 0], np.minimum(far, near_q), np.maximum(far, near_q))
    found = phi.moments(q)
    return q.reshape(shape), Moments(**{name: value.reshape(shape) for name, value in vars(found).items()})


def _direction(after: Array, before: Array) -> Array:
    """The sign of q' - q, 0 where it is rounding."""
    change = after - before
    return np.where(np.abs(change) > STILL * before, np.sign(change), 0.0)


def _first(mask: Array) -> Array:
    return np.where(mask.any(axis=1), mask.argmax(axis=1), -1)


def _last(mask: Array) -> Array:
    return np.where(mask.any(axis=1), mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1), -1)


def _newton(phi: Phi, w2: Array, b2: Array, low: Array, high: Array) -> Array:
    """The root of q' - q, not negative at `low` and not positive at `high`."""
    q = np.sqrt(low * high)
    left = np.arange(q.size)
    for _ in range(MOST_STEPS):
        here = phi.moments(q[left])
        excess = w2[left] * here.square + b2[left] - q[left]
        low[left] = np.where(excess > 0, q[left], low[left])
        high[left] = np.where(excess < 0, q[left], high[left])
        slope = w2[left] * here.growth - 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            step = q[left] - excess / slope
        inside = (step > low[left]) & (step < high[left])
        moved = np.where(excess == 0, q[left], np.where(inside, step, np.sqrt(low[left] * high[left])))
        still = np.abs(moved - q[left]) <= 2e-15 * q[left]
        q[left] = moved
        left = left[~still & (high[left] > low[left] * (1 + 4e-16))]
        if not left.size:
            break
    return q
