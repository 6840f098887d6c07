"""What `audit` returns, and its forms: text and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..diagnosis.showing.plain import plain
from ..diagnosis.showing.text import as_text
from .audit_records import Audited
from .audit_view import view

VERSION = 1  # of the JSON form


@dataclass(frozen=True)
class Audit(Audited):
    """What a checkpoint's numbers say by themselves; `print` shows it.

    Attributes are those of `Audited`: `source`, `reference`, `parameters`, `findings`, `modules_known`; `faults` are
    the findings that no baseline accepts.
    """

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings; numbers that JSON does not know become "nan", "inf", "-inf"."""
        found: dict[str, Any] = {
            "version": VERSION,
            "source": self.source,
            "reference": self.reference,
            "modules_known": self.modules_known,
            "findings": [{"code": one.code, **plain(one), "sentence": str(one.said)} for one in self.findings],
            "parameters": plain(self.parameters),
        }
        return found

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def text(self, language: str = "en") -> str:
        """What `print` shows, in one of `words.LANGUAGES`."""
        return as_text(self.view(language))

    def view(self, language: str = "en") -> Any:
        """For rich's console."""
        return view(self, language)

    def __rich__(self) -> Any:
        return self.view()

    def __str__(self) -> str:
        return self.text()
