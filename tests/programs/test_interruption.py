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


@pytest.mark.parametrize("make", [product, captured_product, captured_steps, backward])
def test_it_is_interrupted_and_runs_again(make: Callable[[], tuple[Callable[[], Any], Any]]) -> None:
    run, expected = make()
    with pytest.raises(HeardThreeTimes), ticking():
        run()
    assert run() == expected
    assert tgi.is_grad_enabled()
