"""A few random programs (`python -m tests.fuzz` makes them without end), and those that once showed something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_init as tgi

from . import ours
from .compare import differs
from .programs import Leaf, Line, Program, generate, without
from .shrink import shrink

ROOT = Path(__file__).parents[2]
peer = pytest.mark.peer

# What the fuzzer has found, as it wrote it down.
FOUND = [
    # captured: a gradient computed from two parts of a narrow matrix that was turned
    Program(
        seed=1015419,
        dtype="float64",
        how="captured",
        order=1,
        leaves=(
            Leaf("p1", (3, 3, 3), (tuple(np.linspace(-1.0, 1.0, 27).tolist()),)),
            Leaf("x3", (3, 2), ((1.5, -0.096, 0.383, 0.88, 3.0, -0.25),)),
        ),
        lines=(
            Line("v1", "<p1> @ <x3>", ("p1", "x3"), (3, 3, 2)),
            Line("v2", "f.concatenate([<v1>, <v1>], 0)", ("v1", "v1"), (6, 3, 2)),
        ),
        results=("v2",),
    ),
    # second derivative of elu at 0 exactly
    Program(
        seed=2,
        dtype="float64",
        how="eager",
        order=2,
        leaves=(Leaf("p0", (3,), ((-0.0, 0.0, 1.0),)),),
        lines=(Line("v0", "f.elu(<p0>) * f.selu(<p0>)", ("p0",), (3,)),),
        results=("v0",),
    ),
]


@peer
@pytest.mark.parametrize("program", FOUND, ids=lambda program: str(program.seed))
def test_what_was_found(program: Program) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from . import oracle

    expected = oracle.run_all(program)
    for captured in (False, True):
        assert not differs(ours.run_all(program, captured), expected, program.dtype)


@peer
def test_random_programs(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    if tgi.BACKEND != "compiled":
        pytest.skip("programs fork, and NumPy's own products, which the reference has, hang after that")
    command = [sys.executable, "-m", "tests.fuzz", "--programs", "600", "--minutes", "2", "--seed", "7"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    found = [path.read_text() for path in tmp_path.glob("found-*")]
    assert done.returncode == 0 and not found, done.stdout[-2000:] + done.stderr[-2000:] + "".join(found)[:4000]


@pytest.mark.parametrize("seed", range(40))
def test_programs_are_the_same_captured(seed: int) -> None:
    """Without an oracle: each engine is its own."""
    program = generate(seed, "captured")
    with np.errstate(all="ignore"):
        assert not differs(ours.run_all(program, True), ours.run_all(program, False), program.dtype)


def test_a_difference_is_found_and_made_short() -> None:
    program = next(p for p in map(generate, range(1000)) if len(p.lines) > 5 and any("tanh" in x.text for x in p.lines))

    def shows(smaller: Program) -> bool:
        return any("tanh" in line.text for line in smaller.lines)

    found = shrink(program, shows)
    assert shows(found) and len(found.lines) < len(program.lines) and len(found.results) == 1
    right = ours.run_all(found, False)
    wrong = [[None if x is None else x + 1.0 for x in run] for run in right]
    assert not differs(right, right, found.dtype)
    assert differs(wrong, right, found.dtype)
    assert without(found, runs=1).runs == 1


def test_generated_programs_do_not_depend_on_anything_else() -> None:
    assert repr(generate(5)) == repr(generate(5))
    assert tgi.is_grad_enabled()
