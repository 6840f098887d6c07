"""Every registered operation: derivatives of first and second order, dtypes, memory. Nothing is listed here twice: the
tests go through the registry."""

from __future__ import annotations

import itertools
from array import array
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY

from ..strategies import LAYOUTS, arrays, dtypes, layouts, seeds, shapes

UNARY = sorted(name for name, op in REGISTRY.items() if op.spec.kind == "unary")
BINARY = sorted(name for name, op in REGISTRY.items() if op.spec.kind == "binary")
OTHER = sorted(name for name, op in REGISTRY.items() if op.spec.kind == "other" and not op.spec.exempt)

# Values drawn by hypothesis may be tiny next to each other; finite differences then lose digits, not the rule.
TOLERANCES: dict[str, Any] = {"atol": 2e-5, "rtol": 2e-5}


def examples(name: str, seed: int) -> list[Any]:
    return REGISTRY[name].spec.examples(np.random.default_rng(seed))


def all_examples(names: list[str]) -> list[Any]:
    return [pytest.param(name, i, id=f"{name}-{i}") for name in names for i in range(len(examples(name, 0)))]


def test_every_operation_is_checked_or_says_why_not() -> None:
    for name, op in REGISTRY.items():
        assert op.spec.formula, name
        if op.spec.kind == "other":
            assert op.spec.examples is not None or len(op.spec.exempt) > 20, name
        assert any(rule is not None for rule in op.rules) or op.spec.exempt, name


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
def test_unary_derivatives(name: str, data: st.DataObject) -> None:
    op = REGISTRY[name]
    x = data.draw(arrays(*op.spec.domain, op.spec.kinks))
    layout = LAYOUTS[data.draw(layouts)]
    leaf = tgi.tensor(x, requires_grad=True)
    assert tgi.gradcheck(lambda t: op(layout(t)), leaf, **TOLERANCES)
    assert tgi.gradgradcheck(lambda t: op(layout(t)), leaf, **TOLERANCES)


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_binary_derivatives_under_broadcasting(name: str, data: st.DataObject) -> None:
    op = REGISTRY[name]
    drawn = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3))
    x, y = (data.draw(arrays(*op.spec.domain, shape=shape)) for shape in drawn.input_shapes)
    if name in ("maximum", "minimum"):  # at a tie the derivative does not exist
        y = y + 10.0 * bool(np.any(np.abs(np.subtract.outer(x, y)) < 1e-3))
    layout = LAYOUTS[data.draw(st.sampled_from(["in a row", "backwards"]))]
    leaves = [tgi.tensor(x, requires_grad=True), tgi.tensor(y, requires_grad=True)]
    assert tgi.gradcheck(lambda a, b: op(layout(a), b), leaves, **TOLERANCES)
    assert tgi.gradgradcheck(lambda a, b: op(layout(a), b), leaves, **TOLERANCES)
    out = op(*leaves)
    out.backward(np.ones(out.shape))
    for leaf in leaves:
        assert leaf.grad is not None
        assert leaf.grad.shape == leaf.shape


@pytest.mark.parametrize(("name", "i"), all_examples(OTHER))
@pytest.mark.parametrize("seed", [1, 2])
def test_other_derivatives(name: str, i: int, seed: int) -> None:
    inputs, params = examples(name, seed)[i]
    op = REGISTRY[name]
    leaves = [tgi.tensor(x, requires_grad=True) for x in inputs]
    assert tgi.gradcheck(lambda *xs: op(*xs, **params), leaves, **TOLERANCES)
    assert tgi.gradgradcheck(lambda *xs: op(*xs, **params), leaves, **TOLERANCES)
    if len(leaves) > 1:  # each input alone, the others constant
        for k in range(len(leaves)):
            mixed = [tgi.tensor(x, requires_grad=j == k) for j, x in enumerate(inputs)]
            assert tgi.gradcheck(lambda *xs: op(*xs, **params), mixed, **TOLERANCES)


