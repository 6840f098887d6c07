"""The engine on arrays that is made to be read: it must say what the tensor engine says, and stay short."""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi
from tinygrad_init import teaching
from tinygrad_init.ops.registry import REGISTRY
from tinygrad_init.teaching import Tensor

from ..strategies import Array, arrays, seeds

UNARY = ["exp", "log", "relu", "sigmoid", "tanh"]
BINARY = ["add", "div", "mul"]
STEP = 1e-6


def by_teaching(function: Callable[..., Any], inputs: list[Array], g: Array) -> list[Array]:
    leaves = [Tensor(x) for x in inputs]
    return [found.data for found in teaching.gradients(function(*leaves), leaves, g)]


def by_engine(function: Callable[..., Any], inputs: list[Array], g: Array) -> list[Array]:
    leaves = [tgi.tensor(x, "float64", requires_grad=True) for x in inputs]
    return [found.numpy() for found in tgi.grad(function(*leaves), leaves, gradients=g)]


def by_differences(function: Callable[..., Any], inputs: list[Array], g: Array) -> list[Array]:
    found = []
    for k, x in enumerate(inputs):
        slopes = np.zeros(x.shape)
        for at in np.ndindex(*x.shape):
            ends = []
            for step in (STEP, -STEP):
                moved = [y.copy() for y in inputs]
                moved[k][at] += step
                ends.append(np.sum(function(*map(Tensor, moved)).data * g))
            slopes[at] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(slopes)
    return found


def check(ours: Callable[..., Any], theirs: Callable[..., Any], inputs: list[Array], seed: int = 0) -> None:
    """Values and gradients are the engine's to rounding, and finite differences' to their own error."""
    out = ours(*map(Tensor, inputs)).data
    np.testing.assert_allclose(out, theirs(*map(tgi.tensor, inputs)).numpy(), rtol=1e-12, atol=1e-13)
    g = np.random.default_rng(seed).normal(size=out.shape)
    found = by_teaching(ours, inputs, g)
    for x, a, b, c in zip(inputs, found, by_engine(theirs, inputs, g), by_differences(ours, inputs, g), strict=True):
        assert a.shape == x.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(a, c, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
def test_unary_derivatives(name: str, data: st.DataObject) -> None:
    spec = REGISTRY[name].spec
    check(getattr(teaching, name), getattr(tgi, name), [data.draw(arrays(*spec.domain, spec.kinks))])


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_binary_derivatives_under_broadcasting(name: str, data: st.DataObject) -> None:
    drawn = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3))
    inputs = [data.draw(arrays(*REGISTRY[name].spec.domain, shape=shape)) for shape in drawn.input_shapes]
    check(getattr(teaching, name), getattr(tgi, name), inputs)


@given(x=arrays(0.2, 3.0), n=st.sampled_from([0, 1, 2, 3, -1, 0.5]))
def test_powers(x: Array, n: float) -> None:
    check(lambda t: t**n, lambda t: t**n, [x])


@given(data=st.data())
def test_reductions_over_any_axes(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3))
    rng = np.random.default_rng(data.draw(seeds))
    x = rng.permutation(np.arange(np.prod(shape)) / 3.0).reshape(shape)  # no ties, where max has no derivative
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)) | st.integers(-len(shape), len(shape) - 1))
    keepdims = data.draw(st.booleans())
    for name in ("sum", "mean", "max"):
        check(
            lambda t, name=name: getattr(t, name)(axis=axis, keepdims=keepdims),
            lambda t, name=name: getattr(tgi, name)(t, axis=axis, keepdims=keepdims),
            [x],
        )


def test_the_largest_share_the_cotangent_as_in_the_engine() -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    g = np.array([1.0, 6.0])
    (ours,), (theirs,) = by_teaching(lambda t: t.max(axis=1), [x], g), by_engine(lambda t: t.max(axis=1), [x], g)
    assert ours.tolist() == theirs.tolist() == [[0.0, 0.5, 0.5], [2.0, 2.0, 2.0]]


