"""How estimators learn: repeatable, weighted, stopped early, continued, and from whatever kind of table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from tinygrad_init import nn
from tinygrad_init.estimators import MLPClassifier, MLPRegressor
from tinygrad_init.estimators.learning import Patience, batches
from tinygrad_init.estimators.networks import Design, gradient_factor
from tinygrad_init.programs import Captured

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
Array = np.ndarray[Any, Any]


def table(samples: int = 90) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 5))
    return x, np.array(["a", "b", "c"])[x[:, :3].argmax(1)]


OPTIONS: list[dict[str, Any]] = [
    {"batch_size": 20},
    {"solver": "sgd", "early_stopping": True, "validation_fraction": 0.2, "batch_size": 16},
    {"normalization": "batch", "batch_size": 16, "hidden_layer_sizes": (12, 12), "residual": True},
    {"activation": "sigmoid", "hidden_layer_sizes": (8, 8, 8, 8)},
    {"init": "lsuv", "activation": "selu"},
    {"solver": "lbfgs"},
]


@pytest.mark.parametrize("seed", [7, "state"])
@pytest.mark.parametrize("options", OPTIONS)
def test_runs_repeat_bit_for_bit(options: dict[str, Any], seed: Any) -> None:
    x, y = table()
    fits = [
        MLPClassifier(max_iter=8, random_state=np.random.RandomState(3) if seed == "state" else seed, **options)
        for _ in range(2)
    ]
    first, second = (fit.fit(x, y).predict_proba(x) for fit in fits)
    assert np.array_equal(first, second)
    other = clone(fits[0]).set_params(random_state=8).fit(x, y)
    assert not np.array_equal(first, other.predict_proba(x))


def test_without_a_seed_each_fit_is_another() -> None:
    x, y = table()
    first, second = (MLPClassifier(max_iter=3).fit(x, y).predict_proba(x) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_stay_as_wide_as_they_come(dtype: Any) -> None:
    x, y = table()
    fitted = MLPClassifier(max_iter=3).fit(x.astype(dtype), y)
    assert {p.dtype for p in fitted.model_.parameters()} == {np.dtype(dtype)}
    assert fitted.predict_proba(x.astype(dtype)).dtype == dtype
    target = MLPRegressor(max_iter=3).fit(x.astype(dtype), x[:, 0])
    assert target.predict(x.astype(dtype)).dtype == dtype


def test_one_program_is_kept_for_each_shape() -> None:
    x, y = table(70)
    fitted = MLPClassifier(batch_size=32).partial_fit(x, y, classes=["a", "b", "c"])
    for _ in range(5):
        fitted.partial_fit(x, y)
    assert len(fitted._learner.learn.program.programs) == 2  # batches of 32 and the last of 6
    assert fitted._learner.learn.refused is None


def test_normalization_by_batches_needs_no_new_programs_when_it_is_looked_at_in_between() -> None:
    x, y = table(70)
    fitted = MLPClassifier(batch_size=32, normalization="batch", hidden_layer_sizes=(9,))
    for _ in range(5):
        fitted.partial_fit(x, y, classes=["a", "b", "c"]).predict(x)
    assert len(fitted._learner.learn.program.programs) == 2


def test_samples_of_weight_zero_are_as_if_they_were_not_there() -> None:
    """Also with several batches, whose sizes depend on how many samples there are."""
    x, y = table()
    weights = np.linspace(0.5, 2, len(x)) * (np.arange(len(x)) % 3 > 0)
    keep = weights > 0
    options = {"batch_size": 16, "max_iter": 5, "random_state": 0, "normalization": "batch"}
    one = MLPClassifier(**options).fit(x, y, sample_weight=weights)
    other = MLPClassifier(**options).fit(x[keep], y[keep], sample_weight=weights[keep])
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))
    with pytest.raises(ValueError, match="weight"):
        MLPClassifier().fit(x, y, sample_weight=np.zeros(len(x)))


def test_weights_of_classes_are_weights_of_their_samples() -> None:
    x, y = table()
    options = {"max_iter": 5, "random_state": 0}
    one = MLPClassifier(class_weight={"a": 3.0, "b": 1.0, "c": 1.0}, **options).fit(x, y)
    other = MLPClassifier(**options).fit(x, y, sample_weight=np.where(y == "a", 3.0, 1.0))
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))
    assert not np.array_equal(one.predict_proba(x), MLPClassifier(**options).fit(x, y).predict_proba(x))


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_sparse_matrices_give_what_arrays_give(kind: str) -> None:
    x, y = table()
    x = np.where(np.abs(x) > 0.7, x, 0.0)
    options = {"batch_size": 16, "max_iter": 5, "random_state": 0}
    dense, sparse = (MLPClassifier(**options).fit(given, y) for given in (x, scipy.sparse.csr_array(x).asformat(kind)))
    assert np.array_equal(dense.predict_proba(x), sparse.predict_proba(scipy.sparse.csr_array(x).asformat(kind)))


def test_early_stopping_keeps_the_best_weights() -> None:
    x, y = table(200)
    fitted = MLPClassifier(early_stopping=True, max_iter=60, n_iter_no_change=5, random_state=0, solver="sgd",
                           learning_rate_init=0.3, batch_size=16).fit(x, y)  # fmt: skip
    assert fitted.n_iter_ == len(fitted.validation_scores_) < 60
    assert fitted.best_validation_score_ == max(fitted.validation_scores_) > 0.7
    assert fitted.best_loss_ is None and MLPClassifier(max_iter=2).fit(x, y).validation_scores_ is None
    with pytest.raises(ValueError, match="at least 2 samples"):
        MLPRegressor(early_stopping=True).fit(x[:8], x[:8, 0])


def test_warm_start_goes_on_and_refuses_what_does_not_fit() -> None:
    x, y = table()
    fitted = MLPClassifier(warm_start=True, max_iter=4, random_state=0).fit(x, y)
    model = fitted.model_
    fitted.fit(x, y)
    assert fitted.model_ is model and len(fitted.loss_curve_) == 8 and fitted.n_iter_ == 4
    assert fitted.loss_curve_[4] < fitted.loss_curve_[0]
    with pytest.raises(ValueError, match="same classes"):
        fitted.fit(x[y != "a"], y[y != "a"])
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        fitted.set_params(hidden_layer_sizes=(3,)).fit(x, y)
    fitted.set_params(warm_start=False).fit(x, y)
    assert fitted.model_ is not model and fitted.coefs_[0].shape == (5, 3)


def test_learning_part_by_part_remembers_the_optimizer() -> None:
    """Two halves of the data, an epoch each, are one epoch of both in order."""
    x, y = table(80)
    options = {"batch_size": 40, "shuffle": False, "random_state": 0}
    whole = MLPClassifier(max_iter=1, **options).fit(x, y)
    parts = MLPClassifier(**options)
    for part in (slice(40), slice(40, 80)):
        parts.partial_fit(x[part], y[part], classes=["a", "b", "c"])
    assert np.array_equal(whole.predict_proba(x), parts.predict_proba(x))
    assert parts.t_ == 80
    with pytest.raises(ValueError, match="classes"):
        MLPClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match="classes"):
        parts.partial_fit(x, np.where(y == "a", "z", y))
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(early_stopping=True), "partial_fit")


def test_several_targets_and_several_labels() -> None:
    x, _ = table(300)
    targets = np.stack([x[:, 0] + x[:, 1], x[:, 2] - 1], axis=1)
    found = MLPRegressor(random_state=0, learning_rate_init=0.01).fit(x, targets)
    assert found.predict(x).shape == targets.shape and found.score(x, targets) > 0.98
    labels = (x[:, :4] > 0.3).astype(int)
    several = MLPClassifier(random_state=0, learning_rate_init=0.01).fit(x, labels)
    assert several.out_activation_ == "logistic" and several.score(x, labels) > 0.9
    assert several.predict_proba(x).shape == (300, 4)


def test_the_module_can_be_had_and_its_weights_are_those_of_the_estimator() -> None:
    x, y = table()
    fitted = MLPClassifier((6, 6), max_iter=2, normalization="layer", residual=True, random_state=0).fit(x, y)
    kinds = [type(module) for module in fitted.model_]
    assert kinds == [nn.Linear, nn.LayerNorm, nn.Activation, nn.Residual, nn.Linear]
    assert [w.shape for w in fitted.coefs_] == [(5, 6), (6, 6), (6, 3)]
    assert np.shares_memory(fitted.coefs_[0], fitted.model_[0].weight.numpy())
    logits = fitted.model_(x).numpy()
    assert np.array_equal(fitted.classes_[logits.argmax(1)], fitted.predict(x))
    assert not hasattr(MLPClassifier(), "coefs_")
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(x)


def test_auto_takes_the_start_of_the_activation_or_the_edge_of_chaos() -> None:
    def chosen(activation: str, depth: int, **more: Any) -> str:
        options = {"normalization": None, "residual": False, "dtype": "float64"} | more
        return Design((5, *[6] * depth, 3), activation, **options).start("auto")[0]

    assert [chosen("relu", depth) for depth in (1, 50)] == ["he", "he"]
    assert [chosen("tanh", depth) for depth in (1, 3)] == ["xavier", "xavier"]
    assert [chosen("sigmoid", depth) for depth in (1, 4)] == ["xavier", "critical"]
    assert chosen("gelu", 1) == "critical" and chosen("relu", 2, residual=True) == "fixup"
    assert chosen("sigmoid", 4, normalization="batch") == "xavier" and chosen("relu", 0) == "xavier"
    # Each layer of sigmoids multiplies by at most 1/4 where σ_w = 1, and by nearly that at z = 0.
    assert 4.0**-4 * 0.5 < gradient_factor("sigmoid", 1.0, 4) < 4.0**-4
    assert gradient_factor("relu", 2.0, 30) == pytest.approx(1.0)


def test_a_deep_network_of_sigmoids_learns_from_where_auto_starts_it() -> None:
    """Under "xavier" its first layer is a hundred thousand times slower than the last, and it goes on guessing."""
    x, y = table(200)
    deep: dict[str, Any] = {"hidden_layer_sizes": (30,) * 8, "activation": "logistic", "random_state": 0}

    def first_over_last(init: str) -> float:
        plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.0}
        fitted = MLPClassifier(init=init, max_iter=1, warm_start=True, **plain, **deep).fit(x, y)
        before = [np.array(w) for w in fitted.coefs_]
        moved = [np.abs(w - b).mean() for w, b in zip(fitted.fit(x, y).coefs_, before, strict=True)]
        return float(moved[0] / moved[-1])

    assert first_over_last("xavier") < 1e-4 < 1e-3 < first_over_last("auto")
    lost, found = (MLPClassifier(init=i, learning_rate_init=3e-3, **deep).fit(x, y) for i in ("xavier", "auto"))
    assert lost.score(x, y) < 0.5 < 0.9 < found.score(x, y)


def test_batches_and_patience() -> None:
    assert batches(10, 4) == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert batches(9, 4, least=2) == [slice(0, 4), slice(4, 9)] and batches(1, 4, least=2) == [slice(0, 1)]
    patience = Patience(tol=0.1, most=2)
    assert [patience.better(v) for v in (5.0, 4.0, 3.95, 3.9, 4.2)] == [True, True, True, True, False]
    assert patience.over and patience.count == 3 and patience.best == 3.9


def test_training_that_is_not_over_says_so() -> None:
    x, y = table()
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs are over"):
        MLPClassifier(max_iter=2).fit(x, y)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_every_size_of_a_batch_is_captured_once(solver: str) -> None:
    """Own code is traced once, and the first program is true although the optimizer had nothing to remember before."""
    x, y = table()
    learner = MLPClassifier(batch_size=40, solver=solver, max_iter=3).fit(x, y)._learner
    assert learner is not None and isinstance(learner.learn.program, Captured)
    assert learner.learn.program.captures == 2  # of 40 and of 10