@pytest.mark.parametrize(("name", "i"), all_examples(OTHER))
def test_others_take_any_memory_layout(name: str, i: int) -> None:
    inputs, params = examples(name, 3)[i]
    plain = REGISTRY[name](*[tgi.tensor(x) for x in inputs], **params)
    # The same numbers, but every array is a transposed view of a transposed copy.
    turned = [tgi.tensor(np.ascontiguousarray(x.T)).T for x in inputs]
    np.testing.assert_allclose(REGISTRY[name](*turned, **params).numpy(), plain.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", UNARY + BINARY + OTHER)
@given(dtype=dtypes, seed=seeds)
def test_results_keep_the_dtype_and_own_their_memory(name: str, dtype: Any, seed: int) -> None:
    op = REGISTRY[name]
    cases: list[Any]
    if op.spec.kind == "other":
        cases = examples(name, seed)
    else:
        rng = np.random.default_rng(seed)
        cases = [(tuple(rng.uniform(*op.spec.domain, (2, 3)) for _ in range(op.arity)), {})]
    for inputs, params in cases:
        tensors = [tgi.tensor(x, dtype, requires_grad=True) for x in inputs]
        out = op(*tensors, **params)
        assert out.dtype == dtype
        if not op.view:
            assert not any(np.shares_memory(out.numpy(), t.numpy()) for t in tensors)
        gradients = tgi.grad(out, tensors, gradients=np.ones(out.shape, dtype))
        for tensor, gradient in zip(tensors, gradients, strict=True):
            assert gradient.dtype == dtype
            assert gradient.shape == tensor.shape


@given(data=st.data())
def test_reductions_over_any_axes(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3))
    x = data.draw(arrays(-3, 3, shape=shape))
    axes = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)) | st.integers(-len(shape), len(shape) - 1))
    keepdims = data.draw(st.booleans())
    t = tgi.tensor(x, requires_grad=True)
    for ours, theirs in [
        (tgi.sum, np.sum),
        (tgi.mean, np.mean),
        (tgi.max, np.max),
        (tgi.min, np.min),
        (tgi.var, np.var),
    ]:
        found = ours(t, axis=axes, keepdims=keepdims, **({"ddof": 0} if ours is tgi.var else {}))
        np.testing.assert_allclose(found.numpy(), theirs(x, axis=axes, keepdims=keepdims), atol=1e-12)
    variance = partial(tgi.var, ddof=0)
    for smooth in (tgi.sum, tgi.mean, variance, tgi.logsumexp):
        assert tgi.gradcheck(lambda a, f=smooth: f(a, axis=axes, keepdims=keepdims), t, **TOLERANCES)


@given(x=arrays(-3, 3, shape=st.sampled_from([(4,), (3, 4), (2, 3, 2)])), data=st.data())
def test_indexing_is_numpys_and_duplicates_add_up(x: Any, data: st.DataObject) -> None:
    index = data.draw(
        hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True)
        | hnp.arrays(
            np.intp, hnp.array_shapes(max_dims=2, max_side=4), elements=st.integers(-x.shape[0], x.shape[0] - 1)
        )
        | hnp.arrays(np.bool_, st.just(x.shape))
    )
    t = tgi.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(t[index].numpy(), x[index])
    weights = np.random.default_rng(0).normal(size=np.shape(x[index]))
    expected = np.zeros_like(x)
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(tgi.grad(t[index], t, gradients=weights)[0].numpy(), expected)
    assert tgi.gradgradcheck(lambda a: a[index] * a[index], t, **TOLERANCES)


@pytest.mark.parametrize(
    "index",
    [
        ((0, 0, 1),),
        (slice(None), (0, 0)),
        ((0, 0), (1, 1)),
        array("q", [0, 0, 1]),
        [[0, 0], [1, 1]],
        (np.int64(1), [2, 2]),
    ],
    ids=str,
)
def test_repeated_indices_in_any_sequence_add_up(index: Any) -> None:
    x = np.arange(9.0).reshape(3, 3)
    t = tgi.tensor(x, requires_grad=True)
    expected = np.zeros_like(x)
    np.add.at(expected, index, 1.0)
    np.testing.assert_array_equal(t[index].numpy(), x[index])
    np.testing.assert_array_equal(tgi.grad(t[index].sum(), t)[0].numpy(), expected)


@pytest.mark.parametrize(
    ("a", "b"), list(itertools.product([(3,), (2, 3), (1, 2, 3), (4, 2, 3)], [(3,), (3, 2), (4, 3, 1)]))
)
def test_matmul_takes_vectors_matrices_and_stacks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=a), rng.normal(size=b)
    leaves = [tgi.tensor(x, requires_grad=True), tgi.tensor(y, requires_grad=True)]
    np.testing.assert_allclose((leaves[0] @ leaves[1]).numpy(), x @ y)
    assert tgi.gradcheck(tgi.matmul, leaves, **TOLERANCES)
    assert tgi.gradgradcheck(tgi.matmul, leaves, **TOLERANCES)


@given(shape=shapes, seed=seeds)
def test_var_and_std(shape: tuple[int, ...], seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=shape)
    if x.size < 2:
        with pytest.raises(ValueError, match="elements"):
            tgi.var(tgi.tensor(x), ddof=1)
        return
    np.testing.assert_allclose(tgi.std(tgi.tensor(x), ddof=1).item(), np.std(x, ddof=1))


def test_concatenate_and_stack_match_numpy() -> None:
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=(2, 3)) for _ in range(3)]
    ts = [tgi.tensor(x, requires_grad=True) for x in xs]
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(tgi.concatenate(ts, axis).numpy(), np.concatenate(xs, axis))
        np.testing.assert_array_equal(tgi.stack(ts, axis).numpy(), np.stack(xs, axis))
        assert tgi.gradcheck(lambda *a, axis=axis: tgi.stack(a, axis) * 2.0, ts)


