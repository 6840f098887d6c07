"""NumPy by hand: the derivatives written out for the problem, as somebody without an autograd engine would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from ..harness import Array, Side
from ..problems import Chain, Network
from .base import Peer


class ByHand(Peer):
    """Forward and backward passes without a graph."""

    name: ClassVar[str] = "NumPy by hand"
    module: ClassVar[str] = "numpy"
    pip: ClassVar[str] = "numpy"

    def chain(self, problem: Chain) -> Iterator[Side]:
        return self._array_chain(problem) if problem.x.ndim else self._number_chain(problem)

    def _array_chain(self, problem: Chain) -> Iterator[Side]:
        w, x = problem.w, problem.x

        def step() -> tuple[Array, Array, Array]:
            y, ys, zs = x, [], []
            for _ in range(problem.cycles):
                z = y * w + x
                ys.append(y)
                zs.append(z)
                y = -np.maximum(z, 0)
            g, dw, dx = np.ones_like(y), np.zeros_like(w), np.zeros_like(x)
            for before, z in zip(reversed(ys), reversed(zs), strict=True):
                g = -g * (z > 0)
                dw += g * before
                dx += g
                g = g * w
            return y, dw, dx + g

        yield Side(self.name, step, lambda found: dict(zip(("y", "dw", "dx"), found, strict=True)))

    def _number_chain(self, problem: Chain) -> Iterator[Side]:
        """Of Python's own numbers: NumPy's 0-d arrays would be slower."""
        w, x = float(problem.w), float(problem.x)

        def step() -> tuple[float, float, float]:
            y, ys, zs = x, [], []
            for _ in range(problem.cycles):
                z = y * w + x
                ys.append(y)
                zs.append(z)
                y = -z if z > 0 else 0.0
            g, dw, dx = 1.0, 0.0, 0.0
            for before, z in zip(reversed(ys), reversed(zs), strict=True):
                g = -g if z > 0 else 0.0
                dw += g * before
                dx += g
                g *= w
            return y, dw, dx + g

        yield Side(
            "Python by hand", step, lambda found: dict(zip(("y", "dw", "dx"), map(np.array, found), strict=True))
        )

    def products(self, pairs: Sequence[tuple[Array, Array]]) -> Callable[[], None]:
        """In the BLAS that NumPy comes with."""
        outs = [np.empty((len(x), y.shape[1]), x.dtype) for x, y in pairs]

        def step() -> None:
            for (x, y), out in zip(pairs, outs, strict=True):
                np.matmul(x, y, out=out)

        return step

    def network(self, problem: Network) -> Iterator[Side]:
        weights = [weight.copy() for weight, _ in problem.parameters]
        biases = [bias.copy() for _, bias in problem.parameters]
        x, y, lr = problem.x, problem.y, np.float32(problem.lr)

        def step() -> np.floating:
            activations = [x]
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                z = activations[-1] @ weight.T
                z += bias
                activations.append(np.maximum(z, 0, out=z))
            out = activations[-1] @ weights[-1].T + biases[-1]
            loss, delta = LOSSES[problem.loss](out, y)
            for i in range(len(weights) - 1, -1, -1):
                a = activations[i]
                by_weight, by_bias = delta.T @ a, delta.sum(0)
                if i:
                    delta = delta @ weights[i]
                    delta *= a > 0
                weights[i] -= lr * by_weight
                biases[i] -= lr * by_bias
            return loss

        def reset() -> None:
            for weight, bias, start in zip(weights, biases, problem.parameters, strict=True):
                weight[...], bias[...] = start

        def state() -> dict[str, Array]:
            return problem.named([array for layer in zip(weights, biases, strict=True) for array in layer])

        yield Side(self.name, step, lambda loss: {"loss": np.array(loss)}, state, reset)


def cross_entropy(logits: Array, labels: Array) -> tuple[np.floating, Array]:
    """The mean loss, and its derivative by the logits."""
    samples = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[samples, labels]).mean()
    p /= total
    p[samples, labels] -= 1
    p /= len(labels)
    return loss, p


def binary_cross_entropy_with_logits(z: Array, y: Array) -> tuple[np.floating, Array]:
    """The mean loss, and its derivative by the logits."""
    e = np.exp(-np.abs(z))
    loss = (np.maximum(z, 0) + np.log1p(e) - y * z).mean()
    return loss, (np.where(z >= 0, 1, e) / (1 + e) - y) / z.size


def half_squared_error(a: Array, y: Array) -> tuple[np.floating, Array]:
    """The mean over the samples, and its derivative by the outputs."""
    error = a - y
    return np.float32(0.5 / len(a)) * np.vdot(error, error), error / len(a)


LOSSES = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "half_squared_error": half_squared_error,
}
