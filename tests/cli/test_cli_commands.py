"""`explain`, `recommend`, `theory` and `phase-diagram` in a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygrad_init.cli import main

SMALL = ["--data", "moons", "--sizes", "2,8,8,8,2"]


def shown(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert main(list(args)) == code
    return capsys.readouterr().out


def test_explain_lists_factors_that_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "explain", "layers.0.weight", *SMALL, "--activation", "sigmoid", "--init", "xavier")
    rows = [line.split() for line in text.splitlines() if re.search(r" [+-]\d+\.\d{3} ", line)]
    # Loss, then a matrix and a slope for each of three layers, input and alignment.
    assert [row[0] for row in rows] == ["∂C/∂output", *["W", "sigmoid'"] * 3, "layer", "alignment"]
    decades, together = [float(row[-2]) for row in rows], [float(row[-1]) for row in rows]
    assert sum(decades) == pytest.approx(together[-1], abs=0.005)
    assert "layers.0.weight lost" in text


def test_explain_names_the_rule_behind_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, "explain", "layers.2.weight", *SMALL, "--init", "zeros").split())
    assert (
        "100% of ∂C/∂W is exactly 0: the next layer's weights are 0; training on these samples can never change that"
        in text
    )


CHINESE = re.compile("[\u4e00-\u9fff]")


def test_reports_speak_the_language_that_is_asked_for_or_that_of_the_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    explain = ["explain", "layers.0.weight", *SMALL]
    english = shown(capsys, *explain)
    assert not CHINESE.search(english) and "decades on the way back" in english
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    chinese = shown(capsys, *explain)
    assert "数量级" in chinese and shown(capsys, *explain, "--language", "en") == english
    monkeypatch.setenv("LC_ALL", "C.UTF-8")  # which counts before LANG
    assert shown(capsys, *explain) == english
    assert shown(capsys, *explain, "--language", "zh") == chinese
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    files = ["--html", str(page), "--json", str(data)]
    text = shown(capsys, "diagnose", *SMALL, "--epochs", "1", "--init", "zeros", "--language", "zh", *files, code=1)
    assert "梯度传到了吗？" in text and "symmetric" in text  # words are the same in every language
    assert 'lang="zh-Hans"' in page.read_text(encoding="utf-8") and not CHINESE.search(data.read_text(encoding="utf-8"))


def test_recommend(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, "recommend", *SMALL, "--init", "zeros", "--steps", "40").split())
    assert "Before: symmetric" in text and "Do: start: " in text and "Now: healthy" in text


def test_theory_prints_published_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, "theory", "--activation", "gelu", "--depth", "12").split())
    assert "1.533530" in text and "1.0720" in text + "1.0720" and "1.1441" in text
    assert (
        "edge of chaos without biases σ_w = 2.000000" in text and "unstable" in text and "> 1 at the variance" in text
    )
    text = " ".join(shown(capsys, "theory", "--activation", "softplus").split())
    assert "edge of chaos without biases there is none" in text
    text = " ".join(shown(capsys, "theory", "--activation", "tanh", "--sigma-w", "2.5", "--sigma-b", "0.3").split())
    assert "4.0791" in text and "1.5852" in text and "chaotic" in text


def test_phase_diagram(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "phases.svg"
    text = shown(
        capsys,
        "phase-diagram",
        "--activation",
        "tanh",
        "--sigma-w",
        "1.5",
        "--sigma-b",
        "0.3",
        "--output",
        str(picture),
    )
    rows = [line for line in text.splitlines() if re.match(r" ?\d\.\d\d ", line)]
    assert len(rows) == 20 and sum(row.count("●") for row in rows) == 1
    for row in rows:  # order on the left, chaos on the right of the edge
        assert re.fullmatch(r"-*│?\+*●?\+*", row.split()[1])
    assert "chaotic" in text and "<svg" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["explain", "w", *SMALL], "expected a weight out of layers.0.weight, layers.2.weight"),
        (["explain", "layers.0.weight", "--data", "nowhere.csv"], "nowhere.csv"),
        (["recommend", "--data", "moons", "--sizes", "3,2"], "has 2 features"),
        (["phase-diagram", "--output", "x.txt"], "expected a name that ends in .png, .svg or .pdf, got x.txt"),
        (["phase-diagram", "--output", "/nowhere/x.png"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize("wrong", [["--sigma-w", "-1"], ["--sigma-b", "nan"], ["--depth", "0"], ["--activation", "x"]])
def test_wrong_options_are_refused_by_the_parser(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["theory", *wrong])
    assert stop.value.code == 2 and wrong[0] in capsys.readouterr().err
