"""Initializers: the variance they promise, reproducibility, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import init

from .strategies import seeds

SHAPE = (120, 80)
PROMISED = {  # variance for fan_in 80, fan_out 120
    "lecun_normal_": (init.lecun_normal_, 1 / 80),
    "lecun_uniform_": (init.lecun_uniform_, 1 / 80),
    "xavier_normal_": (init.xavier_normal_, 2 / 200),
    "xavier_uniform_": (init.xavier_uniform_, 2 / 200),
    "kaiming_normal_": (init.kaiming_normal_, 2 / 80),
    "kaiming_uniform_": (init.kaiming_uniform_, 2 / 80),
    "kaiming fan_out": (lambda w, rng: init.kaiming_normal_(w, rng, mode="fan_out"), 2 / 120),
    "kaiming leaky": (lambda w, rng: init.kaiming_normal_(w, rng, "leaky_relu", negative_slope=0.2), 2 / 1.04 / 80),
    "truncated_normal_": (lambda w, rng: init.truncated_normal_(w, rng, std=0.5), 0.25),
    "normal_": (lambda w, rng: init.normal_(w, rng, std=0.3), 0.09),
    "uniform_": (lambda w, rng: init.uniform_(w, rng, -1, 1), 1 / 3),
    "torch_default_": (init.torch_default_, 1 / 240),
    "orthogonal_": (init.orthogonal_, 1 / 120),
}


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_variance_is_as_promised(name: str) -> None:
    """Within five standard errors of a sample variance (σ²√(κ/N), κ at most 2 for these distributions)."""
    fill, variance = PROMISED[name]
    w = tgi.tensor(np.zeros(SHAPE))
    samples = [fill(w, np.random.default_rng(seed)).numpy().ravel().copy() for seed in range(10)]
    values = np.concatenate(samples)
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 5 * math.sqrt(2 / values.size)


def test_bounds() -> None:
    w = tgi.tensor(np.zeros(SHAPE))
    assert np.abs(init.xavier_uniform_(w, np.random.default_rng(0)).numpy()).max() <= math.sqrt(6 / 200)
    assert np.abs(init.torch_default_(w, np.random.default_rng(0)).numpy()).max() <= 1 / math.sqrt(80)
    assert np.abs(init.truncated_normal_(w, np.random.default_rng(0)).numpy()).max() <= 2 / init.TRUNCATED_STD


def test_the_std_of_a_truncated_normal() -> None:
    """√(1 - 2·2φ(2)/(2Φ(2) - 1)) (Johnson, Kotz and Balakrishnan 1994, ch. 13)."""
    density, mass = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(math.sqrt(2))
    assert math.sqrt(1 - 4 * density / mass) == pytest.approx(init.TRUNCATED_STD, rel=1e-14)


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), gain=st.floats(0.1, 3), seed=seeds)
def test_orthogonal(rows: int, columns: int, gain: float, seed: int) -> None:
    w = init.orthogonal_(tgi.tensor(np.zeros((rows, columns))), np.random.default_rng(seed), gain).numpy()
    product = w @ w.T if rows <= columns else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(rows, columns)), atol=1e-12 * gain**2)


@pytest.mark.parametrize(("channels", "std"), [(64, 0.058926), (128, 0.041667), (256, 0.029463), (512, 0.020833)])
def test_he_2015(channels: int, std: float) -> None:
    """The published standard deviations for 3x3 kernels, whose fan is 9 channels."""
    fan_in, fan_out = init.fans((channels, channels, 3, 3))
    assert fan_in == fan_out == 9 * channels
    assert init.calculate_gain("relu") / math.sqrt(fan_in) == pytest.approx(std, abs=1e-6)


def test_gains() -> None:
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(1.386750, abs=1e-6)
    assert init.calculate_gain("identity") == init.calculate_gain("sigmoid") == 1
    with pytest.raises(ValueError, match="no conventional gain for 'gelu'"):
        init.calculate_gain("gelu")


@pytest.mark.parametrize("name", sorted(init.INITIALIZERS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_start_is_reproducible_and_keeps_dtype_and_grad(name: str, dtype: Any) -> None:
    def start(seed: int) -> Any:
        w = tgi.tensor(np.full((6, 5), 9.0), dtype, requires_grad=True)
        found = init.INITIALIZERS[name](w, np.random.default_rng(seed), "tanh")
        assert found is w and w.requires_grad and w.is_leaf and w.dtype == dtype
        return w.numpy().copy()

    np.testing.assert_array_equal(start(1), start(1))
    if name not in ("zeros", "constant"):
        assert np.any(start(1) != start(2))


def test_one_seed_does_not_make_layers_alike() -> None:
    model = tgi.nn.MLP([8, 8, 8, 8])
    tgi.initialize(model, "xavier", 0)
    first, second, _ = (linear.weight.numpy() for linear in model.linears())
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, rng: init.normal_(w, rng, std=-1), "std must be finite and not negative, got -1"),
        (lambda w, rng: init.uniform_(w, rng, 1, 0), "low <= high"),
        (lambda w, rng: init.kaiming_normal_(w, rng, mode="sideways"), "fan_in, fan_out, fan_avg, got 'sideways'"),
        (lambda w, rng: init.lecun_normal_(w[0], rng), r"at least 2 axes \(out, in, \*window\), got shape \(3,\)"),
        (lambda w, rng: init.orthogonal_(w[0], rng), "at least 2 axes"),
        (lambda w, rng: init.lecun_normal_(tgi.tensor(np.zeros((3, 0))), rng), "no inputs"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(tgi.tensor(np.zeros((2, 3))), np.random.default_rng(0))
