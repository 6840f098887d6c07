"""Elements taken by their order, and written at places, in captured functions, beside eager ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

SHAPE = (3, 5, 4)
X = np.random.default_rng(0).normal(size=SHAPE)
WITH_NAN = X.copy()
WITH_NAN[0, 1, 2] = np.nan
PLACES = np.random.default_rng(1).integers(0, 3, SHAPE)

CASES: dict[str, Callable[[Any], Any]] = {
    "quantile": lambda x: tgi.quantile(x, 0.3, axis=1),
    "quantiles": lambda x: tgi.quantile(x, np.array([0.3, 0.9]), axis=(0, 2)),
    "lower": lambda x: tgi.quantile(x, 0.3, axis=1, method="lower"),
    "nanquantile": lambda x: tgi.nanquantile(x, 0.3, axis=1),
    "median": lambda x: tgi.median(x, axis=2),
    "lower median": lambda x: tgi.median(x, dim=1)[0],
    "nanmedian": lambda x: tgi.nanmedian(x, dim=1)[0],
    "kthvalue": lambda x: tgi.kthvalue(x, 2, 1)[0],
    "index_copy": lambda x: tgi.index_copy(x, 0, np.array([2, 0]), x[:2] * 2.0),
    "masked_scatter": lambda x: tgi.masked_scatter(x, X > 0.2, x * 2.0),
    "a mask of the run": lambda x: tgi.masked_scatter(x, x > 0.2, x * 2.0),
    "scatter_reduce": lambda x: tgi.scatter_reduce(x, 0, PLACES, x * 2.0, "sum"),
    "means": lambda x: tgi.scatter_reduce(x, 0, PLACES, x * 2.0, "mean", include_self=False),
}


@pytest.mark.parametrize("name", CASES)
def test_captured_is_eager(name: str) -> None:
    w = tgi.tensor(X, requires_grad=True)

    def run(x: Any) -> Any:
        w.grad = None
        out = CASES[name](w * x)
        (out * out).sum().backward()
        return out, w.grad

    program = tgi.capture(run)
    for given in (np.ones(SHAPE), X, WITH_NAN, -X):
        expected = [part.numpy().copy() for part in run(tgi.tensor(given))]
        for found, wanted in zip(program(tgi.tensor(given)), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), wanted, 1e-12, 1e-14)
    assert program.captures == 1


def test_what_a_run_may_not_do() -> None:
    twice = tgi.capture(lambda x, at: tgi.index_copy(x, 0, at, x[:2] * 2.0))
    np.testing.assert_array_equal(twice(tgi.tensor(X), np.array([2, 1])).numpy()[2], 2.0 * X[0])
    with pytest.raises(ValueError, match="no place is written to twice"):
        twice(tgi.tensor(X), np.array([1, 1]))
    few = tgi.capture(lambda x, mask: tgi.masked_scatter(x, mask, x[0, 0, :2]))
    for call in (few, few.function):
        with pytest.raises(ValueError, match="the mask holds 60 times, but there are 2 numbers"):
            call(tgi.tensor(X), np.ones(SHAPE, bool))
