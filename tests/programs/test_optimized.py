"""What a captured program does not do: steps nobody reads, steps that another does, memory that another has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.programs.instructions import E
from tinygrad_init.programs.layout import pays
from tinygrad_init.programs.optimize import CHAIN_FROM

RNG = np.random.default_rng(0)
compiled = pytest.mark.skipif(tgi.BACKEND != "compiled", reason="only C code has chains and derivatives of its own")


def steps_of(function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """The steps of a captured function; what it returns is what it returns as it is."""
    program = tgi.capture(function)
    for _ in range(2):
        found, expected = program(*arguments), function(*arguments)
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-12)
    return list(program.programs[0][1].steps)


def codes(function: Callable[..., Any], *arguments: Any) -> list[str]:
    return [step.code for step in steps_of(function, *arguments)]


W, B = tgi.tensor(RNG.normal(size=(6, 9)), "float64"), tgi.tensor(RNG.normal(size=9), "float64")
X = RNG.normal(size=(12, 6))
COLUMN, GRID = RNG.normal(size=(12, 1)), RNG.normal(size=(12, 9))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: tgi.tensor(x) @ W, ["product"]),
        (lambda x: tgi.tensor(x) @ W + B, ["product"]),
        (lambda x: B + tgi.tensor(x) @ W, ["product"]),
        (lambda x: tgi.linear(x, W.T, B), ["product"]),
        (lambda x: tgi.tanh(tgi.tensor(x) @ W), ["product"]),
        (lambda x: tgi.tanh(tgi.tensor(x) @ W + B), ["product"]),
        (lambda x: tgi.leaky_relu(tgi.tensor(x) @ W + B, 0.3), ["product"]),
        # One activation, one bias, which is a row, and no more; nor what is needed as it was.
        (lambda x: tgi.exp(tgi.tanh(tgi.tensor(x) @ W + B)), ["product", "unary"]),
        (lambda x: tgi.tanh(tgi.tensor(x) @ W) + B, ["product", "binary"]),
        (lambda x: tgi.tensor(x) @ W + B + B, ["product", "binary"]),
        (lambda x: tgi.tensor(x) @ W - B, ["product", "binary"]),
        (lambda x: tgi.tensor(x) @ W + COLUMN, ["product", "binary"]),
        (lambda x: tgi.tensor(x) @ W + GRID, ["product", "binary"]),
        (lambda x: (lambda z: tgi.tanh(z) * z)(tgi.tensor(x) @ W), ["product", "unary", "binary"]),
    ],
)
def test_a_product_takes_a_bias_and_an_activation(function: Any, expected: list[str]) -> None:
    assert codes(function, X) == expected


def test_what_is_returned_is_kept() -> None:
    """A product that the caller wants is not turned into its activation."""
    z, a = W.numpy(), tgi.capture(lambda x: (lambda z: (z, tgi.tanh(z)))(tgi.tensor(x) @ W))
    for _ in range(2):
        first, second = a(X)
        np.testing.assert_allclose(first.numpy(), X @ z, rtol=1e-12)
        np.testing.assert_allclose(second.numpy(), np.tanh(X @ z), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: (tgi.exp(tgi.tensor(x)), tgi.tensor(x) * 2.0)[1], ["binary"]),
        (lambda x: (tgi.tanh(tgi.exp(tgi.tensor(x))).sum(), tgi.tensor(x) * 2.0)[1], ["binary"]),
        (lambda x: (tgi.tensor(x) @ W, tgi.tensor(x).sum())[1], ["reduce"]),
    ],
)
def test_what_nobody_reads_is_not_computed(function: Any, expected: list[str]) -> None:
    assert codes(function, X) == expected


@compiled
def test_the_slope_of_an_activation_goes_into_the_product_before_it() -> None:
    """And the bias's gradient falls out of the product that reads the cotangent anyway."""
    v, w, b = (tgi.tensor(RNG.normal(size=shape), "float64", requires_grad=True) for shape in ((20, 9), (20, 30), 20))

    def step(x: Any) -> Any:
        v.grad = w.grad = b.grad = None
        (tgi.tanh(tgi.linear(x, v, b)) @ w).sum().backward()
        return v.grad

    found = steps_of(step, RNG.normal(size=(50, 9)))
    assert "unary_vjp" not in [step.code for step in found]
    assert "reduce" not in [step.code for step in found]
    assert sum(step.code == "product" and step.views[E] is not None for step in found) == 1


