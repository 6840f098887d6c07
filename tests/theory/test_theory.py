"""Mean-field theory: published numbers, closed forms, SciPy's quadrature, and real random networks."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, theory
from tinygrad_init.theory import MeanField, Phi, edge_of_chaos, gains, joint_criticality, phi_of

Array = np.ndarray[Any, Any]
VARIANCES = [1e-12, 1e-6, 1e-3, 0.1, 1.0, 7.0, 1e2, 1e4, 1e6]
CORRELATIONS = [-1.0, -1 + 1e-9, -0.999, -0.6, 0.0, 0.3, 0.9, 0.999, 1 - 1e-6, 1 - 1e-12, 1.0]
variances = st.floats(-12, 6).map(lambda exponent: 10.0**exponent)
correlations = st.floats(-1, 1)


def printed(value: float, digits: int) -> Any:
    """Equal to a number that was printed with so many decimals."""
    return pytest.approx(value, abs=0.501 * 10.0**-digits, rel=0)


def significant(value: float, digits: int) -> Any:
    """Equal to a number that was printed with so many significant digits."""
    return printed(value, digits - 1 - math.floor(math.log10(abs(value))))


# Closed forms.


@given(q=variances)
def test_moments_of_erf(q: float) -> None:
    """E φ² = (2/π) asin(2q/(1 + 2q)), E φ'² = (4/π)/√(1 + 4q) (Williams 1997)."""
    m = phi_of("erf").moments(q)
    assert m.square == pytest.approx(2 / math.pi * math.asin(2 * q / (1 + 2 * q)), rel=1e-12)
    assert m.slope_square == pytest.approx(4 / math.pi / math.sqrt(1 + 4 * q), rel=1e-12)
    assert m.growth == pytest.approx(4 / math.pi / ((1 + 2 * q) * math.sqrt(1 + 4 * q)), rel=1e-11)


@given(q=variances)
def test_moments_of_sin(q: float) -> None:
    m = phi_of("sin").moments(q)
    assert m.square == pytest.approx(-math.expm1(-2 * q) / 2, rel=1e-12)
    assert m.slope_square == pytest.approx((1 + math.exp(-2 * q)) / 2, rel=1e-12)
    assert m.slope_growth == pytest.approx(-math.exp(-2 * q), rel=1e-10, abs=1e-13 / q)


@given(q=variances, slope=st.floats(0.0, 1.0))
def test_moments_of_leaky_relu(q: float, slope: float) -> None:
    """ReLU is the slope 0."""
    m = Phi("leaky_relu", negative_slope=slope).moments(q)
    half = (1 + slope**2) / 2
    assert m.square == pytest.approx(half * q, rel=1e-12)
    assert m.slope_square == pytest.approx(half, rel=1e-12)
    assert m.growth == pytest.approx(half, rel=1e-12)
    assert m.fourth == pytest.approx(3 * (1 + slope**4) / 2 * q**2, rel=1e-12)
    assert m.mean == pytest.approx((1 - slope) * math.sqrt(q / (2 * math.pi)), rel=1e-12, abs=1e-12 * math.sqrt(q))


@given(q=variances, c=correlations)
def test_overlaps_of_relu(q: float, c: float) -> None:
    """The arc-cosine kernel of order 1 (Cho and Saul 2009)."""
    angle = math.atan2(math.sqrt((1 - c) * (1 + c)), c)
    exact = q / (2 * math.pi) * (math.sin(angle) + c * (math.pi - angle))
    assert phi_of("relu").overlap(q, c) == pytest.approx(exact, abs=1e-12 * q)


@given(q=variances, c=correlations)
def test_overlaps_of_erf(q: float, c: float) -> None:
    exact = 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q))
    assert phi_of("erf").overlap(q, c) == pytest.approx(exact, abs=1e-12 * min(q, 1))


@pytest.mark.parametrize("q", [1e-6, 1.0, 30.0])
@pytest.mark.parametrize("c", CORRELATIONS)
def test_overlaps_of_sin(q: float, c: float) -> None:
    exact = math.exp(-q) * math.sinh(q * c)
    assert phi_of("sin").overlap(q, c) == pytest.approx(exact, abs=1e-12 * min(q, 1))


@pytest.mark.parametrize("name", ["tanh", "hardtanh", "gelu", "elu", "softsign", "sigmoid"])
@pytest.mark.parametrize("q", [1e-12, 1e-3, 1.0, 50.0, 1e6])
def test_overlap_is_the_second_moment_at_1_and_the_squared_mean_at_0(name: str, q: float) -> None:
    phi = phi_of(name)
    m = phi.moments(q)
    assert phi.overlap(q, 1.0) == pytest.approx(m.square, rel=1e-12)
    assert phi.overlap(q, 0.0) == pytest.approx(m.mean**2, abs=1e-12 * m.square)


