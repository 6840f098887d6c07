"""Messages as text: numbers with a few digits, infinities and NaN as null, bytes in base64."""

from __future__ import annotations

import dataclasses
import json
import math
from base64 import b64encode
from typing import Any

DIGITS = 5


def encode(message: Any, digits: int | None = DIGITS) -> str:
    """A message as JSON text.

    Parameters
    ----------
    message
        An instance of a dataclass.
    digits
        To how many digits numbers are rounded; None for all that they have.
    """
    text = json.dumps(plain(message, digits), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # An error may quote what came, which may be no text that can be sent.
    return text.encode("utf-8", "replace").decode()


def plain(value: Any, digits: int | None = DIGITS) -> Any:
    """What JSON knows."""
    kind = type(value)
    if kind is float:
        if not math.isfinite(value):
            return None
        return value if digits is None else float(f"{value:.{digits}g}")
    if kind in (int, str, bool) or value is None:
        return value
    if kind is bytes:
        return b64encode(value).decode()
    if kind is tuple or kind is list:
        return [plain(item, digits) for item in value]
    if kind is dict:
        return {key: plain(item, digits) for key, item in value.items()}
    digits = None if getattr(kind, "exact", False) else digits
    return {field.name: plain(getattr(value, field.name), digits) for field in dataclasses.fields(value)}