@compiled
@pytest.mark.parametrize(("size", "chained"), [(2047, False), (2048, True)])
def test_long_rows_of_elementwise_steps_are_one(size: int, chained: bool) -> None:
    def function(x: Any) -> Any:
        return tgi.exp(tgi.tanh(tgi.tensor(x)) * 3.0 + x)

    x = RNG.normal(size=size)
    assert CHAIN_FROM == 2048
    assert codes(function, x) == (["chain"] if chained else ["unary", "binary", "binary", "unary"])
    assert codes(lambda x: tgi.exp(tgi.tensor(x)), x) == ["unary"]  # one is no chain


@compiled
def test_a_number_is_read_where_it_would_be_spread() -> None:
    """The cotangent of a mean is one number; elementwise steps that can read it do, and give the bits of the rules."""
    x = np.linspace(-1.0, 1.0, 2048, dtype=np.float32)
    x[::7] = 0.0
    w = tgi.tensor(np.linspace(2.0, 3.0, 2048, dtype=np.float32), requires_grad=True)

    def function(x: Any) -> Any:
        w.grad = None
        (x * w).mean().exp().backward()
        return w.grad

    found = tgi.capture(function)
    expected = tgi.grad((tgi.tensor(x) * w).mean().exp(), w)[0].numpy()
    np.testing.assert_array_equal(np.asarray(found(x)), expected)
    assert codes(function, x).count("copy") == 1  # of the result


@compiled
def test_chains_have_an_end() -> None:
    """Other sizes, sums in between, and more stages than a chain has."""
    x = RNG.normal(size=3000)
    assert codes(lambda x: tgi.exp(tgi.tanh(tgi.tensor(x)))[:2500] * 2.0 + 1.0, x) == ["chain", "chain"]
    assert codes(lambda x: tgi.exp(tgi.tanh(tgi.tensor(x))) * tgi.tanh(tgi.sin(tgi.tensor(x)).sum()), x)[:1] == [
        "chain"
    ]

    def many(x: Any) -> Any:
        x = tgi.tensor(x)
        for _ in range(70):
            x = tgi.tanh(x)
        return x

    found = steps_of(many, x)
    assert [step.code for step in found] == ["chain"] * 3
    assert [len(step.parts.stages) for step in found] == [32, 32, 6]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(16, 8, True), (15, 8, False), (100, 8, True), (100, 9, False), (2, 1, True), (1, 1, False)],
)
def test_narrow_matrices_that_are_twice_as_long_are_turned(rows: int, columns: int, expected: bool) -> None:
    assert pays(rows, columns) == expected


def test_results_take_the_memory_of_operands_that_are_needed_no_more() -> None:
    """A chain of sums needs room for two of them at most, however long it is."""

    def sums(count: int) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            total = tgi.tensor(x) * 1.5
            for i in range(count):
                total = tgi.sin(total) + float(i) * tgi.tensor(x)[0]
            return total.sum()

        return function

    def own_memory(function: Any) -> int:
        program = tgi.capture(function)
        program(RNG.normal(size=500))
        buffers = {
            id(view.buffer): view.buffer
            for step in program.programs[0][1].steps
            for view in step.views
            if view is not None and view.buffer.slot == 0 and view.buffer.value is None
        }
        return max(buffer.offset + buffer.size for buffer in buffers.values() if buffer.size >= 4000)

    assert own_memory(sums(30)) <= own_memory(sums(3)) + 30 * 64