def test_steps_of_unknown_place_are_found() -> None:
    """E 1[x > t] = Φ(-t/√q), at a threshold that nobody told."""

    def step(x: Array) -> Array:
        return (x > 0.3217).astype(float)

    q = np.array([1e-2, 1.0, 1e4])
    exact = [0.5 * math.erfc(0.3217 / math.sqrt(2 * v)) for v in q]
    np.testing.assert_allclose(theory.expectation(step, q), exact, rtol=1e-11)
    np.testing.assert_allclose(theory.expectation(step, q, kinks=(0.3217,)), exact, rtol=1e-13)
    orthant = 0.25 + math.asin(0.7) / (2 * math.pi)
    assert theory.pair_expectation(lambda x: x > 0, lambda x: x > 0, 2.0, 0.7, (0.0,)) == pytest.approx(
        orthant, rel=1e-12
    )


def test_a_function_that_overflows() -> None:
    """φ = e^(x/10): E φ² = e^(q/50) and E φ'² = E φ²/100, so the edge without biases is at q = 100, σ_w² = 100/e²."""
    growing = Phi(lambda x: tgi.exp(0.1 * x))
    assert growing.moments(4.0).square == pytest.approx(math.exp(4 / 50), rel=1e-13)
    point = edge_of_chaos(growing)
    assert point is not None and point.q == pytest.approx(100, rel=1e-12)
    assert point.sigma_w == pytest.approx(10 / math.e, rel=1e-12)
    assert point.chi_parallel == pytest.approx(2, rel=1e-12) and not point.reached


def test_a_function_that_is_flat_around_0() -> None:
    """A dead zone |x| < 1: signals die or, with large weights, outgrow it; small ones meet no slope at all."""
    flat = Phi(lambda x: tgi.relu(x - 1.0) - tgi.relu(-x - 1.0), kinks=(-1.0, 1.0))
    assert flat.moments(1e-6).slope_square == 0
    assert flat.moments(1.0).slope_square == pytest.approx(math.erfc(1 / math.sqrt(2)), rel=1e-13)
    assert [MeanField(flat, sigma_w).q_star for sigma_w in (1, 2, 3, 5)] == [0, 0, math.inf, math.inf]
    assert edge_of_chaos(flat) is None and edge_of_chaos(flat, 0.01) is None
    point = edge_of_chaos(flat, 0.5)
    assert point is not None and MeanField(flat, point.sigma_w, 0.5).chi(point.q) == pytest.approx(1)


# Outside judges.


def phi_by_hand(name: str, x: float) -> float:
    return {
        "tanh": lambda: math.tanh(x),
        "gelu": lambda: x * 0.5 * math.erfc(-x / math.sqrt(2)),
        "silu": lambda: x / (1 + math.exp(-x)) if x > -700 else 0.0,
        "softplus": lambda: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
        "softsign": lambda: x / (1 + abs(x)),
        "hardtanh": lambda: min(max(x, -1.0), 1.0),
        "elu": lambda: x if x > 0 else math.expm1(x),
    }[name]()


@pytest.mark.parametrize("name", ["tanh", "gelu", "silu", "softplus", "softsign", "hardtanh", "elu"])
def test_scipy_agrees(name: str) -> None:
    integrate = pytest.importorskip("scipy.integrate")
    for q in VARIANCES:
        root = math.sqrt(q)
        breaks = sorted({0.0} | {sign * k / root for k in (1e-2, 0.1, 1, 3, 10, 40) for sign in (-1, 1)})
        ends = [-12.0, *(b for b in breaks if abs(b) < 12), 12.0]

        def density(z: float, root: float = root) -> float:
            return phi_by_hand(name, root * z) ** 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        theirs = sum(integrate.quad(density, low, high, epsabs=0, epsrel=1e-13)[0] for low, high in pairwise(ends))
        assert phi_of(name).moments(q).square == pytest.approx(theirs, rel=2e-12), q


