"""Cotangents of any size: a logarithm beside numbers of size 1.

They neither underflow nor overflow, so that a gradient of 10^-400 is known as well as one of 10^-4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Cotangent:
    """∂C by some numbers: `unit` times 10^`log10`; the largest of `unit` is 1 in size, or all are 0."""

    unit: Array
    log10: float = 0.0

    @staticmethod
    def of(values: Array, log10: float = 0.0) -> Cotangent:
        """Numbers times 10^`log10`."""
        values = np.asarray(values, np.float64)
        top = float(np.max(np.abs(values), initial=0.0))
        if top == 0 or not math.isfinite(top):
            return Cotangent(values, log10)
        return Cotangent(values / top, log10 + math.log10(top))

    @staticmethod
    def total(parts: list[Cotangent]) -> Cotangent:
        """The sum of cotangents of the same numbers, of whatever sizes."""
        if len(parts) == 1:
            return parts[0]
        shift = max(part.log10 for part in parts)
        return Cotangent.of(sum(part.unit * 10 ** (part.log10 - shift) for part in parts), shift)  # type: ignore[arg-type]

    @staticmethod
    def joined(parts: list[Cotangent]) -> Cotangent:
        """Cotangents of several arrays as that of the arrays one below the other."""
        shift = max(part.log10 for part in parts)
        return Cotangent.of(np.concatenate([part.unit * 10 ** (part.log10 - shift) for part in parts]), shift)

    @property
    def norm(self) -> float:
        """log10 of the Euclidean norm; -inf of nothing but zeros, NaN where a number is not finite."""
        found = float(np.sqrt(np.sum(self.unit * self.unit)))
        if found == 0:
            return -math.inf
        return self.log10 + math.log10(found) if math.isfinite(found) else math.nan

    @property
    def is_zero(self) -> bool:
        """Whether all numbers are exactly 0."""
        return not self.unit.any()

    def numbers(self) -> Array:
        """The numbers as they are: infinite or 0 where they are too large or too small for a float."""
        half = power_of_ten(self.log10 / 2)  # one factor alone could be too large for a product that is not
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.where(self.unit == 0, 0.0, self.unit * half * half)


def power_of_ten(exponent: float) -> float:
    """10^exponent; infinity where that is too large for a float, of which Python would make an error."""
    try:
        return 10.0**exponent
    except OverflowError:
        return math.inf
