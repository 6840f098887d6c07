"""Steps, losses and predictions of scikit-learn's own perceptrons, from the same weights."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.neural_network import MLPClassifier as TheirClassifier  # noqa: E402
from sklearn.neural_network import MLPRegressor as TheirRegressor  # noqa: E402

from tinygrad_init.estimators import MLPClassifier, MLPRegressor  # noqa: E402

Array = np.ndarray[Any, Any]
COMMON = {"hidden_layer_sizes": (7, 5), "alpha": 0.3, "batch_size": 60, "warm_start": True, "random_state": 0}
WEIGHTED = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 7)  # since when theirs take weights


def problem(kind: str) -> tuple[Any, Any, Array, Array]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 4))
    y: Array
    match kind:
        case "regression":
            return MLPRegressor, TheirRegressor, x, x[:, 0] * x[:, 1]
        case "targets":
            return MLPRegressor, TheirRegressor, x, np.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2], axis=1)
        case "two classes":
            y = np.where(x[:, 0] > x[:, 1], "up", "down")
        case "classes":
            y = x.argmax(1) * 10
        case _:
            y = (x[:, :3] > 0.3).astype(int)
    return MLPClassifier, TheirClassifier, x, y


def same_weights(ours: Any, theirs: Any) -> None:
    """Give theirs what ours has."""
    theirs.coefs_ = [np.array(w) for w in ours.coefs_]
    theirs.intercepts_ = [np.array(b) for b in ours.intercepts_]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", ["regression", "targets", "two classes", "classes", "labels"])
def test_a_step_of_gradient_descent_is_theirs(kind: str, activation: str, weighted: bool) -> None:
    if weighted and not WEIGHTED:
        pytest.skip("weights of samples came to scikit-learn's perceptrons with version 1.7")
    ours_kind, theirs_kind, x, y = problem(kind)
    options = {**COMMON, "activation": activation, "solver": "sgd", "learning_rate_init": 0.1, "max_iter": 1}
    weights = {"sample_weight": np.linspace(0.5, 2, 60)} if weighted else {}
    ours = ours_kind(**options).fit(x, y)
    theirs = theirs_kind(**options).fit(x, y)
    same_weights(ours, theirs)
    np.testing.assert_allclose(ours.predict(x) if kind != "two classes" else ours.predict_proba(x),
                               theirs.predict(x) if kind != "two classes" else theirs.predict_proba(x))  # fmt: skip
    before = [np.array(w) for w in ours.coefs_]
    ours.fit(x, y, **weights)
    theirs.fit(x, y, **weights)
    for mine, other, start in zip(ours.coefs_, theirs.coefs_, before, strict=True):
        assert np.abs(mine - start).max() > 1e-4  # there was a step
        np.testing.assert_allclose(mine - start, other - start, rtol=1e-9, atol=1e-12)
    for mine, other in zip(ours.intercepts_, theirs.intercepts_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)
    if kind != "targets":  # theirs averages over targets in the loss, but not in its slope
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_many_steps_over_batches_in_order_are_theirs(solver: str) -> None:
    """The last batch is shorter; Adam's ε is so small that it does not matter where it is added."""
    ours_kind, theirs_kind, x, y = problem("classes")
    options = {**COMMON, "activation": "tanh", "solver": solver, "shuffle": False, "batch_size": 25, "max_iter": 1}
    options |= {"epsilon": 1e-14, "learning_rate_init": 0.01, "n_iter_no_change": 100, "alpha": 0.01}
    ours, theirs = ours_kind(**options).fit(x, y), theirs_kind(**options).fit(x, y)
    same_weights(ours, theirs)
    ours.set_params(max_iter=20).fit(x, y)
    theirs.set_params(max_iter=20).fit(x, y)
    np.testing.assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=1e-6)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)
    assert ours.n_iter_ == theirs.n_iter_ == 20 and ours.t_ == theirs.t_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # of an older scikit-learn's way to call it
@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_lbfgs_comes_to_as_low_a_loss_as_theirs(kind: str) -> None:
    ours_kind, theirs_kind, x, y = problem(kind)
    options = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0, "max_iter": 2000, "tol": 1e-8}
    ours, theirs = ours_kind(**options).fit(x, y), theirs_kind(**options).fit(x, y)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)  # without hidden layers there is one minimum
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-3, atol=1e-3)


def test_every_parameter_of_theirs_has_a_place_here_and_the_same_default() -> None:
    for ours, theirs in ((MLPClassifier(), TheirClassifier()), (MLPRegressor(), TheirRegressor())):
        known, wanted = ours.get_params(), theirs.get_params()
        wanted.pop("loss", None)  # of regression: the squared error is what there is
        assert wanted.items() <= known.items()


@pytest.mark.parametrize("rate", ["invscaling", "adaptive"])
def test_rates_fall_as_theirs_do(rate: str) -> None:
    """Without momentum, which remembers gradients here and steps there."""
    ours_kind, theirs_kind, x, y = problem("classes")
    options = {**COMMON, "solver": "sgd", "learning_rate": rate, "learning_rate_init": 0.2, "momentum": 0.0}
    options |= {"nesterovs_momentum": False, "n_iter_no_change": 3, "tol": 2e-3, "shuffle": False, "power_t": 0.05}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (kind(**options, max_iter=1).fit(x, y) for kind in (ours_kind, theirs_kind))
        same_weights(ours, theirs)
        state = copy.copy(theirs)
        ours._no_improvement_count, ours.best_loss_ = state._no_improvement_count, state.best_loss_
        ours.set_params(max_iter=300).fit(x, y)
        theirs.set_params(max_iter=300).fit(x, y)
    assert ours.n_iter_ == theirs.n_iter_ > 5
    np.testing.assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=1e-6)
