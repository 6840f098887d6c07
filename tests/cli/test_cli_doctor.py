"""`doctor`: what it says is what is there; and commands that cannot begin or go on say so in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init as tgi
from tinygrad_init.cli import installation, main
from tinygrad_init.kernels.backend import kernels

from ..test_docs import ROOT

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture) -> Any:
    """What `doctor --json` says, and its exit code."""
    code = main(["doctor", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_it_says_what_is_there(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code, said = told(capsys)
    assert code == 0 and said["broken"] == [] and all(check["ok"] for check in said["checks"])
    assert said["version"] == tgi.__version__ and said["backend"] == tgi.BACKEND
    assert said["instructions"]["chosen"] == kernels.ISA
    assert said["variables"]["OMP_NUM_THREADS"] == "1"
    found = {p["name"]: p["found"] for extra in said["packages"].values() for p in extra["packages"]}
    assert found["numpy"] == metadata.version("numpy") == said["numpy"]
    for name, version in found.items():
        try:
            assert version == metadata.version(name)
        except metadata.PackageNotFoundError:
            assert version is None


def test_every_extra_of_users_has_its_line(capsys: Capture) -> None:
    """By the installed metadata, which an editable install writes when it is made."""
    listed = {name.lower() for name in metadata.metadata("tinygrad_init").get_all("Provides-Extra") or []}
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    extras = out[out.index("Extras") : out.index("Self-test")]
    shown = {line.split()[0] for line in extras.splitlines()[1:] if line[:1].strip()}  # long lines go on below
    assert shown == listed - installation.FOR_DEVELOPERS
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(told) >= installation.FOR_DEVELOPERS


@pytest.mark.parametrize(
    ("version", "fault"), [(None, "starlette is missing"), ("0.9", "starlette 0.9 is too old: expected >=0.40")]
)
def test_what_is_missing_or_too_old_comes_with_the_line_that_installs_it(
    version: str | None, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    lines = [
        "numpy>=2.1",
        'starlette>=0.40; extra == "lab"',
        'tinygrad_init[lab]; extra == "all"',
        'x ; extra == "all"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    monkeypatch.setattr(installation, "version_of", lambda name: "2.1" if name in ("numpy", "x") else version)
    assert main(["doctor"]) == 0  # extras may be missing
    out = capsys.readouterr().out
    for name in ("lab", "all"):
        assert any(
            line.split() == [name, *f"{fault}: pip install 'tinygrad_init[{name}]'".split()]
            for line in out.splitlines()
        )


def test_a_requirement_that_is_too_old_is_broken(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy>=99"])
    code, said = told(capsys)
    assert code == 1 and len(said["broken"]) == 1 and "is too old: expected >=99" in said["broken"][0]


def test_where_it_is_not_installed_extras_are_not_known(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert main(["doctor"]) == 0 and "imported from a folder, not installed" in capsys.readouterr().out


def test_checks_that_fail_are_told_one_by_one(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(installation, "CHECKS", {"one": lambda: "off by 1", "other": lambda: 1 // 0})
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "broken: one: off by 1" in out and "broken: other: ZeroDivisionError" in out and "It is broken" in out


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that leaves out a part of the derivative: finite differences see all of it."""
    from tinygrad_init import ops

    assert installation.gradients() == ""
    tanh = ops.tanh
    monkeypatch.setattr(ops, "tanh", lambda t: tanh(t) + t.detach() * t)
    assert "input 0" in installation.gradients()


def test_versions_are_compared_as_numbers() -> None:
    packaging = pytest.importorskip("packaging.version", reason="packaging is not installed")
    versions = ["0.9", "0.10", "1", "1.0.1", "2.4.0", "2.4", "2.13.0+cpu", "2024.8", "10", "9.1.post1"]
    for one in versions:
        for other in versions:
            theirs = packaging.Version(one).release, packaging.Version(other).release
            shorter = [tuple(x for x in v) + (0,) * (4 - len(v)) for v in theirs]
            assert (installation.release(one) < installation.release(other)) == (shorter[0] < shorter[1]), (one, other)


def command(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tinygrad_init", *args]
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, **env}, check=False, timeout=120)


@pytest.mark.parametrize("args", [["doctor"], ["--version"]], ids=str)
def test_what_cannot_be_imported_is_said_in_one_sentence(args: list[str]) -> None:
    done = command(*args, TINYGRAD_INIT_BACKEND="gpu")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "tinygrad-init: TINYGRAD_INIT_BACKEND must be 'compiled' or 'reference', got 'gpu'\n"
    whole = command(*args, TINYGRAD_INIT_BACKEND="gpu", TINYGRAD_INIT_TRACEBACK="1")
    assert "Traceback" in whole.stderr


def test_a_defect_is_said_in_one_sentence_with_its_place(tmp_path: Path) -> None:
    script = tmp_path / "tinygrad-init"
    script.write_text(
        "import sys\nfrom tinygrad_init.cli import main, theory\n"
        "def run(args):\n    raise KeyError('several\\nlines')\n"
        "theory.run = run\nsys.exit(main(['theory']))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 70 and done.stderr.count("\n") == 1
    assert f"KeyError: 'several\\nlines' in {script}:4" in done.stderr
