"""What does an operation cost? Long chains of operations on so few numbers that hardly anything else is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from .harness import LeftOut, Question, Row, Side, ask
from .peers.base import Peer
from .problems import Chain

OPERATIONS_A_CYCLE = 4


def draw(shape: tuple[int, ...], dtype: str, cycles: int) -> Chain:
    """A chain from a seeded generator."""
    rng = np.random.default_rng(0)
    # |w| close to 1: smaller powers of it would become denormal numbers, which processors treat slowly.
    w, x = -rng.uniform(0.92, 0.98, shape), rng.uniform(0.5, 1.5, shape)
    return Chain(np.asarray(w, dtype), np.asarray(x, dtype), cycles)


def build(problem: Chain, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The chain as each peer does it."""
    return ask(peers, lambda peer: peer.chain(problem))


def rows(quick: bool) -> list[Row]:
    """An array of ten numbers, and single numbers."""
    operations = 200 if quick else 1000
    found = []
    for name, what, shape, dtype, rtol in (
        ("array-chain", "an array of 10", (10,), "float32", 1e-4),
        ("scalar-chain", "0-d numbers", (), "float64", 1e-10),
    ):
        problem = draw(shape, dtype, operations // OPERATIONS_A_CYCLE)
        title = f"{operations} operations on {what}, forward and backward"
        found.append(Row(name, title, dtype, partial(build, problem), rtol, unit="operation", per=operations))
    return found


QUESTION = Question("chains", "What does an operation cost?", rows)
