"""Records only: what was measured of a network, what was found, and the answers. They know nobody but the words."""

from .ahead import Ahead
from .fit import Fit
from .gradients import ENDS, Attribution, Factor, Prediction, Zeros
from .layers import Classes, Distribution, Layer, MatrixSizes
from .trials import BETTER, Compared, Recommended, Settings, Start, Trial
from .verdicts import Answer, Judged, Measured, Verdict

__all__ = [
    "BETTER",
    "ENDS",
    "Ahead",
    "Answer",
    "Attribution",
    "Classes",
    "Compared",
    "Distribution",
    "Factor",
    "Fit",
    "Judged",
    "Layer",
    "MatrixSizes",
    "Measured",
    "Prediction",
    "Recommended",
    "Settings",
    "Start",
    "Trial",
    "Verdict",
    "Zeros",
]
