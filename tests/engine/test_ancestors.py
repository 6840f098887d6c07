"""`t.parents`: the graph, as far as it remembers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.engine.ancestors import Ancestor


def test_leaves_are_the_tensors_themselves() -> None:
    x, w = tgi.tensor([1.0, 2.0], requires_grad=True), tgi.tensor([3.0, 4.0], requires_grad=True)
    y = x * w
    assert y.parents[0] is x
    assert y.parents[1] is w
    assert x.parents == ()
    assert tgi.tensor([1.0]).parents == ()
    assert (tgi.tensor([1.0]) * 2.0).parents == ()  # nothing was recorded


def test_constants_are_parents_too() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    with tgi.inspecting():
        y = x + tgi.tensor([5.0, 6.0], name="c")
    (_, c) = y.parents
    assert (c.op, c.parents, c.shape, c.dtype, c.requires_grad, c.name) == (None, (), (2,), np.float32, False, "c")
    assert c.value.numpy().tolist() == [5.0, 6.0]


def test_a_walk_from_the_result_to_the_leaves() -> None:
    x = tgi.tensor([0.5, -0.5], "float64", requires_grad=True)
    with tgi.inspecting():
        y = (tgi.tanh(x) * 3.0).sum()
    seen: list[Any] = []
    here: Any = y
    while here.op is not None:
        seen.append((here.op.name, here.shape, here.value.numpy().tolist()))
        assert here.requires_grad
        assert here.dtype == np.float64
        here = here.parents[0]
    h = np.tanh([0.5, -0.5])
    assert seen == [("sum", (), (h * 3).sum()), ("mul", (2,), (h * 3).tolist()), ("tanh", (2,), h.tolist())]
    assert here is x
    assert here.value.numpy().tolist() == [0.5, -0.5]


def test_what_was_not_kept_is_none() -> None:
    x = tgi.tensor([0.5, -0.5], requires_grad=True)
    y = (tgi.sin(x) + 1.0) * 2.0  # the sum is read by nobody, nor is the sine
    assert isinstance(y.parents[0], Ancestor)
    assert y.parents[0].value is None
    assert y.parents[1].value.item() == 2.0
    one = y.parents[0].parents[1]
    assert (one.value, one.shape, one.dtype) == (None, None, None)
    assert "inspecting()" in repr(one)
    with tgi.inspecting():
        y = (tgi.sin(x) + 1.0) * 2.0
    assert y.parents[0].value.numpy().tolist() == (np.sin(x.numpy()) + 1.0).tolist()


@pytest.mark.skipif(tgi.BACKEND != "compiled", reason="the reference backend has no graphs of bare numbers")
def test_graphs_of_numbers_keep_everything() -> None:
    x = tgi.tensor(3.0, "float64", requires_grad=True)
    y = tgi.exp(x + 1.0) * 2.0
    assert y.parents[0].value.item() == np.exp(4.0)
    assert y.parents[0].parents[0].value.item() == 4.0
    assert y.parents[0].parents[0].parents[1].value.item() == 1.0


def test_three_inputs() -> None:
    x = tgi.tensor(np.ones((2, 3)))
    w, b = tgi.tensor(np.ones((4, 3)), requires_grad=True), tgi.tensor(np.ones(4), requires_grad=True)
    found = tgi.linear(x, w, b).parents
    assert found[1] is w
    assert found[2] is b
    assert found[0].value.shape == (2, 3)


def test_a_leaf_that_is_gone() -> None:
    y = tgi.tensor([1.0, 2.0], requires_grad=True) * 2.0
    (found, _) = y.parents
    assert isinstance(found, Ancestor)
    assert (found.op, found.shape, found.requires_grad, found.parents) == (None, (2,), True, ())


def test_changing_a_value_changes_nothing_of_the_graph() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    y = tgi.exp(x)
    (x * 1.0 + y * y).sum()
    z = y * y
    z.parents[0].value.fill_(0.0)
    z.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([2.0, 4.0]), rtol=1e-6)


def test_a_freed_graph_says_so() -> None:
    x = tgi.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        _ = y.parents
    with tgi.inspecting():
        y = (x * x).sum()
    y.backward()
    assert y.parents[0].op is tgi.mul
