"""Tapes: graphs of single numbers, of which a program has one step for thousands of operations.

A step for each would cost more than the arithmetic: an entry of a tape is a function and five buffers. What only the
tape knows lies densely in memory of its own, where a number takes the place of one that has been used up.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from ..engine.places import place_in_user_code
from .buffers import FLOAT64, Buffer, InBuffer, number_buffer
from .instructions import OUT, Place, Step, View
from .traced import Traced

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

COPY = "copy"  # the one entry that is no function: it puts a number where somebody else knows it


@cython.no_gc
@cython.binding(False)
@cython.freelist(64)
@cython.cclass
class Entry:
    """One operation of a tape.

    Attributes
    ----------
    function, kind, p
        What is computed, by name, in which kind of numbers and with which parameter.
    of
        -1 for the function itself, else of which input this is the cotangent.
    g, x, y, value, out
        The buffers of the cotangent, the inputs, the function's value, and of what is computed.
    place
        The line of the user's code.
    """

    __slots__ = ("function", "g", "kind", "of", "out", "p", "place", "value", "x", "y")

    function: str
    kind: int
    of: int
    p: float
    g: Buffer
    x: Buffer
    y: Buffer
    value: Buffer
    out: Buffer
    place: Place | None


@cython.binding(False)
class Tape:
    """Operations on single numbers in the order in which they came.

    Attributes
    ----------
    entries
        What is done; let go of by `settle`.
    functions, places, parameters
        For each entry the function; kind, input, and the offsets of its five numbers, one after the other; the
        parameter. Known after `settle`.
    scratch
        The memory of what only the tape knows.
    """

    __slots__ = ("count", "entries", "functions", "number", "parameters", "places", "scratch")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.number = self.count = 0
        self.scratch = Buffer(0, FLOAT64)
        self.functions: list[str] = []
        self.places: Any = None
        self.parameters: Any = None

    def __len__(self) -> int:
        return self.count if self.places is not None else len(self.entries)

    def differs(self, other: Tape, names: Names) -> int:
        """The first entry that is not the same as that of another tape, or -1."""
        a: Entry
        b: Entry
        i: cython.Py_ssize_t
        n: cython.Py_ssize_t = min(len(self.entries), len(other.entries))
        for i in range(n):
            a = self.entries[i]
            b = other.entries[i]
            if a.function != b.function or a.kind != b.kind or a.of != b.of or not same_number(a.p, b.p):
                return i
            if not (
                names.same(a.g, b.g)
                and names.same(a.x, b.x)
                and names.same(a.y, b.y)
                and names.same(a.value, b.value)
                and names.same(a.out, b.out)
            ):
                return i
        return -1 if len(self.entries) == len(other.entries) else n

    def prune(self) -> bool:
        """Leave out what nobody reads, as seen from the end, and note what is read. True if any is left."""
        entry: Entry
        i: cython.Py_ssize_t
        kept: list[Entry] = []
        for i in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[i]
            if entry.out.lasting or entry.out.wanted:
                kept.append(entry)
                entry.g.wanted = entry.x.wanted = entry.y.wanted = entry.value.wanted = True
        kept.reverse()
        self.entries = kept
        return len(kept) > 0

    def claim(self, number: cython.int) -> None:
        """Note in all buffers that this tape, by its number, knows them."""
        entry: Entry
        self.number = number
        for entry in self.entries:
            claim(entry.g, number)
            claim(entry.x, number)
            claim(entry.y, number)
            claim(entry.value, number)
            claim(entry.out, number)

    def lay_out(self) -> None:
        """Give each number of its own a place in `scratch`, that of one that was used up."""
        entry: Entry
        buffer: Buffer
        i: cython.int
        k: cython.int
        item: cython.longlong = 4
        top: cython.longlong = 0
        free: list[int] = []
        for i in range(len(self.entries)):
            entry = self.entries[i]
            entry.g.last = entry.x.last = entry.y.last = entry.value.last = entry.out.last = i
            item = max(item, 4 if entry.kind == 0 else 8)
        for i in range(len(self.entries)):
            entry = self.entries[i]
            for k in range(4):
                buffer = entry.g if k == 0 else entry.x if k == 1 else entry.y if k == 2 else entry.value
                if buffer.last == i and buffer.tape == self.number and buffer.placed:
                    free.append(buffer.offset)
                    buffer.last = -1  # it may be an operand twice
            buffer = entry.out
            if buffer.tape == self.number and not buffer.placed:
                buffer.placed = True
                if free:
                    buffer.offset = free.pop()
                else:
                    buffer.offset = top
                    top += item
        self.scratch.size = top

    def settle(self) -> None:
        """Find out where everything lies, after every buffer has found its place."""
        entry: Entry
        i: cython.Py_ssize_t
        self.count = len(self.entries)
        self.places = array("q", bytes(8 * 7 * self.count))
        self.parameters = array("d", bytes(8 * self.count))
        places: cython.longlong[:] = self.places
        parameters: cython.double[:] = self.parameters
        for i in range(self.count):
            entry = self.entries[i]
            self.functions.append(entry.function)
            parameters[i] = entry.p
            places[7 * i] = entry.kind
            places[7 * i + 1] = entry.of
            places[7 * i + 2] = self.where(entry.g)
            places[7 * i + 3] = self.where(entry.x)
            places[7 * i + 4] = self.where(entry.y)
            places[7 * i + 5] = self.where(entry.value)
            places[7 * i + 6] = self.where(entry.out)
        self.entries = []

    def where(self, buffer: Buffer) -> int:
        """Where a buffer lies in the program's memory."""
        return buffer.offset + self.scratch.offset if buffer.tape == self.number else buffer.offset


