"""What texts spell besides numbers: truth values, dates and times; and what the texts of a column mostly are."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .numerals import DECIMALS, is_missing, is_number

Array = np.ndarray[Any, Any]

NUMBER, BOOLEAN, TEXT, TIME = "number", "boolean", "text", "time"
TRUE, FALSE = ("true", "yes"), ("false", "no")
# The year first, as ISO 8601 has it; 20240101 is rather a number.
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
MICROSECOND = np.dtype("datetime64[us]")


def kind_of(texts: Array, numbers: bool) -> str:
    """What the texts of a column spell: numbers if at least half of them do, as another one is a mistake then; truth
    values or times if all do; else nothing but texts.

    Parameters
    ----------
    texts
        The cells; those where a value is missing say nothing.
    numbers
        Whether they may be numbers, as in a file that has nothing but texts.
    """
    if numbers and floats(texts) is not None:
        return NUMBER
    counts = {text: count for text, count in Counter(texts.tolist()).items() if not is_missing(text)}
    total, known = sum(counts.values()), list(counts)
    if numbers and (
        not total or 2 * sum(counts[t] for t in known if any(is_number(t, sign) for sign in DECIMALS)) >= total
    ):
        return NUMBER
    if known and {truth(text) is None for text in known} == {False}:
        return BOOLEAN
    if known and all(DATE.fullmatch(text.strip()) and time(text) is not None for text in known):
        return TIME
    return TEXT


def floats(texts: Array) -> Array | None:
    """Many texts as Python reads numbers, at once; None if it cannot."""
    try:
        return texts.astype(np.float64)
    except (ValueError, OverflowError):
        return None


def truth(text: str) -> bool | None:
    """True or False; None if a text is neither."""
    plain = text.strip().lower()
    return True if plain in TRUE else False if plain in FALSE else None


def time(text: str) -> np.datetime64 | None:
    """A date or a time of ISO 8601; with an offset it is brought to UTC. None if a text is neither."""
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None:
            found = found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return np.datetime64(found, "us")


def missing_in(texts: Array) -> Array:
    """Which of many texts stand for a value that is not there."""
    blank = {text for text in set(texts) if is_missing(text)}
    if not blank:
        return np.zeros(len(texts), bool)
    return np.fromiter((text in blank for text in texts), bool, len(texts))
