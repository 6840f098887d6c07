"""Do data, output, loss and targets fit? What no start can mend: it stands between the network and its task."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..measures.fit import OF_LOGITS, OF_NUMBERS, SOFTMAX
from ..measures.signal import ratio
from ..records import Fit, Measured, Verdict
from . import remedies
from .conditions import holds
from .numbers import of_layer
from .registry import FIT, finding

# A floor that is lower than this disturbs nobody.
FLOOR = 0.01


@finding(FIT, rank=-5, remedy=remedies.mend_data)
def missing(measured: Measured) -> Iterator[Verdict]:
    """Infinities or NaN anywhere in the targets (those of the inputs are told with the signal)."""
    if measured.fit is not None and measured.fit.target_missing is not None:
        row, column = measured.fit.target_missing
        yield Verdict("misfit", None, "fit.target_missing", {"row": row, "column": column})


@finding(FIT, rank=25, remedy=remedies.fit_output)
def output(measured: Measured) -> Iterator[Verdict]:
    """Something between the last linear map and the loss that keeps the loss from becoming small."""
    fit = measured.fit
    if fit is None or not fit.ends_in:
        return
    numbers = {"label": fit.ends_in, "loss": fit.loss, "low": fit.output_low, "high": fit.output_high}
    if fit.ends_in in SOFTMAX and fit.outputs == 1:
        yield Verdict("misfit", None, "fit.one_softmax", {"label": fit.ends_in})
    elif fit.loss in OF_LOGITS and FLOOR < (floor := floor_of(fit)) < math.inf:
        # The loss makes probabilities itself: of what lies in a small range it makes little differences.
        yield Verdict("misfit", None, "fit.twice", {**numbers, "floor": floor})
    elif fit.loss in OF_LOGITS and fit.cut_off:
        yield Verdict("misfit", None, "fit.half", numbers)
    elif fit.loss in OF_NUMBERS and outside(fit):
        yield Verdict("misfit", None, "fit.bounded", {**numbers, "from": fit.target_low, "to": fit.target_high})


def floor_of(fit: Fit) -> float:
    """Below what a loss of logits cannot fall if those lie between two numbers; infinite where it can."""
    spread = fit.output_high - fit.output_low
    if not math.isfinite(spread):
        return math.inf
    if fit.loss == "cross_entropy":
        return math.log1p((fit.outputs - 1) * math.exp(-spread))
    ones = fit.target_mean
    return ones * math.log1p(math.exp(-fit.output_high)) + (1 - ones) * math.log1p(math.exp(fit.output_low))


def outside(fit: Fit) -> bool:
    """Whether targets lie where the predictions cannot come."""
    room = 1e-6 * max(1.0, abs(fit.target_high), abs(fit.target_low))
    return fit.target_low < fit.output_low - room or fit.target_high > fit.output_high + room


def numbers_of(fit: Fit) -> dict[str, float]:
    """The numbers that the table of conditions compares."""
    size = math.hypot(fit.target_mean, fit.target_std)
    return {
        "target_size": size,
        "target_spread": fit.target_std,
        "target_off_centre": ratio(abs(fit.target_mean), fit.target_std),
        "features_differ": ratio(fit.feature_scales[2], fit.feature_scales[1]) if fit.feature_scales else math.nan,
        "inputs_off_centre": fit.off_centre[0],
        "largest_class": max(fit.class_shares, default=math.nan),
        "linear_share": fit.linear_share,
    }


@finding(FIT, rank=55, remedy=remedies.scale)
def scales(measured: Measured) -> Iterator[Verdict]:
    """Features of very different sizes, or far from 0 for their spread."""
    fit = measured.fit
    if fit is None or not fit.feature_scales:
        return
    numbers = numbers_of(fit) | {"first_across_share": of_layer(measured, 1)["across_share"]}
    if holds("fit.features_differ", numbers):
        told = {"feature": fit.widest, "largest": fit.feature_scales[2], "median": fit.feature_scales[1]}
        yield Verdict("unscaled", None, "fit.features_differ", told)
    if holds("fit.off_centre", numbers):
        yield Verdict("unscaled", None, "fit.off_centre", {"feature": fit.off_centre[1], "times": fit.off_centre[0]})


@finding(FIT, rank=22, remedy=remedies.look_at_targets)
def alike(measured: Measured) -> Iterator[Verdict]:
    """Targets that are all the same: nothing is to be learned."""
    fit = measured.fit
    if fit is None or measured.samples < 2:
        return
    if holds("fit.single_class", numbers_of(fit)):
        yield Verdict("misfit", None, "fit.single_class", {"number": fit.class_shares.index(1.0)})
    elif fit.loss in OF_NUMBERS and fit.target_std == 0:
        yield Verdict("misfit", None, "fit.constant_targets", {"value": fit.target_mean})


@finding(FIT, rank=24, remedy=remedies.reshape_targets)
def stretched(measured: Measured) -> Iterator[Verdict]:
    """Targets in a row against predictions in a column, which a loss of one's own compares each with each."""
    fit = measured.fit
    if fit is not None and fit.stretched:
        yield Verdict("misfit", None, "fit.stretched", {"samples": measured.samples})


@finding(FIT, rank=165, remedy=remedies.more_samples)
def few(measured: Measured) -> Iterator[Verdict]:
    """So few samples that what they show may be chance."""
    if holds("fit.few", {"samples": measured.samples}):
        yield Verdict("unbalanced", None, "fit.few", {"samples": measured.samples}, fault=False)


@finding(FIT, rank=57, remedy=remedies.scale_targets)
def targets(measured: Measured) -> Iterator[Verdict]:
    """Targets of a regression that are very large, very small, or far from 0 for their spread."""
    fit = measured.fit
    # Targets that are all the same cannot be scaled.
    if fit is None or fit.loss not in OF_NUMBERS or not fit.target_std > 0:
        return
    numbers = numbers_of(fit)
    told = {"mean": fit.target_mean, "std": fit.target_std}
    for key in ("fit.targets_large", "fit.targets_small", "fit.targets_off_centre"):
        if holds(key, numbers):
            yield Verdict("unscaled", None, key, told)
            return


@finding(FIT, rank=58, remedy=remedies.hidden_layer)
def linear(measured: Measured) -> Iterator[Verdict]:
    """A network that is linear, for targets that no linear function explains; or several maps that are worth one."""
    fit = measured.fit
    if fit is None or not fit.linear:
        return
    if holds("fit.linear", numbers_of(fit)):
        key = "fit.linear" if len(measured.layers) > 1 else "fit.no_hidden_layer"
        yield Verdict("misfit", None, key, {"share": max(fit.linear_share, 0.0)})
    elif len(measured.layers) > 1:
        yield Verdict("misfit", None, "fit.no_activation", {"maps": len(measured.layers)}, fault=False)


@finding(FIT, rank=160, remedy=remedies.balance_classes)
def shares(measured: Measured) -> Iterator[Verdict]:
    """A class that most samples belong to: what guessing gives for nothing."""
    if measured.fit is not None and holds("fit.one_class", numbers_of(measured.fit)):
        largest = max(measured.fit.class_shares)
        told = {"share": largest, "number": measured.fit.class_shares.index(largest)}
        yield Verdict("unbalanced", None, "fit.one_class", told, fault=False)
