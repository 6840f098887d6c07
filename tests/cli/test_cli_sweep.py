"""`tinygrad-init sweep` in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli_commands import shown
from tinygrad_init.cli import main
from tinygrad_init.sweeps import read

FAST = ["--width", "4", "--steps", "5", "--workers", "1"]


def test_a_sweep_is_run_resumed_shown_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, picture = str(tmp_path / "s"), tmp_path / "map.png"
    new = ["sweep", "--depth", "1:3:2", "--sigma-w", "0.5,2", "--activation", "tanh", *FAST, "-o", folder]
    text = shown(capsys, *new)
    assert f"4 of 4 runs in {folder}" in text and "verdict at the start" in text
    assert f"tinygrad-init sweep map {folder} depth sigma_w" in " ".join(text.split())  # a long path ends the line
    for again in (new, ["sweep", "resume", folder], ["sweep", "show", folder]):
        assert shown(capsys, *again) == text
    assert [(row["depth"], row["sigma_w"]) for row in read(folder).rows] == [(1, 0.5), (1, 2.0), (3, 0.5), (3, 2.0)]
    page = tmp_path / "map.html"  # which needs nothing else
    table = shown(capsys, "sweep", "map", folder, "depth", "sigma_w", "-o", str(page))
    assert page.read_text(encoding="utf-8").count('type="button"') == 4 and "6 ξ_c" in table
    pytest.importorskip("matplotlib")
    table = shown(capsys, "sweep", "map", folder, "depth", "sigma_w", "-o", str(picture))
    assert picture.read_bytes()[:4] == b"\x89PNG" and "6 ξ_c" in table


def test_a_file_says_the_same_as_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        f"""
folder = "{tmp_path / "of file"}"
steps = 5
random = 6
diagnose = false
workers = 1
[axes]
width = 4
residual = [true, false]
rate = {{from = 0.01, to = 1.0, log = true}}
seed = [0, 1]
"""
    )
    shown(capsys, "sweep", str(file))
    axes = ["--width", "4", "--residual", "true,false", "--rate", "0.01:1:log", "--seed", "0,1"]
    more = ["--steps", "5", "--random", "6", "--no-diagnosis", "--workers", "1", "-o", str(tmp_path / "of options")]
    assert "not diagnosed" in shown(capsys, "sweep", *axes, *more)
    assert [row["name"] for row in read(tmp_path / "of file").rows] == [
        row["name"] for row in read(tmp_path / "of options").rows
    ]
    shown(capsys, "sweep", str(file), "--width", "5", "-o", str(tmp_path / "wider"))  # an option goes before the file
    assert {row["width"] for row in read(tmp_path / "wider").rows} == {5}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["sweep"], "expected one of these forms, got 'nothing'"),
        (["sweep", "map", "F", "depth"], "expected one of these forms, got 'map F depth'"),
        (["sweep", "--depth", "3"], "expected a folder for the results, -o FOLDER"),
        (["sweep", "--depth", "-3", "-o", "F"], "depth: expected a whole number from 1 to 1000, got -3"),
        (["sweep", "--depth", ",", "-o", "F"], "--depth: expected whole numbers separated by commas"),
        (["sweep", "--depth", "1:2:3:4", "-o", "F"], "--depth: expected FROM:TO"),
        (["sweep", "--rate", "1:0.1:3", "-o", "F"], "--rate: expected a range from a number up to another"),
        (["sweep", "--activation", ",", "-o", "F"], "activation: expected at least one value, got none"),
        (["sweep", "--start", "normal", "-o", "F"], "the start 'normal' needs sigma_w"),
        (["sweep", "nothing.toml"], "nothing.toml: cannot be read"),
        (["sweep", "wrong.toml"], "wrong.toml: expected folder, steps, .*; got 'step'; did you mean 'steps'?"),
        (["sweep", "axis.toml"], "an axis of a sweep out of .*; got 'client'"),
        (["sweep", "axes.toml"], r"axes: expected a table \[axes\]"),
        (["sweep", "steps.toml"], "steps: expected a whole number from 1 to .*, got 'many'"),
        (["sweep", "table.toml"], "rate: expected a range with from, to, and perhaps count and log; got form"),
        (["sweep", "broken.toml"], "expected TOML"),
        (["sweep", "thesis.txt"], "expected a .toml file, or resume, show or map"),
        (["sweep", "show", "F"], "F: no folder of a sweep"),
        (["sweep", "resume", "F", "--depth", "3"], "the folder says what is run; --depth is for a new sweep"),
        (["sweep", "map", "F", "depth", "rate"], "expected a file for the map, -o FILE"),
        (
            ["sweep", "map", "F", "depth", "rate", "-o", "map.txt"],
            "expected a name that ends in .html, .png, .svg, .pdf",
        ),
    ],
)
def test_bad_input_gets_one_sentence(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    for name, text in {
        "wrong": "step = 3",
        "axis": 'folder = "F"\n[axes]\nclient = "tcp://h:1"',
        "axes": 'folder = "F"\naxes = 3',
        "steps": 'folder = "F"\nsteps = "many"\n[axes]\ndepth = 1',
        "table": 'folder = "F"\n[axes]\nrate = {form = 1}',
        "broken": "= 3",
    }.items():
        Path(f"{name}.toml").write_text(text)
    assert main(args) == 2
    error = capsys.readouterr().err
    assert re.search(said, error) and error.startswith("tinygrad-init: ") and "Traceback" not in error
    assert not Path("F").exists()
