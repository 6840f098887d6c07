"""The chain rule of one graph written out: from a loss back to one tensor, as text, in LaTeX, with all numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.history import node_of
from ..engine.tensor import Tensor
from ..ops.activations import ACTIVATIONS
from .factors import ATOM, SUM, Written, factor_of, fraction
from .reading import Vertex
from .steps import Array, Step, brief, shape_text
from .tapes import Tape, taken
from .ways import Edge, all_ways, between, counts, gates

MOST_WAYS = 8  # of more, the sum is not written out
DOT, ROW = r" \cdot ", r"\\"
SMALL = 16  # a matrix of so many numbers or fewer is shown in full


@dataclass(frozen=True)
class Line:
    """One factor as it is listed: how it is written, what it is, its numbers, and the product up to it."""

    symbol: Written
    what: str
    value: Array | None
    product: Array


class Derivation:
    """The derivative of one number by one tensor, as the product that the chain rule makes of it.

    Attributes
    ----------
    text, latex
        The formula, with its numbers.
    value
        The product, multiplied out from the factors that are shown: the gradient.
    factors
        What is multiplied, in order, each with its numbers and the product up to it.
    ways
        How many ways lead from the loss to the tensor; their products are added up.
    """

    def __init__(self, text: str, latex: str, value: Array, factors: tuple[Line, ...], ways: int) -> None:
        self.text, self.latex, self.value, self.factors, self.ways = text, latex, value, factors, ways

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def derivation(loss: Tensor, weight: Tensor, *, names: Mapping[str, Tensor] | None = None) -> Derivation:
    """The chain rule of this very graph, from `loss` to `weight`, with the numbers filled in.

    Parameters
    ----------
    loss
        A tensor with one element.
    weight
        What to differentiate by: a leaf, or a result on the way.
    names
        What to call tensors that have no name of their own, or another.

    Returns
    -------
    Derivation
        Of single numbers, every way from the loss to `weight` as a product of local derivatives, and their sum. Of
        arrays, the loss derivative, then slopes of activations (⊙, number by number) and matrices, to the layer's
        input; rows are samples, so that z = x Wᵀ + b and a cotangent δ goes back as δ W. What branches and meets again
        is a sum.

    Raises
    ------
    ValueError
        `loss` is more than a number, does not depend on `weight`, or numbers on the way were not kept.
    """
    if loss.size != 1:
        raise ValueError(f"derivation: expected a loss with one element, got shape {loss.shape}")
    found, vertices = taken(loss, None, names)
    start = place_of(weight, vertices)
    on_way = between(found.steps, len(found), start)
    if start not in on_way or start == len(found):
        raise ValueError("derivation: the loss does not depend on that tensor")
    ways = counts(found.steps, on_way, len(found))[start]
    if all(found[number - 1].scalar for number in on_way):
        return of_numbers(found, on_way, start, ways)
    return of_arrays(found, on_way, start, ways)


def place_of(weight: Tensor, vertices: Sequence[Vertex]) -> int:
    """The number of a tensor's step; 0 if it is not on the tape."""
    node = node_of(weight)
    return next((vertex.number for vertex in vertices if node is not None and vertex.node is node), 0)


# Numbers: every way written out


def of_numbers(found: Tape, on_way: dict[int, list[Edge]], start: int, ways: int) -> Derivation:
    """A sum of products of local derivatives; of very many ways, a product over what all of them go through."""
    steps, end = found.steps, len(found)
    if ways <= MOST_WAYS:
        products = [[single(steps, edge) for edge in way] for way in all_ways(steps, on_way, end, start)]
    else:
        stops = gates(steps, on_way, end, start)
        products = [[stretch(steps, on_way, a, b) for a, b in pairwise(stops)]]
    lines: list[Line] = []
    total = np.zeros(())
    for product in products:
        so_far = np.ones(())
        for symbol, what, value in product:
            so_far = so_far * value
            lines.append(Line(symbol, what, value, so_far))
        total = total + so_far
    head = Written(f"∂{steps[-1].name}/∂{steps[start - 1].name}", fraction(steps[-1].name, steps[start - 1].name))
    text, latex = [head.text], [f"{head.latex}"]
    for filled in (False, True):
        for k, product in enumerate(products):
            sign = "=" if k == 0 else "+"
            inner = [number_text(value) if filled else symbol.text for symbol, _, value in product]
            inner_latex = [number_latex(value) if filled else symbol.latex for symbol, _, value in product]
            text.append(f"  {sign} {' · '.join(inner)}")
            latex.append(f"&{sign} {DOT.join(inner_latex)} {ROW}")
    text.append(f"  = {brief(total, 6)}")
    latex.append(f"&= {number_latex(total, 6)}")
    if ways > MOST_WAYS:
        text.append(f"  ({ways} ways; a factor with several of them is their sum)")
    listed = listing(lines)
    joined = "\n".join([*text, "", *listed])
    return Derivation(joined, aligned(latex), total, tuple(lines), ways)


