"""The teaching engine: it must say what the tensor engine says, and stay what it promises to be."""

from __future__ import annotations

import ast
import doctest
import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import scalar
from tinygrad_init.scalar import Value

from ..strategies import seeds

STEPS = [
    "add",
    "mul",
    "sub",
    "div",
    "pow",
    "exp",
    "log",
    "sin",
    "tanh",
    "sigmoid",
    "relu",
    "neg",
    "radd",
    "rsub",
    "rdiv",
]


def apply(step: str, x: Any, y: Any, tensors: bool) -> Any:
    """One step of a random program in either engine, kept inside every function's domain."""
    functions = {
        "exp": tgi.exp,
        "log": tgi.log,
        "sin": tgi.sin,
        "tanh": tgi.tanh,
        "sigmoid": tgi.sigmoid,
        "relu": tgi.relu,
    }
    if step in functions:
        inner = x * x + 0.5 if step == "log" else x * 0.1
        return functions[step](inner) if tensors else getattr(inner, step)()
    match step:
        case "add":
            return x + y
        case "mul":
            return x * y
        case "sub":
            return x - y
        case "div":
            return x / (y * y + 1.0)
        case "pow":
            return (x * 0.5) ** 3
        case "neg":
            return -x
        case "radd":
            return 2.0 + x
        case "rsub":
            return 1.0 - x
        case _:
            return 1.0 / (x * x + 1.0)


@given(
    program=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25),
    seed=seeds,
)
def test_both_engines_give_the_same_numbers(program: list[tuple[str, int, int]], seed: int) -> None:
    start = np.random.default_rng(seed).uniform(-1, 1, 3)
    runs = []
    for tensors in (True, False):
        leaves: list[Any] = [tgi.tensor(v, "float64", requires_grad=True) if tensors else Value(v) for v in start]
        values = list(leaves)
        for step, i, j in program:
            values.append(apply(step, values[i % len(values)], values[j % len(values)], tensors))
        last = values[-1] + 0.0 * sum(leaves[1:], leaves[0])
        last.backward()
        if tensors:
            runs.append((last.item(), [leaf.grad.item() for leaf in leaves]))
        else:
            runs.append((last.data, [leaf.grad for leaf in leaves]))
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=1e-8, atol=1e-10)


def test_a_long_chain_needs_no_recursion() -> None:
    x = Value(1.0)
    y = x
    for _ in range(20_000):
        y = y + x
    y.backward()
    assert x.grad == 20_001


def test_several_backwards_add_up_in_leaves() -> None:
    x = Value(2.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 8.0


def test_it_is_short_and_needs_only_math() -> None:
    source = inspect.getsource(scalar)
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import)]
    assert [alias.name for node in imports for alias in node.names] == ["math"]
    assert len(source.splitlines()) < 160


def test_its_example_runs() -> None:
    assert doctest.testmod(scalar).failed == 0
    assert doctest.testmod(scalar).attempted > 0


def test_sigmoid_does_not_overflow() -> None:
    assert Value(-1000.0).sigmoid().data == 0.0
    assert math.isclose(Value(1000.0).sigmoid().data, 1.0)


@pytest.mark.parametrize("n", [0, 1, 2, -1, 0.5])
def test_powers(n: float) -> None:
    x, t = Value(2.0), tgi.tensor(2.0, "float64", requires_grad=True)
    (x**n).backward()
    (t**n).backward()
    assert x.grad == pytest.approx(t.grad.item())
