"""Graphs that the tests of this room look into."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_init as tgi

# One step of a random program on tensors of any one shape, kept inside every function's domain.
STEPS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - 0.5 * y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (y * y + 1.0),
    "pow": lambda x, y: (x * 0.5) ** 3,
    "neg": lambda x, y: -x,
    "maximum": tgi.maximum,
    "square": lambda x, y: x * x,
    "exp": lambda x, y: tgi.exp(x * 0.1),
    "log": lambda x, y: tgi.log(x * x + 0.5),
    "sin": lambda x, y: tgi.sin(x),
    "tanh": lambda x, y: tgi.tanh(x),
    "sigmoid": lambda x, y: tgi.sigmoid(x),
    "relu": lambda x, y: tgi.relu(x),
    "gelu": lambda x, y: tgi.gelu(x),
}
programs = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12
)


def run(program: list[tuple[str, int, int]], seed: int, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """The result of a random program, as one number, and its leaves."""
    rng = np.random.default_rng(seed)
    leaves = [tgi.tensor(rng.uniform(-1, 1, shape), "float64", requires_grad=True, name=f"a{i}") for i in range(3)]
    values: list[Any] = list(leaves)
    for name, i, j in program:
        values.append(STEPS[name](values[-1 - i % len(values)], values[-1 - j % len(values)]))
    last = values[-1] + 0.0 * leaves[0]
    return (last.sum() if shape else last), leaves


def network(activation: str = "tanh", loss: str = "cross_entropy", start: int = 0) -> tuple[Any, Any]:
    """A small network's loss on five samples, and the network, whose weights are called W1, W2, W3."""
    model = tgi.nn.MLP([4, 3, 3, 2], activation=activation, rng=start)
    for i, layer in enumerate(layer for layer in model.layers if hasattr(layer, "weight")):
        layer.weight.name, layer.bias.name = f"W{i + 1}", f"b{i + 1}"
    x = tgi.tensor(np.random.default_rng(start).normal(size=(5, 4)), "float32", name="x")
    with tgi.inspecting():  # so that x keeps its name
        out = model(x)
    if loss == "cross_entropy":
        found = tgi.cross_entropy(out, np.array([0, 1, 1, 0, 1]))
    else:
        found = tgi.half_squared_error(tgi.sigmoid(out), np.zeros((5, 2), np.float32))
    found.name = "C"
    return found, model
