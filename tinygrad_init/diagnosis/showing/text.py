"""Reports as tables for the terminal, in any of the languages of `words`."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...words import Phrase, number, phrase, say
from ..findings import SHARE
from ..judging import HEALTHY, LEARNED, untold
from ..records import Attribution, Compared, Judged, Layer, Recommended, Start, Zeros
from .evidence import evidence_phrases

COLUMNS = (
    "layer", "distinct units", "rms z", "rms a", "saturated", "dead", "rms ∂C/∂z", "rms ∂C/∂W", "update/weight",
)  # fmt: skip
# Bars are as long as a gradient is large on a logarithmic scale; so many decades below the largest there is none left.
BAR, DECADES = 5, 12
EIGHTHS = " ▏▎▍▌▋▊▉█"


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


def layers_table(layers: Sequence[Layer], title: str = "", language: str = "en") -> Table:
    """All layers of a network, with a bar for the gradient that arrives at each."""
    table = Table(title=Text(title, style="bold") if title else None, title_justify="left", pad_edge=False)
    table.box, table.padding, table.show_edge = SIMPLE_HEAD, 0, False  # eighty characters in a plain terminal
    for name in columns(language):
        table.add_column(name.replace(" ", "\n").replace("/w", "\n/w"), justify="right", no_wrap=True)
    table.add_column("∂C/∂z", no_wrap=True)
    largest = max((layer.dz.rms for layer in layers if math.isfinite(layer.dz.rms)), default=0.0)
    for i, layer in enumerate(layers, 1):
        table.add_row(*row(i, layer), Text(bar(layer.dz.rms, largest), style="cyan"))
    return table


def columns(language: str = "en") -> list[str]:
    """The heads of the columns."""
    return [say(f"column.{name}", {}, language) for name in COLUMNS]


def answers_text(report: Judged, language: str = "en") -> Text:
    """The six questions with their answers, and below them what else is worth to know."""
    text = Text()
    for answer in report.answers:
        text.append(f"{say(f'question.{answer.key}', {}, language)} ", style="bold")
        text.append(f"{answer.said.spoken(language)}\n", style="green" if answer.good else "red")
    for note in untold(report):
        text.append(f"{say('question.notes', {}, language)} ", style="bold")
        text.append(f"{note.note().spoken(language)}\n", style="cyan")
    text.rstrip()
    return text


def report_view(report: Judged, language: str = "en") -> RenderableType:
    """A report on one network."""
    details = [report.attributions[0].phrase(), *(zeros.phrase() for zeros in report.zeros if partly(zeros))]
    details += [prediction.phrase() for prediction in report.predictions]
    return Group(
        Text(head_of(report).spoken(language)),
        Text(""),
        answers_text(report, language),
        Text(""),
        layers_table(report.layers, language=language),
        Text(say("report.note", {}, language), style="dim"),
        Text(""),
        *(Text(detail.spoken(language)) for detail in [*details, *evidence_phrases(report)]),
    )


def head_of(report: Judged) -> Phrase:
    """What was looked at, in one line."""
    samples = phrase("report.samples.one" if report.samples == 1 else "report.samples", count=report.samples)
    return phrase("report.head", model=report.model, samples=samples, dtype=report.dtype, loss=report.loss)


def partly(zeros: Zeros) -> bool:
    """Whether much of a gradient is 0, but not all: of that the answers speak."""
    return SHARE < zeros.share < 1


def factors_table(attribution: Attribution, language: str = "en") -> Table:
    """The factors of a weight's gradient from the loss back to it, and what has come together so far."""
    table = Table(title=Text(attribution.name, style="bold"), title_justify="left", pad_edge=False, box=SIMPLE_HEAD)
    for name in ("factor", "of", "times", "decades", "together"):
        table.add_column(say(f"column.{name}", {}, language), justify="left" if name in ("factor", "of") else "right")
    together = 0.0
    for factor in attribution.factors:
        together += factor.log10
        size = 10.0**factor.log10 if abs(factor.log10) < 300 else math.nan
        cells = (number(size), f"{factor.log10:+.3f}", f"{together:+.3f}")
        table.add_row(
            factor.label, factor.name, *(Text(cell, style="red" if factor.log10 < -1 else "") for cell in cells)
        )
    return table


