"""What is said of data: that they cannot be learned from, or that they look doubtful."""

from __future__ import annotations

from typing import Any

from ..words import Phrase


class DataError(ValueError):
    """A file or data set that cannot be learned from; the message is one line that says where and why."""


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
