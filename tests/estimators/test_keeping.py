"""Estimators in files, in other tools of scikit-learn, and on tables with names."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tinygrad_init.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK: dict[str, Any] = {"max_iter": 15, "learning_rate_init": 0.01, "random_state": 0}
IRIS = load_iris(return_X_y=True)


def by_joblib(estimator: Any) -> Any:
    import joblib

    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def by_skops(estimator: Any) -> Any:
    sio = pytest.importorskip("skops.io", reason="skops is not installed")
    file = sio.dumps(estimator)
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    assert sio.get_untrusted_types(data=file) == [name]  # all else in it are plain values
    return sio.loads(file, trusted=[name])


WAYS = {
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "copy": copy.deepcopy,
    "joblib": by_joblib,
    "skops": by_skops,
}


@pytest.mark.parametrize("options", [{}, {"normalization": "batch", "hidden_layer_sizes": (8, 8), "residual": True}])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_again_is_the_same_and_learns_on(way: str, options: dict[str, Any]) -> None:
    x, y = IRIS
    fitted = MLPClassifier(**QUICK, **options)
    for _ in range(3):
        fitted.partial_fit(x, y, classes=[0, 1, 2])
    again = WAYS[way](fitted)
    assert np.array_equal(again.predict_proba(x), fitted.predict_proba(x))
    assert again.get_params() == fitted.get_params() and again.loss_curve_ == fitted.loss_curve_
    for one in (fitted, again):
        one.partial_fit(x, y).partial_fit(x, y)
    assert np.array_equal(again.predict_proba(x), fitted.predict_proba(x))


def test_a_file_has_no_data_in_it() -> None:
    x, y = IRIS
    fitted = MLPClassifier(**QUICK).fit(x, y)
    assert fitted.diagnosis_ and not {"_seen", "_report"} & fitted.__getstate__().keys()
    with pytest.raises(AttributeError, match="data are not saved"):
        _ = pickle.loads(pickle.dumps(fitted)).diagnosis_


def test_tools_of_scikit_learn_take_them() -> None:
    x, y = IRIS
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    search = GridSearchCV(pipe, {"mlpclassifier__hidden_layer_sizes": [(4,), (16, 16)]}, cv=3).fit(x, y)
    assert search.best_score_ > 0.8 and search.predict(x).shape == (150,)
    assert cross_val_score(pipe, x, y, cv=3).mean() > 0.8
    calibrated = CalibratedClassifierCV(pipe, cv=3).fit(x, y)
    assert np.allclose(calibrated.predict_proba(x).sum(1), 1)
    assert clone(search.best_estimator_).get_params().keys() == search.best_estimator_.get_params().keys()
    x, y = load_diabetes(return_X_y=True)
    inner = make_pipeline(StandardScaler(), MLPRegressor(**QUICK))
    target = TransformedTargetRegressor(inner, transformer=StandardScaler()).fit(x, y)
    assert target.score(x, y) > 0.4


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_with_names(library: str) -> None:
    frames = pytest.importorskip(library, reason=f"{library} is not installed")
    x, y = IRIS
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    frame = frames.DataFrame({name: x[:, i] for i, name in enumerate(names)})
    if not hasattr(StandardScaler().fit(frame), "feature_names_in_"):
        pytest.skip(f"this scikit-learn does not read the names of {library}")
    fitted = MLPClassifier(**QUICK).fit(frame, frames.Series(y))
    assert fitted.feature_names_in_.tolist() == names and fitted.n_features_in_ == 4
    assert np.array_equal(fitted.predict(frame), MLPClassifier(**QUICK).fit(x, y).predict(x))
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[names[::-1]])


def test_shown_as_scikit_learn_shows_its_own() -> None:
    assert repr(MLPClassifier(alpha=0.5)) == "MLPClassifier(alpha=0.5)"
    page = MLPClassifier(**QUICK).fit(*IRIS)._repr_html_()
    assert "sk-estimator" in page and "MLPClassifier" in page
