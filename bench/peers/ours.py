"""tinygrad_init itself: tensors, and the scalars of its readable engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from ..harness import OURS, Arrays, NotOffered, Side
from ..problems import Chain, Network
from .base import Peer, Scalars

CAPTURED, EAGER = f"{OURS} captured", f"{OURS} eager"


class TinygradInit(Peer):
    """Tensors; 0-d ones where single numbers are asked for.

    Steps are run by the engine and, captured, as programs. `tinygrad_init` alone is what a row is about: what a
    training step costs is a question to the program, what an operation costs is one to the engine. Where the kernels
    have no machine that runs programs, the engine is all there is.
    """

    name: ClassVar[str] = OURS
    module: ClassVar[str] = "tinygrad_init"
    pip: ClassVar[str] = "tinygrad_init"

    def __init__(self, threads: int) -> None:
        import tinygrad_init
        from tinygrad_init import optim
        from tinygrad_init.kernels.backend import kernels
        from tinygrad_init.nn import functional
        from tinygrad_init.ops.recurrent import lstm

        self.runs_programs = hasattr(kernels, "Machine")
        self.tgi: Any = tinygrad_init
        self.optim: Any = optim
        self.functional: Any = functional
        self.along: Any = lstm

    def chain(self, problem: Chain) -> Iterator[Side]:
        tgi = self.tgi
        w, x = (tgi.Tensor(array, requires_grad=True) for array in (problem.w, problem.x))
        ones = tgi.Tensor(np.ones_like(problem.x))

        def forward() -> Any:
            w.grad = x.grad = None
            return problem.apply(w, x, tgi.relu)

        def step() -> Any:
            y = forward()
            y.backward(ones)
            return y

        def program() -> Any:
            y = forward()
            y.backward(ones)
            return y

        def read(y: Any) -> Arrays:
            return {"y": y.numpy(), "dw": w.grad.numpy(), "dx": x.grad.numpy()}

        yield Side(self.name, step, read)
        if self.runs_programs:
            yield Side(CAPTURED, tgi.capture(program), read)

    def network(self, problem: Network) -> Iterator[Side]:
        tgi = self.tgi
        layers = [tuple(tgi.Tensor(array, requires_grad=True) for array in layer) for layer in problem.parameters]
        flat = [p for layer in layers for p in layer]
        optimizer = self.optim.SGD(flat, problem.lr)
        x = problem.x if problem.x.dtype.kind == "i" else tgi.Tensor(problem.x)
        criterion = getattr(tgi, problem.loss)

        def step() -> Any:
            loss = criterion(problem.output(self, x, layers), problem.y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        def reset() -> None:
            with tgi.no_grad():
                for layer, arrays in zip(layers, problem.parameters, strict=True):
                    for p, array in zip(layer, arrays, strict=True):
                        p.copy_(array)

        def state() -> Arrays:
            return problem.named([p.numpy() for p in flat])

        ways = {self.name: tgi.capture(step), EAGER: step} if self.runs_programs else {self.name: step}
        for name, work in ways.items():
            yield Side(name, work, lambda loss: {"loss": loss.numpy()}, state, reset)

    images = sequences = network

    def relu(self, x: Any) -> Any:
        return self.tgi.relu(x)

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        return self.tgi.linear(x, weight, bias)

    def convolution(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        return self.tgi.conv2d(x, weight, bias, padding=padding)

    def largest_of_four(self, x: Any) -> Any:
        return self.tgi.max_pool2d(x, 2)

    def normalized(self, x: Any) -> Any:
        return self.functional.batch_norm(x, None, None, training=True)

    def embedding(self, indices: Any, weight: Any) -> Any:
        return self.functional.embedding(indices, weight)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return self.functional.layer_norm(x, weight.shape, weight, bias)

    def gelu(self, x: Any) -> Any:
        return self.tgi.gelu(x)

    def swapped(self, x: Any) -> Any:
        return x.swapaxes(1, 2)

    def causal_attention(self, q: Any, k: Any, v: Any) -> Any:
        return self.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    def lstm(self, x: Any, given: Any, own: Any) -> Any:
        tgi = self.tgi
        added, h = tgi.linear(x, *given), tgi.Tensor(np.zeros((x.shape[1], own[0].shape[1]), np.float32))
        return self.along(added, h, h, *own)[0][-1]

    def scalars(self) -> Scalars:
        return TensorScalars(self.tgi, self.optim)

    def captured(self, step: Callable[[], Any]) -> Callable[[], Any] | None:
        return self.tgi.capture(step) if self.runs_programs else None


class TensorScalars:
    """0-d tensors of float64."""

    def __init__(self, tgi: Any, optim: Any) -> None:
        self.tgi, self.optim = tgi, optim

    def parameter(self, value: float) -> Any:
        return self.tgi.Tensor(value, dtype=np.float64, requires_grad=True)

    def constant(self, value: float) -> Any:
        return self.tgi.Tensor(value, dtype=np.float64)

    def relu(self, x: Any) -> Any:
        return self.tgi.relu(x)

    def descent(self, parameters: list[Any], lr: float) -> Callable[[Any], None]:
        optimizer = self.optim.SGD(parameters, lr)

        def descend(loss: Any) -> None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return descend

    def item(self, x: Any) -> float:
        return float(x.item())

    def assign(self, p: Any, value: float) -> None:
        with self.tgi.no_grad():
            p.fill_(value)


class ScalarValue(Peer):
    """The engine on single numbers that is there to be read."""

    name: ClassVar[str] = "tinygrad_init.scalar"
    module: ClassVar[str] = "tinygrad_init.scalar"
    pip: ClassVar[str] = "tinygrad_init"

    def __init__(self, threads: int) -> None:
        from tinygrad_init import scalar

        self.value: Any = scalar.Value

    def chain(self, problem: Chain) -> Iterator[Side]:
        yield chain_of_values(self.name, self.value, problem)

    def scalars(self) -> Scalars:
        return ValueScalars(self.value)


def chain_of_values(name: str, value: Any, problem: Chain) -> Side:
    """A chain of objects that have `data`, `grad`, `relu` and `backward`, as micrograd's have."""
    if problem.x.ndim:
        raise NotOffered("has no operations on arrays")
    w, x = value(float(problem.w)), value(float(problem.x))

    def step() -> Any:
        w.grad = x.grad = 0.0
        y = problem.apply(w, x, value.relu)
        y.backward()
        return y

    return Side(name, step, lambda y: {"y": np.array(y.data), "dw": np.array(w.grad), "dx": np.array(x.grad)})


class ValueScalars:
    """Objects that have `data`, `grad`, `relu` and `backward`, as micrograd's have."""

    def __init__(self, value: Any) -> None:
        self.parameter = self.constant = value
        self.relu = value.relu

    def descent(self, parameters: list[Any], lr: float) -> Callable[[Any], None]:
        def descend(loss: Any) -> None:
            for p in parameters:
                p.grad = 0.0
            loss.backward()
            for p in parameters:
                p.data -= lr * p.grad

        return descend

    def item(self, x: Any) -> float:
        return float(x.data)

    def assign(self, p: Any, value: float) -> None:
        p.data = value
