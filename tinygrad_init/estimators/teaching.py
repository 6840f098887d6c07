"""What an estimator has to say about its training: warnings, a diagnosis, an explanation.

All of it comes from the diagnosis: the same table of conditions, the same findings, the same words.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnosis.diagnosing import diagnose
from ..diagnosis.findings.conditions import threshold
from ..diagnosis.judging import LEARNED, found_in
from ..diagnosis.measures.fit import features
from ..diagnosis.measures.signal import ratio
from .learning import LOSSES, rule

if TYPE_CHECKING:
    from ..diagnosis import Report

Array = np.ndarray[Any, Any]

# How many samples are kept to be diagnosed on, evenly spread.
KEPT = 512
# How scikit-learn does what the diagnosis advises.
INPUTS = " In scikit-learn: make_pipeline(StandardScaler(), ...)."
TARGETS = " In scikit-learn: TransformedTargetRegressor(..., transformer=StandardScaler())."
# Sooner than after so many epochs nobody says that nothing is learned.
PATIENT = 10


class Taught:
    """What was learned, told by the diagnosis of this package."""

    @property
    def diagnosis_(self) -> Report:
        """What `tgi.diagnose` finds of the fitted network on up to 512 samples of the training data.

        Made when it is first asked for. A `Report`: print it, or look at its `answers`, `layers` and `verdict`.

        Raises
        ------
        AttributeError
            The estimator is not fitted, or has been loaded from a file, which has no data in it.
        """
        own = vars(self)
        if "_report" not in own:
            if "_seen" not in own:
                loaded = "data are not saved with it; tgi.diagnose(estimator.model_, x, y, trained=True) takes others"
                why = loaded if "model_" in own else "it is not fitted yet"
                raise AttributeError(f"{type(self).__name__} has no diagnosis_: {why}")
            self._report = examined(self, self.model_, trained=True)  # type: ignore[attr-defined]
        return self._report

    def explain(self) -> str:
        """What was trained, from which start and why that, how it went, and what the diagnosis says; to be printed.

        Raises
        ------
        AttributeError
            As for `diagnosis_`.
        """
        report, own = self.diagnosis_, vars(self)
        sizes = "-".join(map(str, own["_design"].sizes))
        normalized = f", {own['normalization']} normalization" if own["normalization"] else ""
        around = ", residual connections" if own["residual"] else ""
        epochs = "iterations" if own["solver"] == "lbfgs" else "epochs"
        curve = own["loss_curve_"]
        way = f"the loss went from {curve[0]:.4g} to {own['loss_']:.4g}" if curve else f"the loss is {own['loss_']:.4g}"
        dtype, phi = own["_design"].dtype, own["_design"].activation
        return "\n".join(
            [
                f"{type(self).__name__}: {sizes}, {phi}{normalized}{around}, {dtype}",
                f"Start: {own['init_']} ({own['_why']}).",
                f"Training: {own['solver']}, {own['n_iter_']} {epochs}; {way}; guessing costs {report.guess:.4g}.",
                "",
                report.text(),
            ]
        )


def keep(estimator: Any, x: Any, y: Array) -> None:
    """Keep some of the data to be diagnosed on."""
    rows = np.unique(np.linspace(0, len(y) - 1, min(KEPT, len(y))).astype(int))
    some = x[rows]
    estimator._seen = (some if isinstance(some, np.ndarray) else some.toarray(), y[rows])
    vars(estimator).pop("_report", None)


def examined(estimator: Any, model: Any, trained: bool, steps: bool = False) -> Report:
    """The diagnosis of a network on the samples that were kept."""
    x, y = estimator._seen
    name = LOSSES[estimator.out_activation_][1]
    options = estimator.get_params()
    optimizer = rule(options) if steps and estimator.solver != "lbfgs" else None
    return diagnose(model, x, y, name, estimator.learning_rate_init, trained=trained, optimizer=optimizer)


def said(report: Report) -> str:
    """The verdict, and what to do."""
    return f"{report.verdict.phrase()}. {report.answers[-1].said}"


def suspicious(x: Array, y: Array, numbers: bool) -> bool:
    """Whether data may be of a size that networks learn badly from, by the numbers that are cheap."""
    scales, _, (off, _) = features(x)
    size, spread = float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))), float(np.std(x, axis=0).mean())
    found = [
        bool(scales) and ratio(scales[2], scales[1]) > threshold("fit.features_differ", "features_differ"),
        off > threshold("fit.off_centre", "inputs_off_centre"),
        size > threshold("inputs.unscaled", "inputs_rms"),
        spread < threshold("inputs.small", "inputs_across_samples"),
    ]
    if numbers:
        mean, std = float(np.mean(y)), float(np.std(y))
        found += [
            math.hypot(mean, std) > threshold("fit.targets_large", "target_size"),
            math.hypot(mean, std) < threshold("fit.targets_small", "target_size"),
            ratio(abs(mean), std) > threshold("fit.targets_off_centre", "target_off_centre"),
        ]
    return any(found)


def unscaled(estimator: Any) -> str | None:
    """What is wrong with the sizes of the data, by the diagnosis of the network at its start; None if nothing is."""
    x, y = estimator._seen
    if len(y) < 2 or not suspicious(x, y, estimator.out_activation_ == "identity"):
        return None
    report = examined(estimator, estimator.model_, trained=False)
    for finding, verdict in found_in(report):
        if verdict.fault and verdict.word == "unscaled":
            how = TARGETS if verdict.key.startswith("fit.targets") else INPUTS
            return f"{verdict.phrase()}. {finding.remedy(report)}{how}"
    return None


def grew(estimator: Any, weighted: bool) -> bool:
    """Whether the last epoch's loss is above that of the first, or after some epochs still that of guessing."""
    curve = estimator.loss_curve_
    if len(curve) < 2:
        return False
    guess = math.inf if weighted else guessing(estimator.out_activation_, estimator._seen[1])
    return bool(curve[-1] > curve[0] or (len(curve) > PATIENT and curve[-1] > LEARNED * guess))


def guessing(output: str, y: Array) -> float:
    """The loss of the best constant prediction."""
    if output == "identity":
        return 0.5 * float(np.var(y, axis=0).sum())
    shares = np.bincount(y) / len(y) if output == "softmax" else np.stack([y.mean(0), 1 - y.mean(0)])
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))


def lesson(estimator: Any, start: dict[str, Array]) -> Report:
    """The diagnosis of the network as it was at the start of the training, and of the first steps from there."""
    model = estimator._design.build()
    model.load_state_dict(start)
    return examined(estimator, model, trained=False, steps=True)
