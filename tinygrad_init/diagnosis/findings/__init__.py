"""What can be wrong with a network: a file a question, each finding a function that looks at what was measured.

`registry` tells what a finding is; `conditions` has the table of thresholds, `numbers` the numbers that are compared
with them; `remedies` say what to do.
"""

from . import alive, fit, gradient, precision, sequences, signal, steps, units  # noqa: F401 (each registers its findings)
from .conditions import threshold
from .registry import ADVICE, FINDINGS, QUESTIONS, Finding, finding

# When more than this share of a layer's units is dead or saturated, that is told.
SHARE = threshold("alive.saturated", "saturated")

__all__ = ["ADVICE", "FINDINGS", "QUESTIONS", "SHARE", "Finding", "finding", "threshold"]
