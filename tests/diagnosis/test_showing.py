"""Reports in a terminal: every number in its place, what is wrong in red, bars as long as logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from rich.table import Table
from rich.text import Text

import tinygrad_init as tgi
from tinygrad_init import diagnosis, nn
from tinygrad_init.data import load
from tinygrad_init.diagnosis import Settings, diagnose, recommend
from tinygrad_init.diagnosis.records import Attribution, Factor, Zeros
from tinygrad_init.diagnosis.showing import text
from tinygrad_init.words import number

from ..records import changeable
from .test_findings import HEALTHY as REPORT
from .test_findings import apart, change, layer


def cells(table: Table) -> list[list[Any]]:
    """The rows of a table."""
    return [list(row) for row in zip(*(column.cells for column in table.columns), strict=True)]


def style(cell: Any) -> str:
    return str(cell.style) if isinstance(cell, Text) else ""


def printed(what: Any) -> list[str]:
    return text.as_text(what).splitlines()


def test_records_are_values() -> None:
    """Others keep them; only what is being filled may change."""
    assert changeable("tinygrad_init.diagnosis") == {
        "Compared", "Network", "Link", "Before", "Ground", "Rival", "Search", "Call", "TorchGround", "TorchRival",
        "Habits", "Signal",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("decades", "length"), [(0, 5.0), (-2.4, 4.0), (-3, 3.75), (-6, 2.5), (-11.9, 0.04), (-12, 0.0), (-20, 0.0)]
)
def test_bars_are_as_long_as_logarithms(decades: float, length: float) -> None:
    """Five characters of eight parts each for twelve decades."""
    for largest in (1.0, 1e-200, 1e200):
        drawn = text.bar(largest * 10**decades, largest)
        assert len(drawn) == 5
        full, part = drawn.count("█"), drawn.strip(" █")
        found = full + (text.EIGHTHS.index(part) / 8 if part else 0.0)
        assert found == pytest.approx(length, abs=0.13) and found <= length + 1e-9


@pytest.mark.parametrize(("value", "largest"), [(0, 1), (-1, 1), (math.nan, 1), (math.inf, 1), (1, 0), (1, math.inf)])
def test_what_has_no_size_has_no_bar(value: float, largest: float) -> None:
    assert text.bar(value, largest) == " " * 5


def test_a_row_holds_the_numbers_of_its_layer() -> None:
    for i, found in enumerate(REPORT.layers, 1):
        row = text.row(i, found)
        assert [str(cell) for cell in row] == [
            str(i), f"{len(found.distinct)}/{found.units}", number(found.z.rms), number(found.a.rms),
            f"{found.saturated:.0%}", f"{found.dead_share:.0%}", number(found.dz.rms), number(found.dw.rms),
            number(found.update_ratio),
        ]  # fmt: skip
        assert not any(style(cell) for cell in row)


@pytest.mark.parametrize(
    ("fields", "alarming"),
    [
        ({"distinct": apart(31, 32)}, [1]),
        ({"z__not_finite": 1e-9}, [2]),
        ({"a__not_finite": 1e-9}, [3]),
        ({"saturated": 0.51}, [4]), ({"saturated": 0.5}, []),
        ({"units": 100, "dead": tuple(range(51))}, [1, 5]), ({"units": 100, "dead": tuple(range(50))}, [1]),
        ({"dz__rms": 0.0}, [6]), ({"dz__not_finite": 1e-9}, [6]),
        ({"dw__rms": 0.0}, [7]), ({"dw__not_finite": 1e-9}, [7]),
        ({"update_ratio": math.nan}, []),
    ],
)  # fmt: skip
def test_what_a_verdict_could_be_about_stands_out(fields: dict[str, Any], alarming: list[int]) -> None:
    row = text.row(2, layer(REPORT, 2, **fields).layers[1])
    assert [i for i, cell in enumerate(row) if style(cell) == "bold red"] == alarming
    if "update_ratio" in fields:
        assert str(row[8]) == "–"


def test_the_table_of_layers() -> None:
    """The longest bar belongs to the largest gradient that is finite; nothing stands at the left of the numbers."""
    report = layer(layer(REPORT, 1, dz__rms=math.inf), 3, dz__rms=1e3)
    table = text.layers_table(report.layers, "a title")
    rows = cells(table)
    assert [str(row[0]) for row in rows] == ["1", "2", "3", "4"]
    assert [str(row[9]).count("█") for row in rows] == [
        0,
        *(text.bar(found.dz.rms, 1e3).count("█") for found in report.layers[1:]),
    ]
    assert str(rows[2][9]) == "█" * 5
    lines = printed(table)
    assert lines[0].strip() == "a title" and lines[0].startswith("a title") and max(map(len, lines)) <= 80
    assert all(column.justify == "right" for column in table.columns[:-1]) and table.columns[-1].justify == "left"
    assert not text.layers_table(report.layers).title


def test_the_factors_add_up_line_by_line() -> None:
    factors = (
        Factor("loss", "", "∂C/∂output", -0.5), Factor("weights", "layers.2", "W", -1.001),
        Factor("activation", "layers.1", "tanh'", -1.0), Factor("input", "layers.0", "layer input", 300.5),
    )  # fmt: skip
    table = text.factors_table(Attribution("layers.0.weight", 0.0, factors, 0.0))
    rows = cells(table)
    assert [row[:2] for row in rows] == [[factor.label, factor.name] for factor in factors]
    assert [str(row[3]) for row in rows] == ["-0.500", "-1.001", "-1.000", "+300.500"]
    assert [str(row[4]) for row in rows] == ["-0.500", "-1.501", "-2.501", "+297.999"]
    assert [str(row[2]) for row in rows] == ["0.316", "0.0998", "0.1", "nan"]
    assert [[style(cell) for cell in row[2:]] for row in rows] == [[""] * 3, ["red"] * 3, [""] * 3, [""] * 3]
    assert [column.justify for column in table.columns] == ["left", "left", "right", "right", "right"]
    lines = printed(table)
    assert lines[0] == "layers.0.weight" and any(line.startswith(" ∂C/∂output") for line in lines)


def test_the_answers_are_green_or_red() -> None:
    for report in (REPORT, layer(REPORT, 2, dead=tuple(range(32)))):
        shown = text.answers_text(report)
        lines = str(shown).split("\n")
        assert len(lines) == 6 and str(shown) == str(shown).rstrip()
        for line, answer in zip(lines, report.answers, strict=True):
            assert line.endswith(answer.sentence)
        colours = [str(span.style) for span in shown.spans if str(span.style) != "bold"]
        assert colours == ["green" if answer.good else "red" for answer in report.answers]
        assert [str(span.style) for span in shown.spans].count("bold") == 6


@pytest.mark.parametrize(("share", "told"), [(0.5, False), (0.501, True), (0.999, True), (1.0, False), (0.0, False)])
def test_zeros_are_told_where_there_are_many_but_not_only_zeros(share: float, told: bool) -> None:
    zeros = Zeros("layers.2.weight", share, {"slope": share}, 0)
    assert text.partly(zeros) == told
    report = change(REPORT, zeros=(zeros,))
    assert (str(zeros.phrase()) in " ".join(report.text().split())) == told


def test_one_sample_is_one() -> None:
    assert "1 sample," in text.head_of(change(REPORT, samples=1)).spoken()
    assert "2 samples" in text.head_of(change(REPORT, samples=2)).spoken()


def compared(epochs: int = 2, lr: float = 0.1) -> Any:
    data = load("moons", rng=0)
    settings = Settings("moons", 400, 2, (2, 6, 6, 2), "tanh", "cross_entropy", lr, epochs, 64, 0, "float32")
    comparison, results = diagnosis.compare_starts(data, settings, ["xavier", "zeros"])
    list(results)
    return comparison


def test_all_starts_side_by_side() -> None:
    comparison = compared()
    table = text.summary(comparison)
    for row, start in zip(cells(table), comparison.starts, strict=True):
        assert str(row[0]) == start.init and str(row[1]) == start.verdict.word
        assert str(row[2]) == ("" if start.verdict.layer is None else str(start.verdict.layer))
        assert str(row[3]) == number(start.losses[-1]) and str(row[4]) == f"{start.accuracy:.1%}"
        assert style(row[1]) == ("green" if start.verdict.word == "healthy" else "red")
    assert [column.justify for column in table.columns] == ["left", "left", "right", "right", "right"]
    assert any(line.startswith(" xavier") for line in printed(table))


def test_what_training_has_made_of_a_start() -> None:
    """Of a healthy one that it has broken, or that stands still, the verdict is told besides."""
    import dataclasses

    healthy, zeros = compared().starts
    said = str(healthy.verdict.phrase())

    def told(**fields: Any) -> bool:
        start = dataclasses.replace(healthy, **fields)
        return str(start.verdict.phrase()) in " ".join("\n".join(printed(text.start_table(start))).split())

    assert not told(losses=(0.949 * healthy.before.loss,)) and said
    assert told(losses=(0.951 * healthy.before.loss,))
    assert not told(losses=())
    assert told(losses=(0.1,), verdict=zeros.verdict)
    assert "2-6-6-2" in str(text.heading(compared()))


def test_what_was_tried_and_what_to_do() -> None:
    """Those that fell behind in the first stage are counted."""
    data = load("moons", rng=0)
    model = nn.MLP((2, 8, 8, 2), "tanh", rng=0)
    tgi.initialize(model, "zeros", 0)
    found = recommend(model, data.x, data.y, steps=100)
    view: Any = text.recommendation_view(found)
    (table,) = [part for part in view.renderables if isinstance(part, Table)]
    rows = [trial for trial in found.trials if trial.steps > 10 or trial.kept]
    for row, trial in zip(cells(table), rows, strict=True):
        numbers = [str(trial.steps), number(trial.before), number(trial.after), f"{trial.accuracy_after:.1%}"]
        assert [str(cell) for cell in row[:5]] == [trial.change, *numbers]
        assert bool(str(row[5])) == trial.kept and (style(row[5]) == "green") == trial.kept
    assert [column.justify for column in table.columns] == ["left", "right", "right", "right", "right", "left", "left"]
    assert f"{len(found.trials) - len(rows)} other setups fell behind within 10 steps." in printed(view)


def test_text_is_120_wide_without_colours_and_html_has_them() -> None:
    wide = Text("x" * 119 + " " + "y")
    assert printed(wide) == ["x" * 119, "y"] and len(printed(Text("x" * 118 + " y"))) == 1
    assert text.as_text(Text("a   ")) == "a" and "\x1b" not in text.as_text(Text("a", style="red"))
    html = text.as_html(Text("a", style="red"))
    assert html.startswith("<pre style='line-height: 1.3'>") and "color:" in html
    for width, lines in ((108, 1), (109, 2)):
        assert text.as_html(Text("x" * width + " y")).count("\n") == lines


def test_a_report_has_all_its_parts() -> None:
    rng = np.random.default_rng(0)
    report = diagnose(nn.MLP((5, 8, 8, 3), "tanh", rng=0), rng.normal(size=(30, 5)), rng.integers(0, 3, 30))
    shown = " ".join(report.text().split())
    for answer in report.answers:
        assert answer.sentence in shown
    for prediction in report.predictions:
        assert str(prediction.phrase()) in shown
    assert str(report.attributions[0].phrase()) in shown and f"{report.loss:.3g}" in shown
