"""Random instructions for the kernels and the machine, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import tinygrad_init as tgi

from .test_csrc import CSRC, build

SECONDS = 20  # of libFuzzer's search, which begins anew each time: only the first thousands of runs are alike
RUNS = 4000  # of made-up bytes, which are the same each time
MISSING = ("cannot find", "unsupported option '-fsanitize=fuzzer'")  # what compilers say without their sanitizers


def build_fuzzer(compiler: str, program: Path, *flags: str) -> subprocess.CompletedProcess[str] | None:
    """Compile the fuzzer, unoptimized: that takes a tenth of the time. None where a sanitizer's library is missing."""
    done = build(compiler, program, sorted(path for path in CSRC.glob("*.c") if path.name != "test_kernels.c"), *flags)
    return None if any(words in done.stderr for words in MISSING) else done


def test_random_instructions(tmp_path: Path) -> None:
    if tgi.BACKEND != "compiled":
        pytest.skip("the C code is the same whatever the backend")
    program = tmp_path / "fuzz"
    done = None
    options = [f"-max_total_time={SECONDS}", "-max_len=240", "-len_control=0", "-seed=1"]
    if shutil.which("clang") is not None:
        done = build_fuzzer("clang", program, "-fsanitize=fuzzer")
    if done is None and shutil.which("gcc") is not None:
        done = build_fuzzer("gcc", program, "-DSTANDALONE", "-fsanitize=float-cast-overflow")
        options = [str(RUNS), "1"]
    if done is None:
        pytest.skip("neither clang with libFuzzer nor gcc, or not their sanitizers' libraries")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([str(program), *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-6000:]
