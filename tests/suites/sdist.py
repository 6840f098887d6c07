"""Test suites of other packages: fetched from their source distributions, and run behind a shim of ours."""

import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "sdists"
WORDS = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def unpacked(name_and_version: str) -> Path:
    """The folder of a source distribution such as "micrograd==0.1.0"; the test is skipped where it cannot be had."""
    folder = KEPT / name_and_version.replace("==", "-")
    if folder.is_dir():
        return folder
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as fresh:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps", name_and_version]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{name_and_version} could not be downloaded: {done.stderr.strip()[-200:]}")
        (archive,) = Path(fresh).glob("*.tar.gz")
        with tarfile.open(archive) as file:
            file.extractall(fresh, filter="data")
        (content,) = (path for path in Path(fresh).iterdir() if path.is_dir())
        if not folder.is_dir():  # another worker may have been quicker
            content.rename(folder)
    return folder


def outcomes(tests: Path, shim: Path, options: tuple[str, ...] = ()) -> dict[str, str]:
    """What became of each test of a file or folder: "passed", "failed: why" or "skipped: why" under "class.name".

    A process of its own imports the packages of the folder `shim` before all others.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", folder, "--tb=line"]
        command += ["-p", "no:cacheprovider", f"--junitxml={report}", str(tests), *options]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(shim), str(ROOT)])}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode in (0, 1), f"pytest did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        cases = list(ElementTree.parse(report).iter("testcase"))
    found = {}
    for case in cases:
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        bad = [f"{WORDS[mark.tag]}: {mark.get('message')}" for mark in case if mark.tag in WORDS]
        found[name] = bad[0] if bad else "passed"
    return found
