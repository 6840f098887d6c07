"""docs/commands.md says what the commands do: they are run, on its own file, and print what it shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tinygrad_init.cli import main

from ..test_docs import ROOT, blocks

PAGE = ROOT / "docs" / "commands.md"


def test_the_commands_run_and_warn_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table, warnings = blocks(PAGE, "text")
    Path("houses.csv").write_text(table, encoding="utf-8")
    lines = [line for block in blocks(PAGE, "bash") for line in block.strip().splitlines()]
    said = []
    for line in lines:
        program, *args = shlex.split(line)
        assert program == "tinygrad-init" and main([*args, "--language", "en"]) == 0, line
        said.append(capsys.readouterr().err)
    assert len(lines) > 5 and said[0] == warnings and not any(said[1:])
