"""Six answers and the notes, in every form of a report: text, page and JSON; and a note looks like no fault."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.diagnosis import Comparison, Report, Settings, Start, diagnose, read_report
from tinygrad_init.diagnosis.judging import untold
from tinygrad_init.diagnosis.showing import text
from tinygrad_init.diagnosis.showing.page import render
from tinygrad_init.diagnosis.showing.schema import schema
from tinygrad_init.words import LANGUAGES, say

from .test_findings import HEALTHY, ahead, apart, change, layer, way

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 8))
Y = np.arange(100) % 3
MOSTLY = np.where(np.arange(100) < 3, 1, 0)  # one class has 97 of 100


class Probabilities(nn.Module):
    def __init__(self) -> None:
        self.body = nn.MLP((8, 16, 3), "tanh", rng=0)

    def forward(self, x: Any) -> Any:
        return tgi.softmax(self.body(x))


def started(start: str) -> Report:
    model = nn.MLP((8, 16, 16, 3), "relu", rng=0)
    tgi.initialize(model, start, 0)
    return diagnose(model, X, Y)


def noted(report: Report) -> Report:
    """A gradient that falls far without doing harm, and units that are the same: of both the answers tell."""
    return layer(layer(report, 1, dz__rms=1e-3), 2, distinct=apart(30, 32), distinct_updates=apart(30, 32))


def loud(report: Report) -> Report:
    """Outputs that are sure of what they do not know yet: no answer tells of that."""
    return change(layer(report, -1, z__rms=5.0), loss=4 * report.guess)


REPORTS = {
    "healthy": HEALTHY,
    "a fault of the output": diagnose(Probabilities(), X, Y),
    "a fault of the targets": diagnose(nn.MLP((8, 16, 1), "relu", rng=0), X, 1e4 + X[:, :1], "mse"),
    "a number is missing": diagnose(nn.MLP((8, 16, 3), "relu", rng=0), np.where(X[7, 3] == X, np.nan, X), Y),
    "a note on the data": diagnose(nn.MLP((8, 16, 3), "relu", rng=0), X, MOSTLY),
    "few samples": diagnose(nn.MLP((8, 16, 3), "relu", rng=0), X[:4], Y[:4]),
    "all zero": started("zeros"),
    "notes that the answers tell": noted(HEALTHY),
    "a note that no answer tells": loud(noted(HEALTHY)),
    "faults and a note": layer(loud(HEALTHY), 2, dead=tuple(range(32))),
    "a fault, in place of which the answer would tell a note": change(noted(HEALTHY), same_draws=(("a", "b"),)),
    "it learns all the same": ahead(way(layer(loud(HEALTHY), 1, update_ratio=1e-9), -3.0), last=0.01),
    "it has learned": change(way(layer(noted(HEALTHY), 1, update_ratio=1e-9), -3.0), loss=0.01 * HEALTHY.guess),
    "nothing was asked": change(loud(HEALTHY), fit=None),
}
every = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
in_both = pytest.mark.parametrize("language", LANGUAGES)


def test_there_is_everything_among_them() -> None:
    """So that what follows is said of faults, notes, both and neither."""
    kinds = {(report.verdict.fault, bool(report.notes), bool(untold(report))) for report in REPORTS.values()}
    assert kinds >= {(False, False, False), (True, False, False), (False, True, False), (False, True, True)}
    assert (True, True, True) in kinds and not REPORTS["a fault of the output"].answers[0].good


@every
def test_every_note_is_told_and_no_sentence_twice(report: Report) -> None:
    """By an answer or below them; and nothing that is a fault is among the notes."""
    answers = [answer.sentence for answer in report.answers]
    below = untold(report)
    assert all(note in report.notes for note in below) and not any(note.fault for note in report.notes)
    for note in report.notes:
        told = any(note.reason in sentence for sentence in answers)
        mostly = note.key == "units.some_alike" and any(sentence.startswith("Mostly:") for sentence in answers)
        assert (note in below) != (told or mostly)


def test_a_note_has_its_place_but_no_word_of_a_fault() -> None:
    (loud_one,) = untold(REPORTS["a note that no answer tells"])
    assert loud_one.word == "exploding" and "exploding" not in str(loud_one.note())
    assert str(loud_one.note()) == f"layer 4: {loud_one.reason}"
    assert loud_one.note().spoken("zh") == f"第 4 层：{loud_one.why.spoken('zh')}"
    (few,) = REPORTS["few samples"].notes
    assert few.layer is None and str(few.note()) == few.reason
    (alike,) = untold(REPORTS["a fault, in place of which the answer would tell a note"])
    assert str(alike.note()) == "layer 2: 30 of its 32 units are different"


@every
@in_both
def test_the_text_has_answers_in_green_or_red_and_notes_in_neither(report: Report, language: str) -> None:
    shown = text.answers_text(report, language)
    said = [shown.plain[span.start : span.end].strip() for span in shown.spans if str(span.style) != "bold"]
    colours = [str(span.style) for span in shown.spans if str(span.style) != "bold"]
    notes = [note.note().spoken(language) for note in untold(report)]
    assert said == [*(answer.said.spoken(language) for answer in report.answers), *notes]
    assert colours == [*("green" if answer.good else "red" for answer in report.answers), *("cyan" for _ in notes)]


class Definitions(HTMLParser):
    """What stands in the lists of a page: tag, class and text of every dt and dd."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("dt", "dd"):
            self.found.append((tag, dict(attrs).get("class") or "", ""))
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("dt", "dd")

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, kind, before = self.found[-1]
            self.found[-1] = tag, kind, before + data


