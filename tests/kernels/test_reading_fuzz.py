"""Mutated programs from files, read and run under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import tinygrad_init as tgi

from ..programs.test_travelling import parts
from ..programs.travellers import TRAVELLERS
from .test_csrc import CSRC, build

MUTATIONS = 20_000  # of each program


@pytest.mark.nightly
def test_mutated_programs_never_leave_their_memory(tmp_path: Path) -> None:
    if tgi.BACKEND != "compiled" or shutil.which("gcc") is None:
        pytest.skip("the C code is built with gcc, and is the same whatever the backend")
    sources = [*sorted(path for path in CSRC.glob("*.c") if not path.name.startswith("test_"))]
    sources.append(Path(__file__).with_name("reading_fuzz.c"))
    done = build("gcc", tmp_path / "fuzz", sources, f"-I{CSRC}")
    assert done.returncode == 0, done.stderr
    for i, make in enumerate(TRAVELLERS.values()):
        function, args = make()
        for _ in range(2):
            function(*args)
        function.save(tmp_path / "program")
        (tmp_path / "words").write_bytes(parts((tmp_path / "program").read_bytes())[1].tobytes())
        command = [str(tmp_path / "fuzz"), str(tmp_path / "words"), str(MUTATIONS), str(i)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-6000:]
        refused, ran_through = (int(word) for word in ran.stdout.split() if word.isdigit())
        assert refused > 1000 and ran_through > 100, ran.stdout
