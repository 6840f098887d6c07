"""What the command line refuses before it computes: files that would take the place of others, numbers without end."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init.data
from tinygrad_init.cli import main
from tinygrad_init.cli.theory import DEEPEST

CSV = "a,b,kind\n" + "".join(f"{i % 7},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(40))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a data file in it; and nobody may read data."""
    (tmp_path / "mine.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)

    def computed(*_: Any, **__: Any) -> None:
        raise AssertionError("data were read")

    monkeypatch.setattr(tinygrad_init.data, "load", computed)
    return tmp_path


def refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a command that ends with exit code 2 and prints nothing."""
    try:
        code: Any = main(args)
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    assert code == 2 and captured.out == "" and "Traceback" not in captured.err
    return captured.err.splitlines()[-1]


def names(there: Path, how: str) -> str:
    """Another name of a file in the working folder."""
    if how == "relative":
        return f"sub/../{there.name}"
    if how == "absolute":
        return str(there)
    other = there.parent / f"other-{how}.csv"
    if how == "symlink":
        other.symlink_to(there)
    elif how == "hard link":
        os.link(there, other)
    elif how == "other case":
        other = there.parent / there.name.upper()
        if not other.exists():
            pytest.skip("here the case of a name counts")
    return str(other)


WAYS = ["relative", "absolute", "other case", *(["symlink", "hard link"] if sys.platform != "win32" else [])]


@pytest.mark.parametrize("option", ["--json", "--html"])
@pytest.mark.parametrize("how", WAYS)
def test_data_are_not_overwritten(option: str, how: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "mine.csv"
    said = refused(["diagnose", "--data", "mine.csv", option, names(file, how)], capsys)
    assert (
        said.startswith(f"tinygrad-init: {option} ") and "is the file of --data, too, and would be overwritten" in said
    )
    assert file.read_text(encoding="utf-8") == CSV


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize("how", ["relative", "absolute", *(["symlink"] if sys.platform != "win32" else [])])
def test_two_outputs_are_two_files(how: str, there: bool, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "report"
    if there:
        file.write_text("before", encoding="utf-8")
    before = sorted(folder.iterdir())
    other = names(file, how)
    said = refused(["diagnose", "--json", "report", "--html", other], capsys)
    assert f"--html {other}: is the file of --json, too, and would be overwritten" in said
    assert [path for path in sorted(folder.iterdir()) if not path.is_symlink()] == before
    assert not there or file.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize(
    "command", [["diagnose", "--json"], ["diagnose", "--html"], ["phase-diagram", "--output"]], ids=" ".join
)
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere/x.svg", "nowhere/x.svg: cannot be written: No such file or directory"),
        ("mine.csv/x.svg", "mine.csv/x.svg: cannot be written: Not a directory"),
        ("folder.svg", "folder.svg: expected a file, got a directory"),
        ("x" * 300 + ".svg", "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written(
    command: list[str], path: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "folder.svg").mkdir()
    before = sorted(folder.iterdir())
    assert message in refused([*command, path], capsys)
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anything")
def test_what_may_not_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "kept.json").write_text("", encoding="utf-8")
    (folder / "kept.json").chmod(0o400)
    assert "Permission denied" in refused(["diagnose", "--json", "kept.json"], capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_to_nowhere_is_still_there_afterwards(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "link.json").symlink_to(folder / "later.json")
    assert "is the file of --json" in refused(["diagnose", "--json", "link.json", "--html", "later.json"], capsys)
    assert (folder / "link.json").is_symlink() and not (folder / "later.json").exists()


HUGE = "1" + 400 * "0"
DIGITS = "9" * 5000
WHOLE = [
    ("diagnose", "--epochs"),
    ("diagnose", "--batch-size"),
    ("explain", "--batch-size"),
    ("recommend", "--steps"),
    ("recommend", "--batch-size"),
    ("theory", "--depth"),
    ("theory", "--width"),
]


@pytest.mark.parametrize(("command", "option"), WHOLE)
@pytest.mark.parametrize(
    "value", ["0", "-1", "1e3", "1.0", "nan", "", "99999999999", HUGE, DIGITS], ids=lambda v: v[:12]
)
def test_whole_numbers_have_an_end(
    command: str, option: str, value: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weight = ["layers.0.weight"] if command == "explain" else []
    said = refused([command, *weight, f"{option}={value}"], capsys)
    assert f"argument {option}: expected " in said and len(said) < 250
    assert "of at least 1, got" in said or "expected at most 10000" in said


def test_how_deep_theory_goes_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["theory", "--depth", "1000000000"], capsys)
    assert f"expected at most {DEEPEST}, the depth of the deepest networks that have been trained" in said
    assert "got '1000000000'" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["diagnose", "--seed", DIGITS],
            "argument --seed: expected a whole number of at least 0 and 100 digits at most",
        ),
        (["diagnose", "--seed", "-1"], "at least 0"),
        (["diagnose", "--lr", "1e999"], "positive number"),
        (["diagnose", "--lr", "0"], "positive number"),
        (["diagnose", "--sizes", f"2,{DIGITS},2"], "whole numbers separated by commas"),
        (["theory", "--sigma-w", "1e999"], "positive number or 0"),
        (["theory", "--sigma-w", "1e300"], "sigma_w"),
        (["theory", "--sigma-b", "1e300"], "sigma_b"),
        (["phase-diagram", "--to-w", "1e300"], "standard deviations up to 1e+06"),
        (["phase-diagram", "--to-b", "0"], "positive number"),
        (["lab", "--port", DIGITS], "from 0 to 65535"),
        (["lab", "--port", "65536"], "from 0 to 65535"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_other_numbers_have_an_end(
    args: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(args, capsys)
    assert message in said and len(said) < 250


def test_more_steps_than_fit_are_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["recommend", "--data", "moons", "--sizes", "2,4,2", "--steps", "100000000"], capsys)
    assert "recommend: expected 1 to 100000 steps" in said and "got 100000000" in said


@pytest.mark.parametrize(
    "args",
    [
        ["theory", "--width", "1000000000", "--depth", "3"],
        ["theory", "--sigma-w", "1e-300", "--depth", "3"],
        ["diagnose", "--data", "moons", "--sizes", "2,3,2", "--epochs", "1", "--init", "he", "--seed", "9" * 100],
        ["recommend", "--data", "moons", "--sizes", "2,3,2", "--steps", "1", "--batch-size", "1000000000"],
    ],
    ids=lambda args: " ".join(args)[:40],
)
def test_the_largest_and_smallest_numbers_work(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) in (0, 1)
    assert capsys.readouterr().out


def test_recommend_says_on_a_terminal_what_it_tries() -> None:
    """Where stderr is none nothing is said; so a terminal is made of a pair of ends."""
    pty = pytest.importorskip("pty")
    import subprocess

    parent, child = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "tinygrad_init",
        "recommend",
        "--data",
        "moons",
        "--sizes",
        "2,4,2",
        "--steps",
        "50",
    ]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=child, env=env) as process:
        os.close(child)
        said = b""
        try:
            while part := os.read(parent, 4096):
                said += part
        except OSError:  # how Linux says that the other end is closed
            pass
        out, _ = process.communicate(timeout=60)
    os.close(parent)
    assert process.returncode == 0 and b"Now: " in out
    assert b"learning rate: " in said or b"start: " in said


def test_the_folder_is_as_it_was(tmp_path: Path) -> None:
    """A report that is written does not leave anything else behind."""
    out = tmp_path / "report.json"
    args = ["diagnose", "--data", "moons", "--epochs", "1", "--sizes", "2,3,2", "--init", "he", "--json", str(out)]
    assert main(args) in (0, 1)
    assert list(tmp_path.iterdir()) == [out]
    copy = shutil.copy(out, tmp_path / "copy.json")
    assert main(args) in (0, 1)  # over the report of before, which is what was asked for
    assert out.read_text(encoding="utf-8") == Path(copy).read_text(encoding="utf-8")
