"""A gradient is the same whether it is recorded, by rules made of operations, or not, where kernels may do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY

from .test_ops import BINARY, OTHER, UNARY, all_examples, examples

RNG = np.random.default_rng(0)
PARAMS: dict[str, list[tuple[float, ...]]] = {"leaky_relu": [(), (0.3,), (-2.0,)], "elu": [(), (0.3,), (2.0,)]}


def assert_the_same(function: Any, inputs: Any) -> None:
    """Up to rounding, which rules do a few dozen times."""
    leaves = [tgi.tensor(x, np.float64, requires_grad=True) for x in inputs]
    out = function(*leaves)
    g = RNG.normal(size=out.shape)
    with np.errstate(all="ignore"):
        plain = tgi.grad(out, leaves, gradients=g, retain_graph=True)
        recorded = tgi.grad(out, leaves, gradients=g, create_graph=True)
    for mine, theirs in zip(recorded, plain, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), 1e-12, 1e-14)


@pytest.mark.parametrize("name", UNARY)
def test_of_one_operand(name: str) -> None:
    """Also at kinks, and where exponentials have underflowed."""
    op = REGISTRY[name]
    low, high = op.spec.domain
    x = np.concatenate([RNG.uniform(low, high, 20), [kink for kink in op.spec.kinks if low <= kink <= high]])
    far = [-30.0, -5.0, 5.0, 30.0] if name in tgi.nn.ACTIVATIONS else []
    for params in PARAMS.get(name, [()]):
        assert_the_same(lambda t, params=params: op(t, *params), [np.concatenate([x, far])])


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes", [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3, 4)), ((), ())], ids=str
)
def test_of_two_operands(shapes: Any, name: str) -> None:
    op = REGISTRY[name]
    assert_the_same(op, [RNG.uniform(*op.spec.domain, shape) for shape in shapes])


@pytest.mark.parametrize(("name", "i"), all_examples(OTHER))
def test_of_others(name: str, i: int) -> None:
    inputs, params = examples(name, 5)[i]
    assert_the_same(lambda *xs: REGISTRY[name](*xs, **params), inputs)