@cython.binding(False)
class Names:
    """What two traces call their buffers: by when they were first met, constants by their numbers."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def name(self, one: Buffer, other: Buffer, alike: cython.bint) -> None:
        """Name buffers before any step does, the same if they are alike."""
        self.count += 1
        one.met = self.count
        other.met = self.count if alike else -self.count

    def same(self, one: Buffer, other: Buffer) -> bool:
        """Whether both are the same in the traces that they come from."""
        if one.met == other.met and one.met != 0:
            return True
        if one.value is not None or other.value is not None:
            if one.value is None or other.value is None or one.value.tobytes() != other.value.tobytes():
                return False
            if one.met != 0 or other.met != 0:
                return True
        if one.met == 0 and other.met == 0:
            self.name(one, other, True)
            return True
        return False


def same_number(p: cython.double, other: cython.double) -> bool:
    """NaN is NaN."""
    return p == other or (p != p and other != other)


def claim(buffer: Buffer, number: cython.int) -> None:
    """Note that a tape knows a buffer: alone, if nobody else has and nobody outside does."""
    if buffer.tape == 0:
        alone: cython.bint = not (buffer.lasting or buffer.outside) and buffer.value is None
        buffer.tape = number if alone else -1
    elif buffer.tape != number:
        buffer.tape = -1


def number_of(
    recorder: Any,
    name: str,
    kind: cython.int,
    of: cython.int,
    p: cython.double,
    g: Buffer,
    x: Buffer,
    y: Buffer,
    value: Buffer,
) -> Traced:
    """An elementwise function of single numbers (`of`: -1), or the cotangent of its input 0 or 1: onto the tape."""
    entry: Entry = Entry.__new__(Entry)
    entry.function = name
    entry.kind = kind
    entry.of = of
    entry.p = p
    entry.g = g
    entry.x = x
    entry.y = y
    entry.value = value
    entry.out = number_buffer(kind)
    entry.place = place_in_user_code()
    note(recorder.steps, entry)
    return Traced(recorder, entry.out, kind, (), ())


def note_copy(steps: list[Step], x: InBuffer, out: InBuffer, place: Place | None) -> None:
    """Put a number where somebody else knows it."""
    entry: Entry = Entry.__new__(Entry)
    entry.function = COPY
    entry.kind = x.kind
    entry.of = -1
    entry.p = 0.0
    entry.g = entry.x = entry.y = entry.value = x.buffer
    entry.out = out.buffer
    entry.place = place
    note(steps, entry)


def only_numbers(arrays: list[Any]) -> bool:
    """Whether all stand for single numbers of one kind in the program's memory, and not all are known."""
    known: cython.bint = True
    first: InBuffer = arrays[0]
    x: InBuffer
    for x in arrays:
        if not x.alone or x.kind != first.kind:
            return False
        if x.buffer.value is None:
            known = False
    return not known


def note(steps: list[Step], entry: Entry) -> None:
    """Append to the tape that the last step is, or to a new one."""
    if not steps or steps[-1].code != "scalars":
        steps.append(Step("scalars", FLOAT64, (1,), [None] * (OUT + 1), writes=(), place=entry.place, parts=Tape()))
    tape: Tape = steps[-1].parts
    tape.entries.append(entry)


def lay_out_tapes(steps: list[Step]) -> None:
    """Give each tape its memory, and as views what it shares with other steps, other tapes or the outside."""
    if not any([step.code == "scalars" for step in steps]):  # noqa: C419 (no closure: it is compiled)
        return
    tape: Tape
    buffer: Buffer
    for i, step in enumerate(steps):
        if step.code == "scalars":
            tape = step.parts
            tape.claim(i + 1)
            continue
        for view in step.views:
            if view is not None:
                buffer = view.buffer
                buffer.tape = -1
    for step in steps:
        if step.code == "scalars":
            share(step)


def share(step: Step) -> None:
    """The views of one tape."""
    tape: Tape = step.parts
    entry: Entry
    buffer: Buffer
    reads: dict[Buffer, None] = {}
    writes: dict[Buffer, None] = {}
    for entry in tape.entries:
        for buffer in (entry.g, entry.x, entry.y, entry.value):
            if buffer.tape == -1 and buffer not in writes:
                reads[buffer] = None
        if entry.out.tape == -1:
            writes[entry.out] = None
    tape.lay_out()
    step.shape = (len(tape.entries),)
    step.views = views(reads)
    step.writes = range(len(step.views), len(step.views) + len(writes))
    step.views += views(writes)
    if tape.scratch.size:
        step.views.append(View(tape.scratch, 0, (0,)))
    step.views += [None] * (6 - len(step.views))


def views(buffers: Iterable[Buffer]) -> list[View | None]:
    """Single numbers as operands."""
    return [View(buffer, 0, (0,)) for buffer in buffers]
