"""Captured programs: functions on tensors, written down as kernel calls and run without Python.

In the order in which things happen: `capturing` runs a function on `traced` stand-ins for arrays; `recorder`, with the
help
of `numpy_calls` and `indexing`, writes down steps (`instructions`); `optimize` fuses them, `memory` gives every buffer
its
place, `assemble` makes the program that `_engine.program` runs. `side_effects` refuses what a program could not repeat.
"""

from .._engine.tracing import CaptureError
from .capturing import Captured, capture

__all__ = ["CaptureError", "Captured", "capture"]
