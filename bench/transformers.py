"""What does a training step of a block of a transformer, or of a recurrent network, cost?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .harness import LeftOut, Question, Row, Side, ask
from .peers.base import Peer
from .problems import Functions, Layers, Network


@dataclass(frozen=True)
class LanguageModel(Network):
    """Characters and their places embedded, one block with causal attention (Radford et al. 2019), and what comes next.

    Layers are: the two tables; two layer norms with, behind the first, the maps to queries, keys and values and back,
    and behind the second a perceptron with GELU; a last norm and the map to the characters.
    """

    heads: int = 1

    def output(self, of: Functions, x: Any, layers: Layers) -> Any:
        (characters, places), norm1, inward, outward, norm2, up, down, norm3, last = layers
        a = of.embedding(x, characters) + places
        a = a + of.linear(self.attended(of, of.linear(of.layer_norm(a, *norm1), *inward)), *outward)
        a = a + of.linear(of.gelu(of.linear(of.layer_norm(a, *norm2), *up)), *down)
        return of.linear(of.layer_norm(a, *norm3), *last).reshape((-1, last[0].shape[0]))

    def attended(self, of: Functions, z: Any) -> Any:
        """Queries, keys and values beside each other, split into heads, and what these find side by side again."""
        batch, tokens, width = z.shape[0], z.shape[1], z.shape[2] // 3
        parts = [z[..., i * width : (i + 1) * width] for i in range(3)]
        q, k, v = (of.swapped(part.reshape((batch, tokens, self.heads, width // self.heads))) for part in parts)
        return of.swapped(of.causal_attention(q, k, v)).reshape((batch, tokens, width))


class Recurrent(Network):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) along sequences, and a linear map of the last state."""

    def output(self, of: Functions, x: Any, layers: Layers) -> Any:
        given, own, last = layers
        return of.linear(of.lstm(x, given, own), *last)


def layer(rng: np.random.Generator, outputs: int, inputs: int) -> Any:
    """A weight and a bias, uniform within ±1/√inputs."""
    bound = inputs**-0.5
    return tuple(rng.uniform(-bound, bound, shape).astype(np.float32) for shape in ((outputs, inputs), (outputs,)))


def block(characters: int, width: int, heads: int, tokens: int, batch: int) -> LanguageModel:
    """Of such a width, on so many tokens of each sequence of a batch."""
    rng = np.random.default_rng(0)
    text = rng.integers(0, characters, (batch, tokens + 1))
    tables = tuple(rng.normal(0, 0.02, (n, width)).astype(np.float32) for n in (characters, tokens))
    norms = [(np.ones(width, np.float32), np.zeros(width, np.float32)) for _ in range(3)]
    inward, outward, up, down, last = (
        layer(rng, outputs, inputs)
        for outputs, inputs in (
            (3 * width, width),
            (width, width),
            (4 * width, width),
            (width, 4 * width),
            (characters, width),
        )
    )
    layers = (tables, norms[0], inward, outward, norms[1], up, down, norms[2], last)
    return LanguageModel("cross_entropy", 0.1, text[:, :-1].copy(), text[:, 1:].reshape(-1), layers, heads)


def lstm(inputs: int, units: int, steps: int, batch: int, classes: int) -> Recurrent:
    """Of so many units; sequences are (steps, batch, inputs)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(steps, batch, inputs)).astype(np.float32)
    layers = (layer(rng, 4 * units, inputs), layer(rng, 4 * units, units), layer(rng, classes, units))
    return Recurrent("cross_entropy", 0.1, x, rng.integers(0, classes, batch), layers)


def build(problem: Network, peers: Sequence[Peer]) -> Iterator[Side | LeftOut]:
    """The training step as each peer does it."""
    yield from ask(peers, lambda peer: peer.sequences(problem))


def rows(quick: bool) -> list[Row]:
    """A block and an LSTM; for a quick run small ones."""
    problems = {
        "block": ("block of width 128, 4 heads, 64 tokens, batch 8", partial(block, 65, 128, 4, 64, 8)),
        "lstm": ("LSTM, 128 units, 50 steps, batch 32", partial(lstm, 64, 128, 50, 32, 10)),
    }
    small = {
        "block-8": ("block of width 8, 2 heads, 4 tokens, batch 2", partial(block, 5, 8, 2, 4, 2)),
        "lstm-4": ("LSTM, 4 units, 3 steps, batch 2", partial(lstm, 3, 4, 3, 2, 3)),
    }
    return [
        Row(name, title, "float32", lambda peers, draw=draw: build(draw(), peers), 5e-3)  # type: ignore[misc]
        for name, (title, draw) in (small if quick else problems).items()
    ]


QUESTION = Question("transformers", "What does a training step on sequences cost?", rows)
