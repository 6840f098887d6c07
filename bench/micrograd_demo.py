"""What does a graph of single numbers cost? The demo of micrograd: a network 2-16-16-1 learns to tell two moons apart.

The network, its max-margin loss and its regularization are built from scalars, in the order in which micrograd's own
`nn.MLP` and demo build them, and each side brings its own kind of scalar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .harness import Array, Arrays, LeftOut, NotOffered, Question, Row, Side, ask

if TYPE_CHECKING:
    from .peers.base import Peer, Scalars

WIDTHS = (2, 16, 16, 1)
REGULARIZATION = 1e-4
LEARNING_RATE = 0.1


def moons(samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two interleaving half circles with noise, and signs that tell them apart."""
    angle = rng.uniform(0, np.pi, samples)
    upper = np.arange(samples) % 2 == 0
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + rng.normal(scale=0.1, size=(samples, 2))
    return points, np.where(upper, -1, 1)


class Demo:
    """The network and its training step, of one library's scalars."""

    def __init__(self, scalars: Scalars, samples: int) -> None:
        rng = np.random.default_rng(0)
        self.scalars = scalars
        points, signs = moons(samples, rng)
        self.points, self.signs = points.tolist(), signs.tolist()
        self.layers: list[list[tuple[list[Any], Any]]] = []
        for n, m in pairwise(WIDTHS):
            weights = rng.uniform(-1, 1, (m, n)).tolist()
            self.layers.append([([scalars.parameter(w) for w in row], scalars.parameter(0.0)) for row in weights])
        self.parameters = [p for layer in self.layers for weights, bias in layer for p in (*weights, bias)]
        self.start = [scalars.item(p) for p in self.parameters]
        self.descend = scalars.descent(self.parameters, LEARNING_RATE)

    def score(self, x: list[Any]) -> Any:
        """What the network makes of one point."""
        for depth, layer in enumerate(self.layers, start=1):
            x = [sum((w * xi for w, xi in zip(weights, x, strict=True)), bias) for weights, bias in layer]
            if depth < len(self.layers):
                x = [self.scalars.relu(z) for z in x]
        return x[0]

    def step(self) -> Any:
        """Forward, loss, backward and update."""
        inputs = [[self.scalars.constant(v) for v in point] for point in self.points]
        scores = [self.score(x) for x in inputs]
        losses = [self.scalars.relu(1 + -sign * score) for sign, score in zip(self.signs, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + REGULARIZATION * sum(p * p for p in self.parameters)
        self.descend(total)
        return total

    def read(self, loss: Any) -> Arrays:
        """The loss of a step."""
        return {"loss": np.array(self.scalars.item(loss))}

    def state(self) -> Arrays:
        """All parameters in one array."""
        return {"parameters": np.array([self.scalars.item(p) for p in self.parameters])}

    def reset(self) -> None:
        """The parameters as they were at first."""
        for p, value in zip(self.parameters, self.start, strict=True):
            self.scalars.assign(p, value)


def build(samples: int, captured: bool, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The demo with the scalars of each peer; also as a program, where there is such, if that is wanted."""

    def sides(peer: Peer) -> Iterator[Side]:
        scalars = peer.scalars()
        if scalars is None:
            raise NotOffered("has no graph of single numbers to offer")
        demo = Demo(scalars, samples)
        yield Side(peer.name, demo.step, demo.read, demo.state, demo.reset)
        if captured and (program := peer.captured(demo.step)):
            yield Side(f"{peer.name} captured", program, demo.read, demo.state, demo.reset)

    return ask(peers, sides)


def rows(quick: bool) -> list[Row]:
    """One row; for a quick run with fewer points, and no program, which takes long to capture."""
    samples = 10 if quick else 100
    title = f"2-16-16-1 on {samples} points, one training step of scalars"
    return [Row("micrograd-demo", title, "float64", partial(build, samples, not quick), rtol=1e-9, checked_steps=3)]


QUESTION = Question("scalars", "What does a graph of single numbers cost?", rows)