Piece = tuple[Written, str, Array]


def single(steps: Sequence[Step], edge: Edge) -> Piece:
    """The local derivative of one step by one of its inputs."""
    step = steps[edge[0] - 1]
    source = steps[step.inputs[edge[1]] - 1]
    slope = step.slopes[edge[1]]
    if not isinstance(slope, float):
        raise ValueError(f"derivation: an input of {step.name} was not kept; build it within tgi.inspecting()")
    return of_by(step, source), f"{step.operation} by its input {edge[1] + 1}", np.array(slope)


def stretch(steps: Sequence[Step], on_way: dict[int, list[Edge]], a: int, b: int) -> Piece:
    """The derivative between two steps that all ways go through: the sum over the ways in between."""
    arrived = {a: 1.0}
    within = between(steps, a, b)
    for number in sorted(within, reverse=True):
        for edge in within[number]:
            source = steps[number - 1].inputs[edge[1]]
            arrived[source] = arrived.get(source, 0.0) + arrived[number] * float(single(steps, edge)[2])
    ways = counts(steps, within, a)[b]
    what = f"{steps[a - 1].operation}" if ways == 1 else f"the sum over {ways} ways"
    return of_by(steps[a - 1], steps[b - 1]), what, np.array(arrived[b])


def of_by(of: Step, by: Step) -> Written:
    return Written(f"∂{of.name}/∂{by.name}", fraction(of.name, by.name))


# Arrays: the loss derivative, slopes, matrices, the layer's input


def of_arrays(found: Tape, on_way: dict[int, list[Edge]], start: int, ways: int) -> Derivation:
    """One product from what all ways go through to the next; where there are several ways, their sum."""
    steps, end = found.steps, len(found)
    stops = gates(steps, on_way, end, start)
    first = next((k for k, n in enumerate(stops[:-1]) if k and begins_network(steps[n - 1])), 0)
    g = steps[stops[first] - 1].cotangent
    assert g is not None
    symbol = of_by(steps[-1], steps[stops[first] - 1])
    lines = [Line(symbol, "the derivative of the loss", g, g)]
    so_far = symbol
    equations: list[tuple[Written, Written]] = []
    for a, b in pairwise(stops[first:]):
        within = between(steps, a, b)
        several = counts(steps, within, a)[b]
        if several == 1:
            g, so_far, listed = followed(steps, all_ways(steps, within, a, b)[0], g, so_far)
            lines += listed
            continue
        if so_far.binds != ATOM:
            name = of_by(steps[-1], steps[a - 1])
            equations.append((name, so_far))
            so_far = name
        met = of_by(steps[a - 1], steps[b - 1])
        if several > MOST_WAYS:
            g = accumulated(steps, within, a, b, g)
            so_far = Written(f"[{met.text}, {several} ways]({so_far.text})", rf"J\left({so_far.latex}\right)")
        else:
            branches = [followed(steps, way, g, so_far) for way in all_ways(steps, within, a, b)]
            for k, (_, _, listed) in enumerate(branches, 1):
                lines += [replace(line, what=f"{line.what} (way {k} of {several})") for line in listed]
            g, so_far = branches[0][0], added([branch for _, branch, _ in branches])
            for part, _, _ in branches[1:]:
                g = g + part
        lines.append(Line(met, f"the sum over {several} ways", None, g))
    head = of_by(steps[-1], steps[start - 1])
    equations.append((head, so_far))
    equations.reverse()
    text = [f"{name.text} = {right.text}" for name, right in equations]
    text = [f"  where {line}" if k else line for k, line in enumerate(text)]
    latex = [rf"{name.latex} &= {right.latex} \\" for name, right in equations]
    for line in lines:
        if line.value is not None and 0 < line.value.size <= SMALL and line.value.ndim:
            latex.append(rf"{line.symbol.latex} &= {matrix_latex(line.value)} \\")
    latex.append(rf"\left\lVert {head.latex} \right\rVert &= {number_latex(np.linalg.norm(g))}")
    joined = "\n".join([*text, "", *listing(lines), *entries(lines, head.text)])
    return Derivation(joined, aligned(latex), g, tuple(lines), ways)


