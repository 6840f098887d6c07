"""What type checkers and `help` are told of operations and methods."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_init as tgi
from tinygrad_init.engine.methods import METHODS, PROPERTIES

from . import stubs

WRONG = """
import tinygrad_init as tgi

x = tgi.tensor([1.0, 2.0], requires_grad=True)
tgi.tanh("a")
x.summ()
x.reshape(2, 1).tanh(3)
"""
RIGHT = """
import numpy as np
import tinygrad_init as tgi

x = tgi.tensor([1.0, 2.0], requires_grad=True)
y: tgi.Tensor = tgi.tanh(np.ones(3)) + x.sum() * 2.0 + x.mean(axis=0)
(y * y).sum().backward()
"""


@pytest.mark.parametrize("path", sorted(stubs.STUBS), ids=lambda path: str(path.parent.name))
def test_the_stubs_are_those_of_today(path: Path) -> None:
    pytest.importorskip("ruff", reason="ruff is not installed")
    assert path.read_text() == stubs.formatted(stubs.STUBS[path]()), "write them by python -m tests.stubs"


def test_mistakes_are_found_and_nothing_else(tmp_path: Path) -> None:
    """What mypy says of somebody's code, in strict mode."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    for name, code in (("wrong.py", WRONG), ("right.py", RIGHT)):
        (tmp_path / name).write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "wrong.py", "right.py"]
    path = {"MYPYPATH": str(Path(tgi.__file__).parent.parent), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith(("wrong.py", "right.py"))]
    assert len(found) == 3, done.stdout + done.stderr
    for error, line, what in zip(found, (5, 6, 7), ("str", "summ", "Too many arguments"), strict=True):
        assert error.startswith(f"wrong.py:{line}") and what in error


def test_type_checkers_find_what_is_installed(tmp_path: Path) -> None:
    """An editable install, too: as a path, as they do not run the finders that setuptools has for other layouts."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    away = {"cwd": tmp_path, "env": {"PATH": ""}, "capture_output": True, "text": True, "check": False}
    there = subprocess.run([sys.executable, "-c", "import tinygrad_init"], **away)
    if there.returncode:
        pytest.skip("the package is not installed, but found by PYTHONPATH or the current folder")
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "wrong.py"]
    said = subprocess.run(command, **away).stdout
    assert "import-untyped" not in said and "import-not-found" not in said, "install it anew by pip install -e ."
    assert said.count("wrong.py:") == 3, said


@pytest.mark.parametrize("values", [[1.0, 2.0], [1, 2]], ids=["floats", "whole numbers"])
def test_completion_finds_what_a_tensor_has(values: list[float]) -> None:
    """Methods and properties that are looked up by name are listed as well, and all that is listed is there."""
    x: tgi.Tensor = tgi.tensor(values)
    assert {*METHODS, *PROPERTIES} <= set(dir(x)) and {"sum", "T", "parents", "value"} <= set(dir(x))
    for name in METHODS:
        assert callable(getattr(x, name))


def test_signatures() -> None:
    assert list(inspect.signature(tgi.tanh).parameters) == ["x"]
    assert str(inspect.signature(tgi.tensor([1.0]).clip)).startswith("(low:")
    for name in tgi.ops.__all__:
        found = getattr(tgi.ops, name)
        if callable(found):
            inspect.signature(found)
