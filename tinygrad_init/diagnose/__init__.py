"""Why a network does not train: probes of its layers, verdicts, reports.

`probe` measures, `verdict` judges, `experiment` trains the same network from several starts, `report` holds what was
found; `text` and `page` draw it.
"""

from .experiment import STARTS, check_sizes, default_sizes, run
from .probe import LayerStats, Snapshot, measure
from .report import Report, Settings, StartReport
from .verdict import Verdict, judge

__all__ = [
    "STARTS",
    "LayerStats",
    "Report",
    "Settings",
    "Snapshot",
    "StartReport",
    "Verdict",
    "check_sizes",
    "default_sizes",
    "judge",
    "measure",
    "run",
]
