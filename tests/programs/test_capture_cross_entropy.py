"""The cross entropy of captured functions, which the C code takes block by block: beside the formula, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

from .capturing import numbers

# Around the 256 rows of a block and twice that; the 8 columns up to which what lies between products is turned.
ROWS = [1, 2, 16, 255, 256, 257, 511, 512, 513, 800]
COLUMNS = [1, 2, 3, 8, 9, 40]
ODD = [[-np.inf, 0.0, 1.0], [np.inf, 0.0, 1.0], [-np.inf] * 3, [np.nan, 0.0, 1.0], [1e30] * 3]
ODD += [[1e4, 0.0, 0.0], [0.0, 1e4, 0.0], [0.0, 0.0, 1e4]]  # whose exponentials are too large


def formula(logits: Any, labels: Any, g: Any) -> tuple[Any, Any]:
    """The losses, and the cotangents of the logits: log Σe^z - z_y, and g (softmax(z) - onehot(y))."""
    top = logits.max(1, keepdims=True)
    shares = np.exp(logits - top)
    total = shares.sum(1, keepdims=True)
    each = np.arange(len(labels))
    onehot = np.zeros_like(logits)
    onehot[each, labels] = 1.0
    return (np.log(total) + top)[:, 0] - logits[each, labels], g[:, None] * (shares / total - onehot)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("between", [False, True], ids=["given", "between products"])
def test_every_row_has_its_own_loss_and_gradient(between: bool, rows: int, columns: int, dtype: str) -> None:
    rng = np.random.default_rng(rows + columns)
    turn = np.linalg.qr(rng.normal(size=(columns, columns)))[0]  # as long as the logits, and so no less exact
    x = tgi.tensor(3.0 * rng.normal(size=(rows, columns)), dtype, requires_grad=True)
    w = tgi.tensor(turn, dtype)
    weights = rng.normal(size=rows).astype(dtype)

    def step(labels: Any) -> Any:
        x.grad = None
        losses = tgi.cross_entropy(x @ w if between else x, labels, "none")
        (losses * weights).sum().backward()
        return losses, x.grad

    program = tgi.capture(step)
    # A logit of 3 times 4 deviations, rounded once for each column; a row's numbers are added up in some order.
    tolerance = 16.0 * (columns + 4) * float(np.finfo(dtype).eps)
    for _ in range(3):
        labels = rng.integers(0, columns, rows)
        z = np.asarray(x.numpy(), np.float64) @ turn if between else np.asarray(x.numpy(), np.float64)
        losses, cotangents = formula(z, labels, weights.astype(np.float64))
        expected = losses, cotangents @ turn.T if between else cotangents
        for call in (step, program):
            for mine, theirs in zip(numbers(call(labels)), expected, strict=True):
                assert mine.dtype == np.dtype(dtype)
                np.testing.assert_allclose(mine, theirs, 0, tolerance)
        with tgi.no_grad():
            x.copy_(x * -1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("between", [False, True], ids=["given", "between products"])
@pytest.mark.parametrize("row", [0, 255, 256, 299])
@pytest.mark.parametrize("what", ODD, ids=str)
def test_what_is_odd_in_one_row_stays_there(what: list[float], row: int, between: bool, dtype: str) -> None:
    """Impossible classes, and logits that are no numbers, are eagerly and captured the same, in that row alone."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(300, 3))
    x, labels = tgi.tensor(start, dtype, requires_grad=True), rng.integers(1, 3, 300)
    odd = np.zeros((300, 3), dtype)
    odd[row] = what

    def step() -> Any:
        x.grad = None
        z = (x @ np.eye(3, dtype=dtype) if between else x * 1.0) + odd
        losses = tgi.cross_entropy(z, labels, "none")
        losses.sum().backward()
        return losses, x.grad

    with np.errstate(all="ignore"):
        expected = list(numbers(step()))
        program = tgi.capture(step)
        for _ in range(2):
            for mine, theirs in zip(numbers(program()), expected, strict=True):
                np.testing.assert_allclose(mine, theirs, 0, 64 * float(np.finfo(dtype).eps))
                assert np.isfinite(np.delete(mine, row, 0)).all()
    if what[0] == -np.inf and what[1] == 0.0:  # a class that is impossible changes the others, and has no gradient
        assert np.isfinite(expected[0]).all() and expected[1][row, 0] == 0.0
