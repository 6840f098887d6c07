"""scikit-learn's own checks of estimators, all of them, without exceptions."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    parametrize_with_checks,
)

from tinygrad_init.estimators import MLPClassifier, MLPRegressor

# The checks train on noise and on a handful of samples, of which they do not want to hear anything.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore:.*(unscaled|batch_size):UserWarning"),
]

PLAIN: dict[str, Any] = {}
DEEP = {"hidden_layer_sizes": (32, 32), "normalization": "layer", "residual": True, "activation": "tanh"}
BATCH = {"normalization": "batch", "residual": True, "hidden_layer_sizes": (16, 16)}
DESCENT = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.02, "init": "orthogonal"}
NEWTON = {"solver": "lbfgs", "alpha": 1.0, "max_iter": 20, "activation": "gelu"}
SETTINGS = [
    *(MLPClassifier(**options) for options in (PLAIN, DEEP, DESCENT)),
    *(MLPRegressor(**options) for options in (PLAIN, DEEP, NEWTON)),
]


@parametrize_with_checks(SETTINGS)
def test_every_check_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()])
def test_check_estimator(estimator: Any) -> None:
    check_estimator(estimator)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_normalized_batches_count_samples_by_their_weights(kind: Any) -> None:
    """As if each was there so many times; statistics of the batch as well as those that predictions go by."""
    check_sample_weight_equivalence_on_dense_data(kind.__name__, kind(**BATCH))
    check_sample_weight_equivalence_on_sparse_data(kind.__name__, kind(**BATCH))
