"""Looking into a graph: the tape of a computation, and the chain rule that it stands for."""

from .stepping import Frame
from .steps import Step
from .tape import Tape, tape

__all__ = ["Frame", "Step", "Tape", "tape"]
