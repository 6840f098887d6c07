"""The runner of planted faults: it sees what is caught, what survives, what hangs, and leaves everything as it was."""

from __future__ import annotations

import ast
import itertools
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cosmic_ray", reason="the extra mutants is not installed")

from . import c_faults, python_faults, trials
from .__main__ import report
from .equivalent import CHANGES, EQUIVALENT, why_equivalent
from .fault import CAUGHT, SURVIVED, Fault, changed
from .trials import OWN, ROOT, USED_BY, Trials, compiled, interpreted, relevant, room_of

SOURCE = """
def twice(x: float) -> float:
    return 2 * x


def untested(x: float) -> float:
    return 3 * x


def count(n: int) -> int:
    i = 0
    while i < n:
        i += 1
    return i
"""
TESTS = """
import os
from tinygrad_init.room.thing import count, twice

def test_twice():
    assert twice(3) == 6

def test_count():
    assert count(2) == 2

def test_that_fails_anyway():
    assert False
"""
PATH = "tinygrad_init/room/thing.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    packages = dict.fromkeys(("tinygrad_init/__init__.py", "tinygrad_init/room/__init__.py"), "")
    for path, text in {**packages, PATH: SOURCE, "tests/room/test_thing.py": TESTS}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def fault(old: str, new: str) -> Fault:
    text = SOURCE.replace(old, new)
    line, before, after = changed(SOURCE, text)
    return Fault(PATH, line, "a test's", before, after, text, "twice")


def test_what_becomes_of_faults(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "SILENT", 8.0)
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    with Trials(tree) as running:
        caught = running.judge(fault("2 * x", "3 * x"))
        assert (caught.word, caught.why) == (CAUGHT, "tests/room/test_thing.py::test_twice")
        assert running.judge(fault("3 * x", "4 * x")).word == SURVIVED
        assert running.left_out == {"tests/room/test_thing.py::test_that_fails_anyway"}
        hanging = running.judge(fault("i += 1", "i -= 1"))
        assert (hanging.word, hanging.why) == (CAUGHT, "tests/room/test_thing.py::test_count hangs")
        assert running.judge(fault("def twice", "def thrice")).word == CAUGHT  # nothing can be imported
        broken = running.judge(fault("2 * x", "__import__('os').abort()"))
        assert (broken.word, broken.why) == (CAUGHT, "tests/room/test_thing.py::test_twice")
        assert running.left_out == {"tests/room/test_thing.py::test_that_fails_anyway"}
        assert running.judge(fault("3 * x", "5 * x")).word == SURVIVED  # what was planted before is gone
        for path, content in before.items():
            for copy in (running.sound, running.faulty):
                assert (copy / path.relative_to(tree)).read_bytes() == content
    assert {path: path.read_bytes() for path in tree.rglob("*.py")} == before
    assert not running.folder.exists()


def test_a_copy_whose_tests_would_import_another_package_is_refused(tree: Path) -> None:
    """Such as what is installed: then no fault would be seen."""
    (tree / "tinygrad_init").rename(tree / "elsewhere")
    before = set(Path(tempfile.gettempdir()).glob("mutants-*"))
    with pytest.raises(RuntimeError, match=r"sound would import .*tinygrad_init.__init__\.py"):
        Trials(tree)
    assert set(Path(tempfile.gettempdir()).glob("mutants-*")) <= before


def test_faults_are_chosen_by_the_seed_and_change_what_is_computed(tree: Path) -> None:
    def some(seed: int) -> list[Fault]:
        return list(itertools.islice(python_faults.faults(random.Random(seed), tree, [PATH]), 12))

    assert some(1) == some(1) != some(2)
    assert len({made.text for made in some(1)}) == 12
    for made in some(1):
        line, before, after = changed(SOURCE, made.text)
        assert (line, before, after) == (made.line, made.before, made.after)
        ast.parse(made.text)
        assert python_faults.meaning(made.text) != python_faults.meaning(SOURCE)
    assert {made.function for made in some(1)} <= {"twice", "untested", "count"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("def f(x: A | B) -> C: return x", "def f(x: A + B): return x", True),
        ("@cython.boundscheck(False)\ndef f(x): return x", "def f(x): return x", True),
        ("if TYPE_CHECKING:\n    import a", "", True),
        ("if not TYPE_CHECKING:\n    import a", "", True),
        ("zip(x, y, strict=True)", "zip(x, y, strict=False)", True),
        ("x: int = 1", "x: int = 2", False),
        ("@property\ndef f(x): return x", "def f(x): return x", False),
        ("def f(x=1): return x", "def f(x=2): return x", False),
    ],
)
def test_annotations_and_decorators_for_speed_are_no_faults(one: str, other: str, same: bool) -> None:
    assert (python_faults.meaning(one) == python_faults.meaning(other)) == same


