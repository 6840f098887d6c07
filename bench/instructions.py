"""How many instructions does it take? `python -m bench.instructions` compares small workloads with an earlier count.

Instructions are counted by valgrind's callgrind, so that a change of a few percent shows even on a busy machine. The
counts are those of one instruction set (`avx2`, since valgrind knows no newer one) and of the versions of Python, NumPy
and the compiler that are written down beside them: where those differ, the comparison is shown, but fails nothing.
The exit code is 1 if a count grew by more than 3 %, and 0 if there is no valgrind, unless it is required (2).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from . import worker
from .workloads import NAMES

ROOT = Path(__file__).resolve().parent.parent
FILE = Path(__file__).with_name("instructions.json")
ALLOWED = 0.03
ISA = "avx2"

Counts = dict[str, int]


def environment() -> dict[str, str]:
    """The variables that make every run alike."""
    fixed = {"TINYGRAD_INIT_ISA": ISA, "TINYGRAD_INIT_BACKEND": "compiled", "PYTHONHASHSEED": "0"}
    fixed["PYTHONDONTWRITEBYTECODE"] = ""  # or each import would compile the sources anew
    return worker.environment(1) | fixed


def versions() -> dict[str, str]:
    """What the counts depend on besides the code."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    found = shutil.which(compiler) or shutil.which("cc")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout if found else ""
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "compiler": told.partition("\n")[0] or "unknown",
        "libc": " ".join(platform.libc_ver()),
    }


def total(folder: Path, process: str) -> int:
    """What callgrind counted in a process, since the first of those that it was forked from began."""
    text = (folder / process).read_text()
    found = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    if not found:
        raise RuntimeError(f"callgrind has counted nothing in process {process}")
    return int(found[1])


def count(names: Sequence[str]) -> Counts:
    """Instructions a repetition, by the name of the workload."""
    command = [sys.executable, "-m", "bench.workloads", *names]
    env = environment()
    # Once without valgrind: shows in no time that all is in order, and compiles modules for the import that is counted.
    subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/%p"]
        done = subprocess.run([*valgrind, *command], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
        totals: dict[str, dict[int, int]] = {}
        for line in done.stdout.splitlines():
            workload, times, process = line.split("\t")
            totals.setdefault(workload, {})[int(times)] = total(folder, process)
    return {
        workload: round((by_times[max(by_times)] - by_times[min(by_times)]) / (max(by_times) - min(by_times)))
        for workload, by_times in totals.items()
    }


def grown(before: Counts, now: Counts) -> list[str]:
    """The names of workloads that take more instructions than they are allowed to."""
    return [name for name, n in now.items() if name in before and n > before[name] * (1 + ALLOWED)]


def differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """In which versions two countings differ, in words."""
    return [
        f"{what} {before.get(what, 'unknown')} then, {version} now"
        for what, version in now.items()
        if before.get(what) != version
    ]


def table(before: Counts, now: Counts) -> Table:
    """Both countings, and by how much they differ."""
    found = Table(title="Instructions a repetition", title_justify="left")
    found.add_column()
    for column in ("before", "now", "change"):
        found.add_column(column, justify="right")
    for name, n in now.items():
        old = before.get(name)
        change = f"{n / old - 1:+.1%}" if old else "new"
        style = "bold red" if name in grown(before, now) else ""
        found.add_row(name, f"{old:,}" if old else "", f"{n:,}", change, style=style)
    return found


def verdict(known: dict[str, Any], now: Counts, found: dict[str, str], console: Console) -> int:
    """Print the comparison with what was committed; 1 if a count grew and nothing else can be to blame."""
    before = known.get("counts", {})
    console.print(table(before, now))
    if not (more := grown(before, now)):
        return 0
    if differences := differing(known.get("versions", {}), found):
        console.print(f"other versions, hence no failure: {'; '.join(differences)}", highlight=False)
        return 0
    console.print(f"grown by more than {ALLOWED:.0%}: {', '.join(more)}", style="bold red", highlight=False)
    return 1


def main(argv: list[str] | None = None) -> int:
    """Count, compare, and perhaps write down."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.instructions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help="a workload; may be repeated")
    parser.add_argument("--update", action="store_true", help=f"write the counts to {FILE.name}")
    parser.add_argument("--require", action="store_true", help="exit with 2 if there is no valgrind")
    args = parser.parse_args(argv)
    console = Console() if sys.stdout.isatty() else Console(width=120)
    if not (shutil.which("valgrind") and hasattr(os, "fork")):
        console.print("instructions are not counted: valgrind is not installed (apt-get install valgrind)")
        return 2 if args.require else 0
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    now, found = count(args.only or NAMES), versions()
    status = verdict(known, now, found, console)
    if not args.update:
        return status
    # Counts that were made elsewhere cannot stand beside these.
    kept = known.get("counts", {}) if args.only and known.get("versions") == found else {}
    FILE.write_text(json.dumps({"isa": ISA, "versions": found, "counts": kept | now}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