@given(x=arrays(-3, 3, shape=st.sampled_from([(4,), (3, 4), (2, 3, 2)])), data=st.data())
def test_indexing_is_numpys_and_duplicates_add_up(x: Array, data: st.DataObject) -> None:
    index = data.draw(
        hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True)
        | hnp.arrays(
            np.intp, hnp.array_shapes(max_dims=2, max_side=4), elements=st.integers(-x.shape[0], x.shape[0] - 1)
        )
        | hnp.arrays(np.bool_, st.just(x.shape))
    )
    check(lambda t: t[index], lambda t: t[index], [x])


@pytest.mark.parametrize("a", [(3,), (2, 3), (1, 2, 3), (4, 2, 3)])
@pytest.mark.parametrize("b", [(3,), (3, 2), (4, 3, 1)])
def test_matmul_takes_vectors_matrices_and_stacks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    check(lambda x, y: x @ y, lambda x, y: x @ y, [rng.normal(size=a), rng.normal(size=b)])


@given(seed=seeds, activation=st.sampled_from(["relu", "sigmoid", "tanh"]), depth=st.integers(1, 4))
def test_networks_have_the_gradients_of_the_engine(seed: int, activation: str, depth: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    parameters = [rng.normal(size=shape) for _ in range(depth) for shape in ((3, 3), (3,))]

    def network(library: Any) -> Callable[..., Any]:
        def loss(*parameters: Any) -> Any:
            h: Any = x
            for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
                h = getattr(library, activation)(h @ weight.T + bias)
            return ((h - y) * (h - y)).mean()

        return loss

    found, expected = (
        by(network(library), parameters, np.ones(())) for by, library in ((by_teaching, teaching), (by_engine, tgi))
    )
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@given(seed=seeds)
def test_gradients_of_gradients_are_the_engines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, v = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(3, 2))

    def loss(library: Any, w: Any) -> Any:
        h = library.tanh(x @ w)
        return (library.exp(0.3 * h) * library.sigmoid(h)).sum(0).max() + (h[[0, 0, 2]] / (h * h + 1.0)[:3]).mean()

    ours = Tensor(w)
    (slope,) = teaching.gradients(loss(teaching, ours), [ours])
    (found,) = teaching.gradients((slope * v).sum(), [ours])
    theirs = tgi.tensor(w, requires_grad=True)
    (slope,) = tgi.grad(loss(tgi, theirs), theirs, create_graph=True)
    (expected,) = tgi.grad((slope * v).sum(), theirs)
    np.testing.assert_allclose(found.data, expected.numpy(), rtol=1e-9, atol=1e-11)


def test_a_long_chain_needs_no_recursion() -> None:
    x = Tensor([1.0, 2.0])
    y = x
    for _ in range(5_000):
        y = y + x
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.data.tolist() == [5_001.0, 5_001.0]


def test_many_ways_are_one_walk() -> None:
    x = Tensor(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad is not None
    assert x.grad.data == 2.0**60


def test_several_backwards_add_up_in_leaves() -> None:
    x = Tensor([2.0, 3.0])
    y = (x * x).sum()
    y.backward()
    y.backward()
    assert x.grad is not None
    assert x.grad.data.tolist() == [8.0, 12.0]
    assert not x.grad.parents


def test_more_than_a_number_needs_a_cotangent() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) needs a cotangent"):
        (Tensor([1.0, 2.0]) * 2.0).backward()


def test_it_is_short_and_needs_only_numpy() -> None:
    source = inspect.getsource(teaching)
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in found}
    assert modules == {"__future__", "collections.abc", "functools", "typing", "numpy"}
    assert len(source.splitlines()) <= 250


def test_its_example_runs() -> None:
    assert doctest.testmod(teaching).failed == 0
    assert doctest.testmod(teaching).attempted > 0
