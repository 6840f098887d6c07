"""Distributions of positive numbers, of probabilities, of counts and of vectors: PyTorch's and SciPy's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import distributions

RNG = np.random.default_rng(1)
A, B, C = RNG.uniform(0.3, 3.0, (3, 4, 3))
POSITIVE, INSIDE = RNG.uniform(0.1, 4.0, (4, 3)), RNG.uniform(0.05, 0.95, (4, 3))
COUNTS = RNG.integers(0, 6, (4, 3)).astype(float)
ROOT = np.tril(RNG.normal(size=(3, 3)), -1) + np.diag([1.0, 0.7, 1.4])
SHARES = INSIDE / INSIDE.sum(-1, keepdims=True)
CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "exponential": ("Exponential", {"rate": A}, POSITIVE),
    "laplace": ("Laplace", {"loc": B - 2.0, "scale": A}, POSITIVE - 2.0),
    "log normal": ("LogNormal", {"loc": B - 1.0, "scale": 0.5 * A}, POSITIVE),
    "gamma": ("Gamma", {"concentration": A, "rate": B}, POSITIVE),
    "chi2": ("Chi2", {"df": 2.0 * A}, POSITIVE),
    "student": ("StudentT", {"df": A + 2.5, "loc": B - 1.0, "scale": C}, POSITIVE - 2.0),
    "poisson": ("Poisson", {"rate": A}, COUNTS),
    "beta": ("Beta", {"concentration1": A, "concentration0": B}, INSIDE),
    "dirichlet": ("Dirichlet", {"concentration": A}, SHARES),
    "normal vectors": ("MultivariateNormal", {"loc": A, "scale_tril": ROOT}, POSITIVE),
    "of a covariance": ("MultivariateNormal", {"loc": A[0], "covariance_matrix": ROOT @ ROOT.T}, POSITIVE),
    "of a precision": ("MultivariateNormal", {"loc": A, "precision_matrix": ROOT @ ROOT.T + np.eye(3)}, POSITIVE),
}
ASKED: dict[str, Callable[..., Any]] = {
    "log_prob": lambda p, value: p.log_prob(value),
    "entropy": lambda p, value: p.entropy(),
    "mean": lambda p, value: p.mean,
    "variance": lambda p, value: p.variance,
    "cdf": lambda p, value: p.cdf(value),
    "icdf": lambda p, value: p.icdf(value * 0.0 + 0.3),
}
NOT_THERE = {("Poisson", "entropy"), *((kind, "cdf") for kind in ("Poisson", "Beta", "Dirichlet", "StudentT"))}
CONSTANT = {"Gamma", "Chi2"}  # whose probabilities have no derivative by their parameters


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("case", CASES)
def test_numbers_and_gradients_are_those_of_pytorch(case: str, asked: str) -> None:
    torch = pytest.importorskip("torch")
    kind, given, value = CASES[case]
    without = not hasattr(getattr(distributions, kind), asked) or (kind, asked) in NOT_THERE
    if asked in ("cdf", "icdf") and getattr(getattr(distributions, kind), asked) is getattr(
        distributions.Distribution, asked
    ):
        without = True
    if without:
        assert asked in ("cdf", "icdf", "entropy")
        return
    found = []
    for tensor, room, grad in (
        (torch.tensor, torch.distributions, torch.autograd.grad),
        (tgi.tensor, tgi.distributions, tgi.autograd.grad),
    ):
        inputs = {name: tensor(x, requires_grad=kind not in CONSTANT or asked != "cdf") for name, x in given.items()}
        at = tensor(value, requires_grad=asked in ("log_prob", "cdf") and kind != "Poisson")
        y = ASKED[asked](getattr(room, kind)(**inputs), at)
        wanted = [x for x in (*inputs.values(), at) if x.requires_grad]
        grads = grad(y.sum(), wanted, allow_unused=True)
        found.append(
            [
                y.detach().numpy(),
                *(np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(grads, wanted, strict=True)),
            ]
        )
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)  # PyTorch's ψ' is some 10⁻¹⁰ off


def test_probabilities_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    t = tgi.tensor
    for p, theirs, value in (
        (distributions.Beta(t(A), t(B)), stats.beta(A, B), INSIDE),
        (distributions.StudentT(t(A), t(B), t(C)), stats.t(A, B, C), POSITIVE - 2.0),
        (distributions.Poisson(t(A)), stats.poisson(A), COUNTS - 1.0),
        (distributions.Gamma(t(A), t(B)), stats.gamma(A, scale=1.0 / B), POSITIVE),
        (distributions.Normal(t(A), t(B)), stats.norm(A, B), POSITIVE),
        (distributions.Uniform(t(A), t(A + B)), stats.uniform(A, B), POSITIVE),
    ):
        np.testing.assert_allclose(p.cdf(t(value)).numpy(), theirs.cdf(value), rtol=1e-11)
    for kind in (distributions.Normal, distributions.Laplace):
        p = kind(t(A), t(B))
        np.testing.assert_allclose(p.cdf(p.icdf(t(INSIDE))).numpy(), INSIDE, rtol=1e-12)
    p = distributions.Uniform(t(A), t(A + B))
    np.testing.assert_allclose(p.cdf(p.icdf(t(INSIDE))).numpy(), INSIDE, rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_draws_have_mean_and_variance(case: str) -> None:
    """Of 4000: means within 6 standard errors; the variances' fourth moments are not bounded for all, so roughly."""
    kind, given, _ = CASES[case]
    tgi.manual_seed(0)
    p = getattr(distributions, kind)(**{name: tgi.tensor(x) for name, x in given.items()})
    x = p.sample((4000,)).numpy()
    assert x.shape == (4000, *p.batch_shape, *p.event_shape)
    variance = p.variance.numpy()
    assert np.all(np.abs(x.mean(0) - p.mean.numpy()) < 6.0 * np.sqrt(variance / 4000))
    if kind not in ("LogNormal", "StudentT"):
        np.testing.assert_allclose(x.var(0), np.broadcast_to(variance, x.var(0).shape), rtol=0.35)
    if p.rsample.__func__ is distributions.Distribution.rsample:
        with pytest.raises(NotImplementedError, match="draws have no derivative"):
            p.rsample()
    else:
        q = getattr(distributions, kind)(**{name: tgi.tensor(x, requires_grad=True) for name, x in given.items()})
        assert q.rsample((2,)).requires_grad and not q.sample().requires_grad


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: distributions.Gamma(-1.0, 1.0), "Gamma: expected concentrations above 0, got -1.0"),
        (lambda: distributions.Chi2(0.0), "Chi2: expected concentrations above 0, got 0.0"),
        (lambda: distributions.StudentT(0.0), "StudentT: expected degrees of freedom above 0"),
        (
            lambda: distributions.StudentT(np.inf),
            r"StudentT: expected finite degrees .*Normal\(loc, scale\)\), got inf",
        ),
        (
            lambda: distributions.Normal([0.0, 1.0], [1.0] * 3),
            r"Normal: parameters of shapes \(2,\) and \(3,\) do not broadcast",
        ),
        (lambda: distributions.Poisson(-1.0), "Poisson: expected rates of at least 0, got -1.0"),
        (lambda: distributions.Dirichlet(1.0), "Dirichlet: expected the concentrations along an axis"),
        (lambda: distributions.MultivariateNormal(A[0]), "expected one of covariance_matrix"),
        (lambda: distributions.MultivariateNormal(A[0], np.eye(2)), "are not of means and matrices"),
        (
            lambda: distributions.MultivariateNormal(A[0], -np.eye(3)),
            "MultivariateNormal: covariance_matrix is not positive definite",
        ),
    ],
)
def test_what_is_no_distribution(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_draws_by_numpy_are_refused_in_programs() -> None:
    p = distributions.Gamma(1.0, 1.0)
    with pytest.raises(tgi.CaptureError, match=r"numpy\(\) reads the numbers"):
        tgi.capture(lambda x: x + p.sample())(tgi.tensor(1.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", ["log_prob", "cdf", "icdf"])
def test_values_may_be_lists(of: str, dtype: str) -> None:
    for name, given in {"Normal": 2, "Laplace": 2, "Uniform": 2, "Exponential": 1, "LogNormal": 2}.items():
        p = getattr(distributions, name)(*(tgi.tensor(x, dtype=dtype) for x in (0.5, 1.5)[:given]))
        ours, same = getattr(p, of)([0.6, 0.9]), getattr(p, of)(tgi.tensor([0.6, 0.9], dtype=dtype))
        assert ours.dtype == same.dtype == dtype
        np.testing.assert_array_equal(ours.numpy(), same.numpy())


def test_words_are_no_values() -> None:
    with pytest.raises(TypeError, match="expected real numbers, got str"):
        distributions.Normal(0.0, 1.0).log_prob("a")
