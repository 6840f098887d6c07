"""What is measured of networks on sequences: attention, states over time, the stream past residual branches."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Attention:
    """One place where values are weighed by a softmax.

    Attributes
    ----------
    name
        Of the softmax.
    width
        Of a head's queries and keys; 0 where it is not known.
    entropy
        Of the weights, over the logarithm of how many keys are not masked: 0 where one key gets all, 1 where all get
        the same.
    logits
        The standard deviation of what goes into the softmax, over the keys that are not masked.
    scale
        What products of queries and keys are multiplied by; NaN where it is not known.
    """

    name: str
    width: int
    entropy: float
    logits: float
    scale: float

    @property
    def unscaled(self) -> float:
        """Where the scale lies between 1/√width (0) and 1 (1), by its logarithm; NaN where it is not known."""
        return 1 + 2 * math.log(self.scale) / math.log(self.width) if self.width > 1 and self.scale > 0 else math.nan


@dataclass(frozen=True)
class Recurrence:
    """One layer over time, in one direction.

    Attributes
    ----------
    name
        Of the recurrent matrix.
    steps
        At how many it was used on a state that depends on the input.
    reach
        log10 of ‖∂C/∂z‖ at the first of them over the largest.
    radius
        The spectral radius of the recurrent matrix, of the gates' the largest.
    forget
        The mean bias of forget gates; NaN without any.
    """

    name: str
    steps: int
    reach: float
    radius: float
    forget: float


@dataclass(frozen=True)
class Sequences:
    """Of networks on sequences.

    Attributes
    ----------
    attention, recurrences
        In the order in which they run.
    stream
        The root mean square of what passes by residual branches, after each.
    read_off
        By how many positions the target of a prediction lies ahead in the input, if the prediction depends on what
        stands there; None if nothing can be read off.
    """

    attention: tuple[Attention, ...] = ()
    recurrences: tuple[Recurrence, ...] = ()
    stream: tuple[float, ...] = ()
    read_off: int | None = None
