"""Captured programs: functions on tensors, written down as kernel calls and run without Python.

In the order in which things happen: `capturing` runs a function on `traced` stand-ins for arrays; `recorder`, with the
help of `numpy_calls` and `indexing`, writes down steps (`instructions`); `optimize` fuses them, `memory` gives every
buffer its place, `assemble` makes the `program` that runs. `guards` and `outside` know what it took for granted,
`exchange` carries values in and out, `traffic` lets runs and captures pass each other; `side_effects` refuses what a
program could not repeat. `tapes` are for graphs of single numbers; `replay` makes programs of walks back.
`describing` says what a program is apart from this process (`state_names`, `words`), `travelling` writes and reads it.
As the engine's, files with a `.pxd` beside them are compiled.
"""

from .capturing import Captured, capture
from .tracing import CaptureError
from .travelling import LoadedProgram, ProgramError, load_program

__all__ = ["CaptureError", "Captured", "LoadedProgram", "ProgramError", "capture", "load_program"]
