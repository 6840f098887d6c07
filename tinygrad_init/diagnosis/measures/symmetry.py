"""Units that are the same unit.

Units of a layer are alike when their incoming weights and biases are equal up to rounding. As long as what leaves them
is alike too, they get identical updates and stay alike: the layer is worth as many units as it has classes. Replacing
every class by one unit, with its outgoing weights multiplied by the size of the class and learning rates to match,
gives a network that computes and learns exactly the same (`trials.quotient`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..records import Classes

Array = np.ndarray[Any, Any]

# Rounding errors add up over a training: so many spacings of numbers still count as equal.
ROUNDING = 1e3
# Rows are told apart by so many projections, as long as no more than so many are near each other by the first. Numbers
# of independent signs add up to more than so many times the root of their count once in 10^13 times (Hoeffding 1963).
PROJECTIONS, CROWD, FAR = 3, 64, 8.0


def classes(arrays: Sequence[Array], tolerance: float | None = None) -> Classes:
    """Which units are alike, taken together over arrays whose first axis are the units.

    Parameters
    ----------
    arrays
        A weight of shape (units, ...), a bias of shape (units,), or their gradients.
    tolerance
        How far apart numbers may be, as a share of the larger unit's largest number; 1000 spacings of the dtype unless
        given.
    """
    rows = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    if tolerance is None:
        tolerance = ROUNDING * float(np.finfo(rows.dtype).eps)
    size = np.max(np.abs(rows), axis=1, initial=0.0)
    # Rows that are alike are so, too, measured by their largest number each, and have projections that are: only such
    # are compared.
    rng, width = np.random.default_rng(0), rows.shape[1]
    along = (rng.uniform(0.5, 1.0, (width, PROJECTIONS)) * rng.choice((-1, 1), (width, PROJECTIONS))).astype(rows.dtype)
    with np.errstate(all="ignore"):
        finite = np.isfinite(size)
        projections = np.nan_to_num((rows / np.where(size > 0, size, 1)[:, None]) @ along)
        reach = 2 * FAR * tolerance * np.sqrt(width) + width * float(np.finfo(along.dtype).eps)
        # Silent units are many and alike; no other row is like one of zeros.
        zeros = np.flatnonzero(size == 0)
        members: list[tuple[int, ...]] = [tuple(zeros.tolist())] if len(zeros) else []
        others = np.flatnonzero(finite & (size > 0))
        single = others[alone(projections[others], reach)]
        members += [(i,) for i in single.tolist()]
        left = finite & (size > 0)
        left[single] = False
        exact = True
        projection = projections[:, 0]
        order = np.argsort(projection, kind="stable")
        ordered = projection[order]
        for first in np.flatnonzero(left):
            if not left[first]:
                continue
            low = np.searchsorted(ordered, projection[first] - reach, "left")
            high = np.searchsorted(ordered, projection[first] + reach, "right")
            near = np.sort(order[low:high])
            near = near[left[near]]
            others = near[np.all(np.abs(projections[near] - projections[first]) <= reach, axis=1)]
            difference = np.max(np.abs(rows[others] - rows[first]), axis=1, initial=0.0)
            same = others[(difference <= tolerance * np.maximum(size[others], size[first])) | (others == first)]
            exact = exact and bool(np.all(rows[same] == rows[first]) or len(same) == 1)
            left[same] = False
            members.append(tuple(int(i) for i in same))
    return Classes(tuple(sorted(members)), exact)


def alone(projections: Array, reach: float) -> Array:
    """Which rows are certainly near no other, by several projections of each; those in a crowd are not said to be."""
    order = np.argsort(projections[:, 0], kind="stable")
    first, found = projections[order, 0], np.ones(len(order), bool)
    for step in range(1, len(order)):
        near = first[step:] - first[:-step] <= reach
        if not near.any():
            return found
        if step == CROWD:
            break
        one, other = order[:-step][near], order[step:][near]
        both = np.all(np.abs(projections[one] - projections[other]) <= reach, axis=1)
        found[one[both]] = found[other[both]] = False
    return np.zeros(len(order), bool) if len(order) > CROWD else found


def same_draws(weights: dict[str, Array], least: int = 16) -> list[tuple[str, str]]:
    """Pairs of weights that hold the same random numbers, whatever they were scaled by: a seed used twice.

    Parameters
    ----------
    weights
        By name.
    least
        With fewer different numbers in common chance, or a pattern, cannot be told from a seed.
    """
    known = {name: numbers for name, weight in weights.items() if (numbers := draws(weight, least)) is not None}
    found = []
    for (one, a), (other, b) in combinations(known.items(), 2):
        # A few numbers tell almost always; only then are all compared.
        if proportional(a[:least], b[:least]) and proportional(a, b):
            found.append((one, other))
    return found


def draws(weight: Array, least: int) -> Array | None:
    """A weight's numbers in a row, if enough of them are different to be told from a pattern."""
    row = np.asarray(weight, np.float64).reshape(-1)
    enough = row.size >= least and np.isfinite(row).all() and len(np.unique(row[: 64 * least])) >= least
    return row if enough else None


def proportional(a: Array, b: Array) -> bool:
    """Whether two rows of numbers, as far as both go, differ only by a factor, up to rounding in float32."""
    n = min(a.size, b.size)
    x, y = (row[:n] / np.max(np.abs(row[:n])) if row[:n].any() else row[:n] for row in (a, b))
    length = float(x @ x)
    if length == 0:
        return False
    return bool(np.max(np.abs(y - float(x @ y) / length * x)) <= ROUNDING * np.finfo(np.float32).eps)
