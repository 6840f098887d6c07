"""Why a network does not train: measured, judged, spoken and shown.

`diagnose` looks at one network on one batch and returns a `Report`. It is a corridor, walked one way: `fronts` make a
`Network` of somebody's model; `measures` make numbers of it, which are `records`; `findings` say what can be wrong,
`judging` what is gravest; `words` speak, in any language; `showing` draws; `report` is the public class on top.
`watching` has the `Monitor`, the same measures while a network trains, and `trials` what trains networks to compare.
"""

from ..lazy_names import importing_later
from .diagnosing import diagnose, jacobian, jacobian_singular_values
from .fronts.own_modules import run
from .judging import judge
from .measures.attribution import Literal, attribute, literal_factors
from .measures.expectation import predict
from .measures.layers import measure
from .measures.signal import describe
from .measures.spectra import Spectrum, spectrum
from .measures.symmetry import classes, same_draws
from .measures.zeros import RULES, explain_zeros, wake_up
from .network import Cotangent, Link, Network
from .records import (
    Answer,
    Attention,
    Attribution,
    Classes,
    Distribution,
    Factor,
    Layer,
    Prediction,
    Recurrence,
    Sequences,
    Settings,
    Start,
    Trial,
    Verdict,
    Zeros,
)
from .report import Report
from .showing.saved import read_report
from .trials import redesign
from .trials.comparison import STARTS, Comparison, check_sizes, compare_starts, default_sizes
from .trials.quotient import Quotient, quotient, side_by_side
from .trials.recommendation import Recommendation
from .trials.recommending import recommend
from .trials.setup import Change, Setup
from .watching.events import Event, Moment
from .watching.monitor import Monitor

__all__ = [
    "RULES",
    "STARTS",
    "Answer",
    "Attention",
    "Attribution",
    "Change",
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
    "Recurrence",
    "Report",
    "Sequences",
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
    "read_report",
    "recommend",
    "redesign",
    "run",
    "same_draws",
    "side_by_side",
    "spectrum",
    "wake_up",
]

__getattr__, __dir__ = importing_later(__name__, {}, {"Chain": "tinygrad_init.diagnosis.Network"})
