"""Planting faults in a copy of the tree, and running the tests that are relevant there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .fault import CAUGHT, SURVIVED, UNDECIDED, Fault, Verdict

ROOT = Path(__file__).resolve().parents[2]
SILENT = 240.0  # seconds without a word: longer than any test takes, so it hangs
FURTHER_SECONDS = 45.0  # in which the tests of further rooms may still find what those of the own one have not
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "temp.*", "screenshots", "dist", "*.egg-info")

# Where the tests of a room or a file are if not in the folder of its name; and who else uses it, the nearest first.
OWN = {
    "engine/_interpreted.py": "test_package.py",
    "training.py": "nn",
    "rehearsal.py": "nn",
    "rate_search.py": "nn",
    "progress.py": "nn",
    "naming.py": "test_naming.py",
    "update_rules.py": "test_naming.py",
    "activations.py": "nn",
    "layering.py": "diagnosis",
    "scalar.py": "engine",
    "gradient_checks.py": "engine",
    "_interruption.py": "cli",
    "csrc": "kernels",
}
USED_BY = {
    "engine": ["ops", "nn"],
    "kernels": ["nn", "programs", "ops"],
    "csrc": ["programs", "ops", "nn"],
    "programs": ["engine", "nn"],
    "ops": ["engine", "nn", "programs"],
    "nn": ["ops", "starts", "programs", "diagnosis"],
    "init": ["starts", "nn", "diagnosis"],
    "starts": ["init", "diagnosis"],
    "theory": ["init", "cli", "diagnosis"],
    "data": ["cli", "diagnosis"],
    "diagnosis": ["cli", "laboratory"],
    "optim": ["programs", "nn"],
    "training.py": ["starts", "data", "diagnosis", "cli"],
    "rehearsal.py": ["diagnosis"],
    "rate_search.py": ["diagnosis", "cli"],
    "naming.py": ["data", "nn", "init", "cli"],
    "update_rules.py": ["diagnosis", "cli"],
    "activations.py": ["theory", "diagnosis"],
    "layering.py": ["starts", "laboratory"],
}
COMPILING = ("test_csrc.py", "test_csrc_fuzz.py")  # tests of the C code alone; they take minutes, and come last
# The tests of kernels compare with these on the compiled backend; all others run them on the reference backend alone.
REFERENCE = ("tinygrad_init/kernels/reference.py", "tinygrad_init/kernels/reference_machine.py")
# Functions of the engine that only compiled code runs, or runs to their end: their faults are compiled, as those in C.
COMPILED = {
    "backward.py": {"accumulate", "by_kernel", "has_kernel"},
    "graph.py": {"__dealloc__"},
    "numbers.py": {"give", "walk_numbers"},
    "recording.py": {"record_elementwise"},
    "tensor.py": {"apply_binary", "apply_unary", "binary", "call"},
}


def room_of(path: str) -> str:
    """`engine` for `tinygrad_init/engine/graph.py`, `training.py` for `tinygrad_init/training.py`, `csrc` for C."""
    parts = Path(path).parts
    return parts[0] if parts[0] != "tinygrad_init" else parts[1]


def relevant(fault: Fault, root: Path) -> list[list[str]]:
    """Files of tests, those of the own room and those of further ones; those that speak of the function come first.

    In the own room so do those that speak of the file, and often; in further rooms time is short.
    """
    room = room_of(fault.path)

    def files(name: str) -> list[str]:
        there = root / "tests" / name
        found = sorted(there.glob("test_*.py")) if there.is_dir() else [there] if there.is_file() else []
        words = re.compile(rf"\b({re.escape(fault.function or Path(fault.path).stem)}|{Path(fault.path).stem})\b")
        mentions = {path: len(words.findall(path.read_text(encoding="utf-8"))) for path in found}
        found = [path for path in found if path.name not in COMPILING]
        found.sort(key=lambda path: -mentions[path])
        return [str(path.relative_to(root)) for path in found]

    name = OWN.get(fault.path.removeprefix("tinygrad_init/"), OWN.get(room, room))
    own = files(name) or files("test_package.py")
    compiling = [f"tests/kernels/{name}" for name in COMPILING if room == "csrc"]
    further = [file for name in USED_BY.get(room, []) for file in files(name)]
    if re.fullmatch(r"[a-zA-Z]\w*", fault.function):  # not `__init__`, which says nothing
        spoken_of = re.compile(rf"\b{fault.function}\b")
        further.sort(key=lambda file: spoken_of.search((root / file).read_text(encoding="utf-8")) is None)
    return [own, further + compiling]


def interpreted(fault: Fault, root: Path) -> bool:
    """Whether a fault is seen, without a build, only on the reference backend, which runs the file as it is."""
    return (root / fault.path).with_suffix(".pxd").exists() and not compiled(fault)


def compiled(fault: Fault) -> bool:
    """Whether a fault is only in what is built."""
    path = Path(fault.path)
    in_engine = path.parent.name == "engine" and fault.function in COMPILED.get(path.name, ())
    return fault.path.startswith("csrc/") or in_engine


class Trials:
    """Two copies of the tree: one without faults, to ask whether a test that fails would fail anyway, and one for them.

    Parameters
    ----------
    root
        The checkout, built in place. Nothing is changed there.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        self.sound, self.faulty = self.folder / "sound", self.folder / "faulty"
        for copy in (self.sound, self.faulty):
            shutil.copytree(root, copy, ignore=NOT_COPIED)
        self.left_out: set[str] = set()  # tests that fail without a fault, or now and then
        self.written = 0.0
        try:
            for copy in (self.sound, self.faulty):
                self.require_own_package(copy)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def require_own_package(self, copy: Path) -> None:
        """See that a copy's tests import its own package, and not what is installed: none would see a fault.

        Raises
        ------
        RuntimeError
            It is another.
        """
        asked = "from importlib.util import find_spec; print(find_spec('tinygrad_init').origin)"
        command = [sys.executable, "-c", asked]
        done = subprocess.run(
            command, cwd=copy, env=self.environment(False, copy), capture_output=True, text=True, check=False
        )
        if Path(done.stdout.strip()) != copy / "tinygrad_init" / "__init__.py":
            raise RuntimeError(f"tests in {copy} would import {done.stdout.strip() or done.stderr.strip()}")

    def write(self, path: str, text: str) -> None:
        """Write a file of the faulty copy, with a second of its own: by that Python tells what it compiled from it."""
        file = self.faulty / path
        file.write_text(text, encoding="utf-8")
        self.written = max(time.time(), self.written + 1.0)
        os.utime(file, (self.written, self.written))

    def judge(self, fault: Fault) -> Verdict:
        """Plant a fault, run the tests, take it back."""
        self.write(fault.path, fault.text)
        try:
            if compiled(fault) and not self.build():
                return Verdict(UNDECIDED, "it cannot be compiled")
            return self.look(fault)
        finally:
            if compiled(fault):  # newer than what was made of the fault, so that nothing of that is taken again
                self.write(fault.path, (self.sound / fault.path).read_text(encoding="utf-8"))
                for built in (self.sound / "tinygrad_init").rglob("*.so"):
                    shutil.copy2(built, self.faulty / built.relative_to(self.sound))
            else:
                shutil.copy2(self.sound / fault.path, self.faulty / fault.path)

    def build(self) -> bool:
        """Compile the extension of the faulty copy anew."""
        command = [sys.executable, "setup.py", "build_ext", "--inplace"]
        return subprocess.run(command, cwd=self.faulty, capture_output=True, check=False).returncode == 0

    def look(self, fault: Fault) -> Verdict:
        """Run the relevant tests until one fails, fails again, and does not fail without the fault."""
        own, further = relevant(fault, self.sound)
        for tests, seconds in ((own, None), (further, FURTHER_SECONDS)):
            chosen = fault.path in REFERENCE and tests is further
            reference = interpreted(fault, self.sound) or chosen
            while tests:
                code, said = self.run(tests, reference, self.faulty, seconds)
                if code in ("0", "5", "over"):
                    break
                failed = re.findall(r"^(?:FAILED|ERROR) (\S+?\.py(?:::.*?)?)(?: - .*)?$", said, re.MULTILINE)
                # Where the interpreter itself breaks down it says so behind the name of the test.
                at = re.findall(
                    r"^(tests/\S+?\.py::.*?) *(?:[A-Z]+ *\[ *\d+%\]|Fatal Python error: .*)?$", said, re.MULTILINE
                )
                if not (found := failed[:1] or at[-1:]):
                    return Verdict(CAUGHT, f"no test was run, pytest ended with {code}: {said[-200:]!r}")
                sound = self.run(found, reference, self.sound)[0] == "0"
                if sound and (code == "hangs" or self.run(found, reference, self.faulty)[0] != "0"):
                    return Verdict(CAUGHT, f"{found[0]} {'hangs' if code == 'hangs' else ''}".strip())
                if found[0] in self.left_out:  # it has been left out, and is run again
                    return Verdict(UNDECIDED, f"{found[0]} fails, with and without the fault, and cannot be left out")
                self.left_out.add(found[0])
                tests = [file for file in tests if file != found[0]]
        return Verdict(SURVIVED)

    def environment(self, reference: bool, copy: Path) -> dict[str, str]:
        """Tests draw the same examples each time, and import what lies in their copy of the tree."""
        backend = {"TINYGRAD_INIT_BACKEND": "reference"} if reference else {}
        return os.environ | {"CI": "true", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(copy)} | backend

    def run(self, tests: list[str], reference: bool, copy: Path, seconds: float | None = None) -> tuple[str, str]:
        """Run tests until one fails: the exit code, "hangs", or "over" if the time is; and what was said."""
        left_out = [f"--{'deselect' if '::' in test else 'ignore'}={test}" for test in self.left_out]
        command = [sys.executable, "-m", "pytest", "-x", "-v", "-rfE", "--tb=no", "-p", "no:cacheprovider"]
        environment = self.environment(reference, copy)
        said = self.folder / "said"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [*command, *left_out, *tests],
                cwd=copy, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=hear_ctrl_c,
            )  # fmt: skip
        began = heard = time.monotonic()
        code, length = "", 0
        try:
            while not code:
                time.sleep(0.1)
                now = time.monotonic()
                if said.stat().st_size != length:
                    heard, length = now, said.stat().st_size
                if process.poll() is not None:
                    code = str(process.returncode)
                elif now - heard > SILENT:
                    code = "hangs"
                elif seconds is not None and now - began > seconds:
                    code = "over"
        finally:
            with contextlib.suppress(ProcessLookupError):  # servers and browsers that a test began and did not end
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code, said.read_text(encoding="utf-8", errors="replace")


def hear_ctrl_c() -> None:
    """Let a process have Ctrl-C, which some tests press, though this one may run in the background and ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
