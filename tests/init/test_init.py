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

from ..strategies import seeds

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
    "lecun_truncated_normal_": (init.lecun_truncated_normal_, 1 / 80),
    "xavier_truncated_normal_": (init.xavier_truncated_normal_, 2 / 200),
    "kaiming_truncated_normal_": (init.kaiming_truncated_normal_, 2 / 80),
    "kaiming fan_geo_avg": (lambda w, rng: init.kaiming_normal_(w, rng, mode="fan_geo_avg"), 2 / math.sqrt(9600)),
    "critical_ relu": (lambda w, rng: init.critical_(w, rng, "relu"), 2 / 80),
    "critical_ tanh": (lambda w, rng: init.critical_(w, rng, "tanh"), 1 / 80),
    "critical_ tanh, biases": (lambda w, rng: init.critical_(w, rng, "tanh", 0.3), 1.395584**2 / 80),
    "sparse_": (init.sparse_, 15 / 80),
    "sparse_, share": (lambda w, rng: init.sparse_(w, rng, sparsity=0.8, std=2), 0.2 * 4),
} | {
    f"variance_scaling_ {mode} {distribution}": (
        lambda w, rng, mode=mode, distribution=distribution: init.variance_scaling_(w, rng, 3.0, mode, distribution),
        3 / fan,
    )
    for mode, fan in {"fan_in": 80, "fan_out": 120, "fan_avg": 100, "fan_geo_avg": math.sqrt(9600)}.items()
    for distribution in ("normal", "truncated_normal", "uniform")
}
# E x⁴/σ⁴ - 1, where it is not at most 2: numbers that are mostly 0.
HEAVY = {"sparse_": 3 * 80 / 15 - 1, "sparse_, share": 3 / 0.2 - 1}


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_variance_is_as_promised(name: str) -> None:
    """Within five standard errors of a sample variance, σ²√(κ/N) with κ = E x⁴/σ⁴ - 1."""
    fill, variance = PROMISED[name]
    w = tgi.tensor(np.zeros(SHAPE))
    samples = [fill(w, np.random.default_rng(seed)).numpy().ravel().copy() for seed in range(10)]
    values = np.concatenate(samples)
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 5 * math.sqrt(HEAVY.get(name, 2) / values.size)


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
    if name not in ("zeros", "constant", "identity"):
        assert np.any(start(1) != start(2))


@pytest.mark.parametrize("name", ["small", "large", "lecun", "xavier", "he", "he_fan_out"])
def test_starts_by_name_have_the_variance_that_they_are_known_for(name: str) -> None:
    """ "small" and "large" are a hundredth and a hundred times LeCun's 1/fan_in."""
    rows, columns = 300, 200
    w = init.INITIALIZERS[name](tgi.tensor(np.zeros((rows, columns))), np.random.default_rng(0), "tanh").numpy()
    variances = {
        "small": 0.01 / columns,
        "large": 100 / columns,
        "lecun": 1 / columns,
        "xavier": 2 / (rows + columns),
        "he": 2 / columns,
        "he_fan_out": 2 / rows,
    }
    assert np.var(w) == pytest.approx(variances[name], rel=0.03)


