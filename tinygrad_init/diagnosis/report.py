"""The report of a diagnosis: measured once, judged, spoken and shown here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .judging import answers, confidence, judge, notes
from .records import Answer, Confidence, Judged, Measured, Verdict
from .showing.drawing import figure
from .showing.page import render
from .showing.plain import VERSION, fields, plain
from .showing.plots import of_report
from .showing.text import as_html, as_text, report_view


@dataclass(frozen=True)
class Report(Judged):
    """What `diagnose` found out about a network on a batch.

    What was measured is what `Measured` has. It is spoken in English unless another language is asked for.
    """

    __doc__ = Measured.__doc__

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The six questions and their answers."""
        return answers(self)

    @cached_property
    def verdict(self) -> Verdict:
        """The gravest finding, or that the network is healthy."""
        return judge(self)

    @cached_property
    def notes(self) -> tuple[Verdict, ...]:
        """What is worth to know and no fault."""
        return notes(self)

    @cached_property
    def confidence(self) -> Confidence | None:
        """How often such a verdict was right about networks that were then trained; None where it was not counted."""
        return confidence(self, self.verdict)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings; numbers that JSON does not know become "nan", "inf", "-inf"."""
        judged = {
            "version": VERSION,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "answers": self.answers,
            "notes": self.notes,
        }
        return {key: plain(value) for key, value in (judged | fields(self)).items()}

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_html(self, language: str = "en") -> str:
        """One self-contained page with interactive plots (extra: plot)."""
        return render(self, None, language)

    def figure(self, language: str = "en") -> Any:
        """The plots as a matplotlib figure (extra: plot); `figure().savefig("report.pdf")`."""
        return figure(of_report(self, language))

    def text(self, language: str = "en") -> str:
        """What `print` shows, in one of `words.LANGUAGES`."""
        return as_text(report_view(self, language))

    def _repr_html_(self) -> str:
        """In a notebook: what `print` shows, in colours."""
        return as_html(self.__rich__())

    def __rich__(self) -> Any:
        return report_view(self)

    def __str__(self) -> str:
        return self.text()
