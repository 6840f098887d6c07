"""The command: `python -m bench.verdicts`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from . import __doc__ as description
from . import repairs, scores
from .tasks import FULL, GRIDS, SMALL, Task, name_of, tasks
from .trial import Result, run


def main() -> None:
    """Run what is not in the file yet, and show what comes out."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.verdicts", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", choices=list(GRIDS), default="thresholds", help="(thresholds)")
    parser.add_argument("--full", action="store_true", help=f"{FULL} networks instead of {SMALL}")
    parser.add_argument("--file", type=Path, help="a line of JSON for each run; gone on with if it is there")
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
    path = args.file or Path("bench/results") / f"verdicts-{args.grid}{'-full' if args.full else ''}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # of each: the processors are busy with others
    wanted = tasks(args.grid, FULL if args.full else SMALL)
    results = finished(wanted, run, path, args.processes, "training")
    console = Console(width=120)
    console.print(scores.view(results))
    if args.shares:
        source = f"python -m bench.verdicts --grid {args.grid}{' --full' if args.full else ''}"
        args.shares.write_text(json.dumps(scores.shares(results, source), indent=2) + "\n", encoding="utf-8")
    if args.repair:
        best = scores.best_of(results)
        tried = [{**task, "repair": seed} for task in wanted[: args.repair] for seed in repairs.SEEDS]
        repaired = finished(tried, repairs.repair, path.with_suffix(".repairs.jsonl"), args.processes, "repairing")
        console.print(repairs.view(repaired, best))


def finished(
    wanted: list[Task], work: Callable[[Task], Result], path: Path, processes: int, doing: str
) -> list[Result]:
    """The results of all tasks: those that the file has, and the others, which are written there, a line each."""
    names = list(wanted[0])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {name_of({key: one[key] for key in names}): one for one in map(json.loads, lines)}
    missing = [task for task in wanted if name_of(task) not in known]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool, open(path, "a", encoding="utf-8") as file:
        waiting = [pool.submit(work, task) for task in missing]
        for future in track(as_completed(waiting), doing, len(waiting), console=Console(stderr=True)):
            result = future.result()
            file.write(json.dumps(result) + "\n")
            file.flush()
            known[name_of({key: result[key] for key in names})] = result
    return [known[name_of(task)] for task in wanted]


if __name__ == "__main__":
    if sys.argv[1:2] == ["torch"]:  # which needs PyTorch
        from .torch_cases.command import main as of_torch

        of_torch(sys.argv[2:])
    else:
        main()
