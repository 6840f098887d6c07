"""Graphs of single numbers in captured programs: one step, little memory, the bits of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.kernels.backend import kernels

pytestmark = pytest.mark.skipif(not hasattr(kernels, "Machine"), reason="this backend has no machine for programs")
UNARY = (tgi.tanh, tgi.sigmoid, tgi.relu, tgi.exp, tgi.sin, lambda x: x.abs(), lambda x: -x, lambda x: x * x)
BINARY = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (2.0 + y * y),
    tgi.maximum,
    lambda x, y: tgi.where(x > y, x, y * 0.5),
)


def numbers(dtype: Any, n: int = 6) -> list[Any]:
    return [tgi.tensor(dtype(v), dtype=dtype, requires_grad=True) for v in np.linspace(-1.2, 1.4, n)]


def tapes(program: Any) -> list[int]:
    return [len(step.parts) for step in program.programs[0][1].steps if step.code == "scalars"]


def both(make: Callable[[list[Any]], Any], dtype: Any) -> tuple[Any, Any, Any]:
    """Value and gradients, eager and captured, and the captured function."""
    found = []
    for capture in (lambda f: f, tgi.capture):
        leaves = numbers(dtype)

        def step(leaves: list[Any] = leaves) -> Any:
            for leaf in leaves:
                leaf.grad = None
            out = make(leaves)
            out.backward()
            return out

        run = capture(step)
        for _ in range(2):
            value = run()
        found.append([value.item(), *(0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves)])
    return found[0], found[1], run


def agree(eager: list[float], captured: list[float], dtype: Any) -> None:
    """The same bits; of float32 the engine rounds a cotangent when its parts have come together, a program each part.

    That is one rounding (6e-8) at each of up to 160 sums, which later operations may magnify.
    """
    scale = max(map(abs, eager))
    tolerance = 0.0 if dtype is np.float64 else 1e-4 * scale
    np.testing.assert_allclose(captured, eager, rtol=0, atol=tolerance)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=40),
    st.sampled_from([np.float32, np.float64]),
)
def test_random_graphs_have_the_bits_of_the_engine(plan: list[tuple[int, int, int]], dtype: Any) -> None:
    def make(leaves: list[Any]) -> Any:
        made = list(leaves)
        for which, i, j in plan:
            x, y = made[i % len(made)], made[j % len(made)]
            made.append(UNARY[which](x) if which < len(UNARY) else BINARY[which - len(UNARY)](x, y))
        total = made[-1]
        for x in made:
            total = total + x * 0.25
        return total

    eager, captured, _ = both(make, dtype)
    agree(eager, captured, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_graph_is_one_step_in_little_memory(dtype: Any) -> None:
    def make(leaves: list[Any]) -> Any:
        x = leaves[0]
        for i in range(1000):
            x = (x * leaves[i % 5] + leaves[(i + 2) % 6]).tanh()
        return x

    eager, captured, run = both(make, dtype)
    agree(eager, captured, dtype)
    assert len(tapes(run)) == 1
    assert tapes(run)[0] > 5000
    # Numbers of the way forward wait for the way back; of what is computed there nothing stays.
    assert run.programs[0][1].machine.memory_size < tapes(run)[0] // 2 * np.dtype(dtype).itemsize


def test_numbers_out_of_arrays_and_into_arrays() -> None:
    w = tgi.tensor([0.5, -0.25, 2.0], requires_grad=True)
    b = tgi.tensor(0.3, requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = b.grad = None
        h = w[0] * x[1] + b
        h = (h * h + w[2]).tanh()
        loss = (h * w).sum() + h
        loss.backward()
        return loss

    run = tgi.capture(step)
    for t in range(3):
        x = tgi.tensor([1.0 + t, 2.0 - t, 3.0])
        value = run(x).item()
        gradients = [w.grad.numpy().copy(), b.grad.numpy().copy()]
        assert value == step(x).item()
        np.testing.assert_array_equal(gradients[0], w.grad.numpy())
        np.testing.assert_array_equal(gradients[1], b.grad.numpy())


def test_numbers_that_are_changed_in_place_keep_their_order() -> None:
    w = tgi.tensor(1.0, requires_grad=True)
    kept = tgi.tensor(0.0)

    def step() -> Any:
        w.grad = None
        loss = w * w * w
        loss.backward()
        with tgi.no_grad():
            before = w * 2.0
            kept.copy_(before)
            w.sub_(w.grad * 0.1)
            after = w * 3.0
            kept.add_(after)
        return before + after

    results = []
    for run in (step, tgi.capture(step)):
        with tgi.no_grad():
            w.fill_(1.0)
            kept.fill_(0.0)
        results.append([(run().item(), w.item(), kept.item()) for _ in range(4)])
    assert results[0] == results[1]


def test_results_are_numbers_of_their_own() -> None:
    x = tgi.tensor(2.0, requires_grad=True)
    run = tgi.capture(lambda: [x * 2.0, x * 3.0, (x * 2.0).reshape(1), x])
    first, second = run(), run()
    assert [float(v.numpy().reshape(-1)[0]) for v in first] == [4.0, 6.0, 4.0, 2.0]
    assert second[2].shape == (1,)
    with tgi.no_grad():
        second[0].add_(1.0)
    assert [v.item() for v in run()[:2]] == [4.0, 6.0]


def test_steps_between_tapes_do_not_write_where_a_tape_still_reads() -> None:
    p = tgi.tensor(0.602, dtype=np.float64, requires_grad=True)
    numbers = np.random.default_rng(0).normal(size=(4, 4))

    def step() -> Any:
        big = tgi.tensor(numbers)
        v = p * (big @ big)[0, 1]
        w = tgi.where(v > p, v, p)
        loss = np.exp(w) + w
        p.grad = None
        loss.backward()
        return [loss, w * 1.0, p.grad]

    expected = [float(x.item()) for x in step()]
    run = tgi.capture(step)
    for _ in range(2):
        assert [float(x.item()) for x in run()] == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda x, w, n: x * (1.0 + n),  # another constant
        lambda x, w, n: x * w[n % 2],  # another number
        lambda x, w, n: x + w[0] if n % 2 else x * w[0],  # another function
        lambda x, w, n: tgi.leaky_relu(x, 0.1 * (n + 1)),  # another parameter
        lambda x, w, n: sum((x for _ in range(n)), x),  # more
        lambda x, w, n: sum((x for _ in range(20 - n)), x),  # less
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_graph_of_numbers_that_is_another_each_time_is_refused(change: Any, last: bool) -> None:
    w = numbers(np.float64, 2)
    calls = iter(range(1, 20))

    def step() -> Any:
        x = change(w[0] * w[1], w, next(calls))
        return x if last else (x * tgi.tensor([1.0, 2.0], dtype=np.float64)).sum()

    with pytest.raises(tgi.CaptureError, match=r"test_tapes.py:\d+ in .*the function does something else each time"):
        tgi.capture(step)()


def test_numbers_that_take_each_others_place_are_told_apart() -> None:
    """Two traces of as many numbers, of which another one is used."""
    w = numbers(np.float64, 2)
    calls = iter(range(20))

    def step() -> Any:
        made = [w[0] * 2.0, w[0] * 2.0]
        return made[next(calls) % 2] + w[1]

    with pytest.raises(tgi.CaptureError, match="does something else"):
        tgi.capture(step)()
