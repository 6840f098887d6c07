"""Work on many numbers is shared out among threads, and gives the bits that one thread gives."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn

threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")
pytestmark = pytest.mark.skipif(tgi.BACKEND != "compiled", reason="NumPy's threads are its own business")

RNG = np.random.default_rng(0)
LONG = 3 * (1 << 15) + 77  # numbers, not a whole number of parts
LABELS = RNG.integers(0, 50, 70_001)
X, Y = RNG.normal(size=(2, LONG)).astype(np.float32)
WIDE, TALL = RNG.normal(size=(3, 40_007)), RNG.normal(size=(40_007, 3))
STEPS: dict[str, Callable[[], Any]] = {
    "one function": lambda: tgi.tensor(X).exp(),
    "a chain": lambda: ((tgi.tensor(X) * 2.0 + tgi.tensor(Y)).tanh() * tgi.tensor(Y)).sigmoid(),
    "stretched": lambda: tgi.tensor(TALL) * tgi.tensor(TALL[0]) + tgi.tensor(TALL[:, :1]),
    "choices": lambda: tgi.where(tgi.tensor(WIDE) > 0, tgi.tensor(WIDE), tgi.tensor(WIDE[:, :1])),
    "turned": lambda: tgi.tensor(TALL).T * 1.5,
    "turned and joined": lambda: tgi.concatenate([tgi.tensor(WIDE).T, tgi.tensor(TALL)]),
    "sums of rows": lambda: tgi.tensor(TALL).sum(1),
    "sums of few long rows": lambda: tgi.tensor(WIDE).sum(1),
    "sums of channels": lambda: tgi.tensor(X[: 6 * 9 * 900].reshape(6, 9, 900)).sum((0, 2)),
    "sums of columns": lambda: tgi.tensor(WIDE).sum(0),
    "sums over all": lambda: tgi.tensor(WIDE).sum(),
    "largest of columns": lambda: tgi.tensor(WIDE).max(axis=0),
}


def one_and_two(step: Callable[[], Any]) -> tuple[Any, Any]:
    with threadpoolctl.threadpool_limits(1):
        one = tgi.capture(step)().numpy().copy()
    with threadpoolctl.threadpool_limits(2):
        two = tgi.capture(step)().numpy().copy()
    return one, two


@pytest.mark.parametrize("name", STEPS)
def test_bits(name: str) -> None:
    one, two = one_and_two(STEPS[name])
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() == STEPS[name]().numpy().tobytes(), "nor do programs matter"


@pytest.mark.parametrize("rule", ["SGD", "momentum", "Adam", "AdamW"])
def test_updates(rule: str) -> None:
    """Weights, and what the optimizer keeps, after three steps."""
    make = {
        "SGD": lambda p: tgi.optim.SGD(p, lr=0.1),
        "momentum": lambda p: tgi.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
        "Adam": lambda p: tgi.optim.Adam(p, lr=0.1, weight_decay=0.01),
        "AdamW": lambda p: tgi.optim.AdamW(p, lr=0.1),
    }[rule]
    found = []
    for threads in (1, 2):
        w = nn.Parameter(X.copy())
        optimizer = make([w])

        @tgi.capture
        def step(w: Any = w, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = ((w - tgi.tensor(Y)) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        with threadpoolctl.threadpool_limits(threads):
            losses = [step().item() for _ in range(3)]
        found.append((w.numpy().tobytes(), losses, str(optimizer.state_dict())))
    assert found[0] == found[1]


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor, so one thread")
def test_who_waits_sleeps() -> None:
    """Between runs no thread keeps a processor busy."""
    step = tgi.capture(STEPS["a chain"])
    with threadpoolctl.threadpool_limits(2):
        step()
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(0.2)
        assert time.process_time() - before < 0.05
