"""Results as plain numbers, for JSON and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .harness import OURS, Result

# By how much a share may pass 1 because the two sides of the division were measured at different moments.
SLACK = 0.1
# From which share of the median on the distance of the quartiles says that something else was measured.
UNSTEADY = 0.5


def summary(result: Result) -> dict[str, Any]:
    """A result as plain numbers, for JSON and the tables.

    `ratio` is the median over the rounds of a side's time by that of `tinygrad_init` in the same round; of a `floor` it
    is a share. `ahead` says whose time is the shorter one in three rounds of four: `tinygrad_init`, the side, or (None)
    neither, and then the ratio says nothing.
    """
    row = result.row
    sides: list[dict[str, Any]] = []
    ours = result.timings.get(OURS)
    for name, timing in result.timings.items():
        q1, median, q3 = np.percentile(timing.seconds, [25, 50, 75])
        low, middle, high = np.percentile(np.divide(timing.seconds, ours.seconds), [25, 50, 75]) if ours else [None] * 3
        first = OURS if ours and low > 1 else name if ours and high < 1 else None
        micro = 1e6 / row.per
        sides.append(
            {
                "name": name,
                "floor": timing.floor,
                "median_us": float(median) * micro,
                "q1_us": float(q1) * micro,
                "q3_us": float(q3) * micro,
                "spread_us": float(q3 - q1) * micro,
                "rounds": len(timing.seconds),
                "calls": timing.calls,
                "ratio": float(middle) if ours else None,
                "ratio_q1": float(low) if ours else None,
                "ratio_q3": float(high) if ours else None,
                "ahead": first,
                "rates": row.rates(float(median)) if row.rates else {},
            }
        )
    warnings = withhold(sides, row.limits)
    if unsteady := [side["name"] for side in sides if side["spread_us"] > UNSTEADY * side["median_us"]]:
        warnings.append(f"unsteady, do not quote: {', '.join(unsteady)}; is the machine busy?")
    return {
        "row": row.name,
        "title": row.title,
        "dtype": row.dtype,
        "unit": row.unit,
        "nano": row.nano,
        "rates": sorted({name for side in sides for name in side["rates"]}),
        "sides": sides,
        "errors": result.errors,
        "warnings": warnings,
        "left_out": result.left_out,
    }


def withhold(sides: list[dict[str, Any]], limits: Sequence[str]) -> list[str]:
    """Take away, from all sides, shares of a limit that one of them exceeds; returns what to say about it.

    A limit that was exceeded was measured wrongly, so that the other sides' shares of it mean nothing either.
    """
    warnings = []
    for what in limits:
        best = max(sides, key=lambda side: float(side["rates"][what]), default=None)
        if best and best["rates"][what] > 1 + SLACK:
            share = f"{best['name']} would have {best['rates'][what]:.0%}"
            warnings.append(f"shares {what} are withheld: {share}, so that the limit was measured wrongly")
            for side in sides:
                side["rates"][what] = None
    return warnings