class TestConventions:
    """Documented derivatives where none exists, or where a naive rule gives NaN."""

    def gradient(self, function: Any, x: Any) -> Any:
        t = tgi.tensor(np.asarray(x, dtype=np.float64), requires_grad=True)
        return tgi.grad(function(t).sum(), t)[0].numpy()

    def test_norm_at_zero_is_zero(self) -> None:
        assert np.all(self.gradient(tgi.norm, np.zeros(3)) == 0)
        assert np.all(self.gradient(lambda t: tgi.std(t, ddof=0), np.ones(3)) == 0)

    def test_ties_share_evenly(self) -> None:
        np.testing.assert_allclose(self.gradient(tgi.max, [1.0, 3.0, 3.0]), [0, 0.5, 0.5])
        np.testing.assert_allclose(self.gradient(lambda t: tgi.maximum(t, 3.0), [1.0, 3.0, 4.0]), [0, 0.5, 1])

    @pytest.mark.parametrize(
        "branch",
        [
            tgi.sqrt,
            tgi.log,
            lambda x: x * tgi.log(x),
            lambda x: tgi.sin(1.0 / x),
            lambda x: 1.0 / x,
            lambda x: x**0.5,
            lambda x: x**-1.5,
            lambda x: tgi.exp(1.0 / x),
            tgi.log1p,
        ],
    )
    def test_the_branch_not_taken_gives_no_nan(self, branch: Any) -> None:
        for scalar in (False, True):
            for point in (0.0, -1.0):
                x = point if scalar else [point, 2.0]
                found = self.gradient(lambda t: tgi.where(t > 0, branch(t), 0.0), x)
                assert np.all(np.isfinite(found)), (point, found)
                assert found.ravel()[0] == 0

    def test_second_derivative_of_the_branch_not_taken(self) -> None:
        t = tgi.tensor([0.0, 4.0], dtype=np.float64, requires_grad=True)
        (first,) = tgi.grad(tgi.where(t > 0, tgi.sqrt(t), 0.0).sum(), [t], create_graph=True)
        np.testing.assert_allclose(tgi.grad(first.sum(), t)[0].numpy(), [0, -0.25 * 4**-1.5])

    def test_tiny_divisors(self) -> None:
        tiny = np.array([1e-39], np.float32)
        x, y = (tgi.tensor(tiny, requires_grad=True) for _ in range(2))
        assert tgi.grad(x / y, x, gradients=tiny)[0].item() == 1

    def test_powers_at_zero(self) -> None:
        np.testing.assert_allclose(self.gradient(lambda t: t**2, [0.0]), [0])
        np.testing.assert_allclose(self.gradient(lambda t: t**1, [0.0]), [1])
        np.testing.assert_allclose(self.gradient(lambda t: t**0, [0.0]), [0])

    def test_slopes_at_kinks(self) -> None:
        for function in (tgi.relu, tgi.abs):
            assert self.gradient(function, [0.0]) == 0
        np.testing.assert_allclose(self.gradient(lambda t: tgi.clip(t, -1, 1), [-1.0, 0.0, 1.0, 2.0]), [1, 1, 1, 0])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_stable_at_extremes(self, dtype: Any) -> None:
        big = np.array([-1e30, -200, -50, 0, 50, 200, 1e30], dtype)
        t = tgi.tensor(big, requires_grad=True)
        for function in (
            tgi.sigmoid,
            tgi.tanh,
            tgi.softplus,
            tgi.silu,
            tgi.elu,
            tgi.selu,
            tgi.log_softmax,
            tgi.softmax,
        ):
            out = function(t)
            assert np.all(np.isfinite(out.numpy())), function
            assert np.all(np.isfinite(tgi.grad(out.sum(), t)[0].numpy())), function
        assert tgi.logsumexp(t).item() == pytest.approx(1e30)
        assert tgi.norm(t).item() == pytest.approx(np.sqrt(2) * 1e30, rel=1e-6)
        assert tgi.sigmoid(tgi.tensor(np.array([-50.0], dtype))).item() == pytest.approx(np.exp(-50.0), rel=1e-5)

    def test_losses_at_extremes(self) -> None:
        logits = tgi.tensor(np.array([[1e4, -1e4], [-1e4, 1e4]]), requires_grad=True)
        loss = tgi.cross_entropy(logits, np.array([1, 1]))
        assert loss.item() == pytest.approx(1e4)
        np.testing.assert_allclose(tgi.grad(loss, logits)[0].numpy(), [[0.5, -0.5], [0, 0]])
        z = tgi.tensor(np.array([1e4, -1e4]), requires_grad=True)
        loss = tgi.binary_cross_entropy_with_logits(z, np.array([0.0, 0.0]), "none")
        np.testing.assert_allclose(loss.numpy(), [1e4, 0])

    def test_losses_cancel_nowhere(self) -> None:
        for z, y in ((20.0, 1.0), (-20.0, 0.0)):
            t = tgi.tensor(np.array([z], np.float32), requires_grad=True)
            loss = tgi.binary_cross_entropy_with_logits(t, np.array([y]))
            assert loss.item() == pytest.approx(np.log1p(np.exp(-20.0)), rel=1e-6)
            assert abs(tgi.grad(loss, t)[0].item()) == pytest.approx(1 / (1 + np.exp(20.0)), rel=1e-6)
        scores = tgi.tensor(np.array([[1e8, 0.0]], np.float32))
        assert tgi.hinge(scores, np.array([0])).item() == 0
        impossible = tgi.tensor(np.array([[0.0, -np.inf]]), requires_grad=True)
        assert tgi.cross_entropy(impossible, np.array([[1.0, 0.0]])).item() == 0

    def test_scatter_adds_whatever_form_the_index_has(self) -> None:
        for index in ([0, 0], np.array([0, 0])):
            np.testing.assert_array_equal(tgi.put_add(tgi.tensor([1.0, 2.0]), (3,), index).numpy(), [3, 0, 0])
        assert tgi.tensor([1.0, 2.0])[[]].shape == (0,)

    def test_logsumexp_of_nothing_but_minus_infinity(self) -> None:
        t = tgi.tensor(np.full(3, -np.inf), requires_grad=True)
        out = tgi.logsumexp(t)
        assert out.item() == -np.inf
        assert np.all(tgi.grad(out, t)[0].numpy() == 0)


