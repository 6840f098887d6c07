"""docs/sweeps.md writes commands and files that are understood."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.test_docs import ROOT, blocks
from tinygrad_init.cli import build_parser
from tinygrad_init.cli.sweep import given, read_file, values
from tinygrad_init.sweeps.plan import axes_of

PAGE = ROOT / "docs" / "sweeps.md"


def test_commands_and_files_say_what_can_be_run(tmp_path: Path) -> None:
    lines = [line for block in blocks(PAGE, "bash") for line in block.strip().splitlines()]
    for line in lines:
        program, *words = shlex.split(line)
        args = build_parser().parse_args(words)
        assert program == "tinygrad-init" and args.command == "sweep"
        axes_of({name: values(name, text) for name, text in given(args).items()}, args.random)
    (file,) = blocks(PAGE, "toml")
    (tmp_path / "a.toml").write_text(file)
    said = read_file(tmp_path / "a.toml")
    axes_of(said["axes"], said["random"])
    assert len(lines) > 8