@pytest.mark.parametrize("entry", c_faults.C_FAULTS, ids=lambda entry: f"{entry[0]} {entry[3]}")
def test_faults_of_c_have_their_place(entry: Any) -> None:
    file, old, new, _ = entry
    assert (ROOT / "csrc" / file).read_text(encoding="utf-8").count(old) == 1
    assert old != new


@pytest.mark.parametrize("entry", CHANGES, ids=lambda entry: f"{entry[0]} {entry[1]}")
def test_changes_that_change_nothing_have_their_place(entry: Any) -> None:
    path, old, new, why = entry
    (line,) = [line for line in (ROOT / path).read_text(encoding="utf-8").splitlines() if old in line]
    assert why_equivalent(Fault(path, 1, "", line, line.replace(old, new), "")) == why
    assert not why_equivalent(Fault(path, 1, "", line, line.replace(old, "0"), ""))


@pytest.mark.parametrize("entry", EQUIVALENT, ids=lambda entry: f"{entry[0]} {entry[1]}")
def test_what_nobody_can_see_has_its_place(entry: Any) -> None:
    path, text, why = entry
    there = [ROOT / path] if path else (ROOT / "tinygrad_init").rglob("*.py")
    assert any(text in file.read_text(encoding="utf-8") for file in there)
    assert why_equivalent(Fault(path, 1, "", f"  {text}  ", "", "")) == why
    assert not why_equivalent(Fault(path, 1, "", "something else", "", "", "function"))
    assert why_equivalent(Fault(path, 1, "", "something else", "", "", "_examples"))


def modules() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tinygrad_init").rglob("*.py"))


def test_every_room_has_tests() -> None:
    for path in modules():
        own, further = relevant(Fault(path, 1, "", "", "", "", ""), ROOT)
        assert own and len({*own, *further}) == len(own) + len(further), path
    for name in [*OWN.values(), *itertools.chain(*USED_BY.values())]:
        assert (ROOT / "tests" / name).exists(), name
    rooms = {room_of(path) for path in modules()} | {"csrc"}
    assert {*OWN, *USED_BY} <= rooms | {path.removeprefix("tinygrad_init/") for path in modules()}


def test_what_is_compiled_is_tested_as_python_but_for_what_only_compiled_code_runs() -> None:
    plain = {path for path in modules() if interpreted(Fault(path, 1, "", "", "", ""), ROOT)}
    assert {"tinygrad_init/engine/graph.py", "tinygrad_init/programs/guards.py"} <= plain
    assert "tinygrad_init/ops/shape.py" not in plain and "tinygrad_init/programs/outside.py" not in plain
    for name, functions in trials.COMPILED.items():
        path = f"tinygrad_init/engine/{name}"
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert functions <= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for function in functions:
            made = Fault(path, 1, "", "", "", "", function)
            assert compiled(made) and not interpreted(made, ROOT)
        assert not compiled(Fault(path, 1, "", "", "", "", "another"))
    assert compiled(Fault("csrc/program.c", 1, "", "", "", ""))


def test_the_report_counts_what_is_decided() -> None:
    text = report(Counter(caught=3, survived=1, undecided=5), [fault("2 * x", "3 * x")])
    assert "75% of 4 decided faults were caught" in text
    assert f"survived: {PATH}:3 a test's: `return 2 * x` becomes `return 3 * x`" in text
    assert "none is decided" in report(Counter(undecided=1), [])
