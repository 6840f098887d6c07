"""What theory says of a network's layers, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """A root mean square over the depth as mean-field theory has it.

    Attributes
    ----------
    what
        "z" or "dz": of which statistics of `Layer` it is about.
    name
        In words.
    expected, low, high
        For every layer the expected root mean square, and between what a network of this width should lie.
    departs
        The first layer, from 1, that lies outside; None if none does.
    """

    what: str
    name: str
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    departs: int | None
