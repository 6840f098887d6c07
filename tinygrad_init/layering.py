"""Which layers a network has: its linear maps, each with the activation that its output goes through.

The one rule for it. What stands for a step may be a link of a network that is diagnosed, a call that was observed, or a
module in the order of definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

# What a step is: a linear map with a weight, an activation, a residual block, or something else.
WEIGHTS, ACTIVATION, RESIDUAL, OTHER = "weights", "activation", "residual", "other"


class Step(NamedTuple, Generic[T]):
    """What a network does next.

    Attributes
    ----------
    of
        What the step stands for.
    role
        "weights", "activation", "residual" or "other".
    keeps_shape
        Whether what goes in has the shape of what came out of the linear map before: then it is still unit by unit.
    """

    of: T
    role: str
    keeps_shape: bool = True


def activation_after(later: Iterable[Step[T]]) -> T | None:
    """The activation that a linear map's output goes through, unit by unit, before anything mixes the units."""
    for step in later:
        if step.role in (WEIGHTS, RESIDUAL) or not step.keeps_shape:
            return None
        if step.role == ACTIVATION:
            return step.of
    return None


def layers(steps: Sequence[Step[T]]) -> list[tuple[T, T | None]]:
    """Every linear map with its activation, if there is one."""
    return [(step.of, activation_after(steps[i + 1 :])) for i, step in enumerate(steps) if step.role == WEIGHTS]