@pytest.mark.parametrize("q", [1e-12, 1e-3, 1.0, 1e3, 1e6])
def test_mpmath_agrees_to_fourteen_digits(q: float) -> None:
    """tanh, whose transition is 1/√q wide: E φ², E φ'² and d(E φ²)/dq, there in 25 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(25):
        root = mpmath.sqrt(q)
        ends = sorted(
            {-14, 0, 14} | {sign * k / root for k in (0.1, 1, 2, 4, 8, 16, 40) for sign in (-1, 1) if k / root < 14}
        )

        def mean(f: Any) -> float:
            return float(mpmath.quad(lambda z: f(root * z) * mpmath.npdf(z), ends))

        m = phi_of("tanh").moments(q)
        assert m.square == pytest.approx(mean(lambda x: mpmath.tanh(x) ** 2), rel=1e-14)
        assert m.slope_square == pytest.approx(mean(lambda x: mpmath.sech(x) ** 4), rel=1e-14)
        growth = mean(lambda x: mpmath.tanh(x) * mpmath.sech(x) ** 2 * x / q)
        assert m.growth == pytest.approx(growth, rel=1e-13)


@pytest.mark.parametrize("name", ["tanh", "hardtanh", "gelu"])
@pytest.mark.parametrize("c", [-0.9, 0.4, 0.99])
def test_scipy_agrees_on_pairs(name: str, c: float) -> None:
    """As an iterated integral in u and v given u, other variables than ours."""
    integrate = pytest.importorskip("scipy.integrate")
    q, s = 2.0, math.sqrt(2.0 * (1 - c * c))
    nodes, weights = np.polynomial.legendre.leggauss(60)

    def given_u(u: float) -> float:
        ends = np.unique(np.clip([-10, (-1 - c * u) / s, (1 - c * u) / s, -5, 0, 5, 10], -10, 10))
        total = 0.0
        for low, high in pairwise(ends):
            t = 0.5 * (high + low) + 0.5 * (high - low) * nodes
            values = np.array([phi_by_hand(name, c * u + s * v) for v in t])
            total += 0.5 * (high - low) * float(weights @ (values * np.exp(-t * t / 2))) / math.sqrt(2 * math.pi)
        return total

    def outer(z: float) -> float:
        u = math.sqrt(q) * z
        return phi_by_hand(name, u) * given_u(u) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    k = 1 / math.sqrt(q)
    ends = [-9, -3, -k, 0, k, 3, 9]
    theirs = sum(integrate.quad(outer, low, high, epsabs=1e-11)[0] for low, high in pairwise(ends))
    assert phi_of(name).overlap(q, c) == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("name", sorted(nn.ACTIVATIONS))
def test_growth_is_the_derivative_of_the_moment(name: str) -> None:
    phi = phi_of(name)
    for q in (1e-3, 0.3, 1.0, 20.0):
        h = 1e-5 * q
        up, here, down = phi.moments(q + h), phi.moments(q), phi.moments(q - h)
        assert here.growth == pytest.approx((up.square - down.square) / (2 * h), rel=1e-5, abs=1e-9)
        assert here.slope_growth == pytest.approx((up.slope_square - down.slope_square) / (2 * h), rel=1e-5, abs=1e-6)


# B. One-step moments.

ONE_STEP = {
    "sigmoid": (0.5, 0.293379, 1.846229, 0.15283, 0.1063),
    "tanh": (0.0, 0.394294, 1.592537, 1.17781, 0.4611),
    "erf": (0.0, 0.464559, 1.467167, 1.22570, 0.4086),
    "relu": (0.398942, 0.5, 1.414214, 1.0, 1.0),
    "leaky_relu": (0.319154, 0.52, 1.386750, 1.0, 1.0),
    "elu": (0.160521, 0.644945, 1.245198, 1.0359, 0.8910),
    # selu's χ∥ is 0.78264788 (also by mpmath).
    "selu": (0.0, 1.0, 1.0, 1.07157, 0.7826),
    "gelu": (0.282095, 0.425221, 1.533530, 1.07203, 1.1441),
    "silu": (0.206621, 0.355776, 1.676532, 1.06663, 1.1726),
    "softplus": (0.806059, 0.921246, 1.041867, 0.31846, 0.4921),
}


@pytest.mark.parametrize("name", sorted(ONE_STEP))
def test_one_step_at_unit_variance(name: str) -> None:
    mean, square, gain, chi, parallel = ONE_STEP[name]
    params = {"negative_slope": 0.2} if name == "leaky_relu" else {}
    m, found = phi_of(name, **params).moments(1.0), gains(name, **params)
    assert m.mean == printed(mean, 6) and m.square == printed(square, 6)
    assert found.forward == printed(gain, 6)
    assert found.chi == printed(chi, 4 if name == "elu" else 5)
    assert found.chi_parallel == printed(parallel, 4)
    assert found.stable == (name not in ("gelu", "silu"))
    assert found.backward == pytest.approx(found.forward / math.sqrt(found.chi))
    assert ("exactly 1" in found.warning) == (not found.stable)


def test_relu_correlations() -> None:
    field, c, found = MeanField("relu", math.sqrt(2)), 0.0, {}
    for layer in range(1, 51):
        c = found[layer] = field.c_map(c)
    for layer, value in {1: 0.318310, 2: 0.493731, 5: 0.735946, 10: 0.871536, 50: 0.987862}.items():
        assert found[layer] == printed(value, 6)


# C. The edge of chaos.

EDGES = {
    "tanh": (1, 1.122539, 1.193401, 1.304146, 1.395584, 1.549674),
    "erf": (0.886227, 0.993686, 1.055595, 1.152795, 1.233673, 1.371330),
    "elu": (1, 1.131870, 1.176148, 1.229251, 1.263108, 1.306112),
    "gelu": (2, 1.851903, 1.727078, 1.547009, 1.450470, 1.399868),
    "silu": (2, 1.905014, 1.820052, 1.679532, 1.575621, 1.456947),
}
BIASES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@pytest.mark.parametrize("name", sorted(EDGES))
def test_edge_of_chaos(name: str) -> None:
    for sigma_b, sigma_w in zip(BIASES, EDGES[name], strict=True):
        point = edge_of_chaos(name, sigma_b)
        assert point is not None
        assert point.sigma_w == printed(sigma_w, 6)
        assert point.sigma_b == pytest.approx(sigma_b, abs=1e-9)
        field = MeanField(name, point.sigma_w, point.sigma_b)
        assert field.chi(point.q) == pytest.approx(1, abs=1e-9)
        assert field.q_map(point.q) == pytest.approx(point.q, abs=1e-9)
        back = edge_of_chaos(name, sigma_w=point.sigma_w)
        assert back is not None and back.sigma_b == pytest.approx(sigma_b, abs=1e-7)


@pytest.mark.parametrize(("name", "q"), [("tanh", 0.51208), ("gelu", 0.57564), ("silu", 0.68945)])
def test_fixed_points_on_the_edge(name: str, q: float) -> None:
    point = edge_of_chaos(name, 0.2)
    assert point is not None and point.q == printed(q, 5)


def test_edges_in_closed_form() -> None:
    point = edge_of_chaos("erf")
    assert point is not None and point.sigma_w == pytest.approx(math.sqrt(math.pi) / 2, rel=1e-12)
    relu = edge_of_chaos("relu")
    assert relu is not None and relu.q is None and relu.sigma_w == pytest.approx(math.sqrt(2), rel=1e-14)
    assert edge_of_chaos("relu", 0.1) is None
    assert all(edge_of_chaos("softplus", sigma_b) is None for sigma_b in BIASES)
    assert joint_criticality("softplus") is None


def test_a_published_point_of_the_edge() -> None:
    point = edge_of_chaos("tanh", sigma_w=math.sqrt(1.05))
    assert point is not None and point.q is not None
    assert point.sigma_b**2 == pytest.approx(2.01052e-5, abs=0.5e-10)
    assert point.q == printed(0.0259209, 7)


def test_an_edge_that_signals_do_not_reach_is_called_so() -> None:
    """At σ_w = 2 gelu, silu and (at 5/3) mish are critical only in the limit q → 0: from q = 1 they explode."""
    for name in ("gelu", "silu", "mish"):
        point = edge_of_chaos(name)
        assert point is not None and point.q == 0 and not point.reached
        assert MeanField(name, point.sigma_w).q_star == math.inf
    for name in ("tanh", "erf", "elu", "relu", "sin", "hardtanh", "softsign", "selu"):
        point = edge_of_chaos(name)
        assert point is not None and point.reached


@pytest.mark.parametrize(
    ("sigma_w", "q", "chi", "phase"),
    [(1.3, 0.60705, 0.93981, "ordered"), (2.5, 4.07912, 1.58522, "chaotic"), (4.0, 12.60415, 2.36726, "chaotic")],
)
def test_phases_of_tanh(sigma_w: float, q: float, chi: float, phase: str) -> None:
    field = MeanField("tanh", sigma_w, 0.3)
    assert field.q_star == printed(q, 5) and field.chi() == printed(chi, 5) and field.phase == phase
    assert field.xi_c == pytest.approx(-1 / math.log(field.chi()))
    assert field.trainable_depth == pytest.approx(6 * abs(field.xi_c))
    assert (field.c_star == 1) == (phase == "ordered")
    assert field.c_map(field.c_star) == pytest.approx(field.c_star, abs=1e-12)


def test_joint_criticality_of_gelu() -> None:
    point = joint_criticality("gelu")
    assert point is not None
    assert point.sigma_w**2 == printed(1.98305826, 8) and point.sigma_b**2 == printed(0.17292239, 8)
    assert MeanField("gelu", point.sigma_w, point.sigma_b).chi_parallel(point.q) == pytest.approx(1, abs=1e-9)


def test_joint_criticality_without_biases() -> None:
    for name, sigma_w in (("tanh", 1.0), ("relu", math.sqrt(2)), ("identity", 1.0)):
        point = joint_criticality(name)
        assert point is not None and point.sigma_w == pytest.approx(sigma_w) and point.sigma_b == 0
    assert joint_criticality("sigmoid") is None


# D. Popular choices.


@pytest.mark.parametrize(
    ("name", "sigma_w", "q", "root_chi"),
    [
        ("sigmoid", 1, printed(0.264687, 6), printed(0.23605, 5)),
        ("sigmoid", 1 / math.sqrt(3), printed(0.085034, 6), printed(0.14145, 5)),
        ("tanh", 1, 0, pytest.approx(1, abs=1e-12)),
        ("tanh", 5 / 3, printed(1.178480, 6), printed(1.09992, 5)),
        ("relu", math.sqrt(2), 1, pytest.approx(1, abs=1e-12)),
        ("relu", 1, 0, printed(0.70711, 5)),
        ("selu", 1, pytest.approx(1, abs=1e-12), printed(1.03517, 5)),
        ("gelu", math.sqrt(2), 0, printed(0.70711, 5)),
    ],
)
def test_popular_choices(name: str, sigma_w: float, q: Any, root_chi: Any) -> None:
    """The sigmoid of PyTorch's default is taken without its biases, as the table is."""
    field = MeanField(name, sigma_w)
    assert field.q_star == q
    assert math.sqrt(field.chi()) == root_chi


