"""What does a training step cost? Forward, loss, backward and gradient descent on multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from .harness import Array, LeftOut, Question, Row, Side, ask
from .peers.base import Peer
from .problems import Network


@dataclass(frozen=True)
class Size:
    """The widths of a network's layers, input first, how it is trained, and how far sides must agree on it."""

    name: str
    title: str
    widths: tuple[int, ...]
    batch: int
    loss: str
    lr: float
    small: bool = False
    checked_steps: int = 5
    # Changes of parameters are differences of float32 numbers hundreds of times larger, hence not closer.
    rtol: float = 2e-3


SIZES = (
    Size("mlp-2-6-3-1", "2-6-3-1, batch 100", (2, 6, 3, 1), 100, "binary_cross_entropy_with_logits", 0.1, small=True),
    Size("mlp-4-16-16-3", "4-16-16-3, batch 32", (4, 16, 16, 3), 32, "cross_entropy", 0.1, small=True),
    Size("mlp-10x64", "64-9×64-10, batch 64", (64, *[64] * 9, 10), 64, "cross_entropy", 0.01),
    Size("mlp-784-128-64-10", "784-128-64-10, batch 64", (784, 128, 64, 10), 64, "cross_entropy", 0.01),
    Size("mlp-784-512-512-10", "784-512-512-10, batch 128", (784, 512, 512, 10), 128, "cross_entropy", 0.01),
    # In 100 layers rounding soon moves some preactivation across the kink of ReLU: from then on float32 no longer
    # follows float64, whoever computes it. Two small steps stay well within 1e-2 of it, while a learning rate that is
    # wrong by 1% is off by several times as much.
    Size(
        "mlp-100x100",
        "100 layers of 100, batch 128",
        (100,) * 101,
        128,
        "half_squared_error",
        1e-5,
        checked_steps=2,
        rtol=1e-2,
    ),
    Size("mlp-4x1024", "1024-1024-1024-1024, batch 256", (1024,) * 4, 256, "half_squared_error", 1e-3),
)


def draw(size: Size) -> Network:
    """Weights (He et al. 2015), inputs and targets from a seeded generator."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size.batch, size.widths[0])).astype(np.float32)
    outputs = (size.batch, size.widths[-1])
    y: Array
    if size.loss == "cross_entropy":
        y = rng.integers(0, size.widths[-1], size.batch)
    elif size.loss == "binary_cross_entropy_with_logits":
        y = rng.integers(0, 2, outputs).astype(np.float32)
    else:
        y = rng.normal(size=outputs).astype(np.float32)
    parameters = tuple(
        ((rng.normal(size=(m, n)) * np.sqrt(2 / n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in pairwise(size.widths)
    )
    return Network(size.loss, size.lr, x, y, parameters)


def products(problem: Network) -> list[tuple[Array, Array]]:
    """The pairs of matrices that every training step has to multiply, whoever does it.

    For each layer x Wᵀ forward, and δᵀ x (for W) and δ W (for x, except in the first layer) backward.
    """
    rng = np.random.default_rng(0)
    x, forward, backward = problem.x, [], []
    for i, (weight, _) in enumerate(problem.parameters):
        out, delta = (rng.normal(size=(len(x), len(weight))).astype(np.float32) for _ in range(2))
        forward.append((x, weight.T))
        backward.append((delta.T, x))
        if i:
            backward.append((delta, weight))
        x = out
    return forward + backward[::-1]


def build(size: Size, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The training step as each peer does it, and the products of it alone."""
    problem = draw(size)
    yield from ask(peers, lambda peer: peer.network(problem))
    pairs = products(problem)
    for peer in peers:
        if step := peer.products(pairs):
            yield Side(f"products alone, {peer.module}", step, dict, floor=True)


def rows(quick: bool) -> list[Row]:
    """Every size; for a quick run the smallest."""
    return [
        Row(size.name, size.title, "float32", partial(build, size), size.rtol, checked_steps=size.checked_steps)
        for size in SIZES
        if size.small or not quick
    ]


QUESTION = Question("networks", "What does a training step cost?", rows)
