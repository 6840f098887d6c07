"""Powers of a matrix and Jacobians of networks, by eigenvalues and by singular values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import jacobian, jacobian_singular_values, spectrum

from ..strategies import seeds


@given(n=st.integers(1, 6), seed=seeds)
def test_the_spectral_radius_decides_the_limit(n: int, seed: int) -> None:
    """log ‖W^t‖/t tends to log ρ from within what the eigenvectors' condition allows (Bauer and Fike's bound)."""
    w = np.random.default_rng(seed).normal(size=(n, n))
    found = spectrum(w, powers=60)
    eigenvalues = np.linalg.eigvals(w)
    assert found.radius == pytest.approx(np.abs(eigenvalues).max())
    np.testing.assert_allclose(found.singular_values, np.linalg.svd(w, compute_uv=False))
    for t in (1, 7, 60):
        power = np.linalg.matrix_power(w / found.radius, t)
        assert found.growth[t - 1] - t * math.log10(found.radius) == pytest.approx(
            math.log10(np.linalg.norm(power, 2)), abs=1e-8
        )
        assert -1e-9 <= found.growth[t - 1] - t * math.log10(found.radius) <= math.log10(found.condition) + 1e-6


def test_eigenvalues_below_one_do_not_keep_a_power_from_growing_first() -> None:
    found = spectrum([[0.9, 10], [0, 0.9]], powers=400)
    assert found.radius == pytest.approx(0.9)
    assert 10 ** found.growth[9] == pytest.approx(38.7, abs=0.05)
    assert found.condition == math.inf
    assert max(found.growth) > 1.4 and found.growth[-1] < -10


def test_powers_neither_overflow_nor_underflow() -> None:
    found = spectrum(np.diag([1e40, 1e-40]), powers=50)
    assert found.growth[-1] == pytest.approx(2000)
    assert found.transient == pytest.approx(1)
    assert spectrum(np.diag([1.0, 1], k=1), powers=4).growth == (0.0, 0.0, -math.inf, -math.inf)


@given(n=st.integers(1, 5), size=st.floats(-290, 308), seed=seeds)
def test_sizes_at_the_ends_of_what_a_float_can_be(n: int, size: float, seed: int) -> None:
    w = np.random.default_rng(seed).uniform(-1, 1, size=(n, n)) / n
    one, scaled = spectrum(w), spectrum(w * 10.0 ** (size / 2) * 10.0 ** (size / 2))
    expected = np.array(one.growth) + size * np.arange(1, 51)
    np.testing.assert_allclose(scaled.growth, expected, rtol=1e-9, atol=1e-9)
    assert scaled.radius == pytest.approx(one.radius * 10.0 ** (size / 2) * 10.0 ** (size / 2))
    assert scaled.transient == pytest.approx(one.transient, rel=1e-6)


def test_what_is_not_square_has_singular_values_only() -> None:
    found = spectrum(np.ones((2, 3)))
    assert found.eigenvalues == () and math.isnan(found.radius) and found.singular_values[0] == pytest.approx(6**0.5)
    with pytest.raises(ValueError, match="expected a matrix"):
        spectrum([1.0, 2.0])
    with pytest.raises(ValueError, match="infinities or NaN"):
        spectrum([[np.nan]])


@given(activation=st.sampled_from(["tanh", "gelu", "sigmoid"]), seed=seeds)
def test_a_jacobian_is_that_of_finite_differences(activation: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = nn.MLP((3, 5, 4), activation, rng=rng)
    x = rng.normal(size=3)
    found = jacobian(model, x)
    assert found.shape == (4, 3)

    def f(v: np.ndarray) -> np.ndarray:
        w = [(linear.weight.numpy().astype(float), linear.bias.numpy().astype(float)) for linear in model.linears()]
        hidden = nn.ACTIVATIONS[activation](tgi.Tensor(v @ w[0][0].T + w[0][1], "float64")).numpy()
        return hidden @ w[1][0].T + w[1][1]

    h = 1e-6
    expected = np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_orthogonal_starts_are_isometries_where_gaussian_ones_are_not() -> None:
    """Thirty linear layers: all singular values stay 1; of a product of Gaussian matrices most are lost."""
    x = np.random.default_rng(0).normal(size=(2, 24))
    spread = {}
    for start in ("orthogonal", "lecun"):
        model = nn.MLP((24,) * 31, "identity", rng=0, dtype="float64")
        tgi.initialize(model, start, 0)
        values = jacobian_singular_values(model, x)
        assert values.shape == (2, 24)
        spread[start] = values[0, 0] / values[0, -1]
    assert spread["orthogonal"] == pytest.approx(1, abs=1e-10)
    assert spread["lecun"] > 1e6