def test_the_constant_start_is_a_tenth() -> None:
    w = init.INITIALIZERS["constant"](tgi.tensor(np.zeros((3, 2))), np.random.default_rng(0), "tanh").numpy()
    assert np.all(w == 0.1)


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
        (
            lambda w, rng: init.kaiming_normal_(w, rng, mode="sideways"),
            "fan_in, fan_out, fan_avg, fan_geo_avg, got 'sideways'",
        ),
        (lambda w, rng: init.lecun_normal_(w[0], rng), r"at least 2 axes \(out, in, \*window\), got shape \(3,\)"),
        (lambda w, rng: init.orthogonal_(w[0], rng), "at least 2 axes"),
        (lambda w, rng: init.variance_scaling_(w, rng, -1), "scale must be finite and not negative, got -1"),
        (
            lambda w, rng: init.variance_scaling_(w, rng, distribution="cauchy"),
            "truncated_normal, uniform, got 'cauchy'",
        ),
        (lambda w, rng: init.truncated_normal_(w, rng, low=1, high=1), "low < high, got 1 and 1"),
        (lambda w, rng: init.truncated_normal_(w, rng, low=10, high=11), "next to nothing"),
        (lambda w, rng: init.delta_orthogonal_(w, rng), r"kernel \(out, in, \*window\)"),
        (lambda w, rng: init.delta_orthogonal_(tgi.tensor(np.zeros((2, 3, 3))), rng), "as many channels out as in"),
        (lambda w, rng: init.eye_(w[0]), "expected a matrix, got shape"),
        (lambda w, rng: init.dirac_(w), "expected a kernel"),
        (lambda w, rng: init.dirac_(tgi.tensor(np.zeros((4, 3, 3))), groups=3), "divides 4 channels, got 3"),
        (lambda w, rng: init.fans((4, 3, 3), groups=3), "divides 4 channels, got 3"),
        (lambda w, rng: init.sparse_(w, rng, -1), "must not be negative, got -1"),
        (lambda w, rng: init.sparse_(w, rng, sparsity=1.5), "between 0 and 1, got 1.5"),
        (lambda w, rng: init.sparse_(w[0], rng), "at least 2 axes"),
        (lambda w, rng: init.lecun_normal_(tgi.tensor(np.zeros((3, 0))), rng), "no inputs"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(tgi.tensor(np.zeros((2, 3))), np.random.default_rng(0))


def test_fans() -> None:
    assert init.fans((5, 3)) == (3, 5)
    assert init.fans((4, 1, 3, 3), groups=4) == (9, 9)
    assert init.fans((8, 16, 3, 3), transposed=True)[0] == 72
    assert init.fans((8, 4, 3), groups=2) == (12, 12)
    weight = tgi.nn.Parameter(np.zeros((8, 16, 3, 3)))
    assert init.fans(weight) == (144, 72)
    weight.fans = (72, 144)
    assert init.fans(weight) == (72, 144)
    init.lecun_uniform_(weight, rng=0)
    assert np.abs(weight.numpy()).max() == pytest.approx(math.sqrt(3 / 72), rel=1e-3)


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-1.0, 3.0), (0.5, 0.6), (3.0, math.inf), (-math.inf, -5.0)])
def test_bounds_of_a_truncated_normal(low: float, high: float) -> None:
    """Moments by numerical integration; draws inside the bounds and with these moments, corrected or not."""
    x = np.linspace(max(low, -12.0), min(high, 12.0), 2_000_001)
    density = np.exp(-x * x / 2)
    mean = np.trapezoid(x * density, x) / np.trapezoid(density, x)
    std = math.sqrt(np.trapezoid((x - mean) ** 2 * density, x) / np.trapezoid(density, x))
    assert init.truncated_moments(low, high) == pytest.approx((mean, std), rel=1e-6)
    w = tgi.tensor(np.zeros(40_000))
    raw = init.truncated_normal_(w, rng=0, low=low, high=high, corrected=False).numpy().copy()
    assert low <= raw.min() and raw.max() <= high
    assert abs(raw.mean() - mean) < 5 * std / 200 and abs(raw.std() / std - 1) < 5 * math.sqrt(8) / 2 / 200
    true = init.truncated_normal_(w, np.random.default_rng(0), 1.0, 0.5, low, high).numpy()
    np.testing.assert_allclose(true, 1.0 + 0.5 * (raw - mean) / std, rtol=1e-4, atol=1e-5)


