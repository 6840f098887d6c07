"""Slopes of activations: where they are flat."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activations import FLAT

__all__ = ["FLAT", "MOSTLY", "share_of_steepest"]

Array = np.ndarray[Any, Any]

# A unit that is flat on this share of the samples counts as saturated.
MOSTLY = 2 / 3


def share_of_steepest(activation: Any, z: Array) -> Array:
    """|φ'(z)|, in the dtype of z, as a share of φ's steepest slope; `activation` is a record."""
    found: Array = np.abs(activation.slope(z)) / np.asarray(activation.steepest, z.dtype)
    return found