def test_ten_layers_of_sigmoid() -> None:
    assert math.sqrt(MeanField("sigmoid", 1).chi()) ** 10 == significant(5.4e-7, 2)
    assert math.sqrt(MeanField("sigmoid", 1 / math.sqrt(3)).chi()) ** 10 == significant(3.2e-9, 2)
    assert 0.25**10 == 9.5367431640625e-07


def test_relu_with_xavier_halves_the_gradient_every_two_layers() -> None:
    profile = MeanField("relu", 1).profile(31)
    assert math.sqrt(profile.gradient[0]) == pytest.approx(2.0**-15)
    assert math.sqrt(profile.gradient[0]) == significant(3.1e-5, 2)


def test_variances_that_fall_slowly() -> None:
    """tanh with Xavier: q_l → 1/(2l). gelu with He: q falls to 0. Layer 0 is that with q = 1."""
    q = MeanField("tanh", 1).profile(101).q
    assert 2 * 10 * q[10] == printed(1.044, 3) and 2 * 100 * q[100] == printed(1.0138, 4)
    q = MeanField("gelu", math.sqrt(2)).profile(21, input_square=0.5).q
    for layer, value in {1: 0.85, 5: 0.327, 10: 0.0293, 20: 3.2e-5}.items():
        assert q[layer] == significant(value, 3 if layer in (5, 10) else 2)


