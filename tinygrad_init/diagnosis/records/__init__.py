"""Records only: what was measured of a network, what was found, and the answers. They know nobody but the words."""

from .ahead import Ahead
from .evidence import Evidence, Precision, Representation, Rounding, Sharpness
from .fit import Fit
from .gradients import ENDS, Attribution, Factor, Prediction, Zeros
from .layers import Classes, Distribution, Layer, MatrixSizes
from .sequences import Attention, Recurrence, Sequences
from .trials import BETTER, Compared, Recommended, Settings, Start, Trial
from .verdicts import Answer, Confidence, Judged, Measured, Verdict

__all__ = [
    "BETTER",
    "ENDS",
    "Ahead",
    "Answer",
    "Attention",
    "Attribution",
    "Classes",
    "Compared",
    "Confidence",
    "Distribution",
    "Evidence",
    "Factor",
    "Fit",
    "Judged",
    "Layer",
    "MatrixSizes",
    "Measured",
    "Precision",
    "Prediction",
    "Recommended",
    "Recurrence",
    "Representation",
    "Rounding",
    "Sequences",
    "Settings",
    "Sharpness",
    "Start",
    "Trial",
    "Verdict",
    "Zeros",
]
