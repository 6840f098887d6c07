"""The command: `python -m bench.verdicts`."""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from . import __doc__ as description
from . import scores
from .tasks import FULL, GRIDS, SMALL, name_of, tasks
from .trial import run


def main() -> None:
    """Run what is not in the file yet, and show what comes out."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.verdicts", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", choices=list(GRIDS), default="thresholds", help="(thresholds)")
    parser.add_argument("--full", action="store_true", help=f"{FULL} networks instead of {SMALL}")
    parser.add_argument("--file", type=Path, help="a line of JSON for each run; gone on with if it is there")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="how many at a time (all processors)"
    )
    args = parser.parse_args()
    path = args.file or Path("bench/results") / f"verdicts-{args.grid}{'-full' if args.full else ''}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted = {name_of(task): task for task in tasks(args.grid, FULL if args.full else SMALL)}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    results = {name_of({key: one[key] for key in next(iter(wanted.values()))}): one for one in map(json.loads, lines)}
    missing = [task for name, task in wanted.items() if name not in results]
    os.environ["OMP_NUM_THREADS"] = "1"  # of each: the processors are busy with others
    with ProcessPoolExecutor(args.processes, get_context("spawn")) as pool, open(path, "a", encoding="utf-8") as file:
        waiting = [pool.submit(run, task) for task in missing]
        for future in track(as_completed(waiting), "training", len(waiting), console=Console(stderr=True)):
            result = future.result()
            file.write(json.dumps(result) + "\n")
            file.flush()
            results[name_of({key: result[key] for key in next(iter(wanted.values()))})] = result
    Console(width=120).print(scores.view([results[name] for name in wanted]))


if __name__ == "__main__":
    main()
