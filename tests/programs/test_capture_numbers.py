"""Numbers as arguments of captured functions: read at each run, unless the code decides by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

X = tgi.tensor([1.0, -2.0])


def test_a_rate_that_changes_at_each_step_makes_two_programs() -> None:
    def steps(capture: Any) -> list[float]:
        w = tgi.tensor([1.0, 2.0], requires_grad=True)

        def step(x: Any, lr: float) -> Any:
            loss = ((w * x) ** 2).sum()
            w.grad = None
            loss.backward()
            with tgi.no_grad():
                assert w.grad is not None
                w.copy_(w - lr * w.grad)
            return loss

        run = capture(step)
        found = [run(X, 0.1 / (i + 1)).item() for i in range(20)]
        if capture is tgi.capture:
            assert run.captures == 2
        return found

    np.testing.assert_allclose(steps(tgi.capture), steps(lambda f: f), rtol=1e-6)


@pytest.mark.parametrize("numbers", [range(-3, 6), [0.5, -0.0, 1e30, float("inf")], [2**60, 2**60 + 1, 1, 2]])
def test_values_are_those_of_the_call(numbers: Any) -> None:
    def function(x: Any, k: float) -> Any:
        return x * k + k * k

    run = tgi.capture(function)
    for k in numbers:
        np.testing.assert_array_equal(run(X, k).numpy(), function(X, k).numpy())
        np.testing.assert_array_equal(run(X, k=k).numpy(), function(X, k).numpy())


def test_where_the_code_decides_each_value_has_its_program() -> None:
    def function(x: Any, k: int, scale: float) -> Any:
        return x * scale if k % 2 else [x + float(k), x][0]

    run = tgi.capture(function)
    for k in (0, 1, 2, 3, 2, 1):
        np.testing.assert_array_equal(run(X, k, 2.0).numpy(), function(X, k, 2.0).numpy())
    for scale in (3.0, 4.0, 5.0):
        np.testing.assert_array_equal(run(X, 1, scale).numpy(), function(X, 1, scale).numpy())


def test_kinds_of_numbers_are_told_apart() -> None:
    run = tgi.capture(lambda x, k: x * 2.0 if k is True else x * k)
    for k in (1, True, 1.0, 2, 2.0, False):
        np.testing.assert_array_equal(run(X, k).numpy(), X.numpy() * (2.0 if k is True else k))


def test_numbers_in_containers() -> None:
    run = tgi.capture(lambda tree: tree["x"] * tree["rates"][1])
    for rate in (0.5, 0.25, 0.125):
        np.testing.assert_array_equal(run({"x": X, "rates": (1.0, rate)}).numpy(), X.numpy() * np.float32(rate))
    assert run.captures == 2


def test_an_attribute_that_is_set_says_how_to_do_it() -> None:
    class Holder:
        last: Any = None

    holder = Holder()

    def function(x: Any) -> Any:
        holder.last = x
        return x

    with pytest.raises(tgi.CaptureError, match=r"attribute last.*return it, or keep it in a tensor.*copy_\(value\)"):
        tgi.capture(function)(X)


class Rates:
    r1, r2, r3 = 1.0, 5.0, 7.0


DECIDING = {
    "key": lambda n: {1: 2.0, 2: 3.0}.get(n, 1.0),
    "member": lambda n: 5.0 if n in {1, 2} else 6.0,
    "missing": lambda n: {1: 2.0, 2: 3.0, 3: 4.0}[n],
    "text": lambda n: {"1": 2.0, "2": 3.0}.get(str(n), 1.0),
    "formatted": lambda n: getattr(Rates, f"r{n}"),
    "as text among others": lambda n: len("".join(map(str, [n, n * 10]))),
    "list": lambda n: len([1.0] * n),
    "list on the right": lambda n: len(n * [1.0]),
    "sum of lists": lambda n: len([0.0] * (n + 1) + [1.0]),
    "tuple": lambda n: len((1.0,) * n),
    "rounded": lambda n: round(n / 3, 1),
    "ratio": lambda n: (n / 4).as_integer_ratio()[0],
    "attribute": lambda n: 2.0 if hasattr(n, "shape") else 3.0,
    "scalar": lambda n: 2.0 if np.isscalar(n) else 3.0,
}


@pytest.mark.parametrize("name", DECIDING)
def test_what_only_a_number_answers_is_asked_of_the_number(name: str) -> None:
    """A stand-in has no hash, no text and no length of its own that could be taken for the number's."""
    choose = DECIDING[name]
    run = tgi.capture(lambda x, n: x * choose(n))
    for n in (1, 2, 3, 2, 1):
        np.testing.assert_array_equal(run(X, n).numpy(), (X * choose(n)).numpy())


def test_an_error_of_a_number_is_that_of_the_number() -> None:
    def function(x: Any, n: int) -> Any:
        return x * [1.0, 2.0, 3.0][n]

    run = tgi.capture(function)
    for n in (0, 1, 2):
        np.testing.assert_array_equal(run(X, n).numpy(), function(X, n).numpy())
    with pytest.raises(IndexError):
        run(X, 3)
    np.testing.assert_array_equal(run(X, 1).numpy(), function(X, 1).numpy())


def test_a_graph_of_numbers_is_captured_twice_for_all_samples() -> None:
    """At the first sample, and at the second, from which on numbers are read at each run."""
    w, b = (tgi.tensor(v, dtype=np.float64, requires_grad=True) for v in (0.5, -0.25))

    def slopes(point: list[float], label: int) -> list[float]:
        w.grad = b.grad = None
        loss = (w * point[0] + b * point[1]).tanh() * label + w * w
        loss.backward()
        return [loss, w.grad, b.grad]

    run = tgi.capture(slopes)
    for x, y in np.random.default_rng(0).normal(size=(40, 2)).tolist():
        label = 1 if x > y else -1
        assert [v.item() for v in run([x, y], label)] == [v.item() for v in slopes([x, y], label)]
    assert run.captures <= 3  # a third, if the second sample had the label of the first
