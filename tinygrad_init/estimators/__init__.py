"""Multilayer perceptrons as scikit-learn's estimators (extra: sklearn), which say why they do not learn; tables for
them.

>>> from tinygrad_init.estimators import MLPClassifier
>>> MLPClassifier(hidden_layer_sizes=(64, 64), random_state=0).fit(x, y).predict(x)  # doctest: +SKIP
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401
except ImportError as missing:
    raise ImportError(
        "tinygrad_init.estimators: expected scikit-learn 1.6 or newer to be installed, found none; "
        "pip install 'tinygrad_init[sklearn]', or pip install scikit-learn"
    ) from missing

from .classification import MLPClassifier
from .regression import MLPRegressor
from .tables import TableEncoder

__all__ = ["MLPClassifier", "MLPRegressor", "TableEncoder"]
