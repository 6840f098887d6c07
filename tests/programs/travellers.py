"""Captured functions whose programs travel: of every kind of instruction, each with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import nn

Array = np.ndarray[Any, Any]


def network(optimizer: Callable[[Any], Any], seed: int = 0, samples: int = 100) -> tuple[Any, tuple[Array, Array]]:
    """The article's network 2-6-3-1 in a step of training, and its data."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, 2)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:] > 0).astype(np.float32)
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 1))
    for parameter in net.parameters():
        parameter.data = tgi.tensor(rng.normal(size=parameter.shape).astype(np.float32))
    loss, rule = nn.BCEWithLogitsLoss(), optimizer(net.parameters())

    @tgi.capture
    def step(x: Array, y: Array) -> tgi.Tensor:
        rule.zero_grad()
        found = loss(net(x), y)
        found.backward()
        rule.step()
        return found

    return step, (x, y)


def images() -> tuple[Any, tuple[Array, Array]]:
    """Convolution, pooling, normalization, an embedding, classes."""
    rng = np.random.default_rng(1)
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4)
    )
    table = nn.Embedding(5, 64)
    rule = tgi.optim.SGD([*net.parameters(), *table.parameters()], lr=0.1, momentum=0.9)

    @tgi.capture
    def step(which: Array, labels: Array) -> dict[str, tgi.Tensor]:
        rule.zero_grad()
        logits = net(table(which).reshape(7, 1, 8, 8))
        loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()
        rule.step()
        return {"loss": loss, "logits": logits}

    return step, (rng.integers(0, 5, 7), rng.integers(0, 4, 7))


def sequences() -> tuple[Any, tuple[Array]]:
    """Long short-term memory, softmax, products of stacks."""
    rng = np.random.default_rng(2)
    lstm = nn.LSTM(3, 4)

    @tgi.capture
    def attend(x: Array) -> tgi.Tensor:
        h, _ = lstm(tgi.tensor(x))
        return tgi.softmax(h @ h.transpose(-1, -2), -1) @ h

    return attend, (rng.normal(size=(5, 2, 3)).astype(np.float32),)


def chains() -> tuple[Any, tuple[Array, float]]:
    """Elementwise steps over many numbers, and single numbers."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=5000)
    a, b = (tgi.tensor(v, requires_grad=True) for v in (0.5, 1.5))

    @tgi.capture
    def work(x: Array, k: float) -> list[Any]:
        a.grad = b.grad = None
        y = tgi.tanh(tgi.tensor(x) * 2.0 + 1.0) * tgi.exp(-tgi.tensor(x)) - tgi.tensor(x) * k
        z = tgi.tanh(a * a + a.exp()) * b
        z.backward()
        with tgi.no_grad():
            a.copy_(a - 0.1 * a.grad)
        return [y, y.sum(), z, (k, "text")]

    return work, (x, 0.25)


# Of any number.
FUNCTIONS = ["exp", "expm1", "sin", "cos", "abs", "erf", "tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "gelu"]
FUNCTIONS += ["silu", "softplus", "hardtanh", "mish", "softsign"]


def functions() -> tuple[Any, tuple[Array, Array]]:
    """Elementwise functions in both precisions, comparisons, norms."""
    x = np.random.default_rng(4).normal(size=300) * 4

    @tgi.capture
    def apply(x: Array, y: Array) -> list[Any]:
        found = []
        for numbers in (tgi.tensor(x), tgi.tensor(y)):
            found += [getattr(tgi, name)(numbers) for name in FUNCTIONS]
            found += [getattr(tgi, name)(abs(numbers)) for name in ("log", "log1p", "sqrt")]
            found += [tgi.where(numbers > 0.5, numbers, -numbers), tgi.norm(numbers), numbers.max(), numbers.mean()]
        return found

    return apply, (x, x.astype(np.float32))


TRAVELLERS: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {
    "gradient descent": lambda: network(lambda p: tgi.optim.SGD(p, lr=0.1)),
    "Adam": lambda: network(lambda p: tgi.optim.Adam(p, lr=0.01, weight_decay=0.1)),
    "RMSprop": lambda: network(lambda p: tgi.optim.RMSprop(p, lr=0.01)),
    "images": images,
    "sequences": sequences,
    "chains": chains,
    "functions": functions,
}
