"""The tape: everything that led to a number, in the order of the computation, and what backward makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.tensor import Tensor
from .cotangents import cotangents, handed, pulled
from .drawing import svg
from .reading import Vertex, read, values
from .rules import rule_text
from .stepping import Frame, frames, in_notebook, page, step_through
from .steps import Array, Step
from .table import table

if TYPE_CHECKING:
    from ..engine.graph import Node


class Tape:
    """What led to a tensor, as a list of steps: leaves, constants, and every operation, in forward order.

    `print(tape)` shows a table, a notebook something to step through; `to_svg()` is the graph as a picture.

    Attributes
    ----------
    steps
        The steps, of which the last is the end of the tape.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __getitem__(self, which: int | str) -> Step:
        """A step by its place, as in a list, or by its name."""
        if isinstance(which, str):
            for step in self.steps:
                if step.name == which:
                    return step
            raise KeyError(f"no step is called {which!r}; there are {', '.join(step.name for step in self.steps)}")
        return self.steps[which]

    def table(self, width: int = 120) -> str:
        """The steps as a table in plain text, no line of it longer than `width`."""
        return table(self.steps, width)

    def to_svg(self, most: int = 60) -> str:
        """The graph as a drawing; of more than `most` steps those in the middle become one box."""
        return svg(self.steps, most)

    def to_html(self, most: int = 60) -> str:
        """A page that steps forward and backward through the graph, complete in itself."""
        return page(self.steps, most)

    def frames(self) -> list[Frame]:
        """Forward and then backward, one step after the other: what is known at each moment, and what is done."""
        return frames(self.steps)

    def step_through(self) -> None:
        """Go through the frames at a terminal: n or Enter for the next, p for the previous, q to quit."""
        step_through(self.steps)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<tape of {len(self)} steps to {self.steps[-1].name}; print() shows it>"

    def _repr_html_(self) -> str:
        return in_notebook(self.steps, 60)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def tape(end: Tensor, *, gradient: Any = None, names: Mapping[str, Tensor] | None = None) -> Tape:
    """Everything that led to a tensor, step by step, with what comes back to each step.

    Parameters
    ----------
    end
        A tensor that an operation made.
    gradient
        The cotangent to start from, of its shape. A tensor with one element starts from 1 by itself; without it, the
        tape of a larger tensor has no cotangents.
    names
        What to call tensors that have no name of their own, or another.

    Returns
    -------
    Tape
        Its cotangents are what `backward` computes; no `.grad` is touched, the graph stays. Numbers that were not kept
        are computed again from the leaves as they are now; within `inspecting()` everything is kept.

    Raises
    ------
    TypeError
        `end` is no tensor.
    ValueError
        It does not depend on anything that requires grad, so nothing was recorded.
    RuntimeError
        Backward has freed the graph, or numbers that it kept were changed in place.
    """
    return taken(end, gradient, names)[0]


def taken(end: Tensor, gradient: Any, names: Mapping[str, Tensor] | None) -> tuple[Tape, list[Vertex]]:
    """The tape, and what of the graph stands behind each of its steps."""
    if not isinstance(end, Tensor):
        raise TypeError(f"tape: expected a tensor, got {type(end).__name__}")
    if not end.requires_grad:
        raise ValueError("tape: nothing was recorded, the tensor does not depend on anything that requires grad")
    vertices = read(end, names)
    found = {} if gradient is None and end.size != 1 else cotangents(end, gradient, vertices)
    return Tape(tuple(step_of(vertex, found) for vertex in vertices)), vertices


def step_of(vertex: Vertex, found: dict[Node, Array]) -> Step:
    """The record of what was read."""
    node = vertex.node
    g = None if node is None else found.get(node)
    place, line = vertex.place()
    return Step(
        number=vertex.number,
        name=vertex.name,
        op=None if node is None else node.op,
        parameters=vertex.parameters,
        inputs=tuple(part.number for part in vertex.inputs),
        shape=vertex.shape,
        dtype=vertex.dtype,
        requires_grad=node is not None,
        value=values(vertex),
        slopes=slopes(vertex),
        cotangent=g,
        handed=handed(vertex, g, found),
        place=place,
        line=line,
    )


def slopes(vertex: Vertex) -> tuple[float | str | None, ...]:
    """The local derivative by each input that has one: numbers of numbers, formulas of arrays."""
    node = vertex.node
    if node is None or node.op is None:
        return ()
    needs = [part.node is not None for part in vertex.inputs]
    inputs = [part.value for part in vertex.inputs if part.value is not None]
    if vertex.shape == () and len(inputs) == len(needs) and all(x.shape == () for x in inputs):
        parts = pulled(node.op, node.params, inputs, needs, np.ones(()))
        return tuple(None if part is None else part.item() for part in parts)
    names = [part.name for part in vertex.inputs]
    return tuple(
        rule_text(node.op, i, names, vertex.name, node.op.elementwise) if need else None for i, need in enumerate(needs)
    )