def test_the_signal_that_pytorchs_default_keeps() -> None:
    """E a² levels off at what the biases feed (reference: one network of 256 units, hence 8 %)."""
    n = 256
    a = MeanField("relu", 3**-0.5, (3 * n) ** -0.5).profile(20).a_square
    for layer, value in {1: 0.166, 2: 0.028, 5: 0.00097, 10: 0.00087, 20: 0.00083}.items():
        assert a[layer - 1] == pytest.approx(value, rel=math.sqrt(5 * 2 / n))
    assert a[19] == pytest.approx(a[9], rel=1e-2)


# Fixed points are answers, whatever they are.


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "q", "stability", "phase"),
    [
        ("relu", 1.6, 0.0, math.inf, "stable", "chaotic"),
        ("relu", math.sqrt(2), 0.1, math.inf, "marginal", "critical"),
        ("relu", 1.0, 0.1, 0.02, "stable", "ordered"),
        ("tanh", 0.9, 0.0, 0.0, "stable", "ordered"),
        ("tanh", 0.0, 0.5, 0.25, "stable", "ordered"),
        ("tanh", 0.0, 0.0, 0.0, "stable", "ordered"),
        ("identity", 1.0, 0.0, 1.0, "marginal", "critical"),
        ("gelu", 1.7, 0.0, math.inf, "stable", "chaotic"),
    ],
)
def test_fixed_points(name: str, sigma_w: float, sigma_b: float, q: float, stability: str, phase: str) -> None:
    field = MeanField(name, sigma_w, sigma_b)
    point = field.fixed_point()
    assert point.q == pytest.approx(q) and point.stability == stability and field.phase == phase


def test_an_unstable_fixed_point_is_kept_only_from_itself() -> None:
    gain = gains("gelu").forward
    field = MeanField("gelu", gain)
    assert field.fixed_point(1.0).q == 1 and field.fixed_point(1.0).stability == "unstable"
    assert field.fixed_point(1.001).q == math.inf
    assert field.fixed_point(0.999).q == 0


