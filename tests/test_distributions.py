"""Distributions: probabilities and gradients are PyTorch's, and what is drawn is as probable as is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.distributions import Bernoulli, Categorical, Independent, Normal, Uniform, kl_divergence

RNG = np.random.default_rng(0)
WEIGHTS = [RNG.uniform(0.2, 2.0, (4, 3)) for _ in range(2)]
SHIFTS = [RNG.normal(size=(4, 3)) for _ in range(2)]
CASES: dict[str, tuple[str, list[dict[str, Any]], Any]] = {
    "normal": ("Normal", [{"loc": m, "scale": s} for m, s in zip(SHIFTS, WEIGHTS, strict=True)], SHIFTS[0] * 1.3),
    "categorical": ("Categorical", [{"probs": w} for w in WEIGHTS], np.array([0, 2, 1, 1])),
    "categorical of logits": ("Categorical", [{"logits": s} for s in SHIFTS], np.array([2, 0, 1, 1])),
    "bernoulli": ("Bernoulli", [{"probs": w / 2.1} for w in WEIGHTS], (SHIFTS[0] > 0) * 1.0),
    "bernoulli of logits": ("Bernoulli", [{"logits": s} for s in SHIFTS], (SHIFTS[1] > 0) * 1.0),
}
ASKED: dict[str, Callable[..., Any]] = {
    "log_prob": lambda room, p, q, value: p.log_prob(value),
    "entropy": lambda room, p, q, value: p.entropy(),
    "kl_divergence": lambda room, p, q, value: room.kl_divergence(p, q),
    "independent": lambda room, p, q, value: room.Independent(p, 1).log_prob(value),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("case", CASES)
def test_probabilities_and_their_gradients_are_those_of_pytorch(case: str, asked: str) -> None:
    torch = pytest.importorskip("torch")
    kind, given, value = CASES[case]
    found = []
    for tensor, room, grad in (
        (torch.tensor, torch.distributions, torch.autograd.grad),
        (tgi.tensor, tgi.distributions, tgi.autograd.grad),
    ):
        inputs = [{name: tensor(x, requires_grad=True) for name, x in each.items()} for each in given]
        p, q = (getattr(room, kind)(**each) for each in inputs)
        y = ASKED[asked](room, p, q, tensor(value))
        grads = grad(y.sum(), list(inputs[0].values()), allow_unused=True)
        found.append([y.detach().numpy(), *(np.zeros((4, 3)) if g is None else g.numpy() for g in grads)])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "p", [Normal(1.0, 2.0), Uniform(-1.0, 3.0), Bernoulli(0.3), Bernoulli(logits=0.4)], ids=lambda p: type(p).__name__
)
def test_draws_have_mean_and_variance(p: Any) -> None:
    """Of 40000: each within 5 standard errors; a fourth central moment is at most 3 σ⁴ here."""
    tgi.manual_seed(0)
    x = np.asarray(p.sample((40000,)).tolist())
    assert abs(x.mean() - p.mean.item()) < 5 * (p.variance.item() / x.size) ** 0.5
    assert abs(x.var() - p.variance.item()) < 5 * p.variance.item() * (3 / x.size) ** 0.5


def test_classes_are_drawn_as_often_as_they_are_probable() -> None:
    tgi.manual_seed(0)
    p = Categorical(tgi.tensor([[0.1, 0.0, 0.9], [2.0, 1.0, 1.0]]))
    x = np.asarray(p.sample((20000,)))
    assert x.shape == (20000, 2)
    for row, wanted in zip(x.T, p.probs.numpy(), strict=True):
        often = np.bincount(row, minlength=3) / len(row)
        assert np.all(np.abs(often - wanted) <= 5 * np.sqrt(wanted * (1 - wanted) / len(row)))


def test_gradients_go_through_draws_that_have_them() -> None:
    mean, spread = tgi.tensor([0.0, 1.0], requires_grad=True), tgi.tensor([1.0, 2.0], requires_grad=True)
    z = Normal(mean, spread).rsample()
    z.sum().backward()
    np.testing.assert_allclose(mean.grad.numpy(), 1.0)
    np.testing.assert_allclose(spread.grad.numpy(), (z.numpy() - mean.numpy()) / spread.numpy(), rtol=1e-5)
    assert not Normal(mean, spread).sample().requires_grad
    with pytest.raises(NotImplementedError, match=r"write sample\(\), and a loss of log_prob"):
        Categorical(logits=mean).rsample()


def test_several_draws_may_be_one() -> None:
    p = Independent(Normal(np.zeros((4, 3)), np.ones((4, 3))), 1)
    assert p.log_prob(tgi.zeros(4, 3, dtype=tgi.float64)).shape == p.entropy().shape == (4,)
    assert p.sample((5,)).shape == (5, 4, 3) and p.batch_shape == (4,) and p.event_shape == (3,)


def test_outside_of_its_bounds_nothing_is_probable() -> None:
    found = Uniform(0.0, 2.0).log_prob(tgi.tensor([-1.0, 0.0, 1.0, 2.0]))
    np.testing.assert_allclose(found.numpy(), [-np.inf, -np.log(2), -np.log(2), -np.inf], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Normal(0.0, -1.0), "Normal: expected scales above 0, got -1.0"),
        (lambda: Uniform(1.0, 1.0), "Uniform: expected upper bounds above the lower ones, got 1.0"),
        (lambda: Bernoulli(1.5), "Bernoulli: expected probabilities from 0 to 1, got 1.5"),
        (lambda: Bernoulli(), "Bernoulli: expected either probs or logits, got neither"),
        (lambda: Categorical(tgi.ones(2), tgi.ones(2)), "Categorical: expected either probs or logits, got both"),
        (
            lambda: Categorical(tgi.tensor([0.5, -0.5])),
            "Categorical: expected weights of at least 0",
        ),
        (lambda: Categorical(0.5), "Categorical: expected the classes along an axis"),
        (lambda: Independent(Normal(0.0, 1.0), 1), r"Independent: expected from 0 to 0 axes"),
    ],
)
def test_what_is_no_distribution(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_distributions_without_a_formula() -> None:
    with pytest.raises(NotImplementedError, match="got Normal and Bernoulli; write"):
        kl_divergence(Normal(0.0, 1.0), Bernoulli(0.5))


BEYOND: dict[str, tuple[Callable[[], Any], float, float]] = {  # a distribution, a value, and the share below it
    "gamma": (lambda: tgi.distributions.Gamma(1.0, 1.0), -1.0, 0.0),
    "gamma, curved": (lambda: tgi.distributions.Gamma(2.0, 1.0), -1.0, 0.0),
    "chi2": (lambda: tgi.distributions.Chi2(2.0), -4.0, 0.0),
    "beta": (lambda: tgi.distributions.Beta(1.0, 1.0), 2.0, 1.0),
    "beta, curved": (lambda: tgi.distributions.Beta(2.0, 1.0), -1.0, 0.0),
}


@pytest.mark.parametrize("case", BEYOND)
def test_nothing_is_probable_beyond_the_numbers_of_a_distribution(case: str) -> None:
    make, value, below = BEYOND[case]
    assert make().log_prob(tgi.tensor(value)).item() == -np.inf
    assert make().cdf(tgi.tensor(value)).item() == below
    assert tgi.distributions.LogNormal(0.0, 1.0).log_prob(tgi.tensor(0.0)).item() == -np.inf
    assert tgi.distributions.Dirichlet(tgi.ones(2)).log_prob(tgi.tensor([1.5, -0.5])).item() == -np.inf


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda k: tgi.distributions.Gamma(k, 1.0 + 0.0 * k), 2.0),
        (lambda k: tgi.distributions.Beta(k, 2.0 + 0.0 * k), 0.3),
        (lambda k: tgi.distributions.Beta(2.0 + 0.0 * k, k), 0.3),
        (lambda k: tgi.distributions.Chi2(2.0 * k), 3.0),
        (lambda k: tgi.distributions.Dirichlet(tgi.stack([k, 2.0 + 0.0 * k])), [0.2, 0.8]),
    ],
)
def test_a_concentration_of_one_is_like_those_beside_it(make: Callable[[Any], Any], value: Any) -> None:
    """There the power of x is 0, and its derivative by the concentration is not."""
    at = tgi.tensor(1.0, "float64", requires_grad=True)
    assert tgi.gradcheck(lambda k: make(k).log_prob(tgi.tensor(value, "float64")), at)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"covariance_matrix": [[1.0, 0.5], [0.0, 1.0]]}, "covariance_matrix symmetric"),
        ({"covariance_matrix": [[np.nan, 0.0], [0.0, 1.0]]}, "covariance_matrix symmetric and finite"),
        ({"precision_matrix": [[1.0, 0.5], [0.0, 1.0]]}, "precision_matrix symmetric"),
        ({"scale_tril": [[1.0, 1.0], [1.0, 1.0]]}, "lower triangular"),
        ({"scale_tril": [[-1.0, 0.0], [0.0, 1.0]]}, "positive diagonal"),
    ],
)
def test_what_is_no_covariance(given: dict[str, Any], said: str) -> None:
    name, numbers = next(iter(given.items()))
    with pytest.raises(ValueError, match=said):
        tgi.distributions.MultivariateNormal(tgi.zeros(2), **{name: tgi.tensor(numbers)})
    with pytest.raises(np.linalg.LinAlgError, match="covariance_matrix is not positive definite"):
        tgi.distributions.MultivariateNormal(tgi.zeros(2), tgi.tensor([[1.0, 2.0], [2.0, 1.0]]))
