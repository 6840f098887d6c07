"""Worker processes on this machine, among which tasks are shared out.

Processes and not threads: a step runs without the interpreter's lock, but what lies around the steps of small networks,
and the diagnosis, does not. Measured figures are in docs/sweeps.md.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any

from .plan import Task, program_of
from .running import Row, failed
from .worker import Worker

MOST_IN_A_ROW = 64  # runs that a worker takes at a time, of one program
ATTEMPTS = 2  # of a run whose worker dies

# What workers' threads say: a row, what keeps them from going on, or that there will be no more.
Rows = queue.SimpleQueue[Row | Exception | None]


def on_processes(
    tasks: Mapping[str, Task], diagnose: bool, workers: int, work: str | None = None
) -> Generator[list[Row]]:
    """The rows of all tasks, in lists of those that are there at a time.

    A worker takes runs of one program in a row. One that dies is replaced, and what it was doing begun anew; a run that
    kills its worker twice has the outcome "error".

    Parameters
    ----------
    tasks
        By their names; those of one program side by side.
    diagnose
        Whether networks are diagnosed at their start.
    workers
        How many processes.
    work
        What is done with a task instead of a training: "module:function", from a task to a row of plain values.

    Raises
    ------
    RuntimeError
        Worker processes cannot be started.
    """
    groups = shared_out(tasks, workers, program_of if work is None else str)
    rows: Rows = queue.SimpleQueue()
    stop = threading.Event()
    running: list[Worker] = []
    threads = [
        threading.Thread(target=keep_busy, args=(groups, diagnose, work, rows, stop, running), daemon=True)
        for _ in range(min(workers, len(groups)))
    ]
    for thread in threads:
        thread.start()
    alive = len(threads)
    try:
        while alive:
            some = [waited(rows)]
            while not rows.empty():
                some.append(rows.get())
            alive -= some.count(None)
            if found := [row for row in some if isinstance(row, dict)]:
                yield found
            for error in some:
                if isinstance(error, Exception):
                    raise RuntimeError(f"sweep: {error}; what is finished is kept")
    finally:
        stop.set()
        for worker in list(running):
            worker.process.kill()
        for thread in threads:
            thread.join()


def waited(rows: Rows) -> Row | Exception | None:
    """The next row; Ctrl-C is heard while there is none."""
    while True:
        try:
            return rows.get(timeout=0.5)
        except queue.Empty:
            continue


def shared_out(
    tasks: Mapping[str, Task], workers: int, program: Callable[[Task], Any] = program_of
) -> deque[dict[str, Task]]:
    """Tasks in groups of one program, small enough that all workers have something to do until the end."""
    most = max(1, min(MOST_IN_A_ROW, len(tasks) // (4 * workers)))
    groups: deque[dict[str, Task]] = deque()
    last: Any = None
    for name, task in tasks.items():
        if program(task) != last or len(groups[-1]) >= most:
            groups.append({})
            last = program(task)
        groups[-1][name] = task
    return groups


def keep_busy(
    groups: deque[dict[str, Task]],
    diagnose: bool,
    work: str | None,
    rows: Rows,
    stop: threading.Event,
    running: list[Worker],
) -> None:
    """Have a worker do one group after the other; None at the end says that there will be no more rows."""
    worker: Worker | None = None
    try:
        while groups and not stop.is_set():
            try:
                group = groups.popleft()
            except IndexError:  # another one was quicker
                break
            for name, task in group.items():
                row = None
                for _ in range(ATTEMPTS):
                    if stop.is_set():
                        return
                    if worker is None:
                        worker = Worker()
                        running.append(worker)
                        if not worker.begins():
                            raise RuntimeError("a worker process ended before it could be asked for anything")
                    row = worker.ask(name, task, diagnose, work)
                    if row is not None:
                        break
                    running.remove(worker)
                    worker.end()
                    worker = None
                if stop.is_set() and row is None:
                    return
                rows.put(row or failed(name, task, f"the worker process died, {ATTEMPTS} times"))
    except (OSError, RuntimeError) as error:  # no more can be started: that is not the fault of a run
        if not stop.is_set():
            rows.put(error)
    finally:
        if worker is not None:
            worker.end()
        rows.put(None)