@given(sigma_w=st.floats(0.1, 5), sigma_b=st.floats(0, 2), name=st.sampled_from(["tanh", "sigmoid", "sin", "selu"]))
def test_where_iteration_goes(sigma_w: float, sigma_b: float, name: str) -> None:
    """The answer is a fixed point, and iterating the map from 1 comes nearer to it."""
    field = MeanField(name, sigma_w, sigma_b)
    star = field.q_star
    if math.isfinite(star):
        assert field.q_map(star) == pytest.approx(star, rel=1e-12, abs=1e-25)
        q = 1.0
        for _ in range(30):
            after = field.q_map(q)
            assert abs(after - star) <= abs(q - star) * (1 + 1e-12) + 1e-13
            q = after


def test_correlations_end_where_they_should() -> None:
    assert MeanField("relu", math.sqrt(2)).c_star == 1
    assert MeanField("tanh", 1.7).c_star == 0
    assert math.isnan(MeanField("identity", 1.0).c_star)
    field = MeanField("tanh", 2.0, 0.3)
    c = 0.9
    for _ in range(200):
        c = field.c_map(c)
    assert field.c_star == pytest.approx(c, abs=1e-10)
    h = 1e-6
    assert (1 - field.c_map(1 - h)) / h == pytest.approx(field.chi(), rel=1e-4)


@pytest.mark.parametrize(("name", "edge"), [("relu", math.sqrt(2.0)), ("identity", 1.0)])
def test_a_phase_diagram_on_the_edge_and_without_weights(name: str, edge: float) -> None:
    """χ is (σ_w / edge)² there: nothing at all without weights, critical on the edge, and on no other line."""
    ws = np.array([0.0, 0.5 * edge, edge, 1.001 * edge, 2.0 * edge])
    diagram = theory.phase_diagram(name, ws, [0.0])
    assert diagram.phase.tolist() == [[-1, -1, 0, 1, 1]]
    assert diagram.log_chi[0, 0] == -math.inf and diagram.xi_c[0, 0] == 0.0
    np.testing.assert_allclose(diagram.log_chi[0, 1:], 2.0 * np.log(ws[1:] / edge), 1e-9, 1e-12)
    expected = [-1.0 / (2.0 * math.log(w / edge)) for w in (0.5 * edge, 1.001 * edge, 2.0 * edge)]
    np.testing.assert_allclose(diagram.xi_c[0, [1, 3, 4]], expected, 1e-6)
    assert diagram.xi_c[0, 2] == math.inf and diagram.edge[0] == pytest.approx(edge)


def test_a_phase_diagram_agrees_with_single_networks() -> None:
    ws, bs = np.linspace(0.1, 4, 7), np.linspace(0, 1, 5)
    for name in ("tanh", "relu", "gelu"):
        diagram = theory.phase_diagram(name, ws, bs)
        for i, b in enumerate(bs):
            for j, w in enumerate(ws):
                field = MeanField(name, w, b)
                assert diagram.q[i, j] == pytest.approx(field.q_star, rel=1e-12)
                assert diagram.log_chi[i, j] == pytest.approx(math.log(field.chi()), abs=1e-10)
                assert diagram.xi_c[i, j] == pytest.approx(field.xi_c, rel=1e-8)
                assert diagram.phase[i, j] == {"ordered": -1, "critical": 0, "chaotic": 1}[field.phase]
    assert np.all(np.isnan(theory.phase_diagram("relu", ws, bs).edge[1:]))
    tanh = theory.phase_diagram("tanh", ws, bs)
    np.testing.assert_array_equal(tanh.phase, np.where(ws < tanh.edge[:, None], -1, 1))


# H. Finite width: real random networks.

BY_HAND: dict[str, tuple[Any, Any]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
}


