"""How far to go along a direction: a line search for the strong Wolfe conditions.

Bracketing and zooming as in Nocedal and Wright 2006, algorithms 3.5 and 3.6, with the safeguards of Schmidt's minFunc,
as in PyTorch: each bound lets a cubic decide only within a part of the bracket.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DECREASE, CURVATURE = 1e-4, 0.9  # c₁ and c₂ of the conditions
STEPS = 25


@dataclass(frozen=True)
class Point:
    """A place on the line: how far it is, the loss there, its gradient, and the slope along the line."""

    t: float
    loss: float
    gradient: Array
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, length: float, tolerance: float = 1e-9
) -> tuple[Point, int]:
    """A point where the loss is lower by enough and its slope flat enough; else the best that was seen.

    Parameters
    ----------
    at
        From a distance to the point there.
    start
        The point at 0.
    t
        The first distance to try.
    length
        The largest entry of the direction.
    tolerance
        A bracket whose ends are this close is not divided.

    Returns
    -------
    Point, int
        With the number of points that were looked at.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + DECREASE * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    # Go on until the minimum lies between the last two points.
    before, now, tried = start, at(t), 1
    while True:
        if too_high(now) or (tried > 2 and now.loss >= before.loss):
            break
        if flat(now):
            return now, tried
        if now.slope >= 0:
            break
        nearest, farthest = now.t + 0.01 * (now.t - before.t), now.t * 10
        before, now = now, at(lowest(before, now, nearest, farthest))
        tried += 1
        if tried > STEPS:
            before = start
            break

    # Make that bracket smaller.
    low, high = (before, now) if before.loss <= now.loss else (now, before)
    slow = False
    while tried <= STEPS:
        left, right = min(low.t, high.t), max(low.t, high.t)
        if (right - left) * length < tolerance:
            break
        t = lowest(low, high, left, right)
        margin = 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (slow or t >= right or t <= left):  # the bracket would hardly get smaller
            t, close = right - margin if abs(t - right) < abs(t - left) else left + margin, False
        slow = close
        now, tried = at(t), tried + 1
        if too_high(now) or now.loss >= low.loss:
            low, high = (low, now) if low.loss <= now.loss else (now, low)
        elif flat(now):
            return now, tried
        else:
            low, high = now, low if now.slope * (high.t - low.t) >= 0 else high
    return low, tried


def lowest(a: Point, b: Point, left: float, right: float) -> float:
    """Where the cubic through two points with their slopes is lowest, kept within bounds; their middle if nowhere."""
    near, far = (a, b) if a.t <= b.t else (b, a)
    width = far.t - near.t
    chord = near.slope + far.slope - 3 * (far.loss - near.loss) / width if width else math.nan
    square = chord * chord - near.slope * far.slope
    root = math.sqrt(square) if square >= 0 else math.nan
    bend = far.slope - near.slope + 2 * root
    found = far.t - width * (far.slope + root - chord) / bend if bend else math.nan
    return (left + right) / 2 if math.isnan(found) else min(max(found, left), right)
