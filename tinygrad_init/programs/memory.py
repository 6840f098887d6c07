"""Where every buffer lies: those that are not needed at the same time share memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .buffers import Buffer
from .instructions import Step

ALIGNMENT = 64  # bytes: a cache line, and the widest vector
PAGE, STAGGER = 4096, 704
SMALL = 64  # bytes up to which buffers are kept apart, packed densely


@dataclass
class Life:
    """From which step on to which a buffer's numbers are needed."""

    buffer: Buffer
    first: int
    last: int

    def meets(self, other: Life) -> bool:
        """Whether both are needed at some moment."""
        return self.first <= other.last and other.first <= self.last


def plan(steps: list[Step], kept: list[Buffer]) -> int:
    """Give every buffer of the program's own memory its offset; returns the size of that memory.

    Parameters
    ----------
    kept
        Buffers whose numbers are there before the run: constants, arguments and variables that are single numbers.
    """
    end = len(steps)
    lives: dict[int, Life] = {id(b): Life(b, -1, end) for b in kept}
    for i, step in enumerate(steps):
        for view in step.views:
            if view is None or view.buffer.slot:
                continue
            life = lives.setdefault(id(view.buffer), Life(view.buffer, i, i))
            life.last = max(life.last, i)
    for life in lives.values():
        if life.buffer.value is not None:
            life.first, life.last = -1, end
        elif life.buffer.lasting:
            life.last = end
    small = [life for life in lives.values() if life.buffer.size <= SMALL]
    large = [life for life in lives.values() if life.buffer.size > SMALL]
    size = place_in_turn(small)
    return place_by_size(large, (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT)


def place_in_turn(lives: list[Life]) -> int:
    """Small buffers: each takes a place that has become free, of its own size."""
    free: dict[int, list[int]] = defaultdict(list)
    ending: dict[int, list[Life]] = defaultdict(list)
    top, now = 0, -2
    for life in sorted(lives, key=lambda life: life.first):
        while now < life.first:
            for done in ending.pop(now, []):
                free[rounded(done.buffer.size)].append(done.buffer.offset)
            now += 1
        size = rounded(life.buffer.size)
        if free[size]:
            life.buffer.offset = free[size].pop()
        else:
            life.buffer.offset = top
            top += size
        ending[life.last].append(life)
    return top


def rounded(size: int) -> int:
    """To the next of 8, 16, 32, 64 bytes."""
    return max(8, 1 << (size - 1).bit_length())


def place_by_size(lives: list[Life], start: int) -> int:
    """Large buffers: the largest first, each at the lowest place where nothing lies that is needed at the same time."""
    placed: list[Life] = []
    top = start
    for life in sorted(lives, key=lambda life: (-life.buffer.size, life.first)):
        # Pages apart by whole pages: the processor takes a read for one of what was just written a page away.
        apart = len(placed) * STAGGER % PAGE if life.buffer.size >= PAGE else 0
        at = start + apart
        for other in sorted((p for p in placed if p.meets(life)), key=lambda p: p.buffer.offset):
            if at + life.buffer.size <= other.buffer.offset:
                break
            at = max(at, start + (other.buffer.offset + other.buffer.size - start + PAGE - 1) // PAGE * PAGE + apart)
            at = (at + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        life.buffer.offset = at
        placed.append(life)
        top = max(top, at + life.buffer.size)
    return top
