"""Reports as tables for the terminal."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..findings import SHARE
from ..judging import HEALTHY, LEARNED
from ..measures.attribution import Attribution
from ..measures.layers import Layer
from ..measures.zeros import Zeros
from ..report import Report
from ..trials.comparison import Comparison, Start
from ..trials.recommendation import Recommendation

COLUMNS = (
    "layer", "distinct units", "rms z", "rms a", "saturated", "dead", "rms ∂C/∂z", "rms ∂C/∂W", "update/weight",
)  # fmt: skip
# Bars are as long as a gradient is large on a logarithmic scale; so many decades below the largest there is none left.
BAR, DECADES = 5, 12
EIGHTHS = " ▏▎▍▌▋▊▉█"


def number(value: float) -> str:
    """Two or three digits in up to seven characters; an exact zero stands out as a bare 0."""
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    return f"{value:.1e}" if "e" in text else text


def bar(value: float, largest: float) -> str:
    """A bar whose length is the logarithm of a number as a share of the largest."""
    if not (value > 0 and largest > 0 and math.isfinite(value) and math.isfinite(largest)):
        return " " * BAR
    length = max(0.0, 1 + (math.log10(value) - math.log10(largest)) / DECADES) * BAR
    whole = int(length)
    rest = EIGHTHS[int((length - whole) * 8)] if whole < BAR else ""
    return ("█" * whole + rest).ljust(BAR)


def row(i: int, layer: Layer) -> list[Text]:
    """One layer; what a verdict could be about stands out."""

    def cell(text: str, alarming: bool = False) -> Text:
        return Text(text, style="bold red" if alarming else "")

    return [
        cell(str(i)),
        cell(f"{len(layer.distinct)}/{layer.units}", len(layer.distinct) < layer.units),
        cell(number(layer.z.rms), layer.z.not_finite > 0),
        cell(number(layer.a.rms), layer.a.not_finite > 0),
        cell(f"{layer.saturated:.0%}", layer.saturated > SHARE),
        cell(f"{layer.dead_share:.0%}", layer.dead_share > SHARE),
        cell(number(layer.dz.rms), layer.dz.rms == 0 or layer.dz.not_finite > 0),
        cell(number(layer.dw.rms), layer.dw.rms == 0 or layer.dw.not_finite > 0),
        cell("–" if math.isnan(layer.update_ratio) else number(layer.update_ratio)),
    ]


def layers_table(layers: Sequence[Layer], title: str = "") -> Table:
    """All layers of a network, with a bar for the gradient that arrives at each."""
    table = Table(title=Text(title, style="bold") if title else None, title_justify="left", pad_edge=False)
    table.box, table.padding, table.show_edge = SIMPLE_HEAD, 0, False  # eighty characters in a plain terminal
    for name in COLUMNS:
        table.add_column(name.replace(" ", "\n").replace("/w", "\n/w"), justify="right", no_wrap=True)
    table.add_column("∂C/∂z", no_wrap=True)
    largest = max((layer.dz.rms for layer in layers if math.isfinite(layer.dz.rms)), default=0.0)
    for i, layer in enumerate(layers, 1):
        table.add_row(*row(i, layer), Text(bar(layer.dz.rms, largest), style="cyan"))
    return table


def answers_text(report: Report) -> Text:
    """The five questions with their answers."""
    text = Text()
    for answer in report.answers:
        text.append(f"{answer.question} ", style="bold")
        text.append(f"{answer.sentence}\n", style="green" if answer.good else "red")
    text.rstrip()
    return text


def report_view(report: Report) -> RenderableType:
    """A report on one network."""
    head = Text(f"{report.model}, {samples(report.samples)}, {report.dtype}, loss {number(report.loss)}")
    details = [Text(str(report.attributions[0])), *(Text(str(zeros)) for zeros in report.zeros if partly(zeros))]
    details += [Text(str(prediction)) for prediction in report.predictions]
    note = Text("∂C/∂z is what one sample sends back: times the number of samples.", style="dim")
    return Group(head, Text(""), answers_text(report), Text(""), layers_table(report.layers), note, Text(""), *details)


def samples(count: int) -> str:
    """So many samples."""
    return "1 sample" if count == 1 else f"{count} samples"


def partly(zeros: Zeros) -> bool:
    """Whether much of a gradient is 0, but not all: of that the answers speak."""
    return SHARE < zeros.share < 1


def factors_table(attribution: Attribution) -> Table:
    """The factors of a weight's gradient from the loss back to it, and what has come together so far."""
    table = Table(title=Text(attribution.name, style="bold"), title_justify="left", pad_edge=False, box=SIMPLE_HEAD)
    for name in ("factor", "of", "times", "decades", "together"):
        table.add_column(name, justify="left" if name in ("factor", "of") else "right")
    together = 0.0
    for factor in attribution.factors:
        together += factor.log10
        size = 10.0**factor.log10 if abs(factor.log10) < 300 else math.nan
        cells = (number(size), f"{factor.log10:+.3f}", f"{together:+.3f}")
        table.add_row(
            factor.label, factor.name, *(Text(cell, style="red" if factor.log10 < -1 else "") for cell in cells)
        )
    return table


