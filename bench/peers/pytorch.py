"""PyTorch: eager, and compiled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from ..harness import Array, NotOffered, Side
from ..problems import Chain, Network
from .base import Peer, Scalars


class PyTorchEager(Peer):
    """Functions and gradients without modules and optimizers, whose bookkeeping would cost it more."""

    name: ClassVar[str] = "PyTorch eager"
    module: ClassVar[str] = "torch"
    pip: ClassVar[str] = "torch"

    def __init__(self, threads: int) -> None:
        import torch

        self.torch: Any = torch
        torch.set_num_threads(threads)

    def chain(self, problem: Chain) -> Iterator[Side]:
        torch = self.torch
        w, x = (torch.tensor(array, requires_grad=True) for array in (problem.w, problem.x))
        ones = torch.ones_like(x)

        def step() -> Any:
            y = problem.apply(w, x, torch.relu)
            return y, torch.autograd.grad(y, (w, x), ones)

        def read(found: Any) -> dict[str, Any]:
            y, (dw, dx) = found
            return {"y": y.detach().numpy(), "dw": dw.numpy(), "dx": dx.numpy()}

        yield Side(self.name, step, read)

    def network(self, problem: Network) -> Iterator[Side]:
        layers = self._layers(problem, requires_grad=True)
        flat = [p for layer in layers for p in layer]
        step = self._training_step(problem, layers, flat)

        def reset() -> None:
            with self.torch.no_grad():
                for p, array in zip(flat, (a for layer in problem.parameters for a in layer), strict=True):
                    p.copy_(self.torch.from_numpy(array))

        def state() -> dict[str, Any]:
            return problem.named([p.detach().numpy() for p in flat])

        yield Side(self.name, step, lambda loss: {"loss": loss.detach().numpy()}, state, reset)

    def images(self, problem: Network) -> Iterator[Side]:
        return self.network(problem)

    def sequences(self, problem: Network) -> Iterator[Side]:
        return self.network(problem)

    def relu(self, x: Any) -> Any:
        return self.torch.relu(x)

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        return self.torch.nn.functional.linear(x, weight, bias)

    def convolution(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        return self.torch.nn.functional.conv2d(x, weight, bias, padding=padding)

    def largest_of_four(self, x: Any) -> Any:
        return self.torch.nn.functional.max_pool2d(x, 2)

    def normalized(self, x: Any) -> Any:
        return self.torch.nn.functional.batch_norm(x, None, None, training=True)

    def embedding(self, indices: Any, weight: Any) -> Any:
        return self.torch.nn.functional.embedding(indices, weight)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return self.torch.nn.functional.layer_norm(x, weight.shape, weight, bias)

    def gelu(self, x: Any) -> Any:
        return self.torch.nn.functional.gelu(x)

    def swapped(self, x: Any) -> Any:
        return x.transpose(1, 2)

    def causal_attention(self, q: Any, k: Any, v: Any) -> Any:
        return self.torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    def lstm(self, x: Any, given: Any, own: Any) -> Any:
        zeros = self.torch.zeros(1, x.shape[1], own[0].shape[1])
        weights = [given[0], own[0], given[1], own[1]]
        return self.torch._VF.lstm(x, (zeros, zeros), weights, True, 1, 0.0, True, False, False)[1][0]

    def products(self, pairs: Sequence[tuple[Array, Array]]) -> Callable[[], None] | None:
        """In the BLAS that PyTorch comes with: MKL, on x86."""
        torch = self.torch
        operands = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in pairs]
        outs = [torch.empty((len(x), y.shape[1]), dtype=x.dtype) for x, y in operands]

        def step() -> None:
            for (x, y), out in zip(operands, outs, strict=True):
                torch.mm(x, y, out=out)

        return step

    def _layers(self, problem: Network, requires_grad: bool) -> list[tuple[Any, Any]]:
        tensor = partial(self.torch.tensor, requires_grad=requires_grad)
        return [(tensor(weight), tensor(bias)) for weight, bias in problem.parameters]

    def _loss(self, problem: Network) -> Callable[[Any], Any]:
        """From layers to the loss."""
        torch, functional = self.torch, self.torch.nn.functional
        x, y = torch.tensor(problem.x), torch.tensor(problem.y)

        def half_squared_error(a: Any, y: Any) -> Any:
            return functional.mse_loss(a, y, reduction="sum") * (0.5 / len(y))

        criterion = {
            "cross_entropy": functional.cross_entropy,
            "binary_cross_entropy_with_logits": functional.binary_cross_entropy_with_logits,
            "half_squared_error": half_squared_error,
        }[problem.loss]

        def loss(layers: list[tuple[Any, Any]]) -> Any:
            return criterion(problem.output(self, x, layers), y)

        return loss

    def _training_step(self, problem: Network, layers: list[tuple[Any, Any]], flat: list[Any]) -> Callable[[], Any]:
        torch, loss_of = self.torch, self._loss(problem)

        def step() -> Any:
            loss = loss_of(layers)
            gradients = torch.autograd.grad(loss, flat)
            with torch.no_grad():
                torch._foreach_add_(flat, gradients, alpha=-problem.lr)
            return loss

        return step

    def scalars(self) -> Scalars | None:
        return TensorScalars(self.torch)


class TensorScalars:
    """0-d tensors of float64."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.relu = torch.relu

    def parameter(self, value: float) -> Any:
        return self.torch.tensor(value, dtype=self.torch.float64, requires_grad=True)

    def constant(self, value: float) -> Any:
        return self.torch.tensor(value, dtype=self.torch.float64)

    def descent(self, parameters: list[Any], lr: float) -> Callable[[Any], None]:
        def descend(loss: Any) -> None:
            gradients = self.torch.autograd.grad(loss, parameters)
            with self.torch.no_grad():
                self.torch._foreach_add_(parameters, gradients, alpha=-lr)

        return descend

    def item(self, x: Any) -> float:
        return float(x.item())

    def assign(self, p: Any, value: float) -> None:
        with self.torch.no_grad():
            p.fill_(value)


