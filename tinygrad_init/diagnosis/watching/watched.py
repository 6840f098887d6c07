"""What a monitor asks of the model that it watches, whichever framework that is of."""

from __future__ import annotations

from typing import Protocol

from ...words import Phrase
from .layer_states import LayerState


class Watched(Protocol):
    """A model with its probe batch.

    Attributes
    ----------
    causes
        By layer and unit what has moved units that have died since the last look.
    """

    causes: dict[tuple[str, int], Phrase]

    @property
    def samples(self) -> int:
        """How many the probe batch has; 0 without one."""

    @property
    def moved(self) -> bool:
        """Whether any parameter is another than at the first look."""

    def look(self, whole: bool = False) -> tuple[LayerState, ...]:
        """All layers as they are now."""

    def probe_loss(self, fresh: bool = False) -> float:
        """The loss of the probe batch as the model is now, or (`fresh`) as it was just looked at."""

    def probe_gradient(self) -> float:
        """The norm of the probe batch's own gradient by all parameters."""

    def growth(self) -> float:
        """The norm of all parameters over that at the first look."""

    def distance(self) -> float:
        """How far the parameters are from where they were at the first look, as a share of their norm."""

    def origin(self, layers: tuple[LayerState, ...], loss: float) -> tuple[int | None, Phrase]:
        """Where the first number that is not finite comes from."""

    def why_unmoved(self) -> Phrase:
        """Why no parameter has moved."""
