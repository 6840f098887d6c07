"""Where a derivative does not exist: ties, limits and kinks have the one that is documented, whoever computes it.

The rules in Python, the kernels, captured programs and their runs of single numbers each have a version of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

LINE = [-3.0, -1.0, -0.0, 0.0, 1.0, 3.0, 4.0]

# Functions of one number with others beside it: where, and the derivative there by what the documentation says.
POINTWISE: dict[str, tuple[Callable[[Any], Any], list[float], list[float]]] = {
    "minimum": (lambda x: tgi.minimum(x, 3.0), [1.0, 3.0, 4.0], [1.0, 0.5, 0.0]),
    "minimum, the other": (lambda x: tgi.minimum(3.0, x), [1.0, 3.0, 4.0], [1.0, 0.5, 0.0]),
    "minimum of itself": (lambda x: tgi.minimum(x, x), [1.0, -0.0], [1.0, 1.0]),
    "minimum of zeros": (lambda x: tgi.minimum(x, 0.0), [-0.0, 0.0], [0.5, 0.5]),
    "maximum": (lambda x: tgi.maximum(x, 3.0), [1.0, 3.0, 4.0], [0.0, 0.5, 1.0]),
    "maximum, the other": (lambda x: tgi.maximum(3.0, x), [1.0, 3.0, 4.0], [0.0, 0.5, 1.0]),
    "maximum of itself": (lambda x: tgi.maximum(x, x), [1.0, -0.0], [1.0, 1.0]),
    "maximum of zeros": (lambda x: tgi.maximum(x, 0.0), [-0.0, 0.0], [0.5, 0.5]),
    "clip": (lambda x: tgi.clip(x, -1.0, 3.0), LINE, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    "clip, below": (lambda x: tgi.clip(x, low=1.0), LINE, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
    "clip, above": (lambda x: tgi.clip(x, high=1.0), LINE, [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
    "clip to one number": (lambda x: tgi.clip(x, 1.0, 1.0), LINE, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
    "abs": (tgi.abs, LINE, [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
    "relu": (tgi.relu, LINE, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
    "leaky relu": (lambda x: tgi.leaky_relu(x, 0.25), LINE, [0.25, 0.25, 0.25, 0.25, 1.0, 1.0, 1.0]),
    "hard sigmoid": (tgi.hard_sigmoid, LINE, [0.0, *[1 / 6] * 4, 0.0, 0.0]),
    "hardtanh": (tgi.hardtanh, LINE, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
}
THIRD = 1 / 3
# And functions of several: where, and by how much each result changes with each number, in rows.
REDUCING: dict[str, tuple[Callable[[Any], Any], Any, list[list[float]]]] = {
    "max": (tgi.max, [1.0, 3.0, 3.0, 1.0], [[0.0, 0.5, 0.5, 0.0]]),
    "min": (tgi.min, [1.0, 3.0, 3.0, 1.0], [[0.5, 0.0, 0.0, 0.5]]),
    "max of zeros": (tgi.max, [-0.0, 0.0, -1.0], [[0.5, 0.5, 0.0]]),
    "min of zeros": (tgi.min, [-0.0, 0.0, 1.0], [[0.5, 0.5, 0.0]]),
    "max of rows": (
        lambda x: tgi.max(x, axis=1),
        [[1.0, 2.0, 2.0], [5.0, 5.0, 5.0]],
        [[0.0, 0.5, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, THIRD, THIRD, THIRD]],
    ),
    "min of columns": (
        lambda x: tgi.min(x, axis=0, keepdims=True),
        [[1.0, 2.0], [1.0, 3.0], [4.0, 2.0]],
        [[0.5, 0.0, 0.5, 0.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0, 0.0, 0.5]],
    ),
}


def everywhere(function: Callable[[Any], Any], at: Any, slopes: Any, dtype: str) -> None:
    """Compare first and second derivatives with those of the linear function that has these slopes.

    Of the sum of w f(x) the gradient is g = Jᵀw. Its weighted square v·g² is constant in x; by w it has 2J(vg).
    """
    x = tgi.tensor(np.array(at), dtype, requires_grad=True)
    out = function(x).numpy()
    weights = np.cos(np.arange(1.0, out.size + 1)).reshape(out.shape)
    w = tgi.tensor(weights, dtype, requires_grad=True)
    v = np.sin(np.arange(1.0, x.size + 1)).reshape(x.shape).astype(dtype)
    jacobian = np.array(slopes)
    gradient = jacobian.T @ weights.reshape(-1)
    second = 2.0 * jacobian @ (gradient * v.reshape(-1))
    # Every number is made of few others of about 1, each rounded a few times.
    tolerance = 16 * float(np.finfo(dtype).eps)

    def first_order() -> Any:
        x.grad = w.grad = None
        (function(x) * w).sum().backward()
        return x.grad

    def second_order() -> Any:
        x.grad = w.grad = None
        (g,) = tgi.grad((function(x) * w).sum(), [x], create_graph=True)
        (g * g * v).sum().backward()
        return g.detach(), x.grad, w.grad

    for once in (first_order, tgi.capture(first_order)):
        for _ in range(2):
            found = once()
            assert found.dtype == np.dtype(dtype)
            np.testing.assert_allclose(found.numpy().reshape(-1), gradient, 0, tolerance)
    for twice in (second_order, tgi.capture(second_order)):
        for _ in range(2):
            g, by_x, by_w = twice()
            np.testing.assert_allclose(g.numpy().reshape(-1), gradient, 0, tolerance)
            assert by_x is None or not by_x.numpy().any()
            np.testing.assert_allclose(by_w.numpy().reshape(-1), second, 0, 4 * tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", POINTWISE)
def test_of_one_number(name: str, dtype: str) -> None:
    function, at, slopes = POINTWISE[name]
    everywhere(function, at, np.diag(slopes), dtype)
    for single, slope in zip(at, slopes, strict=True):
        everywhere(function, single, [[slope]], dtype)
    many = np.resize(at, 700)  # more than a piece of a chain
    everywhere(function, many, np.diag(np.resize(slopes, 700)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REDUCING)
def test_of_several(name: str, dtype: str) -> None:
    everywhere(*REDUCING[name], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "smaller"), [("minimum", True), ("maximum", False)])
def test_both_operands_share_a_tie(name: str, smaller: bool, dtype: str) -> None:
    """Whatever is stretched: together they always get the whole cotangent."""
    function = getattr(tgi, name)
    a, b = np.array([[1.0, 2.0, 3.0], [3.0, 3.0, 0.0]]), np.array([1.0, 3.0, 0.0])
    for left, right in ((a, b), (b, a), (a, a.copy())):
        x, y = (tgi.tensor(side, dtype, requires_grad=True) for side in (left, right))
        one, two = np.broadcast_arrays(left, right)
        share = np.where(one == two, 0.5, (one < two) == smaller)

        def step() -> Any:
            x.grad = y.grad = None  # noqa: B023
            function(x, y).sum().backward()  # noqa: B023
            return x.grad, y.grad  # noqa: B023

        for run in (step, *[tgi.capture(step)] * 2):
            for found, expected in zip(run(), (share, 1.0 - share), strict=True):
                over = tuple(range(expected.ndim - found.ndim))
                np.testing.assert_array_equal(found.numpy(), expected.sum(axis=over))
