"""Sweeps: which starts, depths and rates train at all?

`sweep` trains networks on a grid or at random points of settings, on all processors or on a cluster, and keeps each
finished run on the disk; `resume` goes on after a kill; `read` opens the folder. A `Sweep` has rows, tables, and
maps with the curves of mean-field theory. See docs/sweeps.md.
"""

from .axes import AXES, Range
from .plan import Plan
from .results import Sweep
from .store import DamageWarning
from .sweeping import read, resume, sweep

__all__ = ["AXES", "DamageWarning", "Plan", "Range", "Sweep", "read", "resume", "sweep"]
