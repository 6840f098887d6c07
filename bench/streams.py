"""Kernels that are bound by memory: reductions, cross entropy and update rules, against the speed of a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_init.kernels import reference
from tinygrad_init.kernels.backend import kernels

from .harness import OURS, Array, Arrays, LeftOut, Row, Side
from .machine import bandwidth

RTOL = {"float32": 1e-5, "float64": 1e-10}
COLUMNS = 256
CLASSES = 10
SUM, MAX, NORM = 0, 1, 3
LR = 0.01
Build = Callable[[Sequence[Any]], Iterator[Side | LeftOut]]


@dataclass(frozen=True)
class Place:
    """Where the arrays of a row lie: `size` bytes each, and what names of rows end in and titles say."""

    size: int
    suffix: str
    title: str


# Operands and result together are larger than the last cache of most processors, yet each is small enough for the
# allocator to reuse its memory (glibc returns what is above 32 MB to the system), so that no new page is paid for.
MEMORY = Place(24 << 20, "", "in memory")
CACHE = Place(128 << 10, "-cached", "in cache")
QUICK = Place(1 << 16, "", "in cache")


def rates(place: Place, arrays: float, seconds: float) -> dict[str, float]:
    """The share of a copy's speed at which so many arrays of that size were read or written."""
    return {"of copy": arrays * place.size / seconds / bandwidth(place.size)}


def row(name: str, title: str, dtype: str, place: Place, arrays: float, build: Build) -> Row:
    """A row whose times are those of an element, of `arrays` arrays that pass through memory."""
    return Row(
        f"{name}-{dtype}{place.suffix}",
        f"{title}, {place.title}",
        dtype,
        build,
        RTOL[dtype],
        unit="element",
        per=place.size // np.dtype(dtype).itemsize,
        nano=True,
        rates=partial(rates, place, arrays),
    )


def read(out: Array) -> Arrays:
    """The result of a kernel."""
    return {"result": out}


def draw(place: Place, dtype: str, columns: int) -> Array:
    """Numbers from a seeded generator, in rows of so many."""
    rows = place.size // np.dtype(dtype).itemsize // columns
    return np.random.default_rng(0).uniform(0.5, 1.5, (rows, columns)).astype(dtype)


def reduction_row(name: str, reduction: int, axes: tuple[int, ...], dtype: str, place: Place) -> Row:
    """A reduction of a matrix of 256 columns: over everything, over its rows or over its columns."""

    def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
        x = draw(place, dtype, COLUMNS)
        yield Side(OURS, partial(kernels.reduce, x, reduction, axes, False), read)
        yield Side("reference", partial(reference.reduce, x, reduction, axes, False), read)

    what = {(0, 1): "over all", (0,): "over rows", (1,): "over columns"}[axes]
    return row(f"{name}-{what.replace(' ', '-')}", f"{name} {what}", dtype, place, 1, build)


def cross_entropy_row(vjp: bool, dtype: str, place: Place) -> Row:
    """Cross entropy of ten classes, or its derivative (which computes the softmax once more)."""

    def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
        x = draw(place, dtype, CLASSES)
        labels = np.random.default_rng(1).integers(0, CLASSES, len(x))
        g = np.full(len(x), 1 / len(x), dtype)
        for name, one in ((OURS, kernels), ("reference", reference)):
            step = partial(one.cross_entropy_vjp, g, x, labels) if vjp else partial(one.cross_entropy, x, labels)
            yield Side(name, step, read)

    kind, title = ("-vjp", " derivative") if vjp else ("", "")
    return row(f"cross-entropy{kind}", f"cross entropy{title}", dtype, place, 2 if vjp else 1 + 1 / CLASSES, build)


def update_row(rule: str, dtype: str, place: Place) -> Row:
    """An update rule, in place."""

    def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
        start = draw(place, dtype, 1)[:, 0]
        gradient = start - 1
        for name, one in ((OURS, kernels), ("reference", reference)):
            yield update_side(name, one, rule, start, gradient)

    # Weight and, with Adam, two moments are read and written; the gradient is read.
    return row(rule, rule, dtype, place, {"sgd": 3, "adam": 7}[rule], build)


def update_side(name: str, one: Any, rule: str, start: Array, gradient: Array) -> Side:
    """An update rule of one of the two backends."""
    weight, powers = start.copy(), np.ones(2)
    moments = [np.zeros_like(start) for _ in range(2)]
    if rule == "sgd":
        step = partial(one.sgd, weight, gradient, None, LR, 0.0, False, 0.0)
    else:
        step = partial(one.adam, weight, gradient, *moments, powers, LR, 0.9, 0.999, 1e-8, 0.0, False)

    def reset() -> None:
        weight[...], powers[...] = start, 1
        for moment in moments:
            moment[...] = 0

    return Side(name, step, lambda _: {"length": np.array(weight.size)}, lambda: {"weight": weight}, reset)


def rows(dtype: str, places: Sequence[Place]) -> Iterator[Row]:
    """Every reduction, loss and update rule, in each place."""
    for place in places:
        for axes in ((0, 1), (0,), (1,)):
            yield reduction_row("sum", SUM, axes, dtype, place)
        yield reduction_row("max", MAX, (0, 1), dtype, place)
        yield reduction_row("norm", NORM, (0, 1), dtype, place)
        yield cross_entropy_row(False, dtype, place)
        yield cross_entropy_row(True, dtype, place)
        yield update_row("sgd", dtype, place)
        yield update_row("adam", dtype, place)
