"""The command: `python -m bench.verdicts`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from tinygrad_init.progress import counted
from tinygrad_init.sweeps.journal import Journal, read_journal
from tinygrad_init.sweeps.processes import on_processes
from tinygrad_init.sweeps.store import LOCK, locked

from . import __doc__ as description
from . import repairs, scores
from .tasks import FULL, GRIDS, SMALL, Task, name_of, tasks
from .trial import Result


def main() -> None:
    """Run what is not in the file yet, and show what comes out."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.verdicts", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", choices=list(GRIDS), default="thresholds", help="(thresholds)")
    parser.add_argument("--full", action="store_true", help=f"{FULL} networks instead of {SMALL}")
    parser.add_argument("--folder", type=Path, help="of finished runs; gone on with if it is there")
    parser.add_argument(
        "--repair", type=int, default=0, metavar="N", help="of so many networks also what becomes of a recommendation"
    )
    parser.add_argument(
        "--shares", type=Path, metavar="FILE", help="write how often each word was right, as a report tells"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="how many at a time (all processors)"
    )
    args = parser.parse_args()
    folder = args.folder or Path("bench/results") / f"verdicts-{args.grid}{'-full' if args.full else ''}"
    wanted = tasks(args.grid, FULL if args.full else SMALL)
    results = finished(wanted, "bench.verdicts.trial:run", folder, args.processes, "training")
    console = Console(width=120)
    console.print(scores.view(results))
    if args.shares:
        source = f"python -m bench.verdicts --grid {args.grid}{' --full' if args.full else ''}"
        args.shares.write_text(json.dumps(scores.shares(results, source), indent=2) + "\n", encoding="utf-8")
    if args.repair:
        best = scores.best_of(results)
        tried = [{**task, "repair": seed} for task in wanted[: args.repair] for seed in repairs.SEEDS]
        place = folder.with_name(f"{folder.name}-repairs")
        repaired = finished(tried, "bench.verdicts.repairs:repair", place, args.processes, "repairing")
        console.print(repairs.view(repaired, best))


def finished(wanted: list[Task], work: str, folder: Path, processes: int, doing: str) -> list[Result]:
    """The results of all tasks: those that the folder has, and the others, which are added to it as they come.

    Parameters
    ----------
    wanted
        The tasks.
    work
        What is done with each, "module:function".
    folder
        Of journals like those of sweeps, which outlive a kill at any moment.
    processes
        How many at a time.
    doing
        What the bar says.

    Raises
    ------
    RuntimeError
        A task went wrong, twice.
    """
    tasks = {name_of(task): task for task in wanted}
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK):
        journals = sorted(folder.glob("journal-*.log"))
        known = {row["name"]: row for path in journals for row in read_journal(path)[0]}
        missing = {name: task for name, task in tasks.items() if name not in known}
        if missing:
            journal = Journal(folder / f"journal-{len(journals) + 1:04d}.log")
            with (
                contextlib.closing(journal),
                contextlib.closing(on_processes(missing, False, processes, work)) as arriving,
                counted(len(tasks), doing) as tell_of,
            ):
                for rows in arriving:
                    if bad := next((row for row in rows if row.get("outcome") == "error"), None):
                        raise RuntimeError(f"{bad['name']}: {bad['why']}")
                    journal.add(rows)
                    known |= {row["name"]: row for row in rows}
                    tell_of(sum(name in known for name in tasks), "")
    return [known[name] for name in tasks]


if __name__ == "__main__":
    if sys.argv[1:2] == ["torch"]:  # which needs PyTorch
        from .torch_cases.command import main as of_torch

        of_torch(sys.argv[2:])
    else:
        main()
