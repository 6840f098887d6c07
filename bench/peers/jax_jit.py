"""JAX: the whole step, forward to update, as one program of XLA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..harness import Side
from ..problems import Chain, Network
from .base import Peer


class JaxJit(Peer):
    """Functions under `jax.jit`; the threads are those of the processors that this process may use."""

    name: ClassVar[str] = "JAX jit"
    module: ClassVar[str] = "jax"
    pip: ClassVar[str] = "jax"

    def __init__(self, threads: int) -> None:
        import jax

        self.jax: Any = jax
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)  # arrays keep the dtype they come with

    def chain(self, problem: Chain) -> Iterator[Side]:
        jax = self.jax
        w, x = jax.device_put((problem.w, problem.x))

        @jax.jit  # type: ignore[untyped-decorator]
        def program(w: Any, x: Any) -> Any:
            y, vjp = jax.vjp(lambda w, x: problem.apply(w, x, jax.nn.relu), w, x)
            return y, *vjp(jax.numpy.ones_like(y))

        def step() -> Any:
            return jax.block_until_ready(program(w, x))

        yield Side(self.name, step, lambda found: dict(zip(("y", "dw", "dx"), map(np.asarray, found), strict=True)))

    def network(self, problem: Network) -> Iterator[Side]:
        jax, jnp = self.jax, self.jax.numpy
        x = jax.device_put(problem.x.astype(np.int32) if problem.x.dtype.kind == "i" else problem.x)
        y = jax.device_put(problem.y.astype(np.int32) if problem.loss == "cross_entropy" else problem.y)

        def loss_of(layers: Any, x: Any, y: Any) -> Any:
            out = problem.output(self, x, layers)
            if problem.loss == "cross_entropy":
                return -jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], axis=1).mean()
            if problem.loss == "binary_cross_entropy_with_logits":
                return (jax.nn.softplus(out) - y * out).mean()
            return 0.5 * jnp.sum((out - y) ** 2) / len(y)

        def descend(layers: Any, x: Any, y: Any) -> Any:
            loss, gradients = jax.value_and_grad(loss_of)(layers, x, y)
            return loss, jax.tree.map(lambda p, g: p - problem.lr * g, layers, gradients)

        program = jax.jit(descend, donate_argnums=0)
        layers: Any = None

        def step() -> Any:
            nonlocal layers
            loss, layers = jax.block_until_ready(program(layers, x, y))
            return loss

        def reset() -> None:
            nonlocal layers
            # Copied: the memory is given to the program, and must not be that of the problem.
            layers = jax.block_until_ready(jax.tree.map(lambda p: jnp.array(p, copy=True), list(problem.parameters)))

        def state() -> dict[str, Any]:
            return problem.named([np.array(p) for layer in layers for p in layer])

        yield Side(self.name, step, lambda loss: {"loss": np.asarray(loss)}, state, reset)

    images = sequences = network

    def relu(self, x: Any) -> Any:
        return self.jax.nn.relu(x)

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        return x @ weight.T + bias

    def convolution(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        out = self.jax.lax.conv_general_dilated(x, weight, (1, 1), [(padding, padding)] * 2)
        return out if bias is None else out + bias[:, None, None]

    def largest_of_four(self, x: Any) -> Any:
        lax = self.jax.lax
        return lax.reduce_window(x, -np.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def normalized(self, x: Any) -> Any:
        deviation = x - x.mean((0, 2, 3), keepdims=True)
        return deviation * self.jax.lax.rsqrt((deviation * deviation).mean((0, 2, 3), keepdims=True) + 1e-5)

    def embedding(self, indices: Any, weight: Any) -> Any:
        return weight[indices]

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        deviation = x - x.mean(-1, keepdims=True)
        variance = (deviation * deviation).mean(-1, keepdims=True)
        return deviation * self.jax.lax.rsqrt(variance + 1e-5) * weight + bias

    def gelu(self, x: Any) -> Any:
        return self.jax.nn.gelu(x, approximate=False)

    def swapped(self, x: Any) -> Any:
        return x.swapaxes(1, 2)

    def causal_attention(self, q: Any, k: Any, v: Any) -> Any:
        jnp = self.jax.numpy
        scores = jnp.einsum("bhqe,bhke->bhqk", q, k) * q.shape[-1] ** -0.5
        seen = np.tril(np.ones(scores.shape[-2:], bool))
        return jnp.einsum("bhqk,bhke->bhqe", self.jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)), v)

    def lstm(self, x: Any, given: Any, own: Any) -> Any:
        jax, jnp = self.jax, self.jax.numpy

        def advance(state: Any, added: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(added + self.linear(h, *own), 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((x.shape[1], own[0].shape[1]), x.dtype)
        return jax.lax.scan(advance, (zeros, zeros), self.linear(x, *given))[0][0]