@given(
    out=st.integers(1, 6),
    extra=st.integers(0, 3),
    window=st.sampled_from([(1,), (3,), (4,), (3, 3), (2, 5)]),
    seed=seeds,
)
def test_a_circular_convolution_with_a_delta_orthogonal_kernel_keeps_norms(
    out: int, extra: int, window: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kernel = init.delta_orthogonal_(tgi.tensor(np.zeros((out + extra, out, *window))), rng, 2.0).numpy()
    x = rng.normal(size=(out, *(7 for _ in window)))
    y = np.zeros((out + extra, *x.shape[1:]))
    for place in np.ndindex(*window):
        moved = np.roll(x, tuple(-p for p in place), axis=tuple(range(1, x.ndim)))
        y += np.tensordot(kernel[(..., *place)], moved, axes=1)
    assert np.linalg.norm(y) == pytest.approx(2 * np.linalg.norm(x))


def test_identities_pass_on_their_input() -> None:
    np.testing.assert_array_equal(init.eye_(tgi.tensor(np.zeros((2, 3))), gain=0.5).numpy(), 0.5 * np.eye(2, 3))
    np.testing.assert_array_equal(init.identity_(tgi.tensor(np.zeros((3, 3)))).numpy(), np.eye(3))
    kernel = init.identity_(tgi.tensor(np.zeros((4, 2, 3, 3))), groups=2).numpy()
    np.testing.assert_array_equal(kernel[:, :, 1, 1], np.tile(np.eye(2), (2, 1)))
    assert kernel.sum() == 4


def test_few_connections() -> None:
    w = init.sparse_(tgi.tensor(np.zeros((50, 40))), rng=0, std=3.0).numpy()
    assert np.all(np.count_nonzero(w, axis=1) == 15)
    assert len(np.unique(w != 0, axis=0)) > 40
    assert np.all(np.count_nonzero(init.sparse_(tgi.tensor(np.zeros((50, 4))), rng=0).numpy(), axis=1) == 4)


# Other libraries.

MANY = (300, 200)


def spread(values: Any) -> float:
    return float(np.std(np.asarray(values, np.float64)))


@pytest.mark.parametrize(
    ("ours", "theirs", "kurtosis"),
    [
        (init.xavier_normal_, lambda t, i: i.xavier_normal_(t), 2),
        (init.xavier_uniform_, lambda t, i: i.xavier_uniform_(t), 2),
        (init.kaiming_normal_, lambda t, i: i.kaiming_normal_(t, nonlinearity="relu"), 2),
        (init.kaiming_uniform_, lambda t, i: i.kaiming_uniform_(t, nonlinearity="relu"), 2),
        (init.torch_default_, lambda t, i: i.kaiming_uniform_(t, a=math.sqrt(5)), 2),
        (
            lambda w, rng: init.truncated_normal_(w, rng, 0, 0.3, corrected=False),
            lambda t, i: i.trunc_normal_(t, std=0.3, a=-0.6, b=0.6),
            2,
        ),
        (lambda w, rng: init.orthogonal_(w, rng, 1.5), lambda t, i: i.orthogonal_(t, 1.5), 2),
        (
            lambda w, rng: init.kaiming_normal_(w, rng, "leaky_relu", "fan_out", 0.2),
            lambda t, i: i.kaiming_normal_(t, 0.2, "fan_out"),
            2,
        ),
        (lambda w, rng: init.sparse_(w, rng, sparsity=0.9, std=0.01), lambda t, i: i.sparse_(t, 0.9), 3 / 0.1 - 1),
    ],
)
@pytest.mark.peer
def test_the_spread_is_pytorchs(ours: Any, theirs: Any, kurtosis: float) -> None:
    """Two samples of N = 60 000, each with a relative error of √(κ/4N), κ = E x⁴/σ⁴ - 1."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    a = spread(ours(tgi.tensor(np.zeros(MANY)), np.random.default_rng(0)).numpy())
    b = spread(theirs(torch.zeros(MANY, dtype=torch.float64), torch.nn.init))
    assert a / b == pytest.approx(1, abs=5 * math.sqrt(2 * kurtosis / 4 / 60_000))


@pytest.mark.peer
def test_structures_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    for shape, groups in (((4, 4, 3), 1), ((6, 3, 3, 3), 2), ((2, 5, 4), 1), ((4, 1, 3, 3, 3), 4)):
        ours = init.dirac_(tgi.tensor(np.zeros(shape)), groups=groups).numpy()
        np.testing.assert_array_equal(ours, torch.nn.init.dirac_(torch.zeros(shape), groups).numpy())
    np.testing.assert_array_equal(
        init.eye_(tgi.tensor(np.zeros((3, 5)))).numpy(), torch.nn.init.eye_(torch.zeros(3, 5))
    )
    for conv, fans in (
        (torch.nn.Conv2d(4, 4, 3, groups=4), init.fans((4, 1, 3, 3))),
        (torch.nn.Linear(3, 5), init.fans((5, 3))),
        (torch.nn.Conv1d(3, 8, 5), init.fans((8, 3, 5))),
    ):
        assert torch.nn.init._calculate_fan_in_and_fan_out(conv.weight) == fans


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
@pytest.mark.peer
def test_the_spread_is_jaxs(mode: str, distribution: str) -> None:
    jax = pytest.importorskip("jax")
    shape = (30, 20, 10, 10)
    ours = init.variance_scaling_(
        tgi.tensor(np.zeros(shape)), np.random.default_rng(0), 1.7, mode, distribution
    ).numpy()
    make = jax.nn.initializers.variance_scaling(1.7, mode, distribution, in_axis=1, out_axis=0)
    theirs = np.asarray(make(jax.random.key(0), shape))
    assert spread(ours) / spread(theirs) == pytest.approx(1, abs=5 * math.sqrt(1 / 60_000))
    if distribution != "normal":  # the bounds are the same, too
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


@pytest.mark.parametrize("name", init.ALIASES)
def test_names_of_other_libraries_are_known(name: str) -> None:
    """And mean the same: those that end in "normal" are cut off where Keras and JAX cut them off."""
    model = tgi.nn.MLP((300, 300, 2), rng=0)
    tgi.initialize(model, name, 0)
    weight = model.linears()[0].weight.numpy()
    assert init.start_name(name) in init.INITIALIZERS
    if name in ("he_normal", "glorot_normal", "lecun_normal"):
        assert np.abs(weight).max() < 2.4 * weight.std()
    if name in ("kaiming", "kaiming_normal", "xavier_normal", "glorot"):
        assert np.abs(weight).max() > 3.5 * weight.std()


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an initializer out of zeros, constant, .*; got 'kaming'"):
        init.start_name("kaming")


class TestAsPyTorchHasIt:
    """Numbers in the place of the generator are refused; by name they are taken, and a default generator draws."""

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda w: init.normal_(w, 0, 0.02), r"write normal_\(w, mean=0, std=0\.02, rng=\.\.\.\)"),
            (lambda w: init.uniform_(w, 0, 1), r"write uniform_\(w, low=0, high=1, rng=\.\.\.\)"),
            (lambda w: init.xavier_uniform_(w, 2), r"xavier_uniform_\(w, rng=2\) for a seed, or .*gain=2"),
            (lambda w: init.orthogonal_(w, 1.4), r"gain=1\.4"),
            (lambda w: init.eye_(w, 3), r"gain=3"),
            (lambda w: init.kaiming_normal_(w, 0.1, "fan_out"), r"activation=0\.1, mode='fan_out'"),
        ],
    )
    def test_numbers_in_its_place_are_refused(self, call: Any, message: str) -> None:
        w = tgi.tensor(np.zeros((3, 3)))
        with pytest.raises(TypeError, match=message):
            call(w)
        assert not w.numpy().any(), "and nothing was drawn"

    def test_by_name(self) -> None:
        w, v = tgi.tensor(np.zeros((3, 3))), tgi.tensor(np.zeros((3, 3)))
        init.normal_(w, mean=1.0, std=0.02, rng=5)
        init.normal_(v, np.random.default_rng(5), 1.0, 0.02)
        np.testing.assert_array_equal(w.numpy(), v.numpy())

    def test_the_default_generator(self) -> None:
        w = tgi.tensor(np.zeros((3, 3)))
        tgi.manual_seed(3)
        first, second = init.normal_(w).numpy().copy(), init.normal_(w).numpy().copy()
        assert not np.array_equal(first, second)
        tgi.manual_seed(3)
        np.testing.assert_array_equal(init.normal_(w).numpy(), first)
        with pytest.raises(ValueError, match="non-negative"):
            tgi.manual_seed(-1)


def test_a_large_orthogonal_matrix_is_the_q_of_lapack() -> None:
    """It is made some columns at a time, which only rounding tells."""
    drawn = np.random.default_rng(0).standard_normal((700, 360))
    q, r = np.linalg.qr(drawn)
    w = tgi.zeros((360, 700), dtype="float64")
    tgi.init.orthogonal_(w, rng=0)
    np.testing.assert_allclose(w.numpy(), (q * np.sign(np.diag(r))).T, rtol=0, atol=1e-13)
    np.testing.assert_allclose(w.numpy() @ w.numpy().T, np.eye(360), rtol=0, atol=1e-14)