def networks(name: str, sigma_w: float, sigma_b: float, depth: int, width: int, many: int) -> dict[str, Array]:
    """q, a² and the squared gradient's factor of many random networks, (layers, networks)."""
    rng, (phi, slope) = np.random.default_rng(0), BY_HAND[name]
    a = np.tile(np.ones(width), (many, 1))
    ws, zs, q, a2 = [], [], [], []
    for _ in range(depth):
        ws.append(rng.normal(size=(many, width, width)) * sigma_w / math.sqrt(width))
        zs.append(np.einsum("nij,nj->ni", ws[-1], a) + sigma_b * rng.normal(size=(many, width)))
        a = phi(zs[-1])
        q.append(np.mean(zs[-1] ** 2, axis=1))
        a2.append(np.mean(a**2, axis=1))
    g = rng.normal(size=(many, width))
    first = np.sum(g**2, axis=1)
    back = [np.ones(many)]
    for layer in range(depth - 2, -1, -1):
        g = slope(zs[layer]) * np.einsum("nij,ni->nj", ws[layer + 1], g)
        back.append(np.sum(g**2, axis=1) / first)
    return {"q": np.array(q), "a_square": np.array(a2), "gradient": np.array(back[::-1])}


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [("relu", math.sqrt(2), 0.0), ("tanh", 1.3, 0.3), ("tanh", 1.0, 0.0), ("sigmoid", 4.0, 0.1)],
)
def test_random_networks_lie_in_the_bands(name: str, sigma_w: float, sigma_b: float) -> None:
    """The band's centre and width, in logarithms. A sample of 500 knows a standard deviation to 3 %; next orders in
    1/n are depth/n = 8 % of what they add to."""
    depth, width, many = 8, 100, 500
    found = networks(name, sigma_w, sigma_b, depth, width, many)
    profile = MeanField(name, sigma_w, sigma_b).profile(depth, width=width)
    for what, samples in found.items():
        low, high = profile.band(what, 1.0)
        logs = np.log(samples)
        layers = slice(0, depth - 1) if what == "gradient" else slice(0, depth)
        std = 0.5 * np.log(high / low)[layers]
        centre = 0.5 * np.log(high * low)[layers]
        error = 5 * std / math.sqrt(many)
        assert np.all(np.abs(logs.std(axis=1)[layers] / std - 1) < 5 / math.sqrt(2 * many) + depth / width / 2), what
        assert np.all(np.abs(logs.mean(axis=1)[layers] - centre) < error + depth / width * std), what
        low, high = profile.band(what, 4.0)
        outside = (samples < low[:, None] * (1 - 1e-12)) | (samples > high[:, None] * (1 + 1e-12))
        assert np.mean(outside[layers]) < 0.005


def test_relu_of_finite_width() -> None:
    """Var ln‖x_L‖² = 5L/n, and the same for the gradient on its way back."""
    profile = MeanField("relu", math.sqrt(2)).profile(20, width=100)
    np.testing.assert_allclose(profile.log_std_a**2, 5 * np.arange(1, 21) / 100, rtol=1e-12)
    np.testing.assert_allclose(profile.log_std_gradient**2, 5 * np.arange(19, -1, -1) / 100, rtol=1e-12)
    infinite = MeanField("relu", math.sqrt(2)).profile(20)
    assert not infinite.log_std_a.any() and not infinite.log_shift_a.any()
    widths = MeanField("relu", math.sqrt(2)).profile(3, width=[10, 20, 40])
    assert widths.log_std_a[-1] ** 2 == pytest.approx(5 / 10 + 5 / 20 + 5 / 40)


def test_a_network_of_ours_is_as_predicted() -> None:
    model = nn.MLP([256] * 11, "tanh", rng=0, dtype="float64")
    tgi.initialize(model, "xavier", 0)
    profile = MeanField("tanh", 1.0).profile(10, width=256)
    x = np.random.default_rng(1).normal(size=(200, 256))
    with nn.observe() as calls, tgi.no_grad():
        model(x)
    q = np.array([np.mean(c.output.numpy() ** 2) for c in calls if isinstance(c.module, nn.Linear)])
    low, high = profile.band("q", 4.0)
    assert q.shape == (10,) and np.all((q > low) & (q < high))


# A. Horizons.


def test_where_formats_end() -> None:
    assert [theory.underflow(0.25, f) for f in ("fp16", "fp32", "fp64")] == [13, 75, 538]
    assert [theory.overflow(2, f) for f in ("fp16", "bf16", "fp32", "fp64")] == [16, 128, 128, 1024]
    assert theory.underflow(2) is None and theory.overflow(0.5) is None and theory.underflow(1) is None
    assert theory.underflow(0.0) == theory.overflow(1e300) == 1
    assert theory.underflow(-0.25) == 75


@given(factor=st.floats(0.01, 10), dtype=st.sampled_from(["fp16", "fp32"]))
def test_numpy_rounds_there(factor: float, dtype: str) -> None:
    """A power in float64, rounded once by NumPy, is 0 or infinite from there on and not before."""
    to = {"fp16": np.float16, "fp32": np.float32}[dtype]
    factor = round(factor, 3)
    for end, count in ((0.0, theory.underflow(factor, dtype)), (math.inf, theory.overflow(factor, dtype))):
        if count is not None:
            with np.errstate(over="ignore", under="ignore"):
                assert to(factor**count) == end
                assert to(factor ** (count - 1)) != end


