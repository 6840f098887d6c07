"""The command line: `tinygrad-init diagnose`, `explain`, `recommend`, `train`, `predict`, `audit`, `theory`,
`phase-diagram`, `sweep`, `lab` and `doctor`.

Exit codes: 0 for success, 2 for bad input, 130 when interrupted (what was finished is printed); `diagnose` returns 1
when no start was healthy, `audit` when a checkpoint has faults, `doctor` when the installation is broken; 70 tells of a
defect of this package.
"""

from .main import build_parser, main

__all__ = ["build_parser", "main"]
