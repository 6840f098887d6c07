"""Pooling: values and gradients beside PyTorch's, ties, captured, wrong input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn

from ..programs.capturing import Step, check, leaf
from ..strategies import dtypes, seeds


@st.composite
def cases(draw: st.DrawFn) -> Any:
    """Shape of the input, window, stride and padding, such that at least one window fits."""
    axes = draw(st.integers(1, 2))
    size = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    stride = draw(st.none() | st.just(tuple(draw(st.integers(1, 3)) for _ in range(axes))))
    padding = tuple(draw(st.integers(0, n // 2)) for n in size)
    lengths = tuple(max(1, n - 2 * p) + draw(st.integers(0, 5)) for n, p in zip(size, padding, strict=True))
    return (draw(st.integers(0, 3)), draw(st.integers(1, 3)), *lengths), size, stride, padding


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
@given(case=cases(), dtype=dtypes, seed=seeds, ties=st.booleans())
def test_pooling_is_pytorchs(name: str, case: Any, dtype: Any, seed: int, ties: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    shape, size, stride, padding = case
    rng = np.random.default_rng(seed)
    x = (rng.integers(-1, 2, shape) if ties else rng.normal(size=shape)).astype(dtype)
    axes = len(size)
    mine, other = tgi.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out = getattr(tgi, f"{name}{axes}d")(mine, size, stride, padding)
    expected = getattr(torch.nn.functional, f"{name}{axes}d")(other, size, stride, padding)
    g = rng.normal(size=out.shape).astype(dtype)
    (wanted,) = torch.autograd.grad(expected, other, torch.tensor(g))
    (found,) = tgi.grad(out, mine, gradients=g)
    # At most nine numbers of size 1 are added up, in another order.
    tolerance = 64 * float(np.finfo(dtype).eps)
    for a, b in ((out.numpy(), expected.detach().numpy()), (found.numpy(), wanted.numpy())):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, tolerance, tolerance)


def test_of_several_largest_the_first_takes_the_cotangent() -> None:
    x = leaf([[[1.0, 1.0, 0.0, 2.0, 2.0, 2.0]]])
    np.testing.assert_array_equal(tgi.grad(tgi.max_pool1d(x, 3).sum(), x)[0].numpy(), [[[1, 0, 0, 1, 0, 0]]])
    np.testing.assert_array_equal(tgi.grad(tgi.max_pool1d(x, 3, 1).sum(), x)[0].numpy(), [[[1, 0, 0, 3, 0, 0]]])


def test_what_is_not_a_number_is_the_largest() -> None:
    x = np.array([[[1.0, np.nan, 3.0, 4.0]]])
    np.testing.assert_array_equal(tgi.max_pool1d(x, 2).numpy(), [[[np.nan, 4.0]]])


def test_padding_is_never_the_largest_but_counts_in_the_mean() -> None:
    x = np.full((1, 1, 2), -3.0)
    np.testing.assert_array_equal(tgi.max_pool1d(x, 2, 2, 1).numpy(), [[[-3.0, -3.0]]])
    np.testing.assert_array_equal(tgi.avg_pool1d(x, 2, 2, 1).numpy(), [[[-1.5, -1.5]]])


def test_global_averages_and_flattening() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(nn.GlobalAvgPool()(x).numpy(), x.mean((2, 3)), rtol=1e-12)
    np.testing.assert_allclose(tgi.global_avg_pool(x[..., 0]).numpy(), x[..., 0].mean(2), rtol=1e-12)
    np.testing.assert_array_equal(nn.Flatten()(tgi.tensor(x)).numpy(), x.reshape(2, -1))
    np.testing.assert_array_equal(nn.Flatten(2)(tgi.tensor(x)).numpy(), x.reshape(2, 3, -1))
    assert nn.Flatten()(tgi.tensor(x[:0])).shape == (0, 60)
    assert tgi.gradcheck(tgi.global_avg_pool, leaf(x))


@pytest.mark.parametrize("layer", [nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d])
def test_layers_are_the_functions(layer: Any) -> None:
    name = layer.__name__.replace("Pool", "_pool").lower()
    x = np.random.default_rng(0).normal(size=(2, 3, *(7,) * int(name[-2])))
    for options in ((2,), (3, 2), (3, 1, 1)):
        np.testing.assert_array_equal(layer(*options)(x).numpy(), getattr(tgi, name)(x, *options).numpy())
    assert repr(layer(3, 2, 1)) == f"{layer.__name__}(kernel_size=3, stride=2, padding=1)"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_captured(dtype: Any) -> None:
    def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
        leaves = [leaf(rng.integers(-2, 3, (2, 3, 6, 7)), dtype)]

        def step(scale: Any) -> Any:
            leaves[0].grad = None
            x = leaves[0] * scale
            out = tgi.max_pool2d(x, 3, 2, 1), tgi.avg_pool2d(x, (2, 3)), tgi.global_avg_pool(x)
            sum((y * y).sum() for y in out).backward()
            return out

        return step, leaves

    check(build, [(float(scale),) for scale in (1, -1)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: tgi.max_pool1d(x, 2), r"max_pool1d: expected .* \(samples, channels, length\), got \(2, 3, 4, 5\)"),
        (lambda x: tgi.avg_pool2d(x[0, 0], 2), r"\(samples, channels, height, width\), got \(4, 5\)"),
        (lambda x: tgi.max_pool2d(x, 5), r"windows of \(5, 5\) .* do not fit into an input of \(4, 5\)"),
        (
            lambda x: tgi.max_pool2d(x, (2, 3), padding=(1, 2)),
            r"at most half of the windows, got \(1, 2\) with \(2, 3\)",
        ),
        (lambda x: tgi.avg_pool2d(x, 0), "kernel_size as one or 2 whole numbers of at least 1"),
        (lambda x: tgi.global_avg_pool(x[0, 0]), r"\(samples, channels, ...\), got \(4, 5\)"),
        (lambda x: tgi.global_avg_pool(x[..., :0]), "mean: no elements"),
    ],
)
def test_errors_that_teach(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(np.zeros((2, 3, 4, 5)))
