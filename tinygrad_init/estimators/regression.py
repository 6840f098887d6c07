"""A multilayer perceptron that predicts numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from .perceptron import Perceptron

Array = np.ndarray[Any, Any]


class MLPRegressor(RegressorMixin, Perceptron):
    """A multilayer perceptron for regression, of one target or several.

    The loss is half the squared error, summed over the targets, and L2 regularization, as in scikit-learn's class of
    this name, whose parameters mean the same here; `init`, `normalization`, `residual`, `diagnosis_` and `explain` are
    new.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The number of units of each hidden layer.
    activation, init, normalization, residual, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t
        As in `MLPClassifier`.
    max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping
        As in `MLPClassifier`; early stopping goes by R².
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in `MLPClassifier`.

    Attributes
    ----------
    model_, init_, diagnosis_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_, n_iter_, t_
        As in `MLPClassifier`.
    coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in `MLPClassifier`.
    """

    def _targets(self, y: Array, again: bool, classes: Any = None) -> Array:
        columns = y.reshape(len(y), -1)
        if again and (columns.shape[1] != self.n_outputs_):
            raise ValueError(f"expected {self.n_outputs_} targets as before, got {columns.shape[1]}")
        self.n_outputs_, self.out_activation_ = columns.shape[1], "identity"
        return columns

    def _score_of(self, output: Array, y: Array, w: Array | None) -> float:
        return float(r2_score(y, output, sample_weight=w)) if np.isfinite(output).all() else -np.inf

    def predict(self, X: Any) -> Array:
        """Predict the targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        found = self._outputs(X)
        return found.ravel() if self.n_outputs_ == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
