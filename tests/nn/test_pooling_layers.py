"""Layers of pooling are their operations, with every option, and say which ones they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn

LAYERS: dict[str, tuple[type[Any], Any]] = {
    "max 1d": (nn.MaxPool1d, tgi.max_pool1d),
    "max 2d": (nn.MaxPool2d, tgi.max_pool2d),
    "avg 1d": (nn.AvgPool1d, tgi.avg_pool1d),
    "avg 2d": (nn.AvgPool2d, tgi.avg_pool2d),
}


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [None, 1, 2, 3])
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_pooling(name: str, size: int, stride: int | None, padding: int) -> None:
    layer, operation = LAYERS[name]
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 8)[: 4 if name.endswith("2d") else 3])
    made = layer(size, stride, padding)
    expected = operation(tgi.tensor(x), size, size if stride is None else stride, padding)
    np.testing.assert_array_equal(made(tgi.tensor(x)).numpy(), expected.numpy())
    assert made.extra_repr() == f"kernel_size={size}, stride={stride or size}{', padding=1' if padding else ''}"


@pytest.mark.parametrize("name", ["max 2d", "avg 2d"])
def test_an_option_for_each_axis(name: str) -> None:
    layer, operation = LAYERS[name]
    x = tgi.tensor(np.random.default_rng(0).normal(size=(2, 3, 7, 8)))
    for options in [((2, 3),), ((2, 3), (1, 2)), ((2, 3), (3, 1), (1, 0)), (2, (1, 3), (0, 1))]:
        np.testing.assert_array_equal(layer(*options)(x).numpy(), operation(x, *options).numpy())


@pytest.mark.parametrize(("axis", "shape"), [(1, (2, 60)), (2, (2, 3, 20)), (0, (120,)), (-1, (2, 3, 4, 5))])
def test_flatten(axis: int, shape: tuple[int, ...]) -> None:
    layer, x = nn.Flatten(axis), np.arange(120.0).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(layer(tgi.tensor(x)).numpy(), x.reshape(shape))
    assert layer.extra_repr() == ("" if axis == 1 else str(axis))
    assert nn.Flatten()(tgi.tensor(x)).shape == (2, 60)


def test_global_averages_keep_their_axes_if_asked() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for given, axes in ((x, (2, 3)), (x[..., 0], (2,))):
        plain, kept = nn.GlobalAvgPool()(tgi.tensor(given)), nn.GlobalAvgPool(keepdims=True)(tgi.tensor(given))
        np.testing.assert_allclose(kept.numpy(), given.mean(axes, keepdims=True), rtol=1e-12)
        np.testing.assert_array_equal(kept.numpy().ravel(), plain.numpy().ravel())
        assert plain.shape == (2, 3)
    assert repr(nn.GlobalAvgPool(keepdims=True)) == "GlobalAvgPool(keepdims=True)"
