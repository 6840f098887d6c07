"""An audit as a table for the terminal, in any of the languages of `words`."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..words import number, say
from .audit_records import FAULT, Audited, Finding, ParameterRecord
from .roles import EMBEDDING, MAPS

COLUMNS = ("parameter", "shape", "std", "gain", "scheme", "sure")


def view(audit: Audited, language: str = "en") -> RenderableType:
    """The findings, and the parameters that are weights or have one."""
    noted = {name for one in audit.findings for name in (one.parameter, *one.others)}
    shown = [one for one in audit.parameters if one.role in (*MAPS, EMBEDDING) or one.name in noted]
    head = say(
        "audit.head", {"source": audit.source, "count": len(audit.parameters), "numbers": numbers_in(audit)}, language
    )
    notes = []
    if len(shown) < len(audit.parameters):
        notes.append(say("audit.left_out", {"count": len(audit.parameters) - len(shown)}, language))
    if not audit.modules_known:
        notes.append(say("audit.unknown", {}, language))
    lines = [line(one, language) for one in audit.findings] or [Text(say("audit.none", {}, language), style="green")]
    return Group(
        Text(head), Text(""), table(audit, shown, language), *(Text(n, style="dim") for n in notes), Text(""), *lines
    )


def numbers_in(audit: Audited) -> int:
    """How many numbers there are; those of a storage with two names once."""
    return sum(one.count + one.not_finite for one in audit.parameters if not one.tied_to)


def line(one: Finding, language: str) -> Text:
    """A finding: code, parameter, sentence."""
    style = "dim" if one.known else "red" if one.severity == FAULT else "cyan"
    key = "audit.known" if one.known else "audit.fault" if one.severity == FAULT else "audit.note"
    severity = say(key, {}, language)
    text = Text(f"{one.code} {severity} ", style=f"bold {style}")
    text.append(f"{one.parameter}: " if one.parameter else "", style="bold")
    text.append(one.said.spoken(language), style=style)
    return text


def table(audit: Audited, shown: list[ParameterRecord], language: str) -> Table:
    """A row a parameter; columns that say nothing here are left out."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    columns = [*COLUMNS]
    if any(one.forward is not None for one in shown):
        columns += ["follows", "forward", "backward"]
    if audit.reference:
        columns.append("moved")
    for name in columns:
        left = name in ("parameter", "scheme", "follows")
        found.add_column(say(f"column.{name}", {}, language), justify="left" if left else "right", overflow="fold")
    for one in shown:
        cells = row(one, language)
        found.add_row(*(cells[name] for name in columns))
    return found


def row(one: ParameterRecord, language: str) -> dict[str, str]:
    """The cells of a parameter, by column."""
    scheme, moved = one.scheme, one.moved
    said = say("audit.no_scheme", {}, language) if scheme is None else scheme.label
    return {
        "parameter": one.name,
        "shape": "×".join(map(str, one.shape)) or "1",
        "std": number(one.std),
        "gain": optional(one.gain),
        "scheme": say("audit.tied", {"other": one.tied_to}, language) if one.tied_to else said,
        "sure": "" if scheme is None else f"{scheme.probability:.0%}",
        "follows": one.activation,
        "forward": optional(one.forward),
        "backward": optional(one.backward),
        "moved": "" if moved is None else "=" if moved.identical else number(moved.distance),
    }


def optional(value: float | None) -> str:
    """A number, if there is one."""
    return "" if value is None else number(value)
