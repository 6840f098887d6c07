"""Functions that are made of several operations: values are NumPy's or PyTorch's, derivatives those of differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi

from ..strategies import arrays

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 2))
SQUARE = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
PLACES = np.array([[0, 2, 1, 1], [2, 0, 0, 1]])

# By name: the function of one tensor, and the numbers that it is tried at.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "cumprod": (lambda t: tgi.cumprod(t, 1), X),
    "cumprod with zeros": (lambda t: tgi.cumprod(t, 0), np.array([2.0, 0.0, 3.0, 0.0, 4.0])),
    "prod": (lambda t: tgi.prod(t, (0, 2)), X),
    "prod with one zero": (tgi.prod, np.array([2.0, 0.0, 3.0])),
    "prod with two zeros": (tgi.prod, np.array([0.0, 5.0, 0.0])),
    "logcumsumexp": (lambda t: tgi.logcumsumexp(t, 1), 3 * X),
    "logaddexp": (lambda t: tgi.logaddexp(t, t[:, ::-1] + 1.0), X),
    "diff": (lambda t: tgi.diff(t, 2, 1), X),
    "flip": (lambda t: tgi.flip(t, (0, 1)), X),
    "roll": (lambda t: tgi.roll(t, (1, -3), (0, 1)), X),
    "tile": (lambda t: tgi.tile(t, (2, 1, 3)), X),
    "repeat_interleave": (lambda t: tgi.repeat_interleave(t, [1, 0, 2, 3], 1), X),
    "pad": (lambda t: tgi.pad(t, ((1, 0), (0, 2), (3, 1)), 0.5), X),
    "tril": (lambda t: tgi.tril(t, 1), X),
    "diagonal": (lambda t: tgi.diagonal(t, -1, 1, 0), X),
    "diag": (lambda t: tgi.diag(t, -1), np.arange(3.0)),
    "trace": (tgi.trace, X[..., 0]),
    "take_along_axis": (lambda t: tgi.take_along_axis(t, PLACES.T[None], 2 - 1), X[:1, :, :]),
    "gather": (lambda t: tgi.gather(t, 0, PLACES), X[..., 0]),
    "scatter_add": (lambda t: tgi.scatter_add(t, 0, PLACES, t[:2] * t[1:]), X[..., 0]),
    "scatter": (lambda t: tgi.scatter(t, 0, PLACES, t[:2] * 3.0), X[..., 0]),
    "sort": (lambda t: tgi.sort(t, 1).values, X),
    "topk": (lambda t: tgi.topk(t, 2, 0, False).values, X),
    "masked_fill": (lambda t: tgi.masked_fill(t, X > 0, -1.0), X),
    "masked_select": (lambda t: tgi.masked_select(t, X > 0), X),
    "outer": (lambda t: tgi.outer(t, t), X[0, :, 0]),
    "matrix_power": (lambda t: tgi.matrix_power(t, 5), SQUARE),
    "matrix_power of the inverse": (lambda t: tgi.matrix_power(t, -2), SQUARE),
    "solve a vector": (lambda t: tgi.solve(t[0], t[1, 0]), SQUARE),
    "slogdet": (lambda t: tgi.slogdet(t).logabsdet, SQUARE),
    "det of a singular matrix": (tgi.det, np.array([[1.0, 2.0], [2.0, 4.0]])),
    "svd": (lambda t: tgi.svd(t).S, X),
    "svd of a wide matrix": (lambda t: (lambda f: (f.U * f.S) @ f.Vh * f.Vh.sum())(tgi.svd(t)), X[0].T),
    "eigh": (lambda t: tgi.eigh(t).eigenvalues, SQUARE),
    "qr": (lambda t: tgi.qr(t).R, X[0]),
    "pinv": (tgi.pinv, X[0]),
    "einsum, a trace": (lambda t: tgi.einsum("iij->j", t @ t.swapaxes(1, 2)), SQUARE[:, :2]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name: str) -> None:
    function, x = FUNCTIONS[name]
    t = tgi.tensor(x, "float64", requires_grad=True)
    assert tgi.gradcheck(function, t)
    if name != "det of a singular matrix":  # of first order alone
        assert tgi.gradgradcheck(function, t)


def test_logarithms_of_sums_of_exponentials() -> None:
    """Small beside large keeps its digits, equal numbers their curvature, and nothing has no share in anything."""
    x = tgi.tensor([-50.0, 0.0, 3.0, -np.inf, -np.inf, 0.0], "float64", requires_grad=True)
    y = tgi.tensor([0.0, -50.0, 3.0, -np.inf, 0.0, np.inf], "float64")
    with np.errstate(invalid="ignore"):
        expected = np.logaddexp(x.detach().numpy(), y.numpy())
    out = tgi.logaddexp(x, y)
    assert np.array_equal(out.numpy(), expected) and out.numpy()[0] == np.log1p(np.exp(-50.0))
    out.backward(np.ones(6), retain_graph=True)
    small = np.exp(-50.0)
    np.testing.assert_allclose(x.grad.numpy(), [small, 1.0 - small, 0.5, 0.0, 0.0, 0.0], rtol=1e-15)
    a = tgi.tensor([3.0, -50.0], "float64", requires_grad=True)
    (first,) = tgi.grad(tgi.logaddexp(a, np.array([3.0, 0.0])).sum(), a, create_graph=True)
    (second,) = tgi.grad(first.sum(), a)
    np.testing.assert_allclose(second.numpy(), [0.25, small], rtol=1e-14)


EINSUMS = (
    ("ij,jk->ik", (3, 4), (4, 2)), ("ij,ij->", (3, 4), (3, 4)), ("i,j->ji", (3,), (2,)), ("ii->i", (3, 3)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("...ij,...j->...i", (2, 1, 3, 4), (5, 4)), ("ijk->ki", (2, 3, 4)),
    ("i,i,i->i", (3,), (3,), (3,)), ("ij,kl->", (2, 3), (4, 5)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,jk", (2, 3), (3, 4)), ("iji->j", (2, 3, 2)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)), ("i->", (4,)), ("...->...", (2, 3)), ("ba", (2, 3)),
)  # fmt: skip


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum_is_numpys(case: Any) -> None:
    text, *shapes = case
    inputs = [RNG.normal(size=shape) for shape in shapes]
    tensors = [tgi.tensor(x, requires_grad=True) for x in inputs]
    np.testing.assert_allclose(tgi.einsum(text, *tensors).numpy(), np.einsum(text, *inputs), rtol=1e-12, atol=1e-13)
    assert tgi.gradcheck(lambda *ts: tgi.einsum(text, *ts), tensors)


@given(x=arrays(-3, 3, shape=hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)), data=st.data())
def test_running_products_and_sums_are_numpys(x: Any, data: st.DataObject) -> None:
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    t = tgi.tensor(x)
    for ours, theirs in ((tgi.cumsum, np.cumsum), (tgi.cumprod, np.cumprod), (tgi.prod, np.prod)):
        np.testing.assert_allclose(ours(t, axis).numpy(), theirs(x, axis=axis), rtol=1e-12, atol=1e-12)


@given(x=arrays(-3, 3, shape=hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)), data=st.data())
def test_rearranging_is_numpys(x: Any, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = data.draw(st.integers(-5, 5))
    t = tgi.tensor(x)
    pairs = [
        (tgi.flip(t, axis), np.flip(x, axis)),
        (tgi.roll(t, n, axis), np.roll(x, n, axis)),
        (tgi.roll(t, n), np.roll(x, n)),
        (tgi.repeat_interleave(t, abs(n), axis), np.repeat(x, abs(n), axis)),
        (tgi.tile(t, (2, abs(n))), np.tile(x, (2, abs(n)))),
        (tgi.moveaxis(t, axis, 0), np.moveaxis(x, axis, 0)),
        (tgi.pad(t, abs(n), 2.0), np.pad(x, abs(n), constant_values=2.0)),
        (tgi.sort(t, axis).values, np.sort(x, axis)),
        *zip(tgi.array_split(t, 3, axis), np.array_split(x, 3, axis), strict=True),
    ]
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours.numpy(), theirs)


def test_places_named_twice_are_written_once_and_added_twice() -> None:
    x, places = tgi.tensor([1.0, 2.0, 3.0], requires_grad=True), [0, 0, 2]
    src = tgi.tensor([10.0, 20.0, 30.0], requires_grad=True)
    np.testing.assert_array_equal(tgi.scatter(x, 0, places, src).numpy(), [20, 2, 30])
    np.testing.assert_array_equal(tgi.scatter_add(x, 0, places, src).numpy(), [31, 2, 33])
    by_x, by_src = tgi.grad(tgi.scatter(x, 0, places, src).sum(), [x, src])
    np.testing.assert_array_equal(by_x.numpy(), [0, 1, 0])
    np.testing.assert_array_equal(by_src.numpy(), [0, 1, 1])


def test_factors_give_the_matrix_back() -> None:
    for x in (X[0], X[0].T, X):
        u, s, vh = tgi.svd(tgi.tensor(x))
        np.testing.assert_allclose(((u * s.expand_dims(-2)) @ vh).numpy(), x, rtol=1e-12, atol=1e-13)
    q, r = tgi.qr(tgi.tensor(X))
    np.testing.assert_allclose((q @ r).numpy(), X, atol=1e-13)
    assert np.all(np.diagonal(r.numpy(), axis1=-2, axis2=-1) >= 0)
    symmetric = SQUARE @ np.swapaxes(SQUARE, -1, -2)
    values, vectors = tgi.eigh(tgi.tensor(symmetric))
    np.testing.assert_allclose((symmetric @ vectors.numpy()), (vectors * values.expand_dims(-2)).numpy(), atol=1e-11)
    lower = tgi.cholesky(tgi.tensor(symmetric))
    np.testing.assert_allclose((lower @ lower.swapaxes(-1, -2)).numpy(), symmetric, atol=1e-12)


def test_equal_eigenvalues_give_no_infinities() -> None:
    """A function of all of them together has a derivative, though no single vector has."""
    x = tgi.tensor(np.eye(3), requires_grad=True)
    (found,) = tgi.grad((tgi.eigh(x).eigenvalues ** 3).sum(), x)
    np.testing.assert_allclose(found.numpy(), 3 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda t: tgi.inv(t), ValueError, r"inv: expected square matrices, got shape \(3, 4, 2\)"),
        (lambda t: tgi.inv(tgi.tensor(np.zeros((2, 2)))), ValueError, "inv: Singular matrix"),
        (lambda t: tgi.cholesky(tgi.tensor(-np.eye(2))), ValueError, "cholesky: Matrix is not positive definite"),
        (lambda t: tgi.solve(tgi.tensor(np.eye(2)), np.ones(3)), ValueError, "solve: expected 2 rows on the right"),
        (lambda t: tgi.einsum("ij,jk->ik", t), ValueError, "names 2 operands, got 1"),
        (lambda t: tgi.einsum("ij->i", t), ValueError, r"'ij' does not fit shape \(3, 4, 2\)"),
        (lambda t: tgi.einsum("ijk->l", t), ValueError, "the result names l, which no operand has"),
        (lambda t: tgi.einsum("ijk,i->k", t, np.ones(5)), ValueError, "index 'i' is 3 long in one operand and 5 in"),
        (lambda t: tgi.pad(t, (1, 2)), TypeError, "one thing in NumPy and another in PyTorch"),
        (lambda t: tgi.pad(t, -2), ValueError, "cut off more than there is"),
        (lambda t: tgi.gather(t, 0, [[0]]), ValueError, r"places of shape \(1, 1\) do not fit shape"),
        (lambda t: tgi.gather(t, 0, np.zeros((1, 1, 1))), TypeError, "whole numbers as places, got float64"),
        (lambda t: tgi.topk(t, 9), ValueError, "expected 0 to 2 elements, got 9"),
        (lambda t: tgi.one_hot([0, 5], 3), ValueError, "expected numbers from 0 to 2, got 0 to 5"),
        (lambda t: tgi.split_sizes(t, [1, 1], 1), ValueError, r"lengths that add up to 4, got \[1, 1\]"),
        (lambda t: tgi.array_split(t, 0), ValueError, "1 or more parts, got 0"),
        (lambda t: tgi.roll(t, (1, 2), (0,)), ValueError, "one shift for each of 1 axes, got 2"),
        (lambda t: tgi.qr(t.swapaxes(1, 2)), ValueError, "at least as many rows as columns"),
        (lambda t: t.max(axis=0, dim=1), TypeError, "expected axis or dim, got both"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Callable[[Any], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call(tgi.tensor(X))


@pytest.mark.parametrize("name", ["cumprod", "prod", "flip", "pad", "tril", "solve a vector", "matrix_power", "eigh"])
def test_captured_they_give_the_same(name: str) -> None:
    function, x = FUNCTIONS[name]

    def step(values: Any) -> tuple[Any, Any]:
        out = function(values)
        return out, tgi.grad((out * out).sum(), values)[0]

    t = tgi.tensor(x, "float64", requires_grad=True)
    expected = step(t)
    program = tgi.capture(lambda: step(t))
    for found, wanted in zip(program(), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("operation", ["scatter", "scatter_add", "scatter_reduce"])
@pytest.mark.parametrize(
    ("index", "src", "said"),
    [
        ([[0, 1], [1, 2]], (1, 2), r"places of shape \(2, 2\) do not fit numbers of shape \(1, 2\)"),
        ([[0, 1]] * 3, (3, 2), r"places of shape \(3, 2\) do not fit x of shape \(2, 3\)"),
        ([0, 1], (2,), r"places of shape \(2,\) do not fit x of shape \(2, 3\)"),
    ],
)
def test_places_that_do_not_fit_are_refused(operation: str, index: Any, src: tuple[int, ...], said: str) -> None:
    options = ("sum",) if operation == "scatter_reduce" else ()
    with pytest.raises(ValueError, match=f"{operation}: {said}"):
        getattr(tgi, operation)(tgi.zeros(2, 3), 1, tgi.tensor(index), tgi.ones(*src), *options)


@pytest.mark.parametrize(
    "axes",
    [([0, 1], [1, 2], [0, 2]), ([0, 1], [1, 2]), ([..., 5], [5, 3], [3, ...]), ([30, 1], [1, 4], [4, 30])],
)
def test_einsum_with_lists_of_axes_is_numpys(axes: tuple[Any, ...]) -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    ours = tgi.einsum(tgi.tensor(a), axes[0], tgi.tensor(b), axes[1], *axes[2:])
    np.testing.assert_allclose(ours.numpy(), np.einsum(a, axes[0], b, axes[1], *axes[2:]))


@pytest.mark.parametrize("axes", [0, "ij", [-1, 0], [52, 0], [0.5, 1]])
def test_einsum_says_what_axes_are(axes: Any) -> None:
    with pytest.raises(TypeError, match="einsum: expected subscripts first, or a list of whole numbers from 0 to 51"):
        tgi.einsum(tgi.zeros(2, 3), axes)


def test_pad_says_what_widths_are() -> None:
    with pytest.raises(TypeError, match=r"pad: expected widths .* such as \(1, 1\), got 1"):
        tgi.nn.functional.pad(tgi.zeros(2, 3), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        [np.float64(1.1)],
        [1, np.float64(1.1)],
        [[1.0], [np.float64(1.1)]],
        [np.float32(1.1)],
        [1.1],
        [1, 2.5],
    ],
)
def test_the_dtype_of_lists_is_pytorchs(data: list[Any]) -> None:
    torch = pytest.importorskip("torch")
    assert str(tgi.tensor(data).dtype) == str(torch.tensor(data).dtype).removeprefix("torch.")
