"""What peers are given to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .harness import Array, Arrays


@dataclass(frozen=True)
class Chain:
    """y ← -relu(y w + x), from y = x on, `cycles` times; wanted are y and its derivatives by w and x.

    With -1 < w < 0 < x the argument of relu stays positive, y stays bounded and its derivatives come from many cycles.
    """

    w: Array
    x: Array
    cycles: int

    def apply(self, w: Any, x: Any, relu: Callable[[Any], Any]) -> Any:
        """The chain in the terms of whichever library `w` and `x` belong to."""
        y = x
        for _ in range(self.cycles):
            y = -relu(y * w + x)
        return y


Layers = Sequence[tuple[Any, Any]]


class Functions(Protocol):
    """What networks consist of, in the terms of a library."""

    def relu(self, x: Any) -> Any:
        """max(x, 0)."""

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        """x Wᵀ + b."""

    def convolution(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        """Of images (samples, channels, height, width), with a number added to each channel unless it is None."""

    def largest_of_four(self, x: Any) -> Any:
        """Of every square of 2 x 2."""

    def normalized(self, x: Any) -> Any:
        """Each channel with mean 0 and variance 1 over the batch."""

    def embedding(self, indices: Any, weight: Any) -> Any:
        """The rows of a table with these numbers."""

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        """Mean 0 and variance 1 along the last axis, then scaled and shifted."""

    def gelu(self, x: Any) -> Any:
        """x Φ(x), exact."""

    def swapped(self, x: Any) -> Any:
        """Axes 1 and 2 exchanged."""

    def causal_attention(self, q: Any, k: Any, v: Any) -> Any:
        """softmax(q kᵀ / √e) v of (batch, heads, tokens, e), each token looking at none behind it."""

    def lstm(self, x: Any, given: Any, own: Any) -> Any:
        """The last state of the units along (steps, batch, inputs), from maps of the input and of the state before."""


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron with ReLU between its linear layers, and one batch to train it on by gradient descent.

    Attributes
    ----------
    loss
        "cross_entropy" (of class numbers), "binary_cross_entropy_with_logits" (of logits) or "half_squared_error"; the
        mean over the samples.
    parameters
        For each layer the weight, of shape (out_features, in_features), and the bias.
    """

    loss: str
    lr: float
    x: Array
    y: Array
    parameters: tuple[tuple[Array, Array], ...]

    def output(self, of: Functions, x: Any, layers: Layers) -> Any:
        """What it makes of the inputs."""
        for weight, bias in layers[:-1]:
            x = of.relu(of.linear(x, weight, bias))
        return of.linear(x, *layers[-1])

    def named(self, arrays: Sequence[Array]) -> Arrays:
        """Parameters (weight, bias, weight, ...) by their names."""
        return {f"layers.{i // 2}.{('weight', 'bias')[i % 2]}": array for i, array in enumerate(arrays)}
