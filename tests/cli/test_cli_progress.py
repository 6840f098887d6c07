"""While a command runs there is a bar on a terminal and nowhere else; at its end, a line says where results are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinygrad_init.cli import main

SMALL = ["--data", "moons", "--sizes", "2,4,2"]
COMMANDS = {
    "diagnose": ["diagnose", *SMALL, "--epochs", "1", "--init", "he", "--json", "report.json"],
    "recommend": ["recommend", *SMALL, "--steps", "5", "--budget", "0.5"],
    "sweep": [
        "sweep",
        "--depth",
        "1",
        "--width",
        "4",
        "--steps",
        "5",
        "--no-diagnosis",
        "--workers",
        "1",
        "-o",
        "runs",
    ],
}
BARS = {"diagnose": "training", "recommend": "trying", "sweep": "training"}
LAST = {"diagnose": "written: report.json", "sweep": "1 of 1 runs in runs, "}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bar_is_for_terminals(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*COMMANDS[command], *([] if command == "sweep" else ["--language", "en"])]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.splitlines()[-1].startswith(LAST.get(command, ""))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if there was a terminal
    again = ["sweep", "resume", "runs"] if command == "sweep" else COMMANDS[command]
    assert main(again) == 0
    err = capsys.readouterr().err
    assert BARS[command] in err and err.endswith("\x1b[2K")  # what clears its line


@pytest.mark.parametrize(
    ("starts", "said"),
    [(["he", "zeros"], "1 of 2 starts healthy: he"), (["zeros"], "none of 1 starts is healthy")],
    ids=["one", "none"],
)
def test_the_last_line_counts_healthy_starts(starts: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", *SMALL, "--epochs", "3", "--language", "en", *(w for s in starts for w in ("--init", s))])
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_a_picture_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="a picture needs the extra plot")
    picture = tmp_path / "p.svg"
    assert main(["phase-diagram", "--to-w", "2", "--output", str(picture)]) == 0
    assert "".join(capsys.readouterr().out.split()).endswith(f"written:{picture}")
