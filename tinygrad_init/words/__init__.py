"""What the library says, in every language it speaks: templates by key, and one formatter.

A sentence is a key with named numbers (`Phrase`); `say` puts them into the template of a language. Templates are in
`en.json` and `zh.json`, with the same keys and the same names in both. A place is `{name}` or `{name:how}`:

==============  ========================================================================================================
`.2g`, `.0%` …  Python's own formats of numbers
`factor`        10 to the power of the number, in two digits
`number`        two or three digits in up to seven characters; an exact 0 is a bare 0
`layers`        numbers of layers in words: "layer 3", "layers 1 to 4", "layers 1, 3"
`,` `;` `in`    several phrases or numbers, joined by the language's own sign
==============  ========================================================================================================

A value may itself be a phrase; None is said by nothing.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pkgutil import get_data
from typing import Any

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Phrase:
    """Something to say: the key of a template, and what stands in its places."""

    key: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.spoken()

    def spoken(self, language: str = "en") -> str:
        """In one of `LANGUAGES`."""
        return say(self.key, self.numbers, language)


def phrase(key: str, **numbers: Any) -> Phrase:
    """A phrase by keywords."""
    return Phrase(key, numbers)


@cache
def templates(language: str) -> dict[str, str]:
    """All templates of a language by key.

    Raises
    ------
    ValueError
        There is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"expected a language out of {', '.join(LANGUAGES)}; got {language!r}")
    found: dict[str, str] = json.loads(get_data(__name__, f"{language}.json") or b"{}")
    return found


def say(key: str, numbers: dict[str, Any] | None = None, language: str = "en") -> str:
    """The sentence of a key with these numbers in it.

    Raises
    ------
    KeyError
        There is no such template, or it names a number that is not given.
    """
    return Speaker(language).vformat(templates(language)[key], (), numbers or {})


class Speaker(string.Formatter):
    """Formats numbers, lists and phrases as they are said in a language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return kwargs[field_name], field_name  # names are plain words: nothing is looked up in them

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return ""
        if isinstance(value, Phrase):
            return value.spoken(self.language)
        if format_spec == "layers":
            return in_words(value, self.language)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return templates(self.language)[f"list.{format_spec}"].join(self.format_field(one, "") for one in value)
        if format_spec == "factor":
            return f"{10.0**value:.2g}" if abs(value) < 300 else f"10^{value:.0f}"
        if format_spec == "number":
            return number(value)
        return format(value, format_spec)


def in_words(layers: Sequence[int], language: str = "en") -> str:
    """ "layer 3", "layers 1 to 4" or "layers 1, 3"."""
    how = "several" if list(layers) != list(range(layers[0], layers[-1] + 1)) else "range" if len(layers) > 1 else "one"
    return say(f"layers.{how}", {"first": layers[0], "last": layers[-1], "all": layers}, language)


def number(value: float) -> str:
    """Two or three digits in up to seven characters; an exact zero stands out as a bare 0."""
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    return f"{value:.1e}" if "e" in text else text
