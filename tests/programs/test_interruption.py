"""Signals are heard while something long runs in C, and what was interrupted can be called again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here"),
    pytest.mark.skipif(tgi.BACKEND != "compiled", reason="interpreted, Python hears them"),
    pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(), reason="signals come to another thread"
    ),
]


class HeardThreeTimes(Exception):
    pass


@contextmanager
def ticking() -> Iterator[None]:
    """Signals come every few milliseconds. What does not look for them hears one, at its end; the third one raises."""
    heard = 0

    def hear(number: int, frame: Any) -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            raise HeardThreeTimes

    before = signal.signal(signal.SIGALRM, hear)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def product() -> tuple[Callable[[], Any], Any]:
    x = np.ones((2400, 2400))
    return lambda: tgi.matmul(x, x).numpy()[0, 0], 2400.0


def captured_product() -> tuple[Callable[[], Any], Any]:
    x = np.ones((2400, 2400))
    step = tgi.capture(lambda x: x @ x)
    step(np.ones((2400, 2400)))
    return lambda: step(x)[0, 0], 2400.0


def captured_steps() -> tuple[Callable[[], Any], Any]:
    @tgi.capture
    def step(x: Any) -> Any:
        for _ in range(300):
            x = tgi.tanh(x * 1.5)
        return x.sum()

    x = np.zeros(300_000)
    step(x)
    return lambda: float(step(x)), 0.0


def backward() -> tuple[Callable[[], Any], Any]:
    w = tgi.tensor([2.0, 3.0], np.float64, requires_grad=True)
    y = w
    for _ in range(150_000):
        y = -y
    total = y.sum()

    def run() -> Any:
        w.grad = None
        total.backward(retain_graph=True)
        assert w.grad is not None
        return w.grad.numpy()[0]

    return run, 1.0


def orthogonal_start() -> tuple[Callable[[], Any], Any]:
    w = tgi.zeros((600, 600), dtype="float64")

    def run() -> Any:
        tgi.init.orthogonal_(w, rng=0)
        return bool(np.allclose(w.numpy() @ w.numpy().T, np.eye(600), atol=1e-13))

    return run, True


def singular_values() -> tuple[Callable[[], Any], Any]:
    x = np.eye(520)[::-1] + 0.0
    return lambda: float(tgi.linalg.svdvals(x).sum()), 520.0


def random_numbers() -> tuple[Callable[[], Any], Any]:
    return lambda: float(tgi.randn(4_000_000, rng=0)[-1]), float(
        np.random.default_rng(0).standard_normal(4_000_000, np.float32)[-1]
    )


def elementwise_function() -> tuple[Callable[[], Any], Any]:
    """Of so many numbers that it goes in pieces, whose seams do not show."""
    x = np.linspace(-3.0, 3.0, 5 * 2**22 + 3, dtype=np.float32)
    seams = np.concatenate([np.arange(k * 2**22 - 3, k * 2**22 + 3) for k in range(1, 6)])
    expected = tgi.erf(tgi.tensor(x[seams])).numpy()
    return lambda: np.array_equal(tgi.erf(x).numpy()[seams], expected), True


def elementwise_derivative() -> tuple[Callable[[], Any], Any]:
    x = tgi.tensor(np.linspace(-3.0, 3.0, 5 * 2**22 + 3, dtype=np.float32), requires_grad=True)
    y = tgi.erf(x)
    ones = np.ones(x.shape, np.float32)
    seams = np.concatenate([np.arange(k * 2**22 - 3, k * 2**22 + 3) for k in range(1, 6)])
    few = tgi.tensor(x.detach().numpy()[seams], requires_grad=True)
    tgi.erf(few).sum().backward()
    assert few.grad is not None
    expected = few.grad.numpy()

    def run() -> Any:
        (found,) = tgi.grad(y, x, gradients=ones, retain_graph=True)
        return np.array_equal(found.numpy()[seams], expected)

    return run, True


def stretched_function() -> tuple[Callable[[], Any], Any]:
    """Of two arrays, one of which is stretched, in pieces of some rows."""
    x, y = np.linspace(0.5, 2.0, 7001).reshape(1, -1, 1), np.linspace(-3.0, 3.0, 3000)
    expected = tgi.pow(x[:, -1], y).numpy()
    return lambda: np.array_equal(tgi.pow(x, y).numpy()[:, -1], expected), True


def derivative_of_two() -> tuple[Callable[[], Any], Any]:
    x = tgi.tensor(np.linspace(0.5, 2.0, 4 * 2**22 + 3, dtype=np.float32), requires_grad=True)
    z, ones = x * x.detach(), np.ones(x.shape, np.float32)

    def run() -> Any:
        (found,) = tgi.grad(z, x, gradients=ones, retain_graph=True)
        return np.array_equal(found.numpy(), x.detach().numpy())

    return run, True


def order() -> tuple[Callable[[], Any], Any]:
    x = np.random.default_rng(0).permutation(1_000_000).astype(np.float64)
    return lambda: bool(np.array_equal(tgi.sort(x)[0].numpy(), np.arange(1_000_000))), True


@pytest.mark.parametrize(
    "make",
    [
        product, captured_product, captured_steps, backward, orthogonal_start, singular_values, random_numbers,
        elementwise_function, elementwise_derivative, stretched_function, derivative_of_two, order,
    ],
)  # fmt: skip
def test_it_is_interrupted_and_runs_again(make: Callable[[], tuple[Callable[[], Any], Any]]) -> None:
    run, expected = make()
    with pytest.raises(HeardThreeTimes), ticking():
        run()
    assert run() == expected
    assert tgi.is_grad_enabled()
