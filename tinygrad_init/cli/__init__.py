"""The command line: `tinygrad-init diagnose`, `explain`, `recommend`, `train`, `predict`, `audit`, `theory`,
`phase-diagram`, `sweep` and `lab`.

Exit codes: 0 for success, 2 for bad input, 130 when interrupted (what was finished is printed); `diagnose` returns 1
when no start was healthy, `audit` when a checkpoint has faults.
"""

from .main import build_parser, main

__all__ = ["build_parser", "main"]
