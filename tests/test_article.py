"""The article's claims, by their numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.activations import activation
from tinygrad_init.nn import ACTIVATIONS, MLP


def test_a_weights_derivative_is_a_product_of_factors() -> None:
    """Loss derivative · φ' · w · φ' · ... · the layer's input, on a chain of single units."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=4)
    x, target = 0.7, 0.3
    leaves = [tgi.tensor(v, "float64", requires_grad=True) for v in w]
    a = tgi.tensor(x, "float64")
    activations = [x]
    for leaf in leaves:
        a = tgi.sigmoid(leaf * a)
        activations.append(a.item())
    (0.5 * (a - target) ** 2).backward()
    factor = activations[-1] - target
    for layer in reversed(range(4)):
        factor *= activations[layer + 1] * (1 - activations[layer + 1])
        assert leaves[layer].grad.item() == pytest.approx(factor * activations[layer], rel=1e-12)
        factor *= w[layer]


def test_a_quarter_to_the_tenth_vanishes_and_two_to_the_tenth_explodes() -> None:
    x = tgi.tensor(0.0, "float64", requires_grad=True)
    a = x
    for _ in range(10):
        a = tgi.sigmoid(a) - 0.5
    assert tgi.grad(a, x)[0].item() == 0.25**10 == 9.5367431640625e-07
    a = x
    for _ in range(10):
        a = a * 2.0
    assert tgi.grad(a, x)[0].item() == 2.0**10 == 1024


@pytest.mark.parametrize(("name", "steepest"), [("sigmoid", 0.25), ("tanh", 1.0), ("relu", 1.0)])
def test_steepest_slopes(name: str, steepest: float) -> None:
    slopes = activation(name).slope(np.linspace(-30, 30, 60_001))
    assert slopes.max() == pytest.approx(steepest, rel=1e-12)
    assert slopes[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("dtype", "steps"), [(np.float32, 75), (np.float64, 538)])
def test_where_the_product_underflows(dtype: type, steps: int) -> None:
    """0.25^t is exactly 0 first at t = 75 in float32 and t = 538 in float64."""
    for t, vanished in ((steps - 1, False), (steps, True)):
        x = tgi.tensor(np.zeros(1, dtype), requires_grad=True)
        a = x
        for _ in range(t):
            a = tgi.sigmoid(a) - 0.5
        assert (tgi.grad(a, x)[0].item() == 0) == vanished


@pytest.mark.parametrize(("dtype", "steps"), [(np.float32, 128), (np.float64, 1024)])
def test_where_the_product_overflows(dtype: type, steps: int) -> None:
    for t, exploded in ((steps - 1, False), (steps, True)):
        x = tgi.tensor(np.ones(1, dtype), requires_grad=True)
        a = x
        for _ in range(t):
            a = a * 2.0
        assert np.isinf(tgi.grad(a, x)[0].item()) == exploded


def test_powers_of_the_weight_matrix() -> None:
    """Through t linear layers with the same W the gradient is multiplied by Wᵗ; the spectral radius decides the limit,
    the singular values the way there: ρ = 0.9 but ‖W¹⁰‖ = 38.7."""
    w = np.array([[0.9, 10.0], [0.0, 0.9]])
    weight = tgi.tensor(w)
    x = tgi.tensor(np.zeros(2), requires_grad=True)
    a = x
    for _ in range(10):
        a = weight @ a
    jacobian = np.stack([tgi.grad(a[i], x, retain_graph=True)[0].numpy() for i in range(2)])
    np.testing.assert_allclose(jacobian, np.linalg.matrix_power(w, 10), rtol=1e-12)
    assert np.linalg.norm(jacobian, 2) == pytest.approx(38.7, abs=0.05)
    assert np.max(np.abs(np.linalg.eigvals(w))) == pytest.approx(0.9)


MOMENTS = {  # E φ, E φ², and E φ'² / E φ² (χ at the variance-preserving gain) under a standard normal
    "sigmoid": (0.5, 0.293379, 0.15283),
    "tanh": (0.0, 0.394294, 1.17781),
    "erf": (0.0, 0.464559, 1.22570),
    "relu": (0.398942, 0.5, 1.0),
    "elu": (0.160521, 0.644945, 1.0359),
    "selu": (0.0, 1.0, 1.07157),
    "gelu": (0.282095, 0.425221, 1.07203),
    "silu": (0.206621, 0.355776, 1.06663),
    "softplus": (0.806059, 0.921246, 0.31846),
}


@pytest.mark.parametrize("name", sorted(MOMENTS))
def test_gaussian_moments_of_activations(name: str) -> None:
    """Values and slopes of every activation at once, against published moments, by fine quadrature."""
    z = np.linspace(-12, 12, 240_001)
    weight = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    phi = ACTIVATIONS[name](tgi.tensor(z)).numpy()
    slope = activation(name).slope(z)
    mean, square, chi = MOMENTS[name]
    assert np.sum(weight * phi) == pytest.approx(mean, abs=2e-6)
    assert np.sum(weight * phi**2) == pytest.approx(square, abs=2e-6)
    assert np.sum(weight * slope**2) / square == pytest.approx(chi, abs=1e-4)


def test_the_lost_signal_of_pytorchs_default() -> None:
    """ReLU, width 256, default start: E[a²] levels off at the bias floor."""
    second_moments = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        model = MLP([256] * 21, "relu", rng=rng, dtype="float64")
        a = tgi.tensor(rng.normal(size=(64, 256)))
        means = []
        with tgi.no_grad():
            for linear in model.linears():
                a = tgi.relu(linear(a))
                means.append(float(np.mean(a.numpy() ** 2)))
        second_moments.append(means)
    mean = np.mean(second_moments, axis=0)
    for layer, published in ((1, 0.166), (2, 0.028), (10, 0.00087), (20, 0.00083)):
        assert mean[layer - 1] == pytest.approx(published, rel=0.12)
