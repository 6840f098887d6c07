"""What a random program is: values from outside, lines of code, and what happens between its runs.

A program is a step that is run a few times. Its lines are text, the same for both sides: names, Python's operators and
functions `f.…`, of which each side has its own. What the step meets from outside comes in every way there is:
parameters, tensors and arrays of a closure, attributes of objects and classes, arguments of all kinds and layouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

RUNS = 3
# Ties, zeros of both signs and the places where functions have kinks come up often; the rest are ordinary numbers.
NICE = (-3.0, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, -0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
LAYOUTS = ("plain", "plain", "reversed", "gaps", "fortran", "unaligned", "read-only")
# How a value gets into the step; the letter begins its name.
KINDS = {
    "p": "parameter",
    "t": "tensor of the closure",
    "k": "array of the closure",
    "a": "number that is an attribute",
    "b": "tensor that is an attribute",
    "x": "argument, an array",
    "y": "argument, a tensor",
    "n": "argument, a number",
    "z": "argument, an array that has other rows in each run",
    "m": "module of the closure: a linear map, then tanh; its numbers are weight and bias",
}
HOLDERS = ("object", "class", "module", "slots", "nested")


@dataclass(frozen=True)
class Leaf:
    """A value from outside: `runs` are its numbers in each run, or in the first if nothing changes them."""

    name: str
    shape: tuple[int, ...]
    runs: tuple[tuple[float, ...], ...]
    layout: str = "plain"

    @property
    def kind(self) -> str:
        return self.name[0]

    def array(self, run: int, dtype: str) -> np.ndarray[Any, Any]:
        found = np.array(self.runs[min(run, len(self.runs) - 1)], dtype)
        if self.kind == "m":
            return found
        return found.reshape((-1, *self.shape[1:]) if self.kind == "z" and found.size else self.shape)


@dataclass(frozen=True)
class Line:
    """`name = text`, or a statement where there is no name; `uses` are the names in it."""

    name: str
    text: str
    uses: tuple[str, ...]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Program:
    """A random program.

    Attributes
    ----------
    how
        "eager", "captured", "threads" or "forks".
    order
        Whether the step leaves first or second derivatives in `.grad`.
    results
        Names that the loss is made of.
    changes
        Statements under `no_grad` after backward, in place.
    optimizer
        An expression, or nothing.
    holder
        What has the attributes.
    accumulates
        Whether gradients of the run before stay.
    """

    seed: int
    dtype: str
    how: str
    order: int
    leaves: tuple[Leaf, ...]
    lines: tuple[Line, ...]
    results: tuple[str, ...]
    changes: tuple[Line, ...] = ()
    optimizer: str = ""
    holder: str = "object"
    accumulates: bool = False
    runs: int = RUNS
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, compare=False)

    def source(self) -> str:
        """The step as Python code, made by `make` from everything that it meets."""
        outside = [leaf.name for leaf in self.leaves if leaf.kind in "ptkm"]
        attributes = [leaf.name for leaf in self.leaves if leaf.kind in "ab"]
        arguments = [leaf.name for leaf in self.leaves if leaf.kind in "xynz"]
        modules = [leaf.name for leaf in self.leaves if leaf.kind == "m"]
        parameters = [leaf.name for leaf in self.leaves if leaf.kind == "p"]
        place = "o.inner" if self.holder == "nested" else "o"

        def plain(line: Line) -> str:
            text = line.text
            for name in attributes:
                text = text.replace(f"<{name}>", f"{place}.{name}")
            return text.replace("<", "").replace(">", "").replace("LESS", "<").replace("MORE", ">")

        body = [f"{line.name} = {plain(line)}" for line in self.lines]
        body.append(f"loss = f.total([{', '.join(self.results)}])")
        values = [*self.results, "loss"]
        if self.order == 2 and parameters:
            body += [
                f"slopes = f.grad(loss, [{', '.join(parameters)}])",
                "second = f.total(slopes) + 0.0 * loss",
            ]
            values.append("second")
        # Numbers of their own: what a result shows of a parameter that changes later is the business of each engine.
        body.append(f"told = [f.kept(v) for v in [{', '.join(values)}]]")
        if parameters:
            if not self.accumulates:
                body += [f"{name}.grad = None" for name in parameters]
                body += [f"{name}.zero_grad()" for name in modules]
            body.append(f"f.backward({values[-1]})")
            if self.optimizer:
                body.append("optimizer.step()")
        if self.changes:
            body.append("with f.no_grad():")
            body += [f"    {plain(line)}" for line in self.changes]
        body.append("return told")
        made = ", ".join(["f", "o", "optimizer", *outside])
        head = [f"def make({made}):", f"    def step({', '.join(arguments)}):"]
        return "\n".join([*head, *(f"        {row}" for row in body), "    return step"])


def generate(seed: int, how: str | None = None) -> Program:
    """The program of a seed."""
    from .lines import Maker

    rng = np.random.default_rng(seed)
    if how is None:
        how = str(rng.choice(("eager", "captured", "threads", "forks"), p=(0.685, 0.105, 0.105, 0.105)))
    order = 2 if rng.random() < 0.2 else 1
    maker = Maker(rng, str(rng.choice(("float64", "float64", "float32"))), order)
    return maker.program(seed, how)


def numbers(rng: np.random.Generator, size: int) -> tuple[float, ...]:
    """So many numbers, nice and others."""
    nice, others = rng.integers(0, len(NICE), size).tolist(), rng.normal(size=size).tolist()
    return tuple([NICE[i] if u < 0.4 else round(x, 3) for i, x, u in zip(nice, others, rng.random(size), strict=True)])


def without(program: Program, **changes: Any) -> Program:
    """The same with something else; leaves that nothing uses any more are left out."""
    made = replace(program, **changes)
    used = {name for line in (*made.lines, *made.changes) for name in line.uses} | set(made.results)
    return replace(made, leaves=tuple(leaf for leaf in made.leaves if leaf.name in used))
