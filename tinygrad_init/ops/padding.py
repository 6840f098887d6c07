"""What is laid around a tensor along its last axes: a number, or its own elements again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import is_discrete
from ..engine.operands import as_tensors
from .rearranging import _pad
from .registry import Array
from .shape import _getitem, getitem, whole

# Where the element i of an axis of n comes from, if there are `before` new ones in front of it.
SOURCES = {
    "reflect": lambda at, n: n - 1 - np.abs(n - 1 - np.abs(at)),
    "replicate": lambda at, n: np.clip(at, 0, n - 1),
    "circular": lambda at, n: at % n,
}


def pad_sides(name: str, x: Any, widths: int | Sequence[int], axes: int, mode: str, value: float = 0.0) -> Any:
    """A tensor with something laid around its last axes.

    Parameters
    ----------
    x
        Whole numbers and booleans stay what they are.
    widths
        One for all sides, or for each axis, the last first, one before and one behind, as PyTorch orders them. A
        negative one cuts off; what is laid around elsewhere may still come from there.
    axes
        How many axes one number is for; else as many as there are pairs.
    mode
        "constant": a number; "reflect": the elements mirrored at the first and the last; "replicate": the first and
        the last again; "circular": the elements from the other end.

    Raises
    ------
    ValueError
        The mode is another, the widths do not fit the axes or their lengths, or whole numbers cannot be `value`.
    TypeError
        A width is no whole number.
    """
    (x,) = as_tensors(name, (x,))
    given = list(widths) if isinstance(widths, Sequence) else [widths] * (2 * axes)
    numbers = [whole(name, "a width", n) for n in given]
    if len(numbers) % 2 or len(numbers) > 2 * x.ndim:
        raise ValueError(f"{name}: expected pairs of widths for up to {x.ndim} axes, got {given}")
    sides = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)][::-1]
    if mode == "constant":
        return _with_number(name, x, sides, value)
    if mode not in SOURCES:
        raise ValueError(f"{name}: expected mode 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    first = x.ndim - len(sides)
    for at, (before, behind) in enumerate(sides, first):
        n = x.shape[at]
        most = {"reflect": n - 1, "circular": n}.get(mode, max(before, behind))
        if n + before + behind < 0:
            raise ValueError(f"{name}: widths {(before, behind)} cut off more than a length of {n} has")
        if max(before, behind) > most or (n == 0 and before + behind):
            raise ValueError(f"{name}: expected widths up to {most} with {mode!r} for a length of {n}, got "
                             f"{(before, behind)}")  # fmt: skip
        if before or behind:
            source: Array = SOURCES[mode](np.arange(-before, n + behind), n)
            x = getitem(x, (slice(None),) * at + (source,))
    return x


def _with_number(name: str, x: Any, sides: list[tuple[int, int]], value: float) -> Any:
    whole_sides = [(0, 0)] * (x.ndim - len(sides)) + sides
    lengths = [n + before + behind for n, (before, behind) in zip(x.shape, whole_sides, strict=True)]
    if min(lengths, default=0) < 0:
        raise ValueError(f"{name}: widths {whole_sides} cut off more than shape {x.shape} has")
    if any(n < 0 for side in sides for n in side):
        x = _getitem(x, tuple(slice(max(-before, 0), n - max(-behind, 0) if behind < 0 else n)
                              for n, (before, behind) in zip(x.shape, whole_sides, strict=True)))  # fmt: skip
        whole_sides = [(max(before, 0), max(behind, 0)) for before, behind in whole_sides]
    if is_discrete(x):
        with np.errstate(invalid="ignore"):
            fits = np.asarray(value).astype(x.dtype) == value
        if not fits:
            raise ValueError(f"{name}: expected a value that {x.dtype} can have, got {value}")
    return _pad(x, tuple(whole_sides), value if is_discrete(x) else float(value))