class PyTorchCompiled(PyTorchEager):
    """The whole step, forward to update, as one graph for `torch.compile`."""

    name: ClassVar[str] = "torch.compile"
    slow_start: ClassVar[bool] = True

    @classmethod
    def missing(cls) -> str:
        compiler = os.environ.get("CXX", "g++")
        return super().missing() or ("" if shutil.which(compiler) else f"needs a C++ compiler ({compiler})")

    def products(self, pairs: Sequence[tuple[Array, Array]]) -> None:
        return None  # those of eager PyTorch, once more

    def chain(self, problem: Chain) -> Iterator[Side]:
        raise NotOffered("takes minutes to compile a chain")

    def network(self, problem: Network) -> Iterator[Side]:
        # Every row starts from nothing: a graph of another row would count towards the limit of recompilations.
        self.torch._dynamo.reset()
        return super().network(problem)

    def _layers(self, problem: Network, requires_grad: bool) -> list[tuple[Any, Any]]:
        return super()._layers(problem, requires_grad=False)  # `torch.func` differentiates plain tensors

    def _training_step(self, problem: Network, layers: list[tuple[Any, Any]], flat: list[Any]) -> Callable[[], Any]:
        grad_and_value, loss_of = self.torch.func.grad_and_value, self._loss(problem)

        def step(layers: list[tuple[Any, Any]]) -> Any:
            gradients, loss = grad_and_value(loss_of)(layers)
            for layer, by_layer in zip(layers, gradients, strict=True):
                for p, g in zip(layer, by_layer, strict=True):
                    p.sub_(g, alpha=problem.lr)
            return loss

        compiled = self.torch.compile(step)
        return lambda: compiled(layers)

    def lstm(self, x: Any, given: Any, own: Any) -> Any:
        """Step by step: what `torch.func` makes of the layer as one operation ends in an error."""
        torch = self.torch
        added = self.linear(x, *given)
        h = c = torch.zeros(x.shape[1], own[0].shape[1])
        for t in range(len(x)):
            i, f, g, o = (added[t] + self.linear(h, *own)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    def scalars(self) -> Scalars | None:
        return None
