"""The command: `python -m bench`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from . import __doc__ as description
from . import pictures, report, scaling, worker
from .harness import OURS, Row
from .peers import PEERS
from .questions import QUESTIONS, select

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """What the user wants, checked."""
    available = len(worker.processors())
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="a question or a row; may be repeated (default: all)",
    )
    parser.add_argument(
        "--peer",
        action="append",
        choices=[kind.name for kind in PEERS if kind.name != OURS],
        help="compare with this one; may be repeated (default: all that are installed)",
    )
    parser.add_argument(
        "--threads",
        help="numbers of threads, separated by commas (default: 1,2 as far as there are processors; quick: 1)",
    )
    parser.add_argument("--quick", action="store_true", help="small rows and few rounds: shows that all is in order")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write machine, versions and all numbers to this file"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="measure how a training step grows with depth, width and batch, and draw it into this folder",
    )
    parser.add_argument("--list", action="store_true", help="show the names of questions and rows")
    args = parser.parse_args(argv)
    if args.pictures and (reason := pictures.missing()):
        parser.error(f"--pictures: {reason}")
    if args.pictures:
        args.only, args.threads = [scaling.QUESTION.name], args.threads or "1"
        args.json = args.json or args.pictures / "scaling.json"
        args.pictures.mkdir(parents=True, exist_ok=True)
    try:
        threads = args.threads.split(",") if args.threads else ["1"] if args.quick or available < 2 else ["1", "2"]
        args.threads = sorted({int(n) for n in threads})
    except ValueError:
        parser.error(f"--threads: expected whole numbers separated by commas, got {args.threads!r}")
    if not 1 <= args.threads[0] <= args.threads[-1] <= available:
        parser.error(f"--threads: expected numbers from 1 to {available}, the processors there are, got {args.threads}")
    try:
        args.rows = select(args.only, args.quick)
    except ValueError as error:
        parser.error(str(error))
    return args


def messages(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a worker sends; it ends in an error if the worker did."""
    command = [sys.executable, "-m", "bench.worker", json.dumps(request)]
    env = worker.environment(request["threads"])
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise RuntimeError(f"the worker on {request['threads']} threads ended with status {process.returncode}")


def requests(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One a number of threads, with the questions that belong there."""
    single = {question.name for question in QUESTIONS if question.single_thread}
    unavailable = {question.name for question in QUESTIONS if question.unavailable()}
    load = worker.load()  # before the first worker adds to it
    asked: dict[str, list[Row]] = {name: rows for name, rows in args.rows.items() if name not in unavailable}
    for threads in sorted({1, *args.threads} if asked.keys() & single else args.threads):
        rows = {
            name: [row.name for row in found]
            for name, found in asked.items()
            if (threads == 1 if name in single else threads in args.threads)
        }
        if rows:
            yield {"threads": threads, "quick": args.quick, "load": load, "rows": rows, "peers": args.peer}


def main(argv: list[str] | None = None) -> int:
    """Ask the questions, print the answers; 0 if every row could be answered."""
    args = arguments(argv)
    # Written to a file, tables have room, too.
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    if args.list:
        for question in QUESTIONS:
            on_demand = " (if it is named)" if question.on_demand else ""
            console.print(f"[bold]{question.name}[/]: {question.title}{on_demand}", highlight=False)
            for row in args.rows.get(question.name, []):
                console.print(f"    {row.name}", highlight=False)
        return 0
    titles = {question.name: question.title for question in QUESTIONS}
    contexts: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for request in requests(args):
        found = messages(request)
        contexts.append(next(found))
        if warning := report.busy(contexts[-1]):
            console.print(warning, style="yellow", highlight=False)
        for name, answers in groupby(found, key=lambda row: row["question"]):
            answered = []
            for row in answers:
                answered.append(row)
                if console.is_terminal:
                    console.print(f"{row['row']} done", style="dim")
            rows += answered
            threads = request["threads"]
            title = f"{titles[name]} ({threads} thread{'s' if threads > 1 else ''})"
            for table in report.tables(title, answered):
                console.print(table)
    standings = report.standings([(row["threads"], row) for row in rows])
    if standings.row_count:
        console.print(standings)
    unanswered = {question.name: question.unavailable() for question in QUESTIONS if question.name in args.rows}
    unanswered = {name: reason for name, reason in unanswered.items() if reason}
    for name, reason in unanswered.items():
        console.print(f"{name}: {reason}", highlight=False)
    for line in report.missing(contexts[0]) if contexts else []:
        console.print(line, highlight=False, markup=False)
    if args.json:
        answer = {"runs": contexts, "missing": contexts[0]["missing"] if contexts else [], "unanswered": unanswered}
        args.json.write_text(json.dumps(answer | {"rows": rows}, indent=1) + "\n")
    if args.pictures and rows:
        for file in pictures.write(args.pictures, rows, contexts[0]["machine"]["processor"]):
            console.print(f"written: {file}", highlight=False)
    failed = [row["row"] for row in rows if row["errors"]]
    if failed:
        console.print(f"failed: {', '.join(failed)}", style="bold red")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
