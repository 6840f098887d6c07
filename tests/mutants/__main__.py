"""`python -m tests.mutants --minutes N --seed S`: faults, planted one by one, until the time is over.

Exit code 0, whatever survives: which of them the tests should see is for people to say, and a test that sees its kind
is for them to write. Needs the extra `mutants`, and a checkout that is built in place.
"""

from __future__ import annotations

import argparse
import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import c_faults, python_faults
from .equivalent import why_equivalent
from .fault import CAUGHT, SURVIVED, UNDECIDED, Fault, Verdict
from .trials import ROOT, Trials

C_SHARE = 0.05  # of the faults, as long as there are any: each takes a build


def sample(rng: random.Random, root: Path, only: Sequence[str]) -> Iterator[Fault]:
    """Faults in random order, of all files below `only`."""
    listed = subprocess.run(
        ["git", "ls-files", "tinygrad_init", "csrc"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    paths = [path for path in listed if path.startswith(tuple(only))]
    in_python = python_faults.faults(rng, root, [path for path in paths if path.endswith(".py")])
    in_c = (fault for fault in c_faults.faults(rng, root) if fault.path in paths)
    while True:
        first, second = (in_c, in_python) if rng.random() < C_SHARE else (in_python, in_c)
        fault = next(first, None) or next(second, None)
        if fault is None:
            return
        yield fault


def report(counts: Counter[str], survivors: Sequence[Fault]) -> str:
    """Totals, and those that survived."""
    decided = counts[CAUGHT] + counts[SURVIVED]
    share = f"{counts[CAUGHT] / decided:.0%} of {decided} decided faults were caught" if decided else "none is decided"
    totals = ", ".join(f"{word} {counts[word]}" for word in (CAUGHT, SURVIVED, UNDECIDED))
    return "\n".join([f"{totals}: {share}", *(f"survived: {fault}" for fault in survivors)])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="which faults, and in which order (default: 0)")
    parser.add_argument("--faults", type=int, help="how many at most")
    parser.add_argument("--only", action="append", metavar="PATH", help="a file or a room, as tinygrad_init/ops")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    counts: Counter[str] = Counter()
    survivors = []
    with Trials() as trials:
        found = sample(random.Random(options.seed), ROOT, options.only or ["tinygrad_init/", "csrc/"])
        for fault in itertools.islice(found, options.faults):
            if time.monotonic() > end:
                break
            began = time.monotonic()
            why = why_equivalent(fault)
            verdict = Verdict(UNDECIDED, f"equivalent: {why}") if why else trials.judge(fault)
            counts[verdict.word] += 1
            if verdict.word == SURVIVED:
                survivors.append(fault)
            print(f"{verdict.word} ({time.monotonic() - began:.0f} s) {fault} {verdict.why}".rstrip(), flush=True)
        for test in sorted(trials.left_out):
            print(f"left out, as it fails without a fault, or now and then: {test}")
    print(report(counts, survivors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
