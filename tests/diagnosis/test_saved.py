"""Reports that earlier versions have saved are read, converted, or refused by their version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinygrad_init.diagnosis import read_report
from tinygrad_init.diagnosis.showing.schema import schema
from tinygrad_init.words import Phrase

SAVED = Path(__file__).with_name("saved")


def test_a_report_of_version_2_is_converted() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    old = json.loads((SAVED / "report-2.json").read_text(encoding="utf-8"))
    new = read_report((SAVED / "report-2.json").read_text(encoding="utf-8"))
    jsonschema.validate(new, schema())
    assert new["verdict"]["reason"] == old["verdict"]["reason"] and new["verdict"]["fault"]
    assert [answer["key"] for answer in new["answers"]] == ["fit", "signal", "gradient", "units", "alive", "advice"]
    for answer, before in zip(new["answers"][1:], old["answers"], strict=True):
        assert str(Phrase(**answer["said"])) == answer["sentence"] == before["sentence"]
    assert all(layer.pop("bias") == "nan" for layer in new["layers"]), "version 2 did not measure biases"
    assert {key: new[key] for key in old.keys() - {"version", "verdict", "answers"}} == {
        key: old[key] for key in old.keys() - {"version", "verdict", "answers"}
    }


def test_a_comparison_of_version_2_is_converted() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    new = read_report((SAVED / "comparison-2.json").read_text(encoding="utf-8"))
    (start,) = new["starts"]
    assert new["version"] == 3 and start["verdict"]["word"] == "healthy" and not start["verdict"]["fault"]
    for report in (start["before"], start["after"]):
        jsonschema.validate(report, schema())


def test_the_present_version_is_read_as_it_is() -> None:
    new = read_report((SAVED / "report-2.json").read_text(encoding="utf-8"))
    assert read_report(json.dumps(new)) == new


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing", "expected JSON"),
        ("[1]", "expected a report or a comparison"),
        ('{"version": 3}', "expected a report or a comparison"),
        ('{"version": 1, "verdict": {}}', "expected version 2 to 3, got version 1"),
        ('{"version": 4, "verdict": {}}', "expected version 2 to 3, got version 4"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_report(text)