class TestErrors:
    """Messages that say what was expected and what came."""

    x = tgi.tensor([[1.0, 2.0, 3.0]])

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x: x + tgi.tensor([1.0, 2.0]), r"add: shapes \(1, 3\) and \(2,\)"),
            (lambda x: x @ tgi.tensor([[1.0]]), r"matmul: inner sizes differ: \(1, 3\) @ \(1, 1\)"),
            (lambda x: x @ 2.0, "0-d|use \\*"),
            (
                lambda x: tgi.linear(x, tgi.tensor(np.zeros((4, 5), np.float32))),
                r"weight has shape \(4, 5\) but input has 3 features; expected \(\*, 3\)",
            ),
            (lambda x: x.reshape(2, 2), r"reshape: 3 elements of shape \(1, 3\)"),
            (lambda x: x.sum(5), "sum: axis 5 is out of range"),
            (lambda x: x.sum((0, 0)), "named twice"),
            (lambda x: x.transpose(0), "order of 2 axes"),
            (lambda x: tgi.concatenate([]), "at least one"),
            (lambda x: tgi.stack([x, x[0]]), "one shape"),
            (lambda x: tgi.cross_entropy(x, np.array([3])), "class number from 0 to 2"),
            (lambda x: tgi.cross_entropy(x, np.array([0.5])), "class number from 0 to 2"),
            (lambda x: tgi.mse(x, np.zeros((3, 1))), r"target has shape \(3, 1\); expected \(1, 3\)"),
            (lambda x: tgi.mse(x, x, "median"), "'mean', 'sum' or 'none'"),
            (lambda x: x[:0].mean(0), "no elements"),
            (lambda x: x[:0].max(), "no elements"),
            (lambda x: tgi.binary_cross_entropy_with_logits(x, x), "between 0 and 1"),
            (lambda x: tgi.hinge(x, np.array([[0.0, 1, 1]])), "-1 and 1"),
        ],
    )
    def test_values(self, call: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            call(self.x)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x: x + tgi.tensor([1.0], dtype="float64"), "float32.*float64"),
            (lambda x: x * np.ones(3), "float32.*float64"),
            (lambda x: x + "a", "unsupported operand"),
            (lambda x: x + None, "unsupported operand"),
            (lambda x: tgi.exp(), "expected 1 tensors, got 0"),
            (lambda x: tgi.exp(x, 1), "too many"),
            (lambda x: x.sum(axes=0), "no parameter 'axes'"),
            (lambda x: tgi.where(x, x, x), "booleans"),
            (lambda x: x[x], "got a tensor of floats"),
            (lambda x: tgi.leaky_relu(x, tgi.tensor(0.1)), "negative_slope is a parameter"),
            (lambda x: tgi.concatenate([x, x], None), "whole number"),
            (lambda x: tgi.exp("a"), "expected a tensor, an array or a number, got str"),
            (lambda x: tgi.exp([1.0]), "got list"),
        ],
    )
    def test_types(self, call: Any, message: str) -> None:
        with pytest.raises(TypeError, match=message):
            call(self.x)
