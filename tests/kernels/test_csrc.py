"""The C code by itself: its own tests, compiled under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import tinygrad_init as tgi

CSRC = Path(__file__).parents[2] / "csrc"
# Whether a loop became vector code is for measurements to say, not for a compiler's warning (pass-failed, of clang).
FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-pass-failed"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_kernels_under_sanitizers(compiler: str, tmp_path: Path) -> None:
    if tgi.BACKEND != "compiled":
        pytest.skip("the C code is the same whatever the backend")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = tmp_path / "test_kernels"
    sources = sorted(str(path) for path in CSRC.glob("*.c") if not path.name.startswith("test_fuzz"))
    build = [compiler, *FLAGS, *SANITIZERS, "-O2", *sources, "-lm", "-o", str(program)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if "cannot find" in done.stderr and "asan" in done.stderr:
        pytest.skip(f"{compiler} has no sanitizer library here")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert ", 0 failed" in ran.stdout
    assert int(ran.stdout.rsplit("\n", 2)[-2].split()[0]) > 10_000
