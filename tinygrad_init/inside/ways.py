"""Ways through a graph from one step back to another: how many there are, and what all of them go through."""

from __future__ import annotations

from collections.abc import Sequence

from .steps import Step

Edge = tuple[int, int]  # a step, and which of its inputs


def between(steps: Sequence[Step], end: int, start: int) -> dict[int, list[Edge]]:
    """By step the edges that lead on towards `start`, for every step on a way from `end` to it."""
    reaches = {start}
    for step in steps[start:end]:
        if any(n in reaches for n in step.inputs) and step.requires_grad:
            reaches.add(step.number)
    on_way: dict[int, list[Edge]] = {end: []} if end in reaches else {}
    for number in range(end, start, -1):
        if number in on_way:
            for i, source in enumerate(steps[number - 1].inputs):
                if source in reaches and steps[number - 1].slopes[i] not in (None, "none"):
                    on_way[number].append((number, i))
                    on_way.setdefault(source, [])
    return on_way


def counts(steps: Sequence[Step], on_way: dict[int, list[Edge]], end: int) -> dict[int, int]:
    """How many ways lead from `end` to each step."""
    found = dict.fromkeys(on_way, 0)
    found[end] = 1
    for number in sorted(on_way, reverse=True):
        for _, i in on_way[number]:
            found[steps[number - 1].inputs[i]] += found[number]
    return found


def gates(steps: Sequence[Step], on_way: dict[int, list[Edge]], end: int, start: int) -> list[int]:
    """The steps that every way goes through, from `end` to `start`."""
    down = counts(steps, on_way, end)
    up = dict.fromkeys(on_way, 0)
    up[start] = 1
    for number in sorted(on_way):
        for _, i in on_way[number]:
            up[number] += up[steps[number - 1].inputs[i]]
    return [number for number in sorted(on_way, reverse=True) if down[number] * up[number] == down[start]]


def all_ways(steps: Sequence[Step], on_way: dict[int, list[Edge]], end: int, start: int) -> list[list[Edge]]:
    """Every way, as the edges it takes; ask `counts` first how many there are."""
    found: list[list[Edge]] = []
    waiting: list[tuple[int, list[Edge]]] = [(end, [])]
    while waiting:
        number, way = waiting.pop()
        if number == start:
            found.append(way)
            continue
        for edge in reversed(on_way[number]):
            waiting.append((steps[number - 1].inputs[edge[1]], [*way, edge]))
    return found
