"""What rules of one's own may return, and what becomes of cotangents that several inputs have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY, operation


@pytest.mark.parametrize("wrong", [1.0, np.ones(2), [1.0]], ids=["a number", "an array", "a list"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_rule_must_return_tensors(place: int, wrong: Any) -> None:
    rules: list[Any] = [lambda g: g, lambda g: g]
    rules[place] = lambda g: wrong

    @operation(*rules, formula="x + y", broadcasts=False, examples=lambda rng: [])
    def summed_here(x: Any, y: Any, /) -> Any:
        return x + y

    try:
        x, y = (tgi.tensor([1.0, 2.0], np.float64, requires_grad=True) for _ in range(2))
        said = f"the rule of summed_here for input {place} returned {type(wrong).__name__}, not a tensor"
        with pytest.raises(TypeError, match=said):
            summed_here(x, y).sum().backward()
    finally:
        del REGISTRY["summed_here"]


@pytest.mark.parametrize("change", [lambda t: t.fill_(7.0), lambda t: t.copy_(t * 3.0), lambda t: t.__iadd__(1.0)])
@pytest.mark.parametrize("once", [False, True])
def test_gradients_that_were_one_cotangent_change_alone(once: bool, change: Any) -> None:
    """A rule may hand on what it got, to one input or to all of them; who changes one gradient changes no other."""

    @operation(*([lambda g: g] * 2), formula="x + y", broadcasts=False, examples=lambda rng: [])
    def summed_here(x: Any, y: Any, /) -> Any:
        return x + y

    try:
        x, y = (tgi.tensor([1.0, 2.0], np.float64, requires_grad=True) for _ in range(2))
        given = np.array([5.0, 6.0])
        for _ in range(1 if once else 2):  # the second time they are added up
            summed_here(x, y).backward(given)
        assert x.grad is not None and y.grad is not None
        before = y.grad.numpy().copy()
        change(x.grad)
        np.testing.assert_array_equal(y.grad.numpy(), before)
        np.testing.assert_array_equal(given, [5.0, 6.0])
    finally:
        del REGISTRY["summed_here"]
