"""docs/commands.md says what the commands do: they are run, on its own file, and print what it shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tinygrad_init.cli import main

from ..test_docs import ROOT, blocks

PAGE, TABLES = ROOT / "docs" / "commands.md", ROOT / "docs" / "tables.md"


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


def test_the_page_on_tables_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table, shown = blocks(TABLES, "text")
    Path("houses.csv").write_text(table, encoding="utf-8")
    lines = [line for block in blocks(TABLES, "bash") for line in block.strip().splitlines()]
    for line in lines:
        program, *args = shlex.split(line)
        assert program == "tinygrad-init" and main([*args, "--language", "en"]) == 0, line
    out, err = capsys.readouterr()
    assert " ".join(shown.split()) in " ".join(out.replace("─", "").split()) and err.count("R²") == 2
    assert len(Path("prices.csv").read_text(encoding="utf-8").splitlines()) == len(table.splitlines()) == 13
    for block in blocks(TABLES, "python"):
        exec(compile(block, "tables.md", "exec"), {})


def test_the_pipeline_on_a_table_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("sklearn", "pandas", "pyarrow"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    monkeypatch.chdir(tmp_path)
    Path("houses.csv").write_text(blocks(TABLES, "text")[0], encoding="utf-8")
    (block,) = blocks(TABLES, "py")
    exec(compile(block, "tables.md", "exec"), {})
