"""MyGrad: NumPy with tensors that remember."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..harness import Side
from ..problems import Chain, Network
from .base import Peer


class MyGrad(Peer):
    """Tensors, without the guards on the memory of arrays, which cost it time."""

    name: ClassVar[str] = "MyGrad"
    module: ClassVar[str] = "mygrad"
    pip: ClassVar[str] = "mygrad"

    def __init__(self, threads: int) -> None:
        import mygrad
        from mygrad.nnet import losses
        from mygrad.nnet.activations import relu

        self.mg: Any = mygrad
        self.losses: Any = losses
        self.relu: Any = relu
        mygrad.turn_memory_guarding_off()

    def chain(self, problem: Chain) -> Iterator[Side]:
        w, x = (self.mg.tensor(array.copy()) for array in (problem.w, problem.x))

        def step() -> Any:
            w.null_grad()
            x.null_grad()
            y = problem.apply(w, x, self.relu)
            y.backward()
            return y

        yield Side(self.name, step, lambda y: {"y": y.data, "dw": w.grad, "dx": x.grad})

    def network(self, problem: Network) -> Iterator[Side]:
        mg = self.mg
        layers = [[mg.tensor(array.copy()) for array in layer] for layer in problem.parameters]
        x, y, lr = problem.x, problem.y, np.float32(problem.lr)

        def step() -> Any:
            a = x
            for weight, bias in layers[:-1]:
                a = self.relu(mg.matmul(a, weight.T) + bias)
            weight, bias = layers[-1]
            out = mg.matmul(a, weight.T) + bias
            if problem.loss == "cross_entropy":
                loss = self.losses.softmax_crossentropy(out, y)
            elif problem.loss == "binary_cross_entropy_with_logits":
                loss = mg.mean(mg.logaddexp(np.float32(0), out) - y * out)
            else:
                error = out - y
                loss = mg.sum(error * error) * np.float32(0.5 / len(y))
            loss.backward()
            for layer in layers:
                for p in layer:
                    p.data -= lr * p.grad
                    p.null_grad()
            return loss

        def reset() -> None:
            for layer, arrays in zip(layers, problem.parameters, strict=True):
                for p, array in zip(layer, arrays, strict=True):
                    p.data[...] = array

        def state() -> dict[str, Any]:
            return problem.named([p.data for layer in layers for p in layer])

        yield Side(self.name, step, lambda loss: {"loss": loss.data}, state, reset)
