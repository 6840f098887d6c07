"""How much memory does a training step take? `python -m bench.memory`: peaks beyond what is there before it.

Each side has a process of its own, in which it has imported everything and trained a tiny network before. Then the
network, its parameters and its data are made; what is measured is by how much the resident memory of the process rises
above that in three steps (gradients, activations, work space of products, a program and its capture), whoever asked the
system for it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import worker
from .harness import OURS, Side
from .networks import SIZES, Size, draw
from .peers import PEERS
from .report import number

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("mlp-784-512-512-10", "mlp-100x100")
SIDES = {OURS: OURS, f"{OURS} eager": OURS, "PyTorch eager": "PyTorch eager", "NumPy by hand": "NumPy by hand"}
STEPS = 3
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(what: str) -> int:
    """Bytes of this process: "VmRSS" now, "VmHWM" at the most since `forget_peak`."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"{STATUS} does not tell {what}")


def forget_peak() -> None:
    """From now on the peak is that of what follows."""
    RESET.write_text("5")


def rise(side: Side) -> int:
    """By how many bytes some steps raise the peak of the resident memory above what is resident now.

    Where the system does not tell what is resident now, above the peak so far: the imports' own peak may then hide a
    part of it.
    """
    if RESET.exists():
        forget_peak()
        before = resident("VmRSS")
    else:
        before = maximum()
    for _ in range(STEPS):
        side.step()
    return (resident("VmHWM") if RESET.exists() else maximum()) - before


def maximum() -> int:
    """Bytes that this process has had at the most."""
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def side_of(name: str, size: Size) -> Side:
    """A side of `networks`, at the start."""
    (peer,) = (kind(1) for kind in PEERS if kind.name == SIDES[name])
    (found,) = (side for side in peer.network(draw(size)) if side.name == name)
    found.reset()
    return found


def measure(name: str, row: str) -> int:
    """In this process: what a side needs for a row."""
    by_name = {size.name: size for size in SIZES}
    side_of(name, SIZES[0]).step()
    return rise(side_of(name, by_name[row]))


def measured(name: str, row: str) -> int:
    """The same in a new process."""
    command = [sys.executable, "-m", "bench.memory", "--side", name, "--only", row]
    done = subprocess.run(command, cwd=ROOT, env=worker.environment(1), stdout=subprocess.PIPE, text=True, check=True)
    return int(json.loads(done.stdout))


def available() -> Iterator[str]:
    """The sides that can be measured here."""
    missing = {kind.name for kind in PEERS if kind.missing()}
    return (name for name, peer in SIDES.items() if peer not in missing)


def parameters(row: str) -> int:
    """Bytes of a network's parameters."""
    size = next(size for size in SIZES if size.name == row)
    return sum(array.nbytes for layer in draw(size).parameters for array in layer)


def main(argv: list[str] | None = None) -> int:
    """Print a table, or, in a process for one side, the number."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [size.name for size in SIZES]
    parser.add_argument("--only", action="append", choices=names, help="a row of `networks`; may be repeated")
    parser.add_argument("--side", choices=tuple(SIDES), help="print only the bytes that this side needs")
    args = parser.parse_args(argv)
    rows = args.only or NAMES
    if args.side:
        print(measure(args.side, rows[0]))
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=120)
    table = Table(title="Peak memory of a training step: MB beyond what was there before", title_justify="left")
    table.add_column()
    for column in ("MB", f"memory / {OURS}"):
        table.add_column(column, justify="right")
    for row in rows:
        found = {name: measured(name, row) for name in available()}
        table.add_row(f"{row} ({number(parameters(row) / 1e6)} MB of parameters)", style="italic")
        for name, size in found.items():
            table.add_row(f"  {name}", number(size / 1e6), f"{number(size / max(found[OURS], 1))}×")
        table.add_section()
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