def begins_network(step: Step) -> bool:
    """Whether the loss ends and the network begins: at the last linear map or activation."""
    return step.operation in ("linear", "matmul") or (step.operation in ACTIVATIONS and step.shape != ())


def followed(
    steps: Sequence[Step], way: Sequence[Edge], g: Array, so_far: Written
) -> tuple[Array, Written, list[Line]]:
    """What becomes of a cotangent, and of its expression, on one way; and the factors there."""
    lines = []
    for number, i in way:
        factor = factor_of(steps[number - 1], i, steps)
        g, so_far = factor.apply(g), factor.write(so_far)
        if factor.symbol.text != "1":
            lines.append(Line(factor.symbol, factor.what, factor.value, g))
    return g, so_far, lines


def added(terms: Sequence[Written]) -> Written:
    return Written(" + ".join(term.text for term in terms), " + ".join(term.latex for term in terms), SUM)


def accumulated(steps: Sequence[Step], within: dict[int, list[Edge]], a: int, b: int, g: Array) -> Array:
    """What very many ways bring, added up: each step once."""
    arrived = {a: g}
    for number in sorted(within, reverse=True):
        for edge in within[number]:
            source = steps[number - 1].inputs[edge[1]]
            part = factor_of(steps[number - 1], edge[1], steps).apply(arrived[number])
            arrived[source] = arrived[source] + part if source in arrived else part
    return arrived[b]


# How it is shown


def listing(lines: Sequence[Line]) -> list[str]:
    """The factors as a table, with the product up to each: where a gradient is lost can be read off."""
    numbers = all(line.product.ndim == 0 for line in lines)
    head = ("factor", "what it is", "" if numbers else "shape", "value" if numbers else "norm", "product so far")
    rows = [head]
    for line in lines:
        value, shape = line.value, "" if line.value is None else shape_text(line.value.shape)
        rows.append((line.symbol.text, line.what, shape, size(value), size(line.product)))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    return [
        "  ".join(
            cell.rjust(width) if k > 2 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            if width
        ).rstrip()
        for row in rows
    ]


def size(value: Array | None) -> str:
    """A number, or the norm of an array."""
    return "" if value is None else f"{value.item():.4g}" if value.ndim == 0 else f"{np.linalg.norm(value):.3g}"


def entries(lines: Sequence[Line], head: str) -> list[str]:
    """Small matrices in full."""
    shown = [(line.symbol.text, line.value) for line in lines] + [(head, lines[-1].product)]
    found = []
    for name, value in shown:
        if value is not None and value.ndim and 0 < value.size <= SMALL:
            prefix = f"{name} = "
            found += ["", prefix + np.array2string(value, precision=4, suppress_small=True, prefix=prefix)]
    return found


def number_text(value: Array) -> str:
    text = brief(value)
    return f"({text})" if text.startswith("-") else text


def number_latex(value: Any, digits: int = 4) -> str:
    """A number, with a power of ten where it has one."""
    mantissa, e, exponent = brief(value, digits).partition("e")
    text = mantissa + (rf" \cdot 10^{{{int(exponent)}}}" if e else "")
    return rf"\left({text}\right)" if text.startswith("-") else text


def matrix_latex(value: Array) -> str:
    rows = np.atleast_2d(value)
    body = r" \\ ".join(" & ".join(f"{v:.3g}" for v in row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def aligned(lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
