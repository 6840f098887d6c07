"""Tables as the first step of a pipeline: dates, truth values, categories and missing values as numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..data import DataError, Encoder, Frame, read
from ..data.encoding import DROP, REFUSE

Array = np.ndarray[Any, Any]


class TableEncoder(TransformerMixin, BaseEstimator):
    """Tables as arrays of numbers, the same way for every table, by names of columns.

    Numbers stay as they are, truth values become 1 and 0, categories a column each, dates days.

    Parameters
    ----------
    missing : {"refuse", "mean", "indicator"}, default="refuse"
        What is done where a value is missing: it is refused; the mean of the column stands for it, or none of the
        categories; or that, and a column that says so.
    categories : sequence of str, default=()
        Columns of numbers that are names, such as postcodes.
    unseen : {"refuse", "none"}, default="refuse"
        What is done to a category that was not there in `fit`: it is refused, or none of them, with a warning.

    Attributes
    ----------
    encoder_ : tinygrad_init.data.Encoder
        What was found; `encoder_.columns` tells what became of each column.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    def __init__(self, missing: str = REFUSE, categories: Any = (), unseen: str = REFUSE) -> None:
        self.missing = missing
        self.categories = categories
        self.unseen = unseen

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find out what becomes of each column.

        Parameters
        ----------
        X
            A table that speaks Arrow (pandas, polars, DuckDB, pyarrow), an array, or a file; see `data.read`.
        y
            Of no use.

        Raises
        ------
        DataError
            A value is missing, a column has too many categories, or nothing that can be learned from.
        """
        if self.missing == DROP or self.unseen not in (REFUSE, "none"):
            raise DataError(
                "TableEncoder: expected missing to be 'refuse', 'mean' or 'indicator', and unseen to be 'refuse' or "
                f"'none'; got {self.missing!r} and {self.unseen!r}"
            )
        frame = self._frame(X)
        self.encoder_ = Encoder(self.missing, tuple(self.categories)).fit(frame)
        self.feature_names_in_ = np.array(list(frame.columns), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return self

    def transform(self, X: Any) -> Array:
        """The columns that `fit` saw, as numbers; more columns, and their order, do not matter.

        Parameters
        ----------
        X
            As in `fit`.

        Returns
        -------
        ndarray of shape (rows, number of features)

        Raises
        ------
        DataError
            A column or a value is missing, or is of another kind; the first row is named.
        """
        check_is_fitted(self)
        return self.encoder_.transform(self._frame(X), self.unseen)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the columns of numbers, such as "city=Paris"."""
        check_is_fitted(self)
        return np.array(self.encoder_.features, dtype=object)

    @staticmethod
    def _frame(X: Any) -> Frame:
        return X if isinstance(X, Frame) else read(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.input_tags.allow_nan = self.missing != REFUSE
        return tags
