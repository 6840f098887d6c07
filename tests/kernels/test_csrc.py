"""The C code by itself: its own tests, compiled under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tinygrad_init as tgi

CSRC = Path(__file__).parents[2] / "csrc"
# Whether a loop became vector code is for measurements to say, not for a compiler's warning (pass-failed, of clang).
FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-pass-failed"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def build(compiler: str, program: Path, sources: Sequence[Path], *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile on all processors, since kernels for one instruction set take a minute, and link; what failed first."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [compiler, *FLAGS, *SANITIZERS, *flags, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    objects = [str(program.with_name(f"{program.name}-{source.stem}.o")) for source in sources]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda source, to: run("-c", str(source), "-o", to), sources, objects))
    failed = [done for done in compiled if done.returncode != 0]
    return failed[0] if failed else run(*objects, "-lm", "-o", str(program))


@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.nightly)])
def test_kernels_under_sanitizers(compiler: str, tmp_path: Path) -> None:
    if tgi.BACKEND != "compiled":
        pytest.skip("the C code is the same whatever the backend")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = tmp_path / "test_kernels"
    sources = sorted(path for path in CSRC.glob("*.c") if not path.name.startswith("test_fuzz"))
    # Optimized, compiling takes up to twenty times as long and running half; with Clang that does not pay.
    done = build(compiler, program, sources, "-O0" if compiler == "clang" else "-O1")
    if "cannot find" in done.stderr and "asan" in done.stderr:
        pytest.skip(f"{compiler} has no sanitizer library here")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert ", 0 failed" in ran.stdout
    assert int(ran.stdout.rsplit("\n", 2)[-2].split()[0]) > 10_000
