"""Looking into a graph: the tape of a computation, and the chain rule that it stands for."""

from .derivations import Derivation, derivation
from .stepping import Frame
from .steps import Step
from .tapes import Tape, tape

__all__ = ["Derivation", "Frame", "Step", "Tape", "derivation", "tape"]
