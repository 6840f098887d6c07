"""The table of conditions under which something is wrong, and how it is asked.

`conditions.json` says for every finding that needs only named numbers which numbers (`numbers`), compared how, and with
what threshold, and why that; a page without Python judges by the same table. All comparisons of a row must hold; of
several rows with one key, one.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ..records import Measured
from .numbers import of_layer

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "<=": operator.le,
    "not >=": lambda number, threshold: not number >= threshold,  # true of what is no number
}


@cache
def table() -> tuple[dict[str, Any], ...]:
    """All rows."""
    return tuple(json.loads(files(__package__).joinpath("conditions.json").read_text(encoding="utf-8")))


def holds(key: str, numbers: Mapping[str, float]) -> bool:
    """Whether the conditions of a finding hold for these numbers."""
    rows = [row["when"] for row in table() if row["key"] == key]
    return any(all(COMPARISONS[how](numbers[name], threshold) for name, how, threshold in row) for row in rows)


def layers_where(measured: Measured, *keys: str) -> Iterator[tuple[int, str]]:
    """The layers, from 1, for which one of the findings holds, with the first that does."""
    of = {row["key"]: row["of"] for row in table()}
    for i in range(1, len(measured.layers) + 1):
        numbers = of_layer(measured, i)
        hidden = i < len(measured.layers)
        found = next((key for key in keys if (hidden or of[key] == "layer") and holds(key, numbers)), None)
        if found is not None:
            yield i, found


def threshold(key: str, number: str) -> float:
    """The threshold of a number in the row of a finding."""
    return float(next(t for row in table() if row["key"] == key for name, _, t in row["when"] if name == number))
