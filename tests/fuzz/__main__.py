"""`python -m tests.fuzz --minutes N --seed S`: random programs against PyTorch until the time is over.

Exit code 0: nothing was found. 1: something was, and lies as text, as short as it could be made, in the folder that is
named at the end. Each program is repeated alone with `--only SEED`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import selectors
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .programs import generate

ROOT = Path(__file__).resolve().parent.parent.parent
HANGS = 45.0  # seconds at one program: longer than the worker itself waits for a thread or a child
START = 60.0  # seconds that PyTorch may need to be there


class Run:
    """A worker, begun anew behind the program at which it died."""

    def __init__(self, i: int, workers: int, seed: int, count: int, folder: Path, how: str) -> None:
        self.i, self.workers, self.count, self.folder, self.how = i, workers, count, folder, how
        self.seed = seed + i
        self.told: dict[str, Any] = {"counts": {}, "refused": [], "memory": []}
        self.before: Counter[str] = Counter()
        self.memories: list[list[int]] = []
        self.process: Any = None
        self.start(seed + i)

    def start(self, seed: int) -> None:
        at = self.folder / f"at-{seed % self.workers}"
        at.write_bytes(struct.pack("qd", seed, time.time() + START))
        self.at = at
        done = self.before["programs"]
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.worker", str(seed), str(self.workers)]
        self.errors = (self.folder / f"errors-{self.i}").open("ab")
        self.process = subprocess.Popen(
            [*command, str(self.count - done), str(self.folder), self.how],
            stdout=subprocess.PIPE, stderr=self.errors, cwd=ROOT, env=environment(),
        )  # fmt: skip

    def place(self) -> tuple[int, float]:
        """The seed that the worker is at, and since when."""
        seed, since = struct.unpack("qd", self.at.read_bytes()[:16])
        return seed, since

    def listen(self, line: bytes) -> None:
        self.told = json.loads(line)

    def counts(self) -> Counter[str]:
        return self.before + Counter(self.told["counts"])

    def look(self) -> bool:
        """Whether the worker is still needed; one that died or hangs is noted, and begun anew."""
        code = self.process.poll()
        seed, since = self.place()
        hangs = time.time() - since > HANGS
        if code is None and not hangs:
            return True
        if code == 0:
            return False
        self.process.kill()
        self.process.wait()
        what = "hangs" if code is None else f"ended with {code}"
        (self.folder / f"found-{seed}.txt").write_text(f"# {what}\n{generate(seed).source()}\n{generate(seed)!r}\n")
        self.before = self.counts() + Counter({"found": 1, f"worker {what}": 1})
        self.memories.append(self.told["memory"])
        self.told = {"counts": {}, "refused": [], "memory": []}
        self.start(seed + self.workers)
        return True


def environment() -> dict[str, str]:
    """Threads enough for large products, and one for everybody else's."""
    return os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def fuzz(seconds: float, seed: int, programs: int, workers: int, folder: Path, how: str) -> Counter[str]:
    """Run the workers until the time is over, or all programs are done."""
    runs = [Run(i, workers, seed, programs // workers, folder, how) for i in range(workers)]
    end = time.monotonic() + seconds
    shown = time.monotonic()
    alive = list(runs)
    with selectors.DefaultSelector() as ready:
        streams: dict[Any, Run] = {}
        while alive and time.monotonic() < end:
            for run in alive:
                if run.process.stdout not in streams:
                    streams[run.process.stdout] = run
                    ready.register(run.process.stdout, selectors.EVENT_READ)
            for key, _ in ready.select(1.0):
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if line:
                    streams[key.fileobj].listen(line)
                else:
                    ready.unregister(key.fileobj)
            alive = [run for run in alive if run.look()]
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                print(dict(total(runs)), flush=True)
    for run in alive:
        run.process.kill()
        run.process.wait()
    for run in runs:
        print("memory of a worker in MB, every 10 000 programs:", *[m >> 20 for m in run.told["memory"]])
        for message, times in run.told["refused"]:
            print(f"refused {times} times: {message}")
    return total(runs)


def total(runs: list[Run]) -> Counter[str]:
    found: Counter[str] = Counter()
    for run in runs:
        found += run.counts()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="the first program (default: 0)")
    parser.add_argument("--programs", type=int, default=10**9, help="how many at most")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes, each with an oracle")
    parser.add_argument("--how", default="any", choices=("any", "eager", "captured", "threads", "forks"))
    parser.add_argument("--folder", type=Path, help="where what is found is written to (default: a new one)")
    parser.add_argument("--only", type=int, metavar="SEED", help="show one program and run it")
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        parser.error("PyTorch is the oracle, and is not installed: pip install torch")
    if options.only is not None:
        return only(options.only, options.how)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    counts = fuzz(60 * options.minutes, options.seed, options.programs, options.workers, folder, options.how)
    for name, number in sorted(counts.items()):
        print(f"{number:>10,} {name}")
    if counts["found"]:
        print(f"found: {folder}")
    return int(bool(counts["found"]))


def only(seed: int, how: str) -> int:
    """Show a program and compare it with the oracle, in this process."""
    from . import ours
    from .compare import differs
    from .worker import Oracle

    program = generate(seed, None if how == "any" else how)
    print(program.source())
    print(program)
    oracle = Oracle(seed, 1, how)
    expected, rounding = oracle.ask(program)
    oracle.close()
    what = differs(ours.run_all(program, program.how == "captured"), expected, program.dtype, rounding)
    print(what or "no difference")
    return int(bool(what))


if __name__ == "__main__":
    sys.exit(main())
