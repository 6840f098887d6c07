"""Tables in pipelines: the same as scikit-learn's own encoders make of them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pandas: Any = pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from sklearn.base import clone  # noqa: E402
from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.model_selection import cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

from tinygrad_init.data import DataError  # noqa: E402
from tinygrad_init.estimators import TableEncoder  # noqa: E402

from ..tables import columns  # noqa: E402


def houses() -> Any:
    table = pandas.DataFrame(columns())
    return table.drop(columns="price"), table.price


def test_as_scikit_learn_s_own_encoders() -> None:
    x, y = houses()
    x = x.drop(columns="built")
    x.loc[[3, 9], "area"] = np.nan
    ours = make_pipeline(TableEncoder(missing="mean"), StandardScaler(), Ridge())
    hot = OneHotEncoder(sparse_output=False)
    theirs = make_pipeline(
        make_column_transformer((hot, ["city"]), (SimpleImputer(), ["area"]), ("passthrough", ["lift"])),
        StandardScaler(),
        Ridge(),
    )
    np.testing.assert_allclose(cross_val_score(ours, x, y, cv=4), cross_val_score(theirs, x, y, cv=4), rtol=1e-9)


def test_names_copies_and_columns_in_another_order() -> None:
    x, _ = houses()
    found = TableEncoder().fit(x)
    assert list(found.feature_names_in_) == list(x.columns) and found.n_features_in_ == 4
    assert list(found.get_feature_names_out()) == [
        "city=Bergen", "city=Oslo", "city=Tromsø", "area", "lift", "built",
    ]  # fmt: skip
    turned = x[x.columns[::-1]].sample(frac=1, random_state=0)
    np.testing.assert_array_equal(found.transform(turned), found.transform(x)[turned.index])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found)).transform(x), found.transform(x))
    assert clone(found).get_params() == {"missing": "refuse", "categories": (), "unseen": "refuse"}


def test_what_is_refused() -> None:
    x, _ = houses()
    with pytest.raises(DataError, match="expected missing to be 'refuse', 'mean' or 'indicator'"):
        TableEncoder(missing="drop").fit(x)
    with pytest.raises(DataError, match="row 0, column 'city': 'Bodø' is no category") as error:
        TableEncoder().fit(x).transform(x.assign(city="Bodø"))
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)  # as where searches run in other processes