def test_bfloat16_ends_there() -> None:
    torch = pytest.importorskip("torch")
    for factor in (0.25, 0.7, 2.0, 1.3):
        count = (theory.underflow if factor < 1 else theory.overflow)(factor, "bf16")
        assert count is not None
        before, after = torch.tensor([factor ** (count - 1), factor**count], dtype=torch.float64).bfloat16().tolist()
        assert after in (0.0, math.inf) and before not in (0.0, math.inf)


def test_the_depth_horizon_of_a_network() -> None:
    chi = MeanField("sigmoid", 1).chi()
    depth = theory.depth_horizon(chi)
    assert depth is not None and math.sqrt(chi) ** depth < 2.0**-150 < math.sqrt(chi) ** (depth - 1)
    assert theory.depth_horizon(1.0) is None
    assert theory.depth_horizon(4.0) == 128


# What counts as an activation.


def test_every_form_of_an_activation_is_the_same() -> None:
    forms = ["tanh", nn.Tanh(), nn.Activation("tanh"), tgi.tanh, np.tanh, lambda x: 2 / (1 + tgi.exp(-2 * x)) - 1]
    for form in forms:
        assert MeanField(form, 1.3, 0.3).chi() == pytest.approx(0.9398074, abs=1e-7)
    assert MeanField(nn.LeakyReLU(0.2), 1).chi() == pytest.approx(0.52)
    assert MeanField(nn.PReLU(), 1).chi() == pytest.approx((1 + 0.25**2) / 2)
    assert MeanField("linear", 1).chi() == 1
    assert phi_of("tanh") is phi_of(nn.Tanh())


def test_unknown_kinks_of_a_function_are_found() -> None:
    def bent(x: Any) -> Any:
        return tgi.where(x > 0.3137, 2.0 * x, 0.5 * x + 0.47055)

    told, found = Phi(bent, kinks=(0.3137,)).moments(1.0), Phi(bent).moments(1.0)
    for name, value in vars(told).items():
        assert vars(found)[name] == pytest.approx(value, rel=1e-10), name


@pytest.mark.parametrize(
    ("form", "error", "message"),
    [
        ("nope", ValueError, "expected an activation out of identity, .*got 'nope'"),
        (lambda x: np.tanh(x.numpy()), TypeError, "given a tensor it returns ndarray"),
        (lambda x: math.tanh(x), TypeError, "given a tensor it fails"),
        (lambda x: tgi.tensor(np.tanh(x.numpy())), TypeError, "does not remember how it was made"),
        (tgi.softmax, ValueError, "element by element"),
        (lambda x: x.sum(), ValueError, "element by element"),
        (tgi.ops.REGISTRY["add"], TypeError, "2 tensors, not one"),
        (3.0, TypeError, "got float"),
        (tgi.log, ValueError, "log: expected a function with a value everywhere"),
        (nn.PReLU(2), None, ""),
    ],
)
def test_what_is_no_activation(form: Any, error: Any, message: str) -> None:
    if error is None:
        assert phi_of(form).name == "leaky_relu"
    else:
        with pytest.raises(error, match=message):
            Phi(form)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MeanField("tanh", -1), "sigma_w to be finite and not negative, got -1"),
        (lambda: MeanField("tanh", 1, math.nan), "sigma_b to be finite"),
        (lambda: MeanField("tanh", 1).q_map(-1.0), "not negative, got -1.0"),
        (lambda: MeanField("tanh", 1, 1).c_map(1.5), r"correlation in \[-1, 1\], got 1.5"),
        (lambda: MeanField("tanh", 1).profile(0), "depth of at least 1"),
        (lambda: MeanField("tanh", 1).profile(3, width=[4, 4]), "3 widths of at least 1"),
        (lambda: MeanField("tanh", 1).profile(3).band("p"), "one of q, a_square, gradient, got 'p'"),
        (lambda: edge_of_chaos("tanh", -0.1), "not negative, got -0.1"),
        (lambda: gains("tanh", 0.0), "positive variance, got 0"),
        (lambda: gains(lambda x: 0.0 * x), "has no gain"),
        (lambda: theory.underflow(math.nan), "finite factor, got nan"),
        (lambda: theory.underflow(0.5, "fp8"), "fp16, bf16, fp32, fp64; got 'fp8'"),
        (lambda: theory.depth_horizon(-1), "not negative, got -1"),
        (lambda: theory.phase_diagram("tanh", [-1.0], [0.0]), "sigma_w to be numbers"),
        (lambda: theory.expectation(np.abs, -1.0), "not negative"),
        (lambda: theory.expectation(lambda x: np.sin(1e9 * x), 1.0), "piecewise smooth"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
