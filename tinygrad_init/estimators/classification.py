"""A multilayer perceptron that tells classes apart."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from .perceptron import Perceptron, goes_on

Array = np.ndarray[Any, Any]


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron for classification, of two classes, of several, or of labels that exclude none.

    The loss is the cross entropy and L2 regularization, as in scikit-learn's class of this name, whose parameters mean
    the same here; `init`, `normalization`, `residual`, `class_weight`, `diagnosis_` and `explain` are new. Steps are
    those of this package's optimizers: Adam's ε is added after the bias correction (Kingma and Ba 2015, algorithm 1),
    and a momentum remembers gradients, not steps, which differs where the rate changes.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The number of units of each hidden layer.
    activation : str, default="relu"
        "identity", "logistic", "tanh", "relu", or any other of `tgi.ops.activations.ACTIVATIONS`.
    init : str, default="auto"
        Where the weights start: a name out of `tgi.init.INITIALIZERS`, "lsuv" or "fixup"; "auto" takes the start that
        suits the activation, or, where mean-field theory has gradients vanish or explode under that for so many layers,
        the edge of chaos. `init_` tells which one it was, `explain` why.
    normalization : {"batch", "layer"} or None, default=None
        Of what the hidden layers get before their activation. Statistics of a batch count its samples by their weights.
    residual : bool, default=False
        Whether the input of a hidden layer is added to its output where they have one size.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        What takes the steps.
    alpha : float, default=0.0001
        The strength of L2 regularization.
    batch_size : int or "auto", default="auto"
        How many samples a step looks at; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        How the rate of "sgd" changes: not; as `learning_rate_init` / (samples seen + 1)^`power_t`; or to a fifth
        whenever nothing is gained any more.
    learning_rate_init, power_t : float, default=0.001 and 0.5
        The rate, and its exponent for "invscaling".
    max_iter : int, default=200
        The largest number of epochs; of iterations, for "lbfgs".
    shuffle : bool, default=True
        Whether every epoch takes the samples in another order.
    random_state : int, RandomState instance or None, default=None
        Where the start, the order and the part that is held out come from.
    tol, n_iter_no_change : float and int, default=1e-4 and 10
        It is over when for so many epochs in a row not as much was gained.
    verbose : bool, default=False
        Whether to show a bar, where the errors of a terminal go.
    warm_start : bool, default=False
        Whether `fit` goes on from where the last one ended.
    momentum, nesterovs_momentum : float and bool, default=0.9 and True
        Of "sgd".
    early_stopping : bool, default=False
        Whether it is over when the score on samples that are held out no longer grows; the best weights are kept.
    validation_fraction : float, default=0.1
        The share of the samples that is held out for that.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999 and 1e-8
        Of "adam".
    max_fun : int, default=15000
        How often "lbfgs" may ask for the loss.
    class_weight : dict, "balanced" or None, default=None
        How much each class counts: sample weights are multiplied by it.

    Attributes
    ----------
    model_ : tinygrad_init.nn.Sequential
        The network, up to the logits.
    init_ : str
        The start that it had.
    diagnosis_ : Report
        What `tgi.diagnose` finds of the fitted network on a part of the training data, when it is first asked for. Not
        saved with the estimator, nor are the data.
    classes_ : ndarray or list of ndarray
        The labels of the classes.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the least, and that of every epoch.
    validation_scores_, best_validation_score_
        The scores on what is held out; None without early stopping.
    n_iter_, t_
        How many epochs the last `fit` took, and how many samples have been seen altogether.
    coefs_, intercepts_
        Weights of shape (inputs, outputs) and biases of the linear maps.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.
    """

    classes_: Array
    _several: bool

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        init: str = "auto",
        normalization: str | None = None,
        residual: bool = False,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes, activation, init=init, normalization=normalization, residual=residual, solver=solver,
            alpha=alpha, batch_size=batch_size, learning_rate=learning_rate, learning_rate_init=learning_rate_init,
            power_t=power_t, max_iter=max_iter, shuffle=shuffle, random_state=random_state, tol=tol, verbose=verbose,
            warm_start=warm_start, momentum=momentum, nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping, validation_fraction=validation_fraction, beta_1=beta_1, beta_2=beta_2,
            epsilon=epsilon, n_iter_no_change=n_iter_no_change, max_fun=max_fun,
        )  # fmt: skip
        self.class_weight = class_weight

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn from data once, a batch after the other, from where the network is.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed the first time.

        Returns
        -------
        self
        """
        if classes is None and "model_" not in vars(self):
            raise ValueError("partial_fit: expected classes, all labels there will be, at the first call; got None")
        return self._fit(X, y, sample_weight, True, classes)

    def _targets(self, y: Array, again: bool, classes: Any = None) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        several = type_of_target(y) == "multilabel-indicator"
        if type_of_target(y).endswith("multioutput"):
            raise ValueError(f"expected one column of classes, or 0 and 1 for each label; got {type_of_target(y)}")
        labels = unique_labels(y)
        known = self.classes_ if again else labels if classes is None else np.unique(classes)
        if classes is not None and not np.array_equal(known, np.unique(classes)):
            raise ValueError(f"partial_fit: expected the classes of the first call, {known}; got {np.unique(classes)}")
        strange = np.setdiff1d(labels, known)
        missing = again and classes is None and self.warm_start and not np.array_equal(known, labels)
        if strange.size or missing:
            raise ValueError(f"expected the same classes as before, {known}; `y` has {labels}")
        binarizer = LabelBinarizer().fit(y if several else known)
        if not again:
            self.classes_ = known
            kind = "softmax" if len(known) > 2 and not several else "logistic"
            self.out_activation_, self._several = kind, several
            self.n_outputs_ = len(known) if several or kind == "softmax" else 1
        if self._several != several:
            raise ValueError("expected labels as they were learned before: one class each, or any number of labels")
        if self.out_activation_ == "softmax":
            return np.searchsorted(known, y).astype(np.int64)
        return np.asarray(binarizer.transform(y)).reshape(len(y), -1)

    def _counting(self, y: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        found = compute_sample_weight(self.class_weight, y)
        return found if weights is None else found * weights

    def _strata(self, y: Array) -> Array | None:
        # Shares of classes can be kept where each has two samples and there is room for all.
        room = round(self.validation_fraction * len(y))
        counts = np.unique(y, return_counts=True)[1]
        return None if self._several or counts.min() < 2 or len(counts) > min(room, len(y) - room) else y

    def _score_of(self, output: Array, y: Array, w: Array | None) -> float:
        wrong = output.argmax(1) != y if y.ndim == 1 else ((output > 0) != y).any(1)
        return 1.0 - float(np.average(wrong, weights=w))

    def predict(self, X: Any) -> Array:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or, of 0 and 1, (n_samples, n_labels)
        """
        found = self._outputs(X)
        if self._several:
            return (found > 0).astype(np.int64)
        numbers = found.argmax(1) if self.n_outputs_ > 1 else (found[:, 0] > 0) * (len(self.classes_) - 1)
        return np.asarray(self.classes_[numbers])

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of every class, in the order of `classes_`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to 1, but for labels that exclude none.
        """
        output = self._outputs(X)
        if self.out_activation_ == "softmax":
            return np.asarray(softmax(output, axis=1))
        if self._several:
            return np.asarray(expit(output))
        if len(self.classes_) == 1:
            return np.ones_like(output)
        return np.hstack([expit(-output), expit(output)])

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
