"""What is said of data: that they cannot be learned from, or that they look doubtful."""

from __future__ import annotations

from typing import Any

from ..words import Phrase


class DataError(ValueError):
    """A file or data set that cannot be learned from; the message is one line that says where and why."""


class CellError(DataError):
    """What is wrong with a single value.

    Attributes
    ----------
    row
        Its number: of several that are wrong the first is told.
    """

    def __init__(self, message: str, row: int = 0) -> None:
        super().__init__(message)
        self.row = row


class DataWarning(UserWarning):
    """Something in a file that is probably not meant; the message is one line that says where and what to do.

    Attributes
    ----------
    said
        The same as a phrase, for other languages.
    """

    def __init__(self, key: str, **numbers: Any) -> None:
        self.said = Phrase(key, numbers)
        super().__init__(str(self.said))


def first_line(error: Exception) -> str:
    """What an error of another library, or of the system, says, in one line that is not too long."""
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
