"""HIPS autograd: NumPy code, differentiated by tracing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..harness import Array, Side
from ..problems import Chain, Network
from .base import Peer


def relu(z: Any) -> Any:
    """max(z, 0), in the form that costs autograd least: its rule for `maximum` shares ties, which takes more passes."""
    return z * (z > 0)


class HipsAutograd(Peer):
    """`value_and_grad` and `make_vjp` of plain functions."""

    name: ClassVar[str] = "HIPS autograd"
    module: ClassVar[str] = "autograd"
    pip: ClassVar[str] = "autograd"

    def __init__(self, threads: int) -> None:
        import autograd
        import autograd.numpy

        self.autograd: Any = autograd
        self.np: Any = autograd.numpy

    def chain(self, problem: Chain) -> Iterator[Side]:
        forward = self.autograd.make_vjp(lambda wx: problem.apply(wx[0], wx[1], relu))
        ones = np.ones_like(problem.x) if problem.x.ndim else 1.0
        start = (problem.w, problem.x) if problem.x.ndim else (float(problem.w), float(problem.x))

        def step() -> Any:
            vjp, y = forward(start)
            return y, *vjp(ones)

        yield Side(self.name, step, lambda found: dict(zip(("y", "dw", "dx"), map(np.asarray, found), strict=True)))

    def network(self, problem: Network) -> Iterator[Side]:
        anp = self.np
        x, y, lr = problem.x, problem.y, np.float32(problem.lr)
        samples = np.arange(len(y))
        layers: list[list[Array]] = []

        def loss_of(layers: Any) -> Any:
            a = x
            for weight, bias in layers[:-1]:
                a = relu(anp.dot(a, weight.T) + bias)
            weight, bias = layers[-1]
            out = anp.dot(a, weight.T) + bias
            if problem.loss == "cross_entropy":
                shifted = out - np.max(self.autograd.tracer.getval(out), axis=1, keepdims=True)
                return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - shifted[samples, y])
            if problem.loss == "binary_cross_entropy_with_logits":
                return anp.mean(anp.logaddexp(np.float32(0), out) - y * out)
            error = out - y
            return 0.5 * anp.sum(error * error) / len(y)

        gradient = self.autograd.value_and_grad(loss_of)

        def step() -> Any:
            loss, by_layer = gradient(layers)
            for layer, gradients in zip(layers, by_layer, strict=True):
                for p, g in zip(layer, gradients, strict=True):
                    p -= lr * g
            return loss

        def reset() -> None:
            layers[:] = [[array.copy() for array in layer] for layer in problem.parameters]

        def state() -> dict[str, Array]:
            return problem.named([p for layer in layers for p in layer])

        yield Side(self.name, step, lambda loss: {"loss": np.asarray(loss)}, state, reset)