def recommendation_view(found: Recommended, language: str = "en") -> RenderableType:
    """What was tried and what to do."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    classes = not math.isnan(found.accuracy_before) or not math.isnan(found.accuracy_after)
    columns = ["change", "steps", "loss before", "after", *(["accuracy"] if classes else []), "", "why"]
    for name in columns:
        side = "left" if name in ("change", "", "why") else "right"
        table.add_column(say(f"column.{name}", {}, language) if name else "", justify=side)  # type: ignore[arg-type]
    fewest = min((trial.steps for trial in found.trials), default=0)
    for trial in found.trials:
        if trial.steps == fewest < found.steps and not trial.kept:
            continue
        mark = Text(say("column.kept", {}, language), style="green") if trial.kept else Text("")
        cells = [trial.what.spoken(language), str(trial.steps), number(trial.before), number(trial.after)]
        cells += [f"{trial.accuracy_after:.1%}"] if classes else []
        table.add_row(*cells, mark, trial.because.spoken(language))
    if found.kept:
        done = phrase("recommendation.do", changes=found.kept)
    else:
        done = phrase("recommendation.nothing" if found.learns else "recommendation.guessing", guess=found.guess)
    behind = sum(trial.steps == fewest < found.steps and not trial.kept for trial in found.trials)
    others = phrase("recommendation.others", count=behind, steps=fewest)
    lines = [Text(others.spoken(language))] if behind else []
    lines += [Text(done.spoken(language), style="green" if found.learns else "red")]
    compared = {"steps": found.steps, "before": found.loss_before, "after": found.loss_after, "guess": found.guess}
    if found.kept:
        lines.append(Text(phrase("recommendation.after", setup=str(found.setup), **compared).spoken(language)))
    else:
        lines.append(Text(phrase("recommendation.as_it_is", **compared).spoken(language)))
    if classes:
        shares = {"before": found.accuracy_before, "after": found.accuracy_after}
        lines.append(Text(phrase("recommendation.accuracy", **shares).spoken(language)))
    if not found.certain:
        lines.append(Text(phrase("recommendation.few").spoken(language), style="yellow"))
    if found.learns and found.kept:
        lines.append(Text(phrase("recommendation.now", verdict=found.after.verdict.phrase()).spoken(language)))
    before = phrase("recommendation.before", verdict=found.before.verdict.phrase()).spoken(language)
    return Group(Text(before), table, *lines)


def as_text(found: RenderableType) -> str:
    """What is shown, without colours."""
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(found)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def as_html(found: RenderableType) -> str:
    """The same as a fragment of HTML, in colours."""
    console = Console(file=io.StringIO(), width=110, record=True, force_terminal=True)
    console.print(found)
    return console.export_html(inline_styles=True, code_format="<pre style='line-height: 1.3'>{code}</pre>")


def start_table(start: Start, language: str = "en") -> RenderableType:
    """One start: its layers at the first batch, the six answers, what training made of it."""
    answers, table = answers_text(start.before, language), layers_table(start.before.layers, start.init, language)
    after = [Text(result_of(start).spoken(language)), Text("")]
    # What training has made of a healthy start is not in the answers, which are about the start.
    stands = bool(start.losses) and start.losses[-1] > LEARNED * start.before.loss
    if start.before.verdict.word == HEALTHY and (start.verdict.word != HEALTHY or stands):
        after.insert(0, Text(start.verdict.phrase().spoken(language), style="red"))
    return Group(table, Text(""), answers, *after)


def result_of(start: Start) -> Phrase:
    """What training has made of a start: its losses, and how well it does on what was held out."""
    end = phrase("comparison.result.end", epochs=len(start.losses), loss=start.losses[-1]) if start.losses else None
    if start.accuracy is None:
        score = phrase("comparison.score.r2", r2=start.r2)
    else:
        score = phrase("comparison.score.accuracy", accuracy=start.accuracy)
    return phrase("comparison.result", loss=start.before.loss, end=end, score=score)


def heading(comparison: Compared, language: str = "en") -> Text:
    """What is being diagnosed, in one line."""
    s = comparison.settings
    if s.classes:
        task = phrase("comparison.classes", classes=s.classes)
    else:
        task = phrase("comparison.regression.scaled" if s.scaled_targets else "comparison.regression")
    said = {"sizes": "-".join(map(str, s.sizes)), "task": task, "optimizer": phrase(f"optimizer.{s.optimizer}")}
    return Text(say("comparison.heading", {**vars(s), **said, "batch": s.batch_size}, language))


def summary(comparison: Compared, language: str = "en") -> Table:
    """All starts side by side; what is wrong by its word, which is the same in every language."""
    title = Text(say("comparison.all", {}, language), style="bold")
    table = Table(title=title, title_justify="left", pad_edge=False, box=SIMPLE_HEAD)
    for name, side in (
        ("start", "left"),
        ("verdict", "left"),
        ("layer", "right"),
        ("loss", "right"),
        ("accuracy" if comparison.settings.classes else "r2", "right"),
    ):
        table.add_column(say(f"column.{name}", {}, language), justify=side, no_wrap=True)  # type: ignore[arg-type]
    for start in comparison.starts:
        last = start.losses[-1] if start.losses else start.before.loss
        layer = "" if start.verdict.layer is None else str(start.verdict.layer)
        table.add_row(
            start.init,
            Text(start.verdict.word, style="green" if start.verdict.word == HEALTHY else "red"),
            layer,
            number(last),
            number(start.r2 or 0.0) if start.accuracy is None else f"{start.accuracy:.1%}",
        )
    return table
