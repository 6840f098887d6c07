"""Long short-term memory as one operation: what its steps make one by one, with derivatives of both orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.normalization import layer_norm
from tinygrad_init.ops.recurrent import lstm, lstm_step

SIZES = ((3, 2, 8), (2, 2), (2, 2), (8, 2), (8,))  # given, h, c, weight and bias


def drawn(dtype: Any) -> list[tgi.Tensor]:
    rng = np.random.default_rng(0)
    return [tgi.tensor(rng.normal(size=size), dtype, requires_grad=True) for size in SIZES]


def by_steps(given: Any, h: Any, c: Any, w: Any, b: Any) -> tuple[Any, Any]:
    seen = []
    for t in range(given.shape[0]):
        h, c = lstm_step(given[t], h, c, w, b)
        seen.append(h)
    return tgi.stack(seen), c


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_steps_at_once(dtype: Any) -> None:
    found, wanted = [], []
    for function, results in ((lstm, found), (by_steps, wanted)):
        inputs = drawn(dtype)
        h, c = function(*inputs)
        ((h * h).sum() + c.sum()).backward()
        results += [h.detach().numpy(), c.detach().numpy(), *(x.grad.numpy() for x in inputs)]
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=100 * np.finfo(dtype).eps * (1 + abs(y).max()))


def test_derivatives_of_both_orders() -> None:
    def joined(*inputs: Any) -> Any:
        h, c = lstm(*inputs)
        return (h * h).sum() + (c * c * c).sum()

    assert tgi.gradcheck(joined, drawn(np.float64)) and tgi.gradgradcheck(joined, drawn(np.float64))


def test_rows_normalized_have_derivatives_of_both_orders() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (tgi.tensor(rng.normal(size=size), np.float64, requires_grad=True) for size in ((2, 3, 4), (4,), (4,)))

    def normalized(x: Any, w: Any, b: Any) -> Any:
        y = layer_norm(x, 4, w, b)
        return (y * y * y).sum()

    assert tgi.gradcheck(normalized, (x, w, b)) and tgi.gradgradcheck(normalized, (x, w, b))
