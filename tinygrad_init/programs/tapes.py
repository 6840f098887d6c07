"""Tapes: graphs of single numbers, of which a program has one step for thousands of operations.

A step for each would cost more than the arithmetic: an entry of a tape is a tuple of a function and five buffers. What
only the tape knows lies densely in memory of its own, where a number takes the place of one that has been used up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..engine.places import place_in_user_code
from .instructions import FLOAT64, ITEM, OUT, Buffer, Place, Step, View
from .traced import Traced

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

COPY = "copy"  # the one entry that is no function: it puts a number where somebody else knows it

# Function, kind, input (-1: the function itself, else the cotangent of that input), parameter; then the buffers of g,
# x, y, value and the result; then the line of the user's code.
Entry = tuple[str, int, int, float, Buffer, Buffer, Buffer, Buffer, Buffer, Place | None]


@cython.binding(False)
class Tape:
    """Operations on single numbers in the order in which they came.

    Attributes
    ----------
    entries
        What is done.
    places
        For each entry function, kind, input, parameter, and the offsets of the five numbers; known after `settle`.
    """

    __slots__ = ("entries", "own", "places", "scratch")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.own: dict[int, int] = {}  # of buffers that only the tape knows: where in `scratch`
        self.scratch = Buffer(0, FLOAT64)
        self.places: list[Any] = []

    def __len__(self) -> int:
        return len(self.entries)

    def said(self, names: dict[int, Any]) -> list[tuple[Any, Any]]:
        """What each entry does, its buffers by their names, and its line."""
        out: list[tuple[Any, Any]] = []
        for found in self.entries:
            entry: Any = found
            what = (
                entry[0], entry[1], entry[2], entry[3],
                name_of(entry[4], names), name_of(entry[5], names), name_of(entry[6], names),
                name_of(entry[7], names), name_of(entry[8], names),
            )  # fmt: skip
            out.append((what, entry[9]))
        return out

    def prune(self, wanted: set[int]) -> bool:
        """Leave out what nobody reads, as seen from the end; adds what is read to `wanted`. True if any is left."""
        kept: list[Entry] = []
        for i in range(len(self.entries) - 1, -1, -1):
            entry: Any = self.entries[i]
            if entry[8].lasting or id(entry[8]) in wanted:
                kept.append(entry)
                wanted.add(id(entry[4]))
                wanted.add(id(entry[5]))
                wanted.add(id(entry[6]))
                wanted.add(id(entry[7]))
        kept.reverse()
        self.entries = kept
        return len(kept) > 0

    def lay_out(self, alone: set[int]) -> None:
        """Give each number of its own (`alone`: buffers by identity) a place, that of one that was used up."""
        last: dict[int, int] = {}
        item: cython.Py_ssize_t = 4
        for i, found in enumerate(self.entries):
            entry: Any = found
            for k in range(4, 9):
                last[id(entry[k])] = i
            item = max(item, ITEM[entry[1]])
        free: list[int] = []
        top: cython.Py_ssize_t = 0
        own: dict[int, int] = self.own
        for i, found in enumerate(self.entries):
            entry = found
            for k in range(4, 8):
                key: Any = id(entry[k])
                if last[key] == i and key in own:
                    free.append(own[key])
                    last[key] = -1  # it may be an operand twice
            key = id(entry[8])
            if key in alone and key not in own:
                if free:
                    own[key] = free.pop()
                else:
                    own[key] = top
                    top += item
        self.scratch.size = top
        self.scratch.kind = FLOAT64

    def settle(self) -> None:
        """Find out where everything lies, after every buffer has found its place."""
        base: cython.Py_ssize_t = self.scratch.offset
        own: dict[int, int] = self.own
        places: list[Any] = []
        for found in self.entries:
            entry: Any = found
            at: list[int] = []
            for k in range(4, 9):
                mine: Any = own.get(id(entry[k]))
                at.append(entry[k].offset if mine is None else base + mine)
            places.append((entry[0], entry[1], entry[2], entry[3], tuple(at)))
        self.places = places


def name_of(buffer: Buffer, names: dict[int, Any]) -> Any:
    """What a buffer is called in what a trace says: its numbers if it is a constant, else when it was first met."""
    key: Any = id(buffer)
    name: Any = names.get(key)
    if name is None:
        name = names[key] = len(names) if buffer.value is None else ("constant", buffer.value.tobytes())
    return name


def number_of(
    recorder: Any, name: str, kind: int, of: int, p: float, g: Buffer, x: Buffer, y: Buffer, value: Buffer
) -> Traced:
    """An elementwise function of single numbers (`of`: -1), or the cotangent of its input 0 or 1: onto the tape."""
    out = Buffer(ITEM[kind], kind)
    out.lone = True
    note(recorder.steps, (name, kind, of, p, g, x, y, value, out, place_in_user_code()))
    return Traced(recorder, out, kind, (), ())


def only_numbers(arrays: list[Any]) -> bool:
    """Whether all stand for single numbers of one kind in the program's memory, and not all are known."""
    known: cython.bint = True
    for x in arrays:
        if not x.alone or x.kind != arrays[0].kind:
            return False
        if x.buffer.value is None:
            known = False
    return not known


def note(steps: list[Step], entry: Entry) -> None:
    """Append to the tape that the last step is, or to a new one."""
    if not steps or steps[-1].code != "scalars":
        steps.append(Step("scalars", FLOAT64, (1,), [None] * (OUT + 1), writes=(), place=entry[9], parts=Tape()))
    tape: Tape = steps[-1].parts
    tape.entries.append(entry)


def lay_out_tapes(steps: list[Step]) -> None:
    """Give each tape its memory, and as views what it shares with other steps, other tapes or the outside."""
    if not any(step.code == "scalars" for step in steps):
        return
    user: dict[int, int] = {}  # of each buffer: the only tape that knows it, or -1
    for i, step in enumerate(steps):
        if step.code != "scalars":
            for view in step.views:
                if view is not None:
                    user[id(view.buffer)] = -1
            continue
        for found in step.parts.entries:
            entry: Any = found
            for k in range(4, 9):
                buffer: Any = entry[k]
                key: Any = id(buffer)
                known: Any = user.get(key)
                if known is None:
                    user[key] = -1 if buffer.lasting or buffer.outside or buffer.value is not None else i
                elif known != i:
                    user[key] = -1
    for i, step in enumerate(steps):
        if step.code == "scalars":
            share(step, user, i)


def share(step: Step, user: dict[int, int], i: int) -> None:
    """The views of one tape."""
    tape: Any = step.parts
    reads: dict[int, Buffer] = {}
    writes: dict[int, Buffer] = {}
    alone: set[int] = set()
    for found in tape.entries:
        entry: Any = found
        for k in range(4, 8):
            key: Any = id(entry[k])
            if user[key] == -1 and key not in writes:
                reads[key] = entry[k]
        key = id(entry[8])
        if user[key] == -1:
            writes[key] = entry[8]
        else:
            alone.add(key)
    tape.lay_out(alone)
    step.shape = (len(tape.entries),)
    step.views = views(reads.values())
    step.writes = range(len(step.views), len(step.views) + len(writes))
    step.views += views(writes.values())
    if tape.scratch.size:
        step.views.append(View(tape.scratch, 0, (0,)))
    step.views += [None] * (6 - len(step.views))


def views(buffers: Iterable[Buffer]) -> list[View | None]:
    """Single numbers as operands."""
    return [View(buffer, 0, (0,)) for buffer in buffers]
