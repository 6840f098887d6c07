"""Where the boxes of a graph go: in layers, with few crossings, as straight as may be.

The method is that of Sugiyama, Tagawa and Toda (1981): layers by the longest way, places that an edge passes on its way
through a layer, orders within layers by the mean of the neighbours, and positions that keep the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Place = tuple[float, float]
SWEEPS = 12
Stop = tuple[int, int, int]  # a box (n, 0, 0), or what an edge passes: (from, to, layer)


def layered(inputs: dict[int, list[int]], wide: float, high: float, thin: float) -> tuple[
    dict[int, Place], dict[tuple[int, int], list[Place]]
]:  # fmt: skip
    """Centres of all boxes, and for each edge (from, to) the places that it passes between them.

    Parameters
    ----------
    inputs
        For each box those that arrows come from, in an order in which each comes after all of its own.
    wide, high
        How far apart centres are, within a layer and from layer to layer.
    thin
        How much room an edge takes that passes a layer.
    """
    layer = layers(inputs)
    rows: list[list[Stop]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    above: dict[Stop, list[Stop]] = {}
    for n, sources in inputs.items():
        rows[layer[n]].append((n, 0, 0))
        above[n, 0, 0] = []
        for source in dict.fromkeys(sources):
            last: Stop = (source, 0, 0)
            for level in range(layer[source] + 1, layer[n]):
                rows[level].append((source, n, level))
                above[source, n, level] = [last]
                last = (source, n, level)
            above[n, 0, 0].append(last)
    below: dict[Stop, list[Stop]] = {stop: [] for stop in above}
    for stop, sources_of in above.items():
        for source_stop in sources_of:
            below[source_stop].append(stop)
    x = positions(rows, above, below, wide, thin)
    left = min(x.values(), default=0.0)
    boxes = {n: (x[n, 0, 0] - left, high * layer[n]) for n in inputs}
    ways = {
        (source, n): [(x[source, n, level] - left, high * level) for level in range(layer[source] + 1, layer[n])]
        for n, sources in inputs.items()
        for source in dict.fromkeys(sources)
    }
    return boxes, ways


def layers(inputs: dict[int, list[int]]) -> dict[int, int]:
    """The layer of each box: as few as possible, and everything just above its first use."""
    found: dict[int, int] = {}
    for n, sources in inputs.items():
        found[n] = 1 + max((found[source] for source in sources), default=-1)
    first_use: dict[int, int] = {}
    for n in reversed(inputs):
        found[n] = first_use.get(n, found[n] + 1) - 1
        for source in inputs[n]:
            first_use[source] = min(first_use.get(source, found[n]), found[n])
    return found


def positions(
    rows: list[list[Stop]], above: dict[Stop, list[Stop]], below: dict[Stop, list[Stop]], wide: float, thin: float
) -> dict[Stop, float]:
    """Where everything stands in its layer; sweeps go down and up and draw each towards the mean of its neighbours."""
    x = {stop: i * wide for row in rows for i, stop in enumerate(row)}
    for sweep in range(2 * SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for row in rows if down else reversed(rows):
            wished = {
                stop: sum(x[other] for other in neighbours[stop]) / len(neighbours[stop])
                if neighbours[stop]
                else x[stop]
                for stop in row
            }
            if sweep < SWEEPS:  # the order is looked for first, and kept then
                row.sort(key=lambda stop: wished[stop])
            x.update(spread(row, wished, wide, thin))
    return x


def spread(row: Sequence[Stop], wished: Mapping[Stop, float], wide: float, thin: float) -> dict[Stop, float]:
    """As near to where they want to be as the order and the distances allow: the mean of pushing right and left."""
    apart = [0.0, *((room(a, wide, thin) + room(b, wide, thin)) / 2 for a, b in pairwise(row))]
    right: list[float] = []
    for i, stop in enumerate(row):
        right.append(max(wished[stop], right[-1] + apart[i]) if right else wished[stop])
    left = list(right)
    for i in range(len(row) - 1, -1, -1):
        last = i == len(row) - 1
        left[i] = wished[row[i]] if last else min(wished[row[i]], left[i + 1] - apart[i + 1])
    return {stop: (a + b) / 2 for stop, a, b in zip(row, right, left, strict=True)}


def room(stop: Stop, wide: float, thin: float) -> float:
    return thin if stop[1:] != (0, 0) else wide
