"""What the machine's instructions do, in captured programs of few steps: the same as the calls that were captured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

from ..programs.capturing import numbers

DTYPES = ["float32", "float64"]
RNG = np.random.default_rng(0)


def same(function: Any, *calls: tuple[Any, ...], rounding: float = 64.0) -> None:
    """Run a function as it is, then captured, twice over all calls."""
    with np.errstate(all="ignore"):
        expected = [list(numbers(function(*arguments))) for arguments in calls]
        program = tgi.capture(function)
        for _ in range(2):
            for arguments, wanted in zip(calls, expected, strict=True):
                for mine, theirs in zip(numbers(program(*arguments)), wanted, strict=True):
                    assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
                    tolerance = rounding * float(np.finfo(theirs.dtype).eps)
                    np.testing.assert_allclose(mine, theirs, tolerance, tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_indices_that_come_twice_count_twice(dtype: str) -> None:
    x = tgi.tensor(RNG.normal(size=(5, 3)), dtype, requires_grad=True)
    weights = RNG.normal(size=(7, 3)).astype(dtype)

    def gradient(index: Any) -> Any:
        x.grad = None
        (x[index] * weights).sum().backward()
        return x.grad

    once, often = np.array([0, 3, 1, 4, 2, 0, 1]), np.array([2, 2, 2, 0, 2, 4, 0])
    same(gradient, (once,), (often,))
    expected = np.zeros((5, 3))
    np.add.at(expected, often, weights)
    np.testing.assert_allclose(tgi.capture(gradient)(often).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (2, 0, 1)])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 5), (3, 1, 2), (0, 4, 5), (3, 0, 5), (3, 4, 0)], ids=str)
def test_copies_over_any_strides(shape: tuple[int, ...], axes: tuple[int, ...], dtype: str) -> None:
    """Also of nothing, beside which other numbers stay what they are."""
    other = RNG.normal(size=300).astype(dtype)

    def moved(x: Any) -> Any:
        turned = tgi.tensor(x).transpose(*axes).reshape(-1)
        return turned * 2.0, tgi.tensor(other) + 1.0, tgi.tensor(x)[::-1, :, ::-1].reshape(-1) + 0.5

    same(moved, (RNG.normal(size=shape).astype(dtype),), (RNG.normal(size=shape).astype(dtype),))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 511, 512, 513, 2047, 2048, 5000])
def test_single_numbers_stay_where_they_are_in_long_chains(size: int, dtype: str) -> None:
    """A chain goes over its operands piece by piece; single ones have no next piece."""

    def chain(x: Any, a: Any, b: Any) -> Any:
        x = tgi.tensor(x)
        return tgi.tanh(x * a + b) * a - tgi.exp(x) / b, tgi.where(x > a, x * b, x - b)

    def call() -> tuple[Any, ...]:
        a, b = (np.asarray(value, dtype) for value in RNG.uniform(0.5, 2.0, 2))
        return RNG.normal(size=size).astype(dtype), a, b

    same(chain, call(), call())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0, -1e-3, 1.001, math.nan, math.inf])
def test_only_what_lies_within_limits_passes(target: float, dtype: str) -> None:
    """NaN does not; nor does one number among many."""
    logits = tgi.tensor(RNG.normal(size=70), dtype)
    program = tgi.capture(lambda y: tgi.binary_cross_entropy_with_logits(logits, y))
    y = RNG.random(70).astype(dtype)
    expected = program(y).item()
    for place in (0, 33, 69):
        other = y.copy()
        other[place] = target
        if 0 <= target <= 1:
            assert program(other).item() != expected or y[place] == target
        else:
            with pytest.raises(ValueError, match="targets must lie between 0 and 1"):
                program(other)
    assert program(y).item() == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_single_numbers(dtype: str) -> None:
    """Each function by a way of its own, forward and backward; 0 takes no part of an infinite derivative."""
    x, y = (tgi.tensor(0.0, dtype, requires_grad=True) for _ in range(2))

    def step(a: Any, b: Any) -> Any:
        x.grad = y.grad = None
        u, v = x + a, y + b
        out = tgi.relu(u) * v + tgi.relu(u - v) * 3.0 + tgi.tanh(u * v) - v / 2.0
        out.backward()
        return out, x.grad, y.grad

    values = [-2.0, -0.5, 0.25, 0.5, 0.75, 1.5, 3.0]
    calls = [(np.asarray(a, dtype), np.asarray(b, dtype)) for a in values for b in values]
    same(step, *calls)

    def relu(a: Any) -> Any:
        return tgi.relu(x + a)

    same(
        relu, *((np.asarray(a, dtype),) for a in (-1.0, -0.0, 0.0, 1e-30, 0.5, 1.0, 2.0, math.inf, -math.inf, math.nan))
    )

    def gated(a: Any, b: Any) -> Any:
        x.grad = y.grad = None
        (tgi.relu((x + a) * (y + b))).backward()
        return x.grad, y.grad

    same(
        gated, *((np.asarray(a, dtype), np.asarray(b, dtype)) for a in (-1.0, 2.0) for b in (math.inf, -math.inf, 3.0))
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_updates(momentum: float, nesterov: bool, dtype: str) -> None:
    def trained(captured: bool) -> Any:
        x = tgi.tensor(np.linspace(-1, 1, 40), dtype, requires_grad=True)
        rule = optim.SGD([x], 0.1, momentum, nesterov=nesterov, weight_decay=0.01)

        def step(target: Any) -> None:
            rule.zero_grad()
            ((x - target) ** 2).sum().backward()
            rule.step()

        run = tgi.capture(step) if captured else step
        for i in range(5):
            run(np.full(40, float(i), dtype))
        return x.numpy()

    np.testing.assert_allclose(trained(True), trained(False), rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 3, 8, 9, 40])
@pytest.mark.parametrize("rows", [20, 256, 257, 600])
def test_narrow_networks_that_are_turned(rows: int, columns: int, dtype: str) -> None:
    """Bias, activation and cross entropy of matrices by rows and by columns, in and beyond one block of rows."""
    model = nn.MLP((6, columns, columns), "tanh", rng=0, dtype=dtype)
    parameters = list(model.parameters())

    def step(x: Any, y: Any) -> Any:
        for parameter in parameters:
            parameter.grad = None
        losses = tgi.cross_entropy(model(tgi.tensor(x)), y, "none")
        (losses * np.linspace(0.5, 1.5, rows).astype(dtype)).sum().backward()
        return losses, [parameter.grad for parameter in parameters]

    calls = [(RNG.normal(size=(rows, 6)).astype(dtype), RNG.integers(0, columns, rows)) for _ in range(2)]
    same(step, *calls, rounding=64.0 * rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [3, 40])
@pytest.mark.parametrize("turned", [False, True])
def test_losses_of_infinite_logits(turned: bool, columns: int, dtype: str) -> None:
    """A class with an infinite logit makes every other impossible: its loss is infinite, and no less than that."""
    x = np.zeros((300, columns), dtype)
    x[[0, 256, 299], 0] = np.inf
    x[[1, 257, 298], 1] = -np.inf
    labels = np.full(300, 1)
    eye = tgi.tensor(np.eye(columns), dtype)
    odd = tgi.tensor(x)

    def losses(z: Any) -> Any:
        z = tgi.tensor(z)
        return tgi.cross_entropy((z @ eye if turned else z * 1.0) + odd, labels, "none")

    with np.errstate(all="ignore"):
        found = tgi.capture(losses)(np.zeros((300, columns), dtype)).numpy()
    assert np.all(found[[0, 1, 256, 257, 298, 299]] == np.inf)
    np.testing.assert_allclose(np.delete(found, [0, 1, 256, 257, 298, 299]), math.log(columns), rtol=1e-6)
