"""A report as tables for the terminal."""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .probe import LayerStats
from .report import Report, StartReport
from .verdict import HEALTHY, SHARE

COLUMNS = (
    "layer", "units", "distinct", "rms z", "rms a", "saturated", "dead", "rms ∂C/∂z", "rms ∂C/∂W", "update/weight",
)  # fmt: skip


def number(value: float) -> str:
    """Three digits; an exact zero stands out as a bare 0."""
    return "0" if value == 0 else f"{value:.3g}"


def row(i: int, layer: LayerStats) -> list[Text]:
    """One layer; what a verdict could be about stands out."""

    def cell(text: str, alarming: bool = False) -> Text:
        return Text(text, style="bold red" if alarming else "")

    return [
        cell(str(i)),
        cell(str(layer.units)),
        cell(str(layer.distinct), layer.distinct < layer.units),
        cell(number(layer.z_rms), not math.isfinite(layer.z_rms)),
        cell(number(layer.a_rms), not math.isfinite(layer.a_rms)),
        cell(f"{layer.saturated:.0%}", layer.saturated > SHARE),
        cell(f"{layer.dead:.0%}", layer.dead > SHARE),
        cell(number(layer.dz_rms), layer.dz_rms == 0 or not math.isfinite(layer.dz_rms)),
        cell(number(layer.dw_rms), layer.dw_rms == 0 or not math.isfinite(layer.dw_rms)),
        cell("–" if math.isnan(layer.update_ratio) else number(layer.update_ratio)),
    ]


def start_table(start: StartReport) -> RenderableType:
    """One start: its layers at the first batch, its verdict, what training made of it."""
    table = Table(title=Text(f"{start.init}", style="bold"), title_justify="left", pad_edge=False, box=SIMPLE_HEAD)
    table.padding, table.show_edge = 0, False  # ten columns, and eighty characters in a plain terminal
    for name in COLUMNS:
        table.add_column(name.replace(" ", "\n").replace("/w", "\n/w"), justify="right", no_wrap=True)
    for i, layer in enumerate(start.before.layers, 1):
        table.add_row(*row(i, layer))
    word = Text(str(start.verdict), style="green" if start.verdict.word == HEALTHY else "red")
    end = f", after {len(start.losses)} epochs {number(start.losses[-1])}" if start.losses else ""
    result = f"loss at the start {number(start.before.loss)}{end}; accuracy on held-out samples {start.accuracy:.1%}"
    return Group(table, word, Text(result), Text(""))


def heading(report: Report) -> Text:
    """What is being diagnosed, in one line."""
    s = report.settings
    sizes = "-".join(map(str, s.sizes))
    return Text(
        f"{s.data} ({s.samples} samples, {s.classes} classes), {sizes} {s.activation}, {s.loss}, "
        f"SGD lr {s.lr:g}, batch {s.batch_size}, {s.epochs} epochs, {s.dtype}, seed {s.seed}"
    )


def summary(report: Report) -> Table:
    """All starts side by side."""
    table = Table(title=Text("All starts", style="bold"), title_justify="left", pad_edge=False, box=SIMPLE_HEAD)
    for name, side in (
        ("start", "left"),
        ("verdict", "left"),
        ("layer", "right"),
        ("loss", "right"),
        ("accuracy", "right"),
    ):
        table.add_column(name, justify=side, no_wrap=True)  # type: ignore[arg-type]
    for start in report.starts:
        last = start.losses[-1] if start.losses else start.before.loss
        style = "green" if start.verdict.word == HEALTHY else "red"
        layer = "" if start.verdict.layer is None else str(start.verdict.layer)
        table.add_row(start.init, Text(start.verdict.word, style=style), layer, number(last), f"{start.accuracy:.1%}")
    return table
