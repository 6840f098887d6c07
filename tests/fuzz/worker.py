"""One process of the fuzzer: `python -m tests.fuzz.worker FIRST STEP COUNT FOLDER [HOW]`.

Runs the programs of seeds FIRST, FIRST + STEP, ... beside an oracle in a process of its own. In FOLDER it keeps the
seed that it is at, so that whoever watches knows where it died, and writes down what it finds, a file each. What it has
done it tells on stdout, a line of JSON now and then.
"""

from __future__ import annotations

import json
import mmap
import pickle
import random
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import ours
from .compare import differs
from .programs import Program
from .shrink import as_test, shrink

TELL_EVERY = 2.0  # seconds


class Oracle:
    """The other side: a stream of programs and results, and answers about what rounding may do."""

    def __init__(self, first: int, step: int, how: str) -> None:
        command = [sys.executable, "-m", "tests.fuzz.oracle"]
        self.stream = subprocess.Popen([*command, str(first), str(step), how], stdout=subprocess.PIPE)
        self.asked: Any = None
        self.command = command

    def batch(self) -> list[tuple[Program, Any]]:
        """The next programs, each with its results, or the reason why it is none."""
        assert self.stream.stdout is not None
        found: list[tuple[Program, Any]] = pickle.load(self.stream.stdout)
        return found

    def ask(self, program: Program) -> tuple[Any, Any]:
        """The results of any program, and what rounding may do to them."""
        if self.asked is None:
            self.asked = subprocess.Popen([*self.command, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pickle.dump(program, self.asked.stdin)
        self.asked.stdin.flush()
        found: tuple[Any, Any] = pickle.load(self.asked.stdout)
        return found

    def close(self) -> None:
        for process in (self.stream, self.asked):
            if process is not None:
                process.kill()
                process.wait()


class Worker:
    """Runs programs and keeps count."""

    def __init__(self, first: int, step: int, count: int, folder: Path, how: str) -> None:
        self.oracle = Oracle(first, step, how)
        self.folder, self.count = folder, count
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.memory: list[int] = []
        self.place = open(folder / f"at-{first % step}", "r+b")  # noqa: SIM115 (open as long as the process)
        self.at = mmap.mmap(self.place.fileno(), 16)
        self.random = random.Random(first)
        self.beside: list[Program] = []

    def run(self) -> None:
        told = time.monotonic()
        while self.counts["programs"] < self.count:
            batch = self.oracle.batch()
            threads: list[tuple[Program, Any]] = []
            for program, expected in batch:
                self.at[:] = struct.pack("qd", program.seed, time.time())
                self.counts["programs"] += 1
                if isinstance(expected, str):
                    self.counts["no program for the oracle"] += 1
                    continue
                self.counts["second order"] += program.order == 2
                if program.how == "threads":
                    threads.append((program, expected))
                    if len(threads) == 4:
                        self.threads(threads)
                        threads.clear()
                else:
                    getattr(self, program.how)(program, expected)
                if len(self.memory) <= self.counts["programs"] // 10_000:
                    self.memory.append(resident())
            for program, expected in threads:
                self.eager(program, expected)
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                self.tell()
        self.tell()
        self.oracle.close()

    def tell(self) -> None:
        told = {"counts": self.counts, "refused": self.refused.most_common(12), "memory": self.memory}
        print(json.dumps(told), flush=True)

    # The ways to run a program

    def eager(self, program: Program, expected: Any) -> None:
        self.check(program, expected, "eager", lambda p: ours.run_all(p, False))

    def captured(self, program: Program, expected: Any) -> None:
        self.check(program, expected, "captured and run again", lambda p: ours.run_all(p, True))

    def threads(self, programs: list[tuple[Program, Any]]) -> None:
        found = ours.together([program for program, _ in programs])
        for (program, expected), result in zip(programs, found, strict=True):
            if result is None:
                result = TimeoutError("a thread hangs")
            self.check(program, expected, "threads", given(result), lone=False)
        program, expected = programs[0]
        if program.seed % 16 == 0 and not program.changes and not program.optimizer and program.order == 1:
            for result in ours.shared(program):
                first = [run[: len(program.results) + 1] for run in expected[:1]]
                self.check(program, first, "threads", given(result), lone=False)

    def forks(self, program: Program, expected: Any) -> None:
        captured = program.seed % 8 == 0
        other = self.beside.pop() if self.beside and self.random.random() < 0.2 else None
        self.beside = [program]
        beside = None if other is None else lambda: ours.run_all(other, other.seed % 4 == 0)
        try:
            found: tuple[Any, Any] = ours.forked(program, captured, beside)
        except Exception as error:
            found = error, error
        for result in found:
            self.check(program, expected, "forks", given(result), lone=False)
        self.counts["forks"] -= 1  # one program, compared on both sides of the fork

    # What comes of it

    def check(
        self, program: Program, expected: Any, way: str, run: Callable[[Program], Any], lone: bool = True
    ) -> None:
        """Compare; what differs, raises or is refused is written down."""
        self.counts[way] += 1
        try:
            result = run(program)
        except ours.Refused as error:
            self.counts["refused"] += 1
            self.refused[str(error).partition(": ")[2][:90]] += 1
            return
        except Exception as error:
            self.report(program, f"{way}: {type(error).__name__}: {error}", run if lone else None)
            return
        if not differs(result, expected, program.dtype):
            return
        _, rounding = self.oracle.ask(program)
        if what := differs(result, expected, program.dtype, rounding):
            self.report(program, f"{way}: {what}", run if lone else None)
        else:
            self.counts["within rounding"] += 1

    def report(self, program: Program, what: str, run: Callable[[Program], Any] | None) -> None:
        """Make the program as short as it can be, and write it down as a test."""
        self.counts["found"] += 1
        if run is not None and self.counts["found"] < 20:

            def shows(smaller: Program) -> bool:
                self.at[8:] = struct.pack("d", time.time())
                expected, rounding = self.oracle.ask(smaller)
                if isinstance(expected, str) or rounding is None:
                    return False
                try:
                    return bool(differs(run(smaller), expected, smaller.dtype, rounding))
                except ours.Refused:
                    return False
                except Exception as error:
                    return what.split(": ")[1] == type(error).__name__

            program = shrink(program, shows)
        (self.folder / f"found-{program.seed}.txt").write_text(as_test(program, what))


def given(result: Any) -> Callable[[Program], Any]:
    """A run that was made already."""

    def run(_: Program) -> Any:
        if isinstance(result, BaseException):
            raise result
        return result

    return run


def resident() -> int:
    """How much memory this process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 if sys.platform == "linux" else 0


def main(arguments: list[str]) -> None:
    first, step, count, folder, *how = arguments
    np.seterr(all="ignore")
    Worker(int(first), int(step), int(count), Path(folder), how[0] if how else "any").run()


if __name__ == "__main__":
    main(sys.argv[1:])
