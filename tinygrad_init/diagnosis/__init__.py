"""Why a network does not train: measured, explained, judged.

`diagnose` looks at one network on one batch and returns a `Report`. What it consists of: `chain` runs the network link
by link; `layers` (with `signal`, `slopes` and `symmetry`) measures each; `attribution` splits gradients into factors;
`zeros` says why some are exactly 0; `expectation` puts
theory beside; `verdict` and `advice` answer the five questions; `text` and `page` draw. `spectra`
looks at matrices and Jacobians; `experiment` trains one network from several starts; a `Monitor` watches a training.
"""

from .attribution import Attribution, Factor, Literal, attribute, literal_factors
from .chain import Chain, Link, run
from .diagnosing import diagnose
from .expectation import Prediction, predict
from .experiment import STARTS, Comparison, Settings, Start, check_sizes, compare_starts, default_sizes
from .findings import Verdict
from .layers import Layer, measure
from .monitor import Event, Moment, Monitor
from .repair import Recommendation, Setup, Trial, recommend
from .report import Report
from .signal import Distribution, describe
from .spectra import Spectrum, jacobian, jacobian_singular_values, spectrum
from .symmetry import Classes, Quotient, classes, quotient, same_draws, side_by_side
from .verdict import Answer, judge
from .zeros import RULES, Zeros, explain_zeros, wake_up

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
