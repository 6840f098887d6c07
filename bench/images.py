"""What does a training step of a convolutional network cost? Forward, loss, backward and gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .harness import LeftOut, Question, Row, Side, ask
from .peers.base import Peer
from .problems import Functions, Layers, Network


class LeNet(Network):
    """Two convolutions, each with ReLU and the largest of every four, and three linear layers (LeCun et al. 1998)."""

    def output(self, of: Functions, x: Any, layers: Layers) -> Any:
        a = of.largest_of_four(of.relu(of.convolution(x, *layers[0], 2)))
        a = of.largest_of_four(of.relu(of.convolution(a, *layers[1], 0))).reshape((len(x), -1))
        a = of.relu(of.linear(a, *layers[2]))
        return of.linear(of.relu(of.linear(a, *layers[3])), *layers[4])


class ResidualBlock(Network):
    """Two convolutions of 3 x 3, each with batch normalization, around which the input goes (He et al. 2016)."""

    def output(self, of: Functions, x: Any, layers: Layers) -> Any:
        (w1, b1), (w2, b2) = layers
        a = of.relu(of.normalized(of.convolution(x, w1, None, 1)) + b1)
        return of.relu(of.normalized(of.convolution(a, w2, None, 1)) + b2 + x)


def layer(rng: np.random.Generator, *shape: int, bias: tuple[int, ...] | None = None) -> Any:
    """A weight (He et al. 2015) and a bias of zeros, one for each of its units unless its shape is given."""
    weight = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
    return weight.astype(np.float32), np.zeros(bias or shape[:1], np.float32)


def lenet(batch: int) -> LeNet:
    """On images of 28 x 28."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, 1, 28, 28)).astype(np.float32)
    shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    parameters = tuple(layer(rng, *shape) for shape in shapes)
    return LeNet("cross_entropy", 0.01, x, rng.integers(0, 10, batch), parameters)


def block(channels: int, side: int, batch: int) -> ResidualBlock:
    """On images of such a side."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, batch, channels, side, side)).astype(np.float32)
    parameters = tuple(layer(rng, channels, channels, 3, 3, bias=(channels, 1, 1)) for _ in range(2))
    return ResidualBlock("half_squared_error", 1e-3, x, y, parameters)


def build(problem: Network, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The training step as each peer does it."""
    yield from ask(peers, lambda peer: peer.images(problem))


def rows(quick: bool) -> list[Row]:
    """LeNet and a block; for a quick run small ones."""
    problems = {
        "lenet": ("LeNet, 28×28, batch 64", partial(lenet, 64)),
        "residual-block": ("residual block, 64 channels, 16×16, batch 16", partial(block, 64, 16, 16)),
    }
    small = {
        "lenet-4": ("LeNet, 28×28, batch 4", partial(lenet, 4)),
        "residual-block-4": ("residual block, 4 channels, 8×8, batch 2", partial(block, 4, 8, 2)),
    }
    return [
        Row(name, title, "float32", lambda peers, draw=draw: build(draw(), peers), 5e-3)  # type: ignore[misc]
        for name, (title, draw) in (small if quick else problems).items()
    ]


QUESTION = Question("images", "What does a training step on images cost?", rows)
