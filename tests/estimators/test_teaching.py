"""What estimators say: of data that are hard to learn from, of steps that are too large, and when they are asked."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.exceptions import ConvergenceWarning

import tinygrad_init as tgi
from tinygrad_init.estimators import MLPClassifier, MLPRegressor
from tinygrad_init.estimators.teaching import guessing

Array = np.ndarray[Any, Any]


def table() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    return x, x[:, :3].argmax(1)


def said(estimator: Any, x: Array, y: Array) -> list[str]:
    """All that is said while it is fitted, but that it was not over yet."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        estimator.fit(x, y)
    return [text for warning in heard if "max_iter" not in (text := str(warning.message))]


def test_nothing_is_said_of_what_is_well() -> None:
    x, y = table()
    assert said(MLPClassifier(max_iter=30), x, y) == []
    assert said(MLPRegressor(max_iter=30), x, x[:, 0]) == []


def test_features_of_other_sizes_are_named_as_the_diagnosis_names_them() -> None:
    x, y = table()
    x[:, 2] *= 1e4
    estimator = MLPClassifier(max_iter=30, random_state=0)
    first = said(estimator, x, y)[0]
    assert "feature 2" in first and "StandardScaler" in first and "make_pipeline" in first
    before = MLPClassifier(max_iter=1, learning_rate_init=1e-12, random_state=0)
    said(before, x, y)
    assert before.diagnosis_.verdict.word == "unscaled" and first.startswith(str(before.diagnosis_.verdict.phrase()))


def test_targets_that_are_too_large_are_named() -> None:
    x, _ = table()
    [first, *_] = said(MLPRegressor(max_iter=3), x, 1000 * x[:, 0] + 50)
    assert "targets" in first and "TransformedTargetRegressor" in first


@pytest.mark.parametrize(("rate", "word"), [(30.0, "too large"), (1e-9, "too small")])
def test_steps_of_a_wrong_size_are_named_with_a_better_one(rate: float, word: str) -> None:
    x, y = table()
    estimator = MLPClassifier(max_iter=40, learning_rate_init=rate, random_state=0, batch_size=50)
    found = [text for text in said(estimator, x, y) if "nothing was learned" in text]
    assert len(found) == 1 and word in found[0] and "learning rate" in found[0]


def test_weights_that_are_no_numbers_any_more_are_an_error_with_the_reason() -> None:
    x, _ = table()
    estimator = MLPRegressor(solver="sgd", learning_rate_init=1e6, activation="identity", random_state=0)
    with pytest.raises(ValueError, match="infinite or NaN") as error:
        estimator.fit(x, x[:, 0])
    assert "too large" in str(error.value) and "learning rate" in str(error.value)


def test_the_diagnosis_is_that_of_the_fitted_network() -> None:
    x, y = table()
    fitted = MLPClassifier((12, 12), max_iter=100, learning_rate_init=0.01, random_state=0)
    said(fitted, x, y)
    report = fitted.diagnosis_
    assert report is fitted.diagnosis_ and report.trained and report.verdict.word == "healthy"
    assert report.loss == pytest.approx(tgi.cross_entropy(fitted.model_(x), y).item(), rel=1e-9)
    with pytest.raises(AttributeError, match="not fitted"):
        _ = MLPClassifier().diagnosis_


def test_it_explains_what_was_done() -> None:
    x, y = table()
    fitted = MLPClassifier((12,) * 4, "logistic", max_iter=20, random_state=0)
    said(fitted, x, y)
    text = fitted.explain()
    assert text.startswith("MLPClassifier: 5-12-12-12-12-3, sigmoid, float64\nStart: critical (under xavier gradients")
    assert "adam, 20 epochs" in text and "Are they alive?" in text


@pytest.mark.parametrize(
    ("output", "y", "expected"),
    [
        ("softmax", np.array([0, 0, 1, 2]), 1.5 * np.log(2)),
        ("logistic", np.array([[0.0], [1.0]]), np.log(2)),
        ("identity", np.array([[0.0, 1.0], [2.0, 1.0]]), 0.5),
    ],
)
def test_what_guessing_costs(output: str, y: Array, expected: float) -> None:
    assert guessing(output, y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes"),
        ({"activation": "no such"}, "activation"),
        ({"activation": 3}, "activation"),
        ({"activation": "prelu"}, "activation"),
        ({"init": "no such"}, "initializer"),
        ({"init": None}, "init"),
        ({"solver": "rmsprop"}, "solver"),
        ({"alpha": -1}, "alpha"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"learning_rate_init": np.nan}, "learning_rate_init"),
        ({"max_iter": 1.5}, "max_iter"),
        ({"momentum": 1.1}, "momentum"),
        ({"beta_1": 1.0}, "beta_1"),
        ({"normalization": "group"}, "normalization"),
        ({"early_stopping": "yes"}, "early_stopping"),
        ({"residual": True}, "one size in a row"),
        ({"normalization": "batch", "samples": 1}, "1 sample"),
    ],
)
def test_options_that_are_none_are_refused_with_what_was_expected(options: dict[str, Any], expected: str) -> None:
    x, y = table()
    samples = options.pop("samples", 200)
    with pytest.raises(ValueError, match=expected):
        MLPClassifier(**options).fit(x[:samples], y[:samples])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    x, y = table()
    x[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        MLPClassifier().fit(x, y)


def test_the_room_comes_when_it_is_asked_for() -> None:
    code = (
        "import sys, tinygrad_init as tgi; assert 'sklearn' not in sys.modules; print(tgi.estimators.MLPClassifier())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "MLPClassifier()\n", done.stderr


def test_max_iter_is_a_warning_of_convergence() -> None:
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(max_iter=1).fit(*table())
