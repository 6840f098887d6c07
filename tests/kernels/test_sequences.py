"""Functions of rows, stacks of products and long short-term memory by their kernels: what NumPy makes of the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init.kernels import reference_sequences as reference
from tinygrad_init.kernels.backend import kernels

from ..strategies import dtypes, seeds

lengths = st.sampled_from([1, 2, 3, 15, 16, 17, 33, 64, 65, 300])


@given(st.integers(0, 4), st.lists(st.integers(1, 4), max_size=2), lengths, st.integers(1, 40), dtypes, seeds)
def test_softmax(which: int, lead: list[int], columns: int, queries: int, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, g = (4 * rng.normal(size=(2, *lead, columns))).astype(dtype)
    operands = [x] if which < 3 else [g, reference.rows(which - 3, [x])]
    mine, theirs = (f.rows(which, operands, queries) for f in (kernels, reference))
    assert (mine.shape, mine.dtype) == (theirs.shape, dtype)
    # Logarithms up to 30, and sums of so many terms of size 4.
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=64 * columns * np.finfo(dtype).eps)


@pytest.mark.parametrize("columns", [3, 16, 70])
def test_softmax_of_what_is_not_finite(columns: int) -> None:
    x = np.zeros((4, columns))
    x[0, 1], x[1], x[2, 2], x[3, 0] = -np.inf, -np.inf, np.nan, np.inf
    found = kernels.rows(reference.SOFTMAX, [x])
    assert found[0, 1] == 0 and np.allclose(found[0].sum(), 1)
    assert np.isnan(found[1:3]).all() and np.isnan(found[3, 0])


def test_causal_rows_see_nothing_of_what_comes_later() -> None:
    x = np.full((3, 5), np.nan)
    x[np.tri(3, 5, dtype=bool)] = 1.0
    wanted = np.tri(3, 5) / np.arange(1, 4)[:, np.newaxis]
    np.testing.assert_allclose(kernels.rows(reference.CAUSAL_SOFTMAX, [x], 3), wanted, rtol=1e-15)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=2), lengths, dtypes, seeds)
def test_normalized_rows(lead: list[int], columns: int, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, g = rng.normal(1, 2, (2, *lead, columns)).astype(dtype)
    w, b = rng.normal(size=(2, columns)).astype(dtype)
    m = np.stack([x.mean(-1).ravel(), x.var(-1).ravel()])
    for which, operands in ((5, [x, m, w, b]), (6, [g, x, m]), (7, [g, x, m, w])):
        mine, theirs = (f.rows(which, operands, 1, 0.25) for f in (kernels, reference))
        assert (mine.shape, mine.dtype) == (theirs.shape, dtype)
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=64 * x.size * np.finfo(dtype).eps)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.tuples(*[st.integers(0, 20)] * 3), dtypes, seeds)
def test_stacks_in_any_order_of_axes(stacks: list[int], sizes: tuple[int, int, int], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n, k = sizes
    axes = rng.permutation(len(stacks) + 2)
    x = rng.integers(-3, 4, (*stacks, m, k)).astype(dtype)
    x = np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))
    y = np.swapaxes(rng.integers(-3, 4, (1, *stacks[1:], n, k)).astype(dtype), -1, -2)
    found = kernels.matmul(x, np.broadcast_to(y, (*stacks, k, n)))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.matmul(x, y))


def test_large_matrices_of_a_stack() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(-3, 4, (2, 3, 130, 130)).astype(np.float32)
    np.testing.assert_array_equal(kernels.matmul(x, y), np.matmul(x, y))


@given(st.integers(1, 4), st.integers(1, 3), lengths.filter(lambda n: n < 60), st.booleans(), dtypes, seeds)
def test_memory(steps: int, rows: int, units: int, biased: bool, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = steps, rows, units
    given_, h, c, w, g = (
        rng.normal(size=size).astype(dtype)
        for size in (
            (steps, rows, 4 * units),
            (rows, units),
            (rows, units),
            (4 * units, units),
            (steps + 1, rows, units),
        )
    )
    w /= np.sqrt(units).astype(dtype)
    bias = rng.normal(size=4 * units).astype(dtype) if biased else None
    kept = reference.lstm(0, [given_, h, c, w, bias], shape)
    slack = 1000 * np.finfo(dtype).eps  # a few roundings a step, and steps add to them
    np.testing.assert_allclose(kernels.lstm(0, [given_, h, c, w, bias], shape), kept, rtol=0, atol=slack)
    back = reference.lstm(1, [g, kept, c, w], shape)
    scale = 1 + abs(back).max()
    np.testing.assert_allclose(kernels.lstm(1, [g, kept, c, w], shape), back, rtol=0, atol=slack * scale)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernels.rows(8, [np.zeros(3)]), "no function of rows has the number 8"),
        (lambda: kernels.rows(0, [np.zeros((0, 3))]), "expected numbers in rows"),
        (lambda: kernels.rows(3, [np.zeros(3), np.zeros(4)]), "expected an operand of 3 numbers"),
        (lambda: kernels.rows(3, [np.zeros(3), np.zeros(3, np.float32)]), "do not mix"),
        (lambda: kernels.matmul(np.zeros((2, 3, 4)), np.zeros((2, 5, 4))), "inner sizes differ"),
        (lambda: kernels.matmul(np.zeros((2, 3, 4)), np.zeros((3, 4, 4))), "do not broadcast"),
        (lambda: kernels.matmul(np.zeros((2, 3, 4)), np.zeros((4, 4))), "expected stacks"),
        (lambda: kernels.lstm(2, [np.zeros(3)], (1, 1, 1)), "no memory has the number 2"),
        (lambda: kernels.lstm(1, [np.zeros(2), np.zeros(6), np.zeros(1), np.zeros(5)], (1, 1, 1)), "of 4 numbers"),
    ],
)
def test_operands_that_do_not_fit(call: Any, message: str) -> None:
    if kernels.ISA == "numpy":
        pytest.skip("NumPy checks what it is given in its own words")
    with pytest.raises((ValueError, TypeError), match=message):
        call()
