"""Why a network does not train: measured, explained, judged.

`diagnose` looks at one network on one batch and returns a `Report`. What it consists of: `chain` runs the network link
by link; `layers` (with `signal`, `slopes` and `symmetry`) measures each; `attribution` splits gradients into factors;
`zeros` says why some are exactly 0; `expectation` puts
theory beside; `verdict` and `advice` answer the five questions; `text` and `page` draw. `spectra`
looks at matrices and Jacobians; `experiment` trains one network from several starts; a `Monitor` watches a training.
"""

from ..lazy_names import importing_later
from .diagnosing import diagnose, jacobian, jacobian_singular_values
from .findings import Verdict
from .fronts.own_modules import run
from .judging import Answer, judge
from .measures.attribution import Attribution, Factor, Literal, attribute, literal_factors
from .measures.expectation import Prediction, predict
from .measures.layers import Layer, measure
from .measures.signal import Distribution, describe
from .measures.spectra import Spectrum, spectrum
from .measures.symmetry import Classes, classes, same_draws
from .measures.zeros import RULES, Zeros, explain_zeros, wake_up
from .network import Cotangent, Link, Network
from .report import Report
from .trials.comparison import STARTS, Comparison, Settings, Start, check_sizes, compare_starts, default_sizes
from .trials.quotient import Quotient, quotient, side_by_side
from .trials.recommendation import Recommendation, Setup, Trial, recommend
from .watching.monitor import Event, Moment, Monitor

__all__ = [
    "RULES",
    "STARTS",
    "Answer",
    "Attribution",
    "Classes",
    "Comparison",
    "Cotangent",
    "Distribution",
    "Event",
    "Factor",
    "Layer",
    "Link",
    "Literal",
    "Moment",
    "Monitor",
    "Network",
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

__getattr__, __dir__ = importing_later(__name__, {}, {"Chain": "tinygrad_init.diagnosis.Network"})
