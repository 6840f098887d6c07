"""What peers are given to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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

    def named(self, arrays: Sequence[Array]) -> Arrays:
        """Parameters (weight, bias, weight, ...) by their names."""
        return {f"layers.{i // 2}.{('weight', 'bias')[i % 2]}": array for i, array in enumerate(arrays)}
