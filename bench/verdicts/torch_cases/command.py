"""The command: `python -m bench.verdicts torch`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from . import __doc__ as description
from . import broken_fits, broken_loops, broken_starts, healthy, scores
from .case import Case, Training
from .peers import PEERS
from .scores import Result
from .settings import HALVES, setting
from .tools import OURS, Tool, ours

CASES: tuple[Case, ...] = (*healthy.CASES, *broken_starts.CASES, *broken_loops.CASES, *broken_fits.CASES)
TOOLS = {tool.name: tool for tool in (Tool(OURS, ours), *PEERS)}
SEEDS, SHORT, LONG = (0, 1, 2), 48, 480
SEED_OF_HALF = {half: 100 * i for i, half in enumerate(HALVES)}
# A loss within this share of what it was at first has not fallen.
FALLEN = 0.9


def main(argv: Sequence[str]) -> None:
    """Run what is not in the file yet, and show what comes out."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.verdicts torch", description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--half", choices=HALVES, default=HALVES[0], help=f"({HALVES[0]})")
    parser.add_argument(
        "--tool", action="append", choices=[*TOOLS, "all"], help=f"may be repeated, all that are installed ({OURS})"
    )
    parser.add_argument("--steps", type=int, action="append", help=f"may be repeated ({SHORT} and {LONG})")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help=f"of healthy trainings ({len(SEEDS)})")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], metavar="NAME", help="(all)")
    parser.add_argument("--file", type=Path, help="a line of JSON for each run; gone on with if it is there")
    parser.add_argument("--details", action="store_true", help="what was said where it was wrong")
    parser.add_argument("--check", action="store_true", help="no tool: how far the loss falls")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # PyTorch's own, of what is broken on purpose
    wanted = TOOLS if "all" in (args.tool or ()) else args.tool or [OURS]
    tools = [tool for tool in map(TOOLS.__getitem__, wanted) if tool.version is not None]
    cases = [case for case in CASES if args.case is None or case.name in args.case]
    lengths = args.steps or [SHORT, LONG]
    console = Console(width=130)
    if args.check:
        console.print(check(cases, args.half, max(lengths)))
        return
    path = args.file or Path("bench/results") / f"torch-cases-{args.half}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    tasks = [
        (tool, case, kind, steps, seed)
        for tool in tools
        for steps in lengths
        for case, kind, seed in runs(cases, args.seeds, SEED_OF_HALF[args.half])
    ]
    results = finished(tasks, args.half, path)
    console.print(scores.view(results, CASES))
    if args.details:
        for line in scores.details(results, CASES):
            print(line)


def runs(cases: Sequence[Case], seeds: int, first: int) -> Iterator[tuple[Case, str, int]]:
    """Healthy trainings from every seed, broken and mended ones from the first."""
    for case in cases:
        if case.healthy:
            yield from ((case, "healthy", first + seed) for seed in range(seeds))
        else:
            yield from ((case, kind, first) for kind in ("broken", "mended"))


def finished(tasks: list[tuple[Tool, Case, str, int, int]], half: str, path: Path) -> list[Result]:
    """The results of all tasks: those that the file has, and the others, which are written there, a line each."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {name_of(result): result for result in map(json.loads, lines)}
    results = []
    with open(path, "a", encoding="utf-8") as file:
        for tool, case, kind, steps, seed in track(tasks, "training", console=Console(stderr=True)):
            task = {"tool": tool.name, "half": half, "case": case.name, "kind": kind, "steps": steps, "seed": seed}
            if name_of(task) not in known:
                known[name_of(task)] = run(tool, case, task)
                file.write(json.dumps(known[name_of(task)]) + "\n")
                file.flush()
            results.append(known[name_of(task)])
    return results


def name_of(task: Result) -> tuple[Any, ...]:
    """What tells a run from the others."""
    return tuple(task[key] for key in ("tool", "half", "case", "kind", "steps", "seed"))


def built(case: Case, half: str, kind: str, steps: int, seed: int) -> tuple[Training, Any]:
    """The training before its first step, and its setting."""
    s = setting(half, seed, steps)
    torch.manual_seed(seed)
    return case.make(s, kind == "mended"), s


def run(tool: Tool, case: Case, task: Result) -> Result:
    """What a tool says of one training; a tool that breaks has said nothing."""
    training, s = built(case, task["half"], task["kind"], task["steps"], task["seed"])
    said, crash, began = [], None, time.process_time()
    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            said = list(tool.ask(training, s))
    except Exception as error:  # whatever it is: it is told
        crash = f"{type(error).__name__}: {error}"[:300]
    return {
        **task,
        "version": tool.version,
        "names": training.names,
        "said": [asdict(one) for one in said],
        "crash": crash,
        "losses": [round(loss, 6) for loss in (training.losses[:1] + training.losses[-1:])],
        "seconds": round(time.process_time() - began, 2),
    }


def check(cases: Sequence[Case], half: str, steps: int) -> Table:
    """How far every loss falls, of healthy and mended trainings and of broken ones, without any tool."""
    table = Table("case", "kind", "first", "last", "")
    for case, kind, seed in track(list(runs(cases, 1, SEED_OF_HALF[half])), console=Console(stderr=True)):
        training, _ = built(case, half, kind, steps, seed)
        began = time.process_time()
        training.run(steps, seed)
        first, last = np.mean(training.losses[:5]), np.mean(training.losses[-20:])
        seconds = time.process_time() - began
        odd = kind != "broken" and not last < FALLEN * first
        table.add_row(
            case.name, kind, f"{first:.4g}", f"{last:.4g}", f"{'does not fall' if odd else ''} {seconds:.1f} s"
        )
    return table
