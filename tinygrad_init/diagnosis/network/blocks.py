"""Residual blocks among the links of a graph: sums of two ways from the same place, each a chain of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .links import RESIDUAL, SUM, Link, flat

Array = np.ndarray[Any, Any]
Source = Link | str


def folded(links: Sequence[Link], name: str = "a sum", label: str = RESIDUAL) -> tuple[Link, ...]:
    """Links with every sum x + f(x) or g(x) + f(x) as one residual link, whose branch is the longer of both ways.

    Only sums whose ways are used for nothing else: what several links need stays in sight. The links are those of one
    graph, in the order in which they run; those that take a block's output are told its new source.

    Parameters
    ----------
    links
        Of a network, or a part of it.
    name, label
        What a block is called.
    """
    uses = Counter(source for link in links for source in link.sources)
    blocks: dict[Source, Link] = {}
    inside: set[Link] = set()
    here = set(links)
    for link in links:
        link.sources = tuple(blocks.get(source, source) for source in link.sources)
        ways = two_ways(link, uses, here)
        if ways is not None:
            branch, shortcut, start = ways
            inside |= {link, *branch, *shortcut}
            blocks[link] = block(name, label, start, branch, shortcut, link.output)
            here.add(blocks[link])
            uses[blocks[link]] = uses[link]
            uses[start] -= 1  # one block takes it, not two ways
    found = (blocks.get(link, link) for link in links)
    return tuple(link for link in found if link not in inside)


def beside(links: Sequence[Link]) -> set[Link]:
    """The links between a place and a sum to which it also goes past them: what residual branches are made of.

    They may meet on the way, as queries and keys do, so that there is no chain to fold.
    """
    order = {link: i for i, link in enumerate(links)}
    found: set[Link] = set()
    for link in links:
        found |= {*flat(link.branch), *flat(link.shortcut)}
        if link.label != SUM or len(link.sources) != 2 or any(x.shape != link.output.shape for x in link.inputs):
            continue
        for past, end in (link.sources, link.sources[::-1]):
            if isinstance(end, Link):
                found |= between(past, end, order)
    return found


def between(start: Source, end: Link, order: Mapping[Link, int]) -> set[Link]:
    """The links on the ways from one place to another, the end with them; none if no way leads there."""
    first = order.get(start, -1) if isinstance(start, Link) else -1
    behind: set[Link] = set()  # what leads to the end
    waiting = [end]
    while waiting:
        link = waiting.pop()
        if link in behind or order.get(link, -1) <= first:
            continue
        behind.add(link)
        waiting += [source for source in link.sources if isinstance(source, Link)]
    reached: set[Source] = {start}
    for link in sorted(behind, key=order.__getitem__):
        if any(source in reached for source in link.sources):
            reached.add(link)
    return {link for link in behind if link in reached} if end in reached else set()


def two_ways(
    link: Link, uses: Counter[Source], here: set[Link]
) -> tuple[tuple[Link, ...], tuple[Link, ...], Source] | None:
    """Branch, shortcut and start of a sum that is a block; None of any other link."""
    if link.label != SUM or link.parameters or len(link.sources) != 2:
        return None
    if any(x.shape != link.output.shape for x in link.inputs):
        return None
    (one, start), (other, end) = (way_back(source, uses, here) for source in link.sources)
    if start != end or not (one or other):  # not from the same place, or twice the same
        return None
    return (one, other, start) if len(one) >= len(other) else (other, one, start)


def way_back(end: Source, uses: Counter[Source], here: set[Link]) -> tuple[tuple[Link, ...], Source]:
    """The links on the way to one that nothing else uses and that have one input each, first to last; and its start."""
    found: list[Link] = []
    while isinstance(end, Link) and end in here and uses[end] == 1 and len(end.sources) == 1:
        found.append(end)
        (end,) = end.sources
    return tuple(found[::-1]), end


def block(
    name: str, label: str, source: Source, branch: tuple[Link, ...], shortcut: tuple[Link, ...], output: Array
) -> Link:
    """A residual link; `output` is the sum of what comes out of its branch and what went past it."""
    first = branch[0]

    def rerun(inputs: tuple[Array, ...]) -> Link:
        on_top, past = again(branch, inputs[0]), again(shortcut, inputs[0])
        kept = past[-1].output if past else inputs[0]
        return block(name, label, source, on_top, past, on_top[-1].output + kept)

    return Link(
        name=name,
        role=RESIDUAL,
        label=label,
        inputs=first.inputs,
        output=output,
        rerun=rerun,
        sources=(source,),
        branch=branch,
        shortcut=shortcut,
    )


def again(links: tuple[Link, ...], x: Array) -> tuple[Link, ...]:
    """A chain on another input."""
    found: list[Link] = []
    for link in links:
        new = link.again(x)
        if found:
            new.sources = (found[-1],)
        found.append(new)
        x = new.output
    return tuple(found)
