"""Gaussian moments of an activation over the variance, as a table between whose rows a page interpolates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...theory import phi_of

LOW, HIGH, STEPS = -8, 8, 10  # decades of q, and rows in each; beyond them moments are powers of q
DIGITS = 10


def moments(name: str) -> dict[str, Any]:
    """What `theory.profile_of` takes of an activation, with logarithms of what runs over many decades.

    A row holds ln E φ², ln E φ'², E φ⁴/(E φ²)² - 1, 3 E φ'⁴/(E φ'²)² - 1, E φ²φ'²/(E φ² E φ'²) - 1,
    d ln E φ²/d ln q and d ln E φ'²/d ln q.
    """
    phi = phi_of(name)
    q = np.logspace(LOW, HIGH, (HIGH - LOW) * STEPS + 1)
    m = phi.moments(q)
    rows = np.stack([
        np.log(m.square), np.log(m.slope_square), m.fourth / m.square**2 - 1.0,
        3.0 * m.slope_fourth / m.slope_square**2 - 1.0, m.both_square / (m.square * m.slope_square) - 1.0,
        m.growth * q / m.square, m.slope_growth * q / m.slope_square,
    ], axis=1)  # fmt: skip
    return {
        "low": LOW,
        "high": HIGH,
        "at_zero": phi.at_zero,
        "rows": [[float(f"{v:.{DIGITS}g}") for v in row] for row in rows],
    }