def definitions(page: str) -> list[tuple[str, str, str]]:
    parser = Definitions()
    parser.feed(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    return parser.found


@every
@in_both
def test_the_page_has_all_six_answers_and_the_notes_apart(report: Report, language: str) -> None:
    pytest.importorskip("plotly")
    wanted = []
    for answer in report.answers:
        wanted.append(("dt", "", say(f"question.{answer.key}", {}, language)))
        wanted.append(("dd", "good" if answer.good else "bad", answer.said.spoken(language)))
    notes = [("dd", "note", note.note().spoken(language)) for note in untold(report)]
    wanted += [("dt", "", say("question.notes", {}, language)), *notes] if notes else []
    page = report.to_html(language)
    assert definitions(page) == wanted
    colour = dict(re.findall(r"--(good|bad|note): (#\w+);", page))
    assert len(set(colour.values())) == 3
    for kind in ("good", "note"):
        assert f"dd.{kind} {{ border-color: var(--{kind}); }}" in page


@every
def test_json_has_them_and_reads_back(report: Report) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = read_report(report.to_json())
    jsonschema.validate(found, schema())
    assert found == report.to_dict() == json.loads(report.to_json())
    assert [(answer["key"], answer["good"]) for answer in found["answers"]] == [
        (answer.key, answer.good) for answer in report.answers
    ]
    assert len(found["answers"]) == 6
    assert [(note["key"], note["layer"], note["reason"], note["fault"]) for note in found["notes"]] == [
        (note.key, note.layer, note.reason, False) for note in report.notes
    ]
    assert (found["fit"] is None) == (report.fit is None)
    if report.fit is not None:
        fit = found["fit"]
        assert (fit["loss"], fit["ends_in"], fit["outputs"]) == (
            report.fit.loss, report.fit.ends_in, report.fit.outputs
        )  # fmt: skip
        assert fit["class_shares"] == list(report.fit.class_shares)
        assert fit["input_missing"] == (None if report.fit.input_missing is None else list(report.fit.input_missing))


def test_the_page_of_a_comparison_has_them_for_every_start() -> None:
    pytest.importorskip("plotly")
    settings = Settings("moons", 400, 2, (2, 6, 6, 2), "tanh", "cross_entropy", 0.1, 1, 64, 0, "float32")
    comparison = Comparison(settings)
    for name in ("a fault of the output", "faults and a note"):
        report = REPORTS[name]
        comparison.starts.append(Start(name, report.verdict, report, report, (1.0,), 0.5))
    found = definitions(render(None, comparison))
    kinds = [kind for tag, kind, _ in found if tag == "dd"]
    assert len(kinds) == 2 * 6 + 1 and kinds.count("note") == 1 and kinds[-1] == "note"
