"""Indices that mean one thing in NumPy and another in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np


def require_one_meaning(index: Any, ndim: int) -> None:
    """Refuse an integer and an array with axes kept before the array and between the two, such as x[0, :, [2, 1]].

    To NumPy the integer is an array, too, so that the axes of arrays come first, as always where they are apart. In
    PyTorch the integer takes its axis away before, and the axis of the array stays where it is. An Ellipsis that stands
    for no axis sets arrays apart in NumPy, and does not in PyTorch.

    Parameters
    ----------
    index
        Any index; only tuples can have two meanings.
    ndim
        Of what is indexed.

    Raises
    ------
    TypeError
        The two libraries differ; the message says what to write.
    """
    if not isinstance(index, tuple) or all(_picks_one(part) or _keeps(part) for part in index):
        return
    left = ndim - sum(_axes(part) for part in index)  # what an Ellipsis stands for
    before = between = False  # axes that are kept before the first array, and between arrays
    apart = waiting = seen_one = seen_array = False  # integers and arrays, as NumPy has them
    for part in index:
        if _keeps(part):
            waiting = waiting or seen_one or seen_array
            if part is not Ellipsis or left > 0:
                between = seen_array
                before = before or not seen_array
            continue
        apart = apart or waiting
        if _picks_one(part):
            seen_one = True
        elif seen_array and between:
            return  # arrays that are apart: their axes come first in both
        else:
            seen_array = True
    if before and apart:
        raise TypeError(
            "indexing: an integer and an array with an axis (or ...) between them mean one thing in NumPy and another "
            "in PyTorch: write x[[0], :, i] for the array's axes first, or x[0][:, i] to keep the order"
        )


def _keeps(part: Any) -> bool:
    """Whether axes are kept, or made."""
    return part is None or part is Ellipsis or isinstance(part, slice)


def _picks_one(part: Any) -> bool:
    """Whether it is one whole number."""
    if isinstance(part, int | np.integer):
        return not isinstance(part, bool)
    return getattr(part, "shape", None) == () and getattr(getattr(part, "dtype", None), "kind", "") in "iu"


def _axes(part: Any) -> int:
    """How many axes of what is indexed a part speaks of."""
    if part is None or part is Ellipsis:
        return 0
    array = part if isinstance(part, np.ndarray) else np.asarray(part) if isinstance(part, list | tuple) else None
    return array.ndim if array is not None and array.dtype.kind == "b" else 1
