"""What the estimators have in common: how they are fitted, kept and shown."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..diagnosis.judging import HEALTHY
from ..nn import Module, linear_maps
from ..ops.activations import activation_name
from ..progress import shown
from .learning import Learner, Patience, batches, outputs, rule
from .networks import Design
from .options import hidden_sizes, require_options, start_of
from .teaching import Taught, grew, keep, lesson, said, unscaled

Array = np.ndarray[Any, Any]

DTYPES = (np.float64, np.float32)
# An adaptive rate is divided by this when nothing is gained any more, until it is as small as that.
DIVISOR, SMALLEST = 5.0, 1e-6


def goes_on(estimator: Any) -> bool:
    """Whether an estimator's solver can be asked for one more epoch."""
    if estimator.solver == "lbfgs":
        raise AttributeError(f"{type(estimator).__name__}: partial_fit needs solver='adam' or 'sgd', got 'lbfgs'")
    if estimator.early_stopping:
        raise AttributeError(
            f"{type(estimator).__name__}: partial_fit holds nothing out and needs early_stopping=False"
        )
    return True


class Perceptron(Taught, BaseEstimator):
    """A multilayer perceptron under scikit-learn's conventions; see `MLPClassifier` and `MLPRegressor`."""

    n_outputs_: int
    out_activation_: str

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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.normalization = normalization
        self.residual = residual
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    # What classification and regression differ in.

    def _targets(self, y: Array, again: bool, classes: Any = None) -> Array:
        """Targets as the loss takes them; sets `out_activation_`, `n_outputs_`, and what is known of classes."""
        raise NotImplementedError

    def _counting(self, y: Array, weights: Array | None) -> Array | None:
        """Weights of samples with those of classes."""
        return weights

    def _score_of(self, output: Array, y: Array, w: Array | None) -> float:
        """The score of outputs for targets as `_targets` gives them."""
        raise NotImplementedError

    def _strata(self, y: Array) -> Array | None:
        """What a part that is held out should have the same shares of."""
        return None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; float32 and float64 are computed in as they come, everything else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts; one of weight 0 is as if it were not there.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An option is none, data do not fit, or the weights have become infinite or NaN.

        Warns
        -----
        UserWarning
            Data are of a size that the network learns badly from.
        ConvergenceWarning
            The loss still fell when it was over, or has grown.
        """
        return self._fit(X, y, sample_weight, False)

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from data once, a batch after the other, from where the network is.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, True)

    def _fit(self, X: Any, y: Any, weights: Any, ongoing: bool, classes: Any = None) -> Self:
        require_options(self)
        again = hasattr(self, "model_") and (self.warm_start or ongoing)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=DTYPES, multi_output=True,
            y_numeric=is_regressor(self), reset=not again,
        )  # fmt: skip
        if weights is not None:
            weights = _check_sample_weight(weights, X, dtype=X.dtype, ensure_non_negative=True)
        targets = self._targets(y, again, classes)
        weights = self._counting(y, weights)
        rng = check_random_state(self.random_state)
        if not again:
            sizes = (X.shape[1], *hidden_sizes(self), self.n_outputs_)
            norm = self.normalization
            self._design = Design(sizes, activation_name(self.activation), norm, bool(self.residual), X.dtype.name)
        self._require_same_design()
        dtype = np.dtype(self._design.dtype)
        X = X.astype(dtype, copy=False)
        targets = targets if targets.dtype.kind == "i" else targets.astype(dtype, copy=False)
        if weights is not None:
            counted = weights > 0
            if not counted.any():
                raise ValueError("sample_weight: expected at least one sample of a weight above 0, got none")
            X, targets = (X, targets) if counted.all() else (X[counted], targets[counted])
            weights = weights[counted].astype(dtype)
        if self.normalization == "batch" and X.shape[0] < 2:
            raise ValueError("normalization='batch': expected at least 2 samples a batch, got 1 sample")
        if not again:
            self._begin(X, rng)
        keep(self, X, targets)
        if not again and (text := unscaled(self)) is not None:
            warnings.warn(text, UserWarning, stacklevel=3)
        before = {name: np.array(values) for name, values in self.model_.state_dict().items()}
        learner = self._learner_for(ongoing)
        with np.errstate(all="ignore"):
            if self.solver == "lbfgs":
                self._minimize(learner, X, targets, weights)
            else:
                self._descend(learner, X, targets, weights, rng, ongoing)
        self.model_.eval()
        if not math.isfinite(self.loss_) or not all(np.isfinite(p.numpy()).all() for p in self.model_.parameters()):
            self.model_.load_state_dict(before)
            raise ValueError(f"fit: the loss or the weights have become infinite or NaN. {said(lesson(self, before))}")
        if not ongoing and grew(self, weights is not None):
            report = lesson(self, before)
            if report.verdict.fault and report.verdict.word != HEALTHY:
                warnings.warn(f"fit: nothing was learned. {said(report)}", ConvergenceWarning, stacklevel=3)
        return self

    def _require_same_design(self) -> None:
        design = self._design
        asked = hidden_sizes(self), activation_name(self.activation), self.normalization, bool(self.residual)
        if asked != (design.sizes[1:-1], design.activation, design.normalization, design.residual):
            raise ValueError(
                "expected hidden_layer_sizes, activation, normalization and residual as in the fit before, "
                f"{(design.sizes[1:-1], *design[1:4])}; got {asked}; warm_start=False begins anew"
            )

    def _begin(self, X: Any, rng: np.random.RandomState) -> None:
        """A new network at its start, that has learned nothing."""
        self.model_ = self._design.build()
        self.init_, self._why = self._design.start(start_of(self.init))
        some = X[:256] if isinstance(X, np.ndarray) else X[:256].toarray()
        generator = np.random.default_rng(rng.randint(2**31))
        self._design.fill(self.model_, self.init_, self.init == "auto", generator, some)
        self.n_layers_, self.t_, self.n_iter_ = len(self._design.sizes), 0, 0
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else math.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None
        self._no_improvement_count = 0
        self._learner: Learner | None = None
        self._remembered: dict[str, Any] | None = None

    def _learner_for(self, ongoing: bool) -> Learner:
        """What learns: that of the last `partial_fit` goes on, with all that its optimizer remembers."""
        learner = self._learner if ongoing else None
        if learner is None:
            optimizer = rule(self.get_params())([*self.model_.parameters()])
            if ongoing and self._remembered is not None:
                optimizer.load_state_dict(self._remembered)
            learner = Learner(self.model_, self.out_activation_, optimizer, float(self.alpha))
        learner.alpha = float(self.alpha)
        self._learner, self._remembered = learner, None
        return learner

    def _minimize(self, learner: Learner, X: Any, y: Array, w: Array | None) -> None:
        self.model_.train(self.normalization == "batch")
        self.loss_, self.n_iter_, done = learner.whole(X, y, w)
        if not done and math.isfinite(self.loss_):
            limits = f"max_iter={self.max_iter} iterations or max_fun={self.max_fun} evaluations"
            text = f"fit: after {limits} the loss, {self.loss_:.4g}, has not settled yet"
            warnings.warn(text, ConvergenceWarning, stacklevel=4)

    def _descend(
        self, learner: Learner, X: Any, y: Array, w: Array | None, rng: np.random.RandomState, ongoing: bool
    ) -> None:
        held = None
        if self.early_stopping:
            X, y, w, held = self._held_out(X, y, w, rng)
        samples = len(y)
        size = min(200, samples) if self.batch_size == "auto" else int(self.batch_size)
        if size > samples and not ongoing:
            text = f"batch_size: expected at most as many as there are samples, {samples}; got {size}: all are taken"
            warnings.warn(text, UserWarning, stacklevel=4)
        parts = batches(samples, min(size, samples), 2 if self.normalization == "batch" else 1)
        known = self.best_loss_ if held is None or self.best_validation_score_ is None else -self.best_validation_score_
        known = math.inf if known is None else known
        patience = Patience(self.tol, self.n_iter_no_change, known, self._no_improvement_count)
        best, stopped = {}, ongoing
        self.n_iter_ = 0
        order = rng if self.shuffle else None
        try:
            with shown(range(1 if ongoing else self.max_iter), "training", bool(self.verbose)) as epochs:
                for _ in epochs:
                    self.model_.train(self.normalization == "batch")  # all else does not depend on it
                    self.loss_ = learner.epoch(X, y, w, parts, order)
                    self.n_iter_ += 1
                    self.t_ += samples
                    self.loss_curve_.append(self.loss_)
                    if not math.isfinite(self.loss_):
                        stopped = True
                        break
                    value = self.loss_ if held is None else -self._validated(*held)
                    if patience.better(value) and held is not None:
                        best = {name: np.array(values) for name, values in self.model_.state_dict().items()}
                    if self.solver == "sgd" and self.learning_rate == "invscaling":
                        learner.rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
                    if patience.over and not self._slower(learner):
                        stopped = True
                        break
                    patience.count = 0 if patience.over else patience.count
        except KeyboardInterrupt:
            warnings.warn("fit: interrupted; what has been learned so far is kept", UserWarning, stacklevel=4)
            stopped = True
        self._no_improvement_count = patience.count
        if held is None:
            self.best_loss_ = patience.best
        else:
            self.best_validation_score_ = -patience.best
            if best:
                self.model_.load_state_dict(best)
        if not stopped:
            text = f"fit: max_iter={self.max_iter} epochs are over and the loss, {self.loss_:.4g}, has not settled yet"
            warnings.warn(text, ConvergenceWarning, stacklevel=4)

    def _slower(self, learner: Learner) -> bool:
        """Go on with smaller steps, if that is how it was asked for and they are not too small already."""
        if self.solver != "sgd" or self.learning_rate != "adaptive" or learner.rate <= SMALLEST:
            return False
        learner.rate /= DIVISOR
        return True

    def _held_out(self, X: Any, y: Array, w: Array | None, rng: np.random.RandomState) -> tuple[Any, ...]:
        """The samples to learn from and those to judge by."""
        given = (X, y) if w is None else (X, y, w)
        share = self.validation_fraction
        parts = train_test_split(*given, test_size=share, random_state=rng, stratify=self._strata(y))
        if parts[1].shape[0] < 2:
            raise ValueError(
                f"early_stopping: expected validation_fraction to hold out at least 2 samples, {share} of "
                f"{X.shape[0]} holds out {parts[1].shape[0]}"
            )
        weights = (None, None) if w is None else parts[4:]
        return parts[0], parts[2], weights[0], (parts[1], parts[3], weights[1])

    def _validated(self, X: Any, y: Array, w: Array | None) -> float:
        score = self._score_of(outputs(self.model_, X, self._design.dtype), y, w)
        assert self.validation_scores_ is not None
        self.validation_scores_.append(score)
        return score

    def _outputs(self, X: Any) -> Array:
        """The network's output for samples that are looked at first."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        return outputs(self.model_, X, self._design.dtype)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of the linear maps, each of shape (inputs, outputs): views of those of `model_`."""
        return [vars(linear)["weight"].numpy().T for linear, _ in linear_maps(self._model())]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of the linear maps: views of those of `model_`."""
        return [vars(linear)["bias"].numpy() for linear, _ in linear_maps(self._model())]

    def _model(self) -> Module:
        if "model_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} is not fitted yet: there is no network")
        return self.model_

    def __getstate__(self) -> dict[str, Any]:
        """Plain values: of the network its arrays, of the optimizer what it remembers, and no data."""
        state = dict(super().__getstate__())
        state.pop("_seen", None), state.pop("_report", None)
        if "model_" in state:
            learner, state["_learner"] = self._learner, None
            if learner is not None and self.solver != "lbfgs":
                state["_remembered"] = learner.optimizer.state_dict()
            state["model_"] = {name: np.array(values) for name, values in self.model_.state_dict().items()}
            state["_design"] = list(self._design)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "model_" in state:
            sizes, *more = state["_design"]
            design = state["_design"] = Design(tuple(sizes), *more)
            arrays, state["model_"] = state["model_"], design.build().eval()
            state["model_"].load_state_dict(arrays)
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
