"""Whether data, output, loss and targets fit each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """What goes in, what should come out, and what stands between the last linear map and the loss.

    Attributes
    ----------
    loss
        The loss's name; "" for one of somebody's own.
    outputs
        Numbers a sample.
    ends_in
        What the last linear map's output goes through before the loss: an activation's name, "softmax" or
        "log_softmax"; "" if nothing.
    output_low, output_high
        Between what numbers that keeps the predictions; infinite if it does not.
    cut_off
        Whether all that is below -1 comes out the same, so that no gradient passes there.
    target_low, target_high, target_mean, target_std
        Of targets that are numbers; NaN where they are classes, or the loss is not known.
    class_shares
        For each class the share of the samples; empty for a regression.
    feature_scales
        Standard deviations of the features, those that are constant left out: the smallest, the lower median, the
        largest;
        empty unless a sample is a row of features.
    widest
        The number of the feature, from 0, with the largest standard deviation; None without features.
    off_centre
        The largest |mean| of a feature over its standard deviation, and which feature that is; 0 and None without.
    stretched
        Whether the loss, one of somebody's own, compares targets of shape (samples,) with predictions of shape
        (samples, 1) each with each.
    linear, linear_share
        Whether nothing but linear maps lies between input and output (before `ends_in`), and then what share of the
        targets' variance the best linear map of the features explains (R², corrected for their number); NaN otherwise
        or where there are too few samples to tell.
    input_missing, target_missing
        Sample and feature, from 0, of the first infinity or NaN; None without any.
    """

    loss: str
    outputs: int
    ends_in: str
    output_low: float
    output_high: float
    cut_off: bool
    target_low: float
    target_high: float
    target_mean: float
    target_std: float
    class_shares: tuple[float, ...]
    feature_scales: tuple[float, ...]
    widest: int | None
    off_centre: tuple[float, int | None]
    stretched: bool
    linear: bool
    linear_share: float
    input_missing: tuple[int, int] | None
    target_missing: tuple[int, int] | None
