"""A worker process: `python -c ... serve()` with tasks as lines of JSON coming in, and rows going out.

It is no child of `multiprocessing`, so that a script that runs a sweep needs no `if __name__ == "__main__"`, and one
worker's death is not that of a pool. It ends with its input.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import warnings
from typing import Any

from .plan import Task
from .running import Row, run
from .samples import Samples, samples

START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from tinygrad_init.sweeps.worker import serve; serve()"
)
READY = "ready"


def serve() -> None:
    """Answer every task with its row, until there are no more."""
    warnings.simplefilter("ignore")  # what is odd about a network is measured, and told in its row
    tasks, rows = sys.stdin, os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not speak in between
    print(READY, file=rows, flush=True)
    known: dict[str, Samples] = {}
    for line in tasks:
        print(json.dumps(answer(json.loads(line), known)), file=rows, flush=True)


def answer(asked: dict[str, Any], known: dict[str, Samples]) -> Row:
    """The row of a task, of a network's training or of whatever function was named."""
    task: Task = asked["task"]
    if asked["work"] is not None:
        module, _, function = asked["work"].partition(":")
        return {**getattr(importlib.import_module(module), function)(task), "name": asked["name"]}
    if task["data"] not in known:
        known[task["data"]] = samples(task["data"])
    return run(asked["name"], task, known[task["data"]], asked["diagnose"])


class Worker:
    """A worker process, seen from outside."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for whoever started it, also while it is still importing
            # One thread each: the processors are busy with the others.
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def begins(self) -> bool:
        """Wait until it can be asked; whether it can."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == f"{READY}\n"

    def ask(self, name: str, task: Task, diagnose: bool, work: str | None = None) -> Row | None:
        """The row of a task; None if the process has ended instead."""
        question: dict[str, Any] = {"name": name, "task": task, "diagnose": diagnose, "work": work}
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except (OSError, ValueError):
            return None
        if not answer.endswith("\n"):
            return None
        row: Row = json.loads(answer)
        return row

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what it was to be told has nowhere to go
                    stream.close()
