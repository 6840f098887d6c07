"""`sweep`, `resume` and `read`: the functions that a user calls."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Generator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from ..progress import counted
from .axes import whole_from
from .executors import on_dask, on_executor
from .plan import Plan, Task, axes_of
from .processes import on_processes
from .results import Sweep
from .running import Row
from .samples import Samples, samples
from .store import DamageWarning, Store, read_plan, read_rows

MOST_STEPS = 10_000_000


def sweep(
    folder: str | os.PathLike[str],
    *,
    steps: int = 200,
    random: int | None = None,
    draws: int = 0,
    diagnose: bool = True,
    workers: int | None = None,
    executor: Executor | None = None,
    client: Any = None,
    progress: bool | None = None,
    **axes: Any,
) -> Sweep:
    """Train networks on a grid, or at random points, of settings: which starts, depths and rates train at all?

    Every run is a network of `depth` equal hidden layers, diagnosed at its start and trained for so many steps. A run
    is finished when its line is on the disk. Called again with the same settings, after a kill or Ctrl-C, only what is
    missing is run.

    Parameters
    ----------
    folder
        Where the results are kept; made if it is not there.
    steps
        Of each training.
    random
        So many points drawn from the axes instead of all combinations.
    draws
        The seed of those.
    diagnose
        Whether to have each network diagnosed at its start, which takes longer than training a small one.
    workers
        How many processes; as many as there are processors unless given. Each computes with one thread. With an
        executor, how many it has.
    executor
        Runs them instead: a `concurrent.futures.Executor`, whose workers can import this package.
    client
        Runs them instead: a `distributed.Client`, or the address of a scheduler of Dask's.
    progress
        Show a bar where the errors of a terminal go, with the time left and how many train; unless said otherwise, in
        notebooks alone.
    axes
        For each axis a value, several, or a `sweeps.Range`; what is not said has its default:

        - `data`: a name out of `data.BUILT_IN` or a file ("circles"),
        - `activation` ("relu"), `depth` (3), `width` (16), `normalization` ("none", "batch" or "layer"),
          `residual` (False),
        - `start`: a name out of `init.INITIALIZERS` ("xavier"), or "normal" with `sigma_w` = √(fan_in · Var w);
          `sigma_b`, the standard deviation of biases (0),
        - `optimizer` ("sgd"), `rate` (what suits the optimizer), `batch` (64), `seed`: of weights and batches (0).

    Returns
    -------
    Sweep
        What is finished.

    Raises
    ------
    ValueError
        There is no such axis, an axis is empty or has a value that is none of it, the data cannot be read, or the
        folder holds something else.
    KeyboardInterrupt
        On Ctrl-C; what is finished is kept.

    Warns
    -----
    DamageWarning
        A file of the folder is damaged; it is set aside, and the rest is used.

    Examples
    --------
    >>> import tinygrad_init as tgi
    >>> found = tgi.sweep("critical", activation="tanh", depth=[2, 10, 30], sigma_w=[0.5, 1, 2])  # doctest: +SKIP
    >>> found.plot("depth", "sigma_w")  # doctest: +SKIP
    """
    for name, number, most in (("steps", steps, MOST_STEPS), ("draws", draws, 2**63 - 1)):
        try:
            whole_from(int(name == "steps"), most)(number)
        except ValueError as error:
            raise ValueError(f"sweep: {name}: {error}") from None
    if not isinstance(diagnose, bool):
        raise ValueError(f"sweep: diagnose: expected true or false, got {diagnose!r}")
    if workers is not None:
        try:
            whole_from(1, 4096)(workers)
        except ValueError as error:
            raise ValueError(f"sweep: workers: {error}") from None
    known = axes_of(axes, random)
    names = known["data"]
    assert isinstance(names, tuple)
    data = {name: samples(name) for name in names}
    plan = Plan(
        known,
        steps,
        random,
        draws,
        diagnose,
        {name: found.digest for name, found in data.items() if found.digest},
        {name: found.task for name, found in data.items()},
    )
    return run_plan(Path(folder), plan, data, workers, executor, client, progress)


def resume(
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    client: Any = None,
    progress: bool | None = None,
) -> Sweep:
    """Run what a sweep's folder is still missing.

    Parameters
    ----------
    folder
        Of a sweep that was begun.
    workers, executor, client, progress
        As in `sweep`.

    Raises
    ------
    ValueError
        It is no folder of a sweep, somebody else is running it, or a file of data is another one now.
    """
    path = Path(folder)
    plan = read_plan(path)
    names = plan.axes["data"]
    assert isinstance(names, tuple)
    data = {name: samples(name) for name in names}
    for name, digest in plan.data.items():
        if data[name].digest != digest:
            raise ValueError(f"{name}: has other data than when the sweep in {folder} was begun")
    return run_plan(path, plan, data, workers, executor, client, progress)


def read(folder: str | os.PathLike[str]) -> Sweep:
    """The finished runs in a folder, which is left as it is, whoever is writing there.

    Raises
    ------
    ValueError
        It is no folder of a sweep.
    ImportError
        There are Parquet files in it, and the extra `sweep` is not installed.

    Warns
    -----
    DamageWarning
        A file is damaged; the rest is used.
    """
    path = Path(folder)
    plan = read_plan(path)
    rows, damaged = read_rows(path)
    for file, why in damaged:
        warnings.warn(DamageWarning(f"{file}: damaged, {why}; all else is used"), stacklevel=2)
    return Sweep(path, plan, rows)


def run_plan(
    folder: Path,
    plan: Plan,
    data: Mapping[str, Samples],
    workers: int | None,
    executor: Executor | None,
    client: Any,
    progress: bool | None,
) -> Sweep:
    """Run what is missing of a plan, and keep each run as soon as it is there."""
    if executor is not None and client is not None:
        raise ValueError("sweep: expected an executor or a client of Dask's, got both")
    with Store(folder, plan) as store:
        tasks = plan.runs()
        missing = {name: task for name, task in tasks.items() if name not in store.rows}
        done = len(tasks) - len(missing)
        trains = sum(row["trained"] for name, row in store.rows.items() if name in tasks)
        with counted(len(tasks), "training", progress) as tell_of:
            tell_of(done, f"{trains} of {done} train" if done else "")
            with contextlib.closing(rows_of(missing, plan.diagnose, data, workers, executor, client)) as arriving:
                for rows in arriving:
                    fresh = store.add(rows)
                    done, trains = done + len(fresh), trains + sum(row["trained"] for row in fresh)
                    tell_of(done, f"{trains} of {done} train")
        return Sweep(folder, plan, store.rows)


def width_of(executor: Executor) -> int:
    """How many workers an executor has, as far as it tells; else as many as there are processors."""
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1


def rows_of(
    tasks: Mapping[str, Task],
    diagnose: bool,
    data: Mapping[str, Samples],
    workers: int | None,
    executor: Executor | None,
    client: Any,
) -> Generator[list[Row]]:
    """Rows as they come, from whoever runs them."""
    if not tasks:
        return
    if client is not None:
        yield from on_dask(client, tasks, diagnose, data)
    elif executor is not None:
        yield from on_executor(executor, tasks, diagnose, lambda: workers or width_of(executor))
    else:
        yield from on_processes(tasks, diagnose, workers or os.cpu_count() or 1)