def recommendation_view(found: Recommendation) -> RenderableType:
    """What was tried and what to do."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, side in (("change", "left"), ("loss before", "right"), ("after", "right"), ("", "left"), ("why", "left")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for trial in found.trials:
        mark = Text("kept", style="green") if trial.kept else Text("")
        table.add_row(trial.change, number(trial.before), number(trial.after), mark, trial.why)
    changes = "; ".join(found.changes) or "nothing: no change made it better"
    clip = "" if found.setup.clip is None else f", gradients clipped to norm {found.setup.clip:g}"
    return Group(
        Text(f"Before: {found.before.verdict}"),
        table,
        Text(f"Do: {changes}.", style="green"),
        Text(
            f"After {found.steps} steps the loss on held-out samples is {number(found.loss_after)} instead of "
            f"{number(found.loss_before)} (learning rate {found.setup.lr:.3g}{clip})."
        ),
        Text(f"Now: {found.after.verdict}"),
    )


def as_text(found: RenderableType) -> str:
    """What is shown, without colours."""
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(found)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def as_html(report: Report) -> str:
    """The same as a fragment of HTML, in colours."""
    console = Console(file=io.StringIO(), width=110, record=True, force_terminal=True)
    console.print(report_view(report))
    return console.export_html(inline_styles=True, code_format="<pre style='line-height: 1.3'>{code}</pre>")


def start_table(start: Start) -> RenderableType:
    """One start: its layers at the first batch, the five answers, what training made of it."""
    end = f", after {len(start.losses)} epochs {number(start.losses[-1])}" if start.losses else ""
    result = f"Loss at the start {number(start.before.loss)}{end}; accuracy on held-out samples {start.accuracy:.1%}."
    answers, table = answers_text(start.before), layers_table(start.before.layers, start.init)
    after = [Text(result), Text("")]
    # What training has made of a healthy start is not in the answers, which are about the start.
    stands = bool(start.losses) and start.losses[-1] > LEARNED * start.before.loss
    if start.before.verdict.word == HEALTHY and (start.verdict.word != HEALTHY or stands):
        after.insert(0, Text(str(start.verdict), style="red"))
    return Group(table, Text(""), answers, *after)


def heading(comparison: Comparison) -> Text:
    """What is being diagnosed, in one line."""
    s = comparison.settings
    sizes = "-".join(map(str, s.sizes))
    return Text(
        f"{s.data} ({s.samples} samples, {s.classes} classes), {sizes} {s.activation}, {s.loss}, "
        f"SGD lr {s.lr:g}, batch {s.batch_size}, {s.epochs} epochs, {s.dtype}, seed {s.seed}"
    )


def summary(comparison: Comparison) -> Table:
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
    for start in comparison.starts:
        last = start.losses[-1] if start.losses else start.before.loss
        layer = "" if start.verdict.layer is None else str(start.verdict.layer)
        table.add_row(
            start.init,
            Text(start.verdict.word, style="green" if start.verdict.word == HEALTHY else "red"),
            layer,
            number(last),
            f"{start.accuracy:.1%}",
        )
    return table
