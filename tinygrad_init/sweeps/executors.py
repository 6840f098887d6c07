"""Runs on anybody's executor of `concurrent.futures`, and on Dask's workers, which have one, too."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from functools import cache
from importlib import import_module
from typing import Any

from .plan import Task, program_of
from .running import Row, failed, run_all
from .samples import Samples, samples

# Runs that are handed out for each worker, so that none waits and the scheduler is not flooded; and as many as fit into
# so many seconds are one submission.
AHEAD, SECONDS, MOST_AT_ONCE = 4, 0.5, 64
ASK_AGAIN = 2.0  # seconds after which the number of workers is asked for again
NOTICED = 2.0  # seconds after which Dask has seen that a connection is gone


def on_executor(
    executor: Executor,
    tasks: Mapping[str, Task],
    diagnose: bool,
    workers: Callable[[], int],
    data: Any = None,
) -> Generator[list[Row]]:
    """The rows of all tasks, in lists of those that are there at a time.

    Parameters
    ----------
    executor
        Whose workers have this package; with processes it sees to the rest.
    tasks
        By their names; those of one program side by side.
    diagnose
        Whether networks are diagnosed at their start.
    workers
        How many it has; asked every few seconds, as some may come later.
    data
        The samples by name, or what the executor makes them of; loaded by the workers, once each, unless given.

    Raises
    ------
    RuntimeError
        The executor is broken.
    """
    window, asked_at = 0, -math.inf
    waiting = list(tasks.items())[::-1]
    asked: dict[Future[list[Row]], dict[str, Task]] = {}
    mean, done = SECONDS, 0
    try:
        while waiting or asked:
            if time.monotonic() - asked_at > ASK_AGAIN:
                window, asked_at = AHEAD * max(1, workers()), time.monotonic()
            while waiting and len(asked) < window:
                size = max(1, min(MOST_AT_ONCE, int(SECONDS / mean), len(waiting) // window))
                some = next_of(waiting, size)
                asked[executor.submit(run_some, some, diagnose, data)] = some
            finished, _ = wait(asked, return_when=FIRST_COMPLETED)
            rows: list[Row] = []
            broken: RuntimeError | None = None
            for future in finished:
                try:
                    rows += rows_of(future, asked.pop(future))
                except RuntimeError as error:  # after what has come at the same time
                    broken = error
            if rows:
                mean = (mean * done + sum(row["seconds"] for row in rows)) / (done + len(rows))
                mean, done = max(mean, 1e-6), done + len(rows)
                yield rows
            if broken is not None:
                raise broken
    finally:
        for future in asked:
            future.cancel()


def rows_of(future: Future[list[Row]], tasks: Mapping[str, Task]) -> list[Row]:
    """What has come of a submission; runs that no worker has survived have the outcome "error"."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError) as error:  # not the fault of these runs: they may be begun again
        why = str(error) or "runs were cancelled"
        raise RuntimeError(f"sweep: the executor is broken: {why}; what is finished is kept") from None
    except Exception as error:  # of whatever kind an executor reports the death of its workers by
        return [failed(name, task, f"{type(error).__name__}: {error}") for name, task in tasks.items()]


def next_of(waiting: list[tuple[str, Task]], most: int) -> dict[str, Task]:
    """Take so many tasks from the end, or fewer, which share a program."""
    name, task = waiting.pop()
    taken = {name: task}
    while waiting and len(taken) < most and program_of(waiting[-1][1]) == program_of(task):
        taken |= [waiting.pop()]
    return taken


@cache
def loaded(name: str) -> Samples:
    """A data set, loaded once by each worker."""
    return samples(name)


def run_some(tasks: Mapping[str, Task], diagnose: bool, data: Mapping[str, Samples] | None) -> list[Row]:
    """What a worker is asked for."""
    if data is None:
        data = {task["data"]: loaded(task["data"]) for task in tasks.values()}
    return run_all(tasks, data, diagnose)


def on_dask(
    client: Any, tasks: Mapping[str, Task], diagnose: bool, data: Mapping[str, Samples]
) -> Generator[list[Row]]:
    """The same on a cluster of Dask's: data go to each worker once, also to those that come later.

    Parameters
    ----------
    client
        A `distributed.Client`, or the address of a scheduler, "tcp://HOST:PORT".
    tasks, diagnose
        As in `on_executor`.
    data
        The samples by name.

    Raises
    ------
    ImportError
        distributed is not installed.
    ValueError
        There is no scheduler at the address, or it has no workers.
    """
    try:
        from distributed import Client as Known
    except ImportError:
        raise ImportError("a cluster needs Dask; install it with: pip install 'tinygrad_init[dask]'") from None
    Client: Any = Known
    if isinstance(client, Client):
        yield from on_client(client, tasks, diagnose, data)
        return
    try:
        own = Client(client, timeout=10)
    except (OSError, ValueError) as error:
        raise ValueError(f"{client}: expected the address of a scheduler of Dask; {error}") from None
    with own:
        yield from on_client(own, tasks, diagnose, data)


def on_client(
    client: Any, tasks: Mapping[str, Task], diagnose: bool, data: Mapping[str, Samples]
) -> Generator[list[Row]]:
    """The same with a client; where its connection is lost and comes back, what has not arrived is begun anew.

    With the connection Dask drops all that a client has asked for, and the data that it has sent. Workers that lose the
    scheduler end; others may come.
    """

    def threads() -> int:
        return sum(client.nthreads().values())

    if not threads():
        raise ValueError(f"{client.scheduler.address}: expected a scheduler with workers, got one without any")
    missing = dict(tasks)
    while missing:
        line = client.scheduler_comm
        try:
            client.wait_for_workers(1)
            loading = load_everywhere(client)
            # In a list, or each set would be sent by its name, which other data may have, too.
            (sent,) = client.scatter([dict(data)], broadcast=True, hash=False)
            # A worker that is killed takes its runs with it, whatever they are: they are begun anew elsewhere, several
            # times.
            executor = client.get_executor(pure=False, retries=10)
            for rows in on_executor(executor, missing, diagnose, threads, sent):
                for row in rows:
                    del missing[row["name"]]
                yield rows
            del loading
        except (CancelledError, OSError, RuntimeError) as error:
            if not has_returned(client, line):
                if isinstance(error, RuntimeError):
                    raise
                why = f"the scheduler does not answer: {error or type(error).__name__}"
                raise RuntimeError(f"sweep: {why}; what is finished is kept") from None


def load_everywhere(client: Any) -> list[Any]:
    """Have all workers, and the scheduler, which unpacks what it hands on, import this package at the same time.

    As data and runs come they would do so one after the other. What is returned is to be kept until then.
    """
    loading = [client.submit(import_module, __name__, workers=[worker], pure=False) for worker in client.nthreads()]
    return [*loading, client.submit(nothing, pure=False)]


def nothing() -> None:
    """What must be imported to be unpacked."""


def has_returned(client: Any, line: Any) -> bool:
    """Whether a client has lost this connection and has another one; Dask tries until the client's timeout is over."""
    noticed = time.monotonic() + NOTICED
    while client.status == "connecting" or (client.scheduler_comm is line and time.monotonic() < noticed):
        time.sleep(0.05)
    return client.status == "running" and client.scheduler_comm is not line
