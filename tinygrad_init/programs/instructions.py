"""What a program is made of: buffers of numbers, and steps that read and write them.

A `Step` is one kernel call. Its operands are `View`s: places in buffers, with strides. The codes are those of
`csrc/program.h`, where the comment beside each says what it does with its operands a, b, c, d, e and its result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .buffers import ITEM, Buffer

A, B, C, D, E, OUT = range(6)
ELEMENTWISE = ("unary", "unary_vjp", "binary", "binary_vjp", "select")

Place = tuple[Any, int]  # the code object and instruction of the line that asked for something


@dataclass(frozen=True, slots=True)
class View:
    """A place in a buffer, and how far apart (in bytes) the numbers lie along each axis of the step's shape."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]


@dataclass(eq=False, slots=True)
class Step:
    """One instruction.

    Attributes
    ----------
    shape
        The common shape of elementwise steps; for others as the comments in `csrc/program.h` say.
    views
        The operands a, b, c, d, e and the result, None where there is none.
    writes
        Which of them are written; the others are read.
    function
        By name, of an elementwise function or a reduction.
    p
        Numbers that the instruction needs.
    flag, reduced
        As the comments in `csrc/program.h` say.
    place
        The line of the user's code.
    run
        For a `call`: what to do; for a `check`: what to raise.
    parts
        The tape of a run of single numbers, or what a chain consists of.
    """

    code: str
    kind: int
    shape: tuple[int, ...]
    views: list[View | None]
    function: str | None = None
    p: tuple[float, ...] = ()
    flag: int = 0
    reduced: int = 0
    writes: Sequence[int] = (OUT,)
    place: Place | None = None
    run: Any = None
    parts: Any = None
    at: list[tuple[int, int] | None] = field(default_factory=list)
    strides: list[tuple[int, ...]] = field(default_factory=list)

    def reads(self) -> Iterator[View]:
        """The operands that are read."""
        for i, view in enumerate(self.views):
            if view is not None and (i not in self.writes or self.code in ("sgd", "adam")):
                yield view

    def written(self) -> Iterator[View]:
        """The operands that are written."""
        for i in self.writes:
            view = self.views[i]
            if view is not None:
                yield view

    def result(self) -> View:
        """Where the main result goes."""
        view = self.views[OUT]
        assert view is not None
        return view

    def settle(self) -> None:
        """Note the operands as slots and offsets, after every buffer has found its place."""
        if self.code == "scalars":
            self.at, self.strides = [None] * (OUT + 1), [()] * (OUT + 1)
            self.parts.settle()
            return
        self.at = [None if v is None else (v.buffer.slot, v.buffer.offset + v.offset) for v in self.views]
        item = ITEM[self.kind] if self.code in ("product", "stack_product") else 1  # strides in elements
        self.strides = [() if v is None else tuple(s // item for s in v.strides) for v in self.views]


@dataclass
class Stage:
    """One function of a chain; operands are registers (0 and up) or operands of the chain (-1 and down)."""

    code: str
    function: str | None
    flag: int
    p: float
    operands: list[int]
    to: int


@dataclass
class Chain:
    """Elementwise functions that run together, piece by piece; each operand's numbers are `each` apart (1 or 0)."""

    stages: list[Stage]
    operands: list[tuple[tuple[int, int], int]]


def order_of(shape: tuple[int, ...], strides: tuple[int, ...], item: int) -> tuple[int, ...] | None:
    """In which order of the axes an array lies in memory without gaps; None if it has gaps."""
    if 0 in shape:
        return tuple(range(len(shape)))
    axes = sorted(range(len(shape)), key=lambda i: (-strides[i], i))
    axes = [i for i in range(len(shape)) if shape[i] == 1] + [i for i in axes if shape[i] != 1]
    expected = item * math.prod(shape)
    for i in axes:
        if shape[i] == 1:
            continue
        expected //= max(shape[i], 1)
        if strides[i] != expected:
            return None
    return tuple(axes)


def merged(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Axes of length 1 left out, and neighbours merged that every operand walks through evenly."""
    dims: list[int] = []
    found: list[list[int]] = [[] for _ in strides]
    for i, n in enumerate(shape):
        if n == 1:
            continue
        if dims and all(f[-1] == n * s[i] for f, s in zip(found, strides, strict=True)):
            dims[-1] *= n
            for f, s in zip(found, strides, strict=True):
                f[-1] = s[i]
        else:
            dims.append(n)
            for f, s in zip(found, strides, strict=True):
                f.append(s[i])
    if not dims:
        return (1,), [(0,) for _ in strides]
    return tuple(dims), [tuple(f) for f in found]


def flat(step: Step) -> bool:
    """Whether an elementwise step goes through all its operands without gaps, or through single numbers."""
    item = ITEM[step.kind]
    views = [view for view in step.views if view is not None]
    return step.code in ELEMENTWISE and len(step.shape) == 1 and all(v.strides[0] in (0, item) for v in views)
