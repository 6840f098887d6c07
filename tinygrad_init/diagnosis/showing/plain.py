"""Records as JSON knows them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from ...words import Phrase
from ..records import Answer, Verdict

VERSION = 3  # of the schema of the JSON form
# What is written beside the fields of a record: it follows from them, and not everybody has the words.
WRITTEN: dict[type, tuple[str, ...]] = {Verdict: ("reason",), Answer: ("question", "sentence")}


def fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that make it what it is, with what is written beside them.

    Those that are not compared, as the time that something took, are left out: the same run writes the same file.
    """
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.compare}
    return found | {name: getattr(value, name) for name in WRITTEN.get(type(value), ())}


def plain(value: Any) -> Any:
    """What JSON knows."""
    if isinstance(value, Phrase):
        return {"key": value.key, "numbers": plain(value.numbers)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in fields(value).items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
