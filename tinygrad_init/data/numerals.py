"""Numbers as they stand in text files: with a decimal point or comma, in groups of three digits, missing, too large."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from .complaints import DataError

# Beyond this, squares and differences of features overflow, and what is seen then is not the network's doing. Features
# are scaled in float64, so that what float32 does not hold (beyond 3.4e38) can be learned from up to here.
LARGEST = 1e100
# Of longer texts errors show the beginning.
LONG = 40
MISSING = ("", "na", "n/a", "nan", "null", "none")
DECIMALS = (".", ",")
# Groups of three digits, separated by what is not the decimal sign.
GROUPS = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}


def as_float(text: str, decimal: str = ".") -> float | None:
    """A number with a decimal sign, and perhaps with digits in groups of three; None if it is none.

    "1.234,5" is 1234.5 with a decimal comma, and none with a point.
    """
    text = text.strip()
    if GROUPS[decimal].fullmatch(text):
        text = text.replace("," if decimal == "." else ".", "")
    elif decimal == "," and "." in text:
        return None
    try:
        return float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether a text is a number, finite or not."""
    return as_float(text, decimal) is not None


def is_missing(text: str) -> bool:
    """Whether a text stands for a value that is not there."""
    return text.strip().lower() in MISSING


def decimal_of(where: str, cells: Iterable[tuple[str, str]]) -> str:
    """The decimal sign of a file.

    Parameters
    ----------
    where
        The file.
    cells
        Texts that should be numbers, each after its place.

    Raises
    ------
    DataError
        Commas may be decimal or between groups of digits, and nothing in the file says which.
    """
    doubtful = None
    read: set[str] = set()
    for place, text in cells:
        if "," not in text and "." not in text:
            continue
        able = [decimal for decimal in DECIMALS if is_number(text, decimal)]
        if len(able) == 1:
            read.update(able)
        elif len(able) == 2 and "," in text:
            doubtful = doubtful or (place, text.strip())
    if len(read) == 1:
        return read.pop()
    if not read and doubtful is not None:
        place, text = doubtful
        values = " or ".join(f"{as_float(text, decimal):.12g}" for decimal in DECIMALS)
        raise DataError(f"{where}: {place}: {text!r} may be {values}; say which by --decimal . or --decimal ,")
    return "."


def number(where: str, text: str, decimal: str = ".") -> float:
    """A finite number out of a cell.

    Raises
    ------
    DataError
        It is missing, none, not finite, or of a size that nobody can compute with; `where` stands before it.
    """
    text = text.strip()
    if is_missing(text):
        raise DataError(f"{where}: missing value")
    found = as_float(text, decimal)
    if found is None:
        raise DataError(f"{where}: expected a number, got {text if len(text) <= LONG else text[:LONG] + '…'!r}")
    if abs(found) <= LARGEST:
        if found == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
            raise DataError(f"{where}: {text} is too small for float64, where it would be 0; scale the column")
        return found
    if "inf" in text.lower() or math.isnan(found):
        raise DataError(f"{where}: expected a finite number, got {text!r}")
    raise DataError(f"{where}: {too_large(text)}")


def too_large(text: str) -> str:
    """Of a finite number with which nobody can compute."""
    return (
        f"{text} is too large: float32 ends at 3.4e+38, and beyond ±{LARGEST:g} squares overflow in float64, too; "
        "scale the column"
    )
