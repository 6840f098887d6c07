"""Why a network does not train: measured, explained, judged.

`diagnose` looks at one network on one batch and returns a `Report`. What it consists of: `chain` runs the network link
by link; `layers` (with `signal`, `slopes` and `symmetry`) measures each; `attribution` splits gradients into factors;
`zeros` says why some are exactly 0; `expectation` puts
theory beside; `verdict` and `advice` answer the five questions; `text` and `page` draw. `spectra`
looks at matrices and Jacobians; `experiment` trains one network from several starts; a `Monitor` watches a training.
"""

from .chain import Chain, Link, run
from .diagnosing import diagnose
from .findings import Verdict
from .judging import Answer, judge
from .measures.attribution import Attribution, Factor, Literal, attribute, literal_factors
from .measures.expectation import Prediction, predict
from .measures.layers import Layer, measure
from .measures.signal import Distribution, describe
from .measures.spectra import Spectrum, jacobian, jacobian_singular_values, spectrum
from .measures.symmetry import Classes, Quotient, classes, quotient, same_draws, side_by_side
from .measures.zeros import RULES, Zeros, explain_zeros, wake_up
from .report import Report
from .trials.comparison import STARTS, Comparison, Settings, Start, check_sizes, compare_starts, default_sizes
from .trials.recommendation import Recommendation, Setup, Trial, recommend
from .watching.monitor import Event, Moment, Monitor

__all__ = [
    "RULES",
    "STARTS",
    "Answer",
    "Attribution",
    "Chain",
    "Classes",
    "Comparison",
    "Distribution",
    "Event",
    "Factor",
    "Layer",
    "Link",
    "Literal",
    "Moment",
    "Monitor",
    "Prediction",
    "Quotient",
    "Recommendation",
    "Report",
    "Settings",
    "Setup",
    "Spectrum",
    "Start",
    "Trial",
    "Verdict",
    "Zeros",
    "attribute",
    "check_sizes",
    "classes",
    "compare_starts",
    "default_sizes",
    "describe",
    "diagnose",
    "explain_zeros",
    "jacobian",
    "jacobian_singular_values",
    "judge",
    "literal_factors",
    "measure",
    "predict",
    "quotient",
    "recommend",
    "run",
    "same_draws",
    "side_by_side",
    "spectrum",
    "wake_up",
]
