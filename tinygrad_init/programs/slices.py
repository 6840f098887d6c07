"""Sums of arrays that are zero but for a slice each: where the slices lie apart, they are written beside each other.

The cotangent of something that was cut into parts comes as such a sum, and adding up whole arrays for every part takes
time that grows with the square of their number.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from .buffers import ITEM, Buffer
from .instructions import OUT, A, B, Step, View, flat

LARGEST = 1 << 22  # numbers of an array up to which it is looked where its slices lie
Booleans = np.ndarray[Any, np.dtype[np.bool_]]
UNTOUCHED = ("scalars", "call", "check")  # these know their operands by themselves


@dataclass(eq=False)
class Assembled:
    """An array that was filled with zeros, the step that did so, the copies into it, and which numbers those write."""

    buffer: Buffer
    fill: int
    copies: list[int]
    taken: Booleans


def join_slices(steps: list[Step]) -> list[Step]:
    """The steps without such sums; what is written nowhere but in slices that fill the array needs no zeros either."""
    found = candidates(steps)
    readers: dict[int, list[int]] = {}
    writes: Counter[int] = Counter(id(view.buffer) for step in steps for view in step.written())
    for i, step in enumerate(steps):
        for view in step.reads():
            readers.setdefault(id(view.buffer), []).append(i)
    gone: set[int] = set()
    merged: dict[int, Assembled] = {}
    for j, step in enumerate(steps):
        if not (step.code == "binary" and step.function == "add" and flat(step)):
            continue
        parts = [part_of(step.views[o], step, found) for o in (A, B)]
        one, other, out = parts[0], parts[1], step.result()
        if one is None or other is None or one is other or np.any(one.taken & other.taken):
            continue
        own = out.offset == 0 and out.buffer.slot == 0 and not out.buffer.lasting and out.buffer.size == one.buffer.size
        if not own or any(readers[id(part.buffer)] != [j] for part in (one, other)):
            continue
        if writes[id(out.buffer)] != 1 or any(steps[i].code in UNTOUCHED for i in readers.get(id(out.buffer), [])):
            continue
        base, rest = (one, other) if one.fill < other.fill else (other, one)
        for i in rest.copies:
            target = steps[i].result()
            steps[i].views[OUT] = View(base.buffer, target.offset, target.strides)
        for i in readers.get(id(out.buffer), []):
            steps[i].views = [
                View(base.buffer, v.offset, v.strides) if v is not None and v.buffer is out.buffer else v
                for v in steps[i].views
            ]
        gone |= {j, rest.fill}
        base.taken |= rest.taken
        base.copies += rest.copies
        readers[id(base.buffer)] = readers.get(id(out.buffer), [])
        del found[id(rest.buffer)]
        merged[id(base.buffer)] = base
    gone |= {part.fill for part in merged.values() if part.taken.all()}
    return [step for i, step in enumerate(steps) if i not in gone]


def candidates(steps: list[Step]) -> dict[int, Assembled]:
    """The arrays that are zero but for a slice, by their buffers."""
    found: dict[int, Assembled] = {}
    for i, step in enumerate(steps):
        for view in step.written():
            known, buffer = found.get(id(view.buffer)), view.buffer
            if known is None and fills(step):
                found[id(buffer)] = Assembled(buffer, i, [], np.zeros(buffer.size // ITEM[buffer.kind], np.bool_))
            elif known is not None:
                region = None if step.code != "copy" or known.copies else place_of(step, known.taken)
                if region is None:
                    known.fill = -1  # written in other ways
                else:
                    region[...] = True
                    known.copies.append(i)
    return {key: part for key, part in found.items() if part.fill >= 0 and part.copies}


def fills(step: Step) -> bool:
    """Whether a step writes zeros into a whole array that is the program's own."""
    source, out = step.views[A], step.views[OUT]
    if step.code != "copy" or source is None or out is None or out.offset or out.buffer.lasting or out.buffer.slot:
        return False
    zeros = source.buffer.value is not None and not np.any(source.buffer.value) and not any(source.strides)
    size = math.prod(step.shape)
    return zeros and size <= LARGEST and size * ITEM[step.kind] == out.buffer.size and len(step.shape) == 1


def place_of(step: Step, numbers: Booleans) -> Booleans | None:
    """Which numbers a copy writes, as a part of such an array; None if it goes through it backwards."""
    out, item = step.result(), ITEM[step.kind]
    if min(out.strides, default=0) < 0 or any(v is not None and v.buffer is out.buffer for v in step.views[:OUT]):
        return None
    strides = tuple(stride // item for stride in out.strides)
    return np.lib.stride_tricks.as_strided(numbers[out.offset // item :], step.shape, strides)


def part_of(view: View | None, step: Step, found: dict[int, Assembled]) -> Assembled | None:
    """The array of slices that a step reads whole, if it is one."""
    if view is None or view.offset or not view.strides[0]:
        return None
    part = found.get(id(view.buffer))
    return part if part is not None and step.shape[0] * ITEM[step.kind] == view.buffer.size else None
