"""Runs on other people's executors, and on a cluster of real processes that die, are slow and come late."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init as tgi
from tests.sweeps.proxy import Proxy
from tests.sweeps.test_journal import PLAN
from tests.sweeps.test_kills import on_disk
from tests.sweeps.test_sweep import settled
from tinygrad_init.sweeps import executors, read

AXES: dict[str, Any] = {"width": 4, "depth": [1, 2], "seed": range(60), "steps": 40, "diagnose": False}
RUNS = 120

# What each worker of the cluster loads first: it notes what it runs and when data come, and may be slow.
NOTES = """
import os, sys, time
from tinygrad_init.sweeps import running, samples
plain, notes, pause = getattr(running, "plain", running.run), open({notes!r}, "a", buffering=1), {pause}
def run(name, task, data, diagnose):
    time.sleep(pause)
    row = plain(name, task, data, diagnose)
    print({worker!r}, name, file=notes)
    return row
if not hasattr(running, "noted"):  # what is loaded first may be loaded twice
    running.run = running.noted = run
def arrive(self, state):
    print({worker!r}, "data", file=notes)
    self.__dict__.update(state)
running.plain = plain
samples.Samples.__setstate__ = arrive
"""


class Cluster:
    """A scheduler and workers of Dask's, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.notes = folder, folder / "scheduler.json", folder / "notes"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file))
        until(self.file.exists)

    def start(self, name: str, *options: str) -> None:
        kind = "scheduler" if name == "scheduler" else "worker"
        command = [sys.executable, "-W", "ignore", "-m", "dask", kind, *options]
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def work(self, name: str, pause: float = 0.02, address: str | None = None) -> None:
        """Begin a worker; of another process than its nanny, which is not there."""
        preload = self.folder / f"{name}.py"
        preload.write_text(NOTES.format(notes=str(self.notes), worker=name, pause=pause))
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, "--preload", str(preload))
        self.start(name, address or self.address, *options)

    def noted(self) -> list[list[str]]:
        return [line.split() for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    found = Cluster(tmp_path)
    try:
        yield found
    finally:
        found.end()


@pytest.mark.filterwarnings("ignore")  # of Dask about what happens here on purpose
def test_a_cluster_whose_workers_die_are_slow_and_come_late(cluster: Cluster, tmp_path: Path) -> None:
    from distributed import Client

    expected = tgi.sweep(tmp_path / "here", **AXES, workers=1)
    for name, pause in (("steady", 0.1), ("slow", 0.3), ("doomed", 0.1)):
        cluster.work(name, pause)
    folder = tmp_path / "there"
    with Client(scheduler_file=str(cluster.file), timeout=60) as client:
        client.wait_for_workers(3, timeout=60)
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(tgi.sweep(folder, **AXES, client=client)))
        thread.start()
        until(lambda: folder.exists() and len(on_disk(folder)) > 20)
        cluster.processes["doomed"].kill()
        cluster.work("late")
        thread.join(120)
        assert not thread.is_alive()
    # Dask looks at all frames every 10 ms. What it holds on to while a program is captured may be fused otherwise,
    # which rounds otherwise: some units in the last place of float32, of which 40 steps make no more than this.
    for row, other in zip(found[0].rows, expected.rows, strict=True):
        assert (row["name"], row["outcome"]) == (other["name"], other["outcome"])
        assert row["losses"] == pytest.approx(other["losses"], rel=1e-5)
    assert len(on_disk(folder)) == RUNS == len({row["name"] for row in read(folder).rows})
    noted = cluster.noted()
    ran = [name for _, name in noted if name != "data"]
    assert {*ran} == {row["name"] for row in expected.rows}
    assert len(ran) - RUNS <= executors.AHEAD * int(
        executors.SECONDS / 0.1
    )  # begun anew: what the dead one had not handed over
    workers = {worker for worker, name in noted if name != "data"}
    assert workers == {"steady", "slow", "doomed", "late"}
    for worker in workers:
        assert 1 <= noted.count([worker, "data"]) <= 2, worker  # not for each run; Dask's copies may cross


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cuts", [1, 3])
def test_a_connection_is_lost_for_a_second(cluster: Cluster, tmp_path: Path, cuts: int) -> None:
    """That of who sweeps, and of one of two workers, which then ends, as Dask's do; another one comes."""
    from distributed import Client

    expected = tgi.sweep(tmp_path / "here", **AXES, workers=1)
    proxy = Proxy(cluster.address)
    cluster.work("near", 0.1)
    cluster.work("far", 0.1, proxy.address)
    folder = tmp_path / "there"
    try:
        with Client(proxy.address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            found: list[Any] = []
            thread = threading.Thread(target=lambda: found.append(tgi.sweep(folder, **AXES, client=client)))
            thread.start()
            for cut in range(cuts):
                known = len(on_disk(folder)) if folder.exists() else 0
                until(lambda known=known: folder.exists() and len(on_disk(folder)) > known + 12)  # type: ignore[misc]
                proxy.cut()
                time.sleep(1)
                assert thread.is_alive()
                proxy.mend()
                cluster.work(f"again-{cut}", 0.1, proxy.address)
            thread.join(120)
            assert not thread.is_alive()
    finally:
        proxy.close()
    assert [(row["name"], row["outcome"]) for row in found[0].rows] == [
        (row["name"], row["outcome"]) for row in expected.rows
    ]
    assert len(on_disk(folder)) == RUNS  # which says that no row was written twice
    ran = [name for _, name in cluster.noted() if name != "data"]
    assert {*ran} == {row["name"] for row in expected.rows}
    most = executors.AHEAD * 2 * int(executors.SECONDS / 0.1)
    assert len(ran) - RUNS <= cuts * most  # begun anew: what was handed out


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_a_connection_that_does_not_come_back_is_told_and_what_is_finished_kept(
    cluster: Cluster, tmp_path: Path
) -> None:
    from distributed import Client

    proxy = Proxy(cluster.address)
    cluster.work("near", 0.1)
    folder = tmp_path / "there"
    try:
        with Client(proxy.address, timeout=3) as client:
            client.wait_for_workers(1, timeout=60)
            threading.Thread(
                target=lambda: (until(lambda: folder.exists() and len(on_disk(folder)) > 12), proxy.cut())
            ).start()
            with pytest.raises(RuntimeError, match="sweep: .*; what is finished is kept"):
                tgi.sweep(folder, **AXES, client=client)
    finally:
        proxy.close()
    done = len(on_disk(folder))
    assert 12 < done < RUNS
    assert len(tgi.sweep(folder, **AXES, client=cluster.address)) == RUNS == len(on_disk(folder))


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_is_found_by_its_address_and_needs_workers(cluster: Cluster, tmp_path: Path) -> None:
    address = cluster.address
    with pytest.raises(ValueError, match="expected a scheduler with workers"):
        tgi.sweep(tmp_path / "s", width=4, steps=5, client=address)
    cluster.work("one")
    until(lambda: b"Registered to" in (tmp_path / "one.log").read_bytes())
    assert len(tgi.sweep(tmp_path / "s", width=4, steps=5, client=address)) == 1


def test_without_dask_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_init\[dask\]'"):
        tgi.sweep(tmp_path, client="tcp://127.0.0.1:1")


def test_processes_of_the_standard_library(tmp_path: Path) -> None:
    axes = AXES | {"seed": range(6)}
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        found = tgi.sweep(tmp_path / "pool", **axes, executor=executor)
    assert settled(found.rows) == settled(tgi.sweep(tmp_path / "here", **axes, workers=1).rows)
    with pytest.raises(ValueError, match="an executor or a client of Dask's, got both"):
        tgi.sweep(tmp_path / "pool", **axes, executor=executor, client="tcp://h:1")


class Counting(ThreadPoolExecutor):
    """Knows how much was waiting at a time; may answer with something else."""

    def __init__(self, result: Callable[..., Any]) -> None:
        super().__init__(2)
        self.result, self.waiting, self.most, self.lock = result, 0, 0, threading.Lock()

    def submit(self, function: Any, /, *args: Any, **options: Any) -> Future[Any]:
        with self.lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        return super().submit(self.answer, *args)

    def answer(self, *args: Any) -> Any:
        try:
            return self.result(*args)
        finally:
            with self.lock:
                self.waiting -= 1


def quick(tasks: Mapping[str, Any], diagnose: bool, data: Any) -> list[dict[str, Any]]:
    return [{"name": name, "seconds": 0.05} for name in tasks]


def test_no_more_is_handed_out_than_there_are_workers_for() -> None:
    """Thousands of runs stand in line here, not at the scheduler."""
    tasks = {str(i): {**next(iter(PLAN.runs().values())), "seed": i} for i in range(20_000)}
    with Counting(quick) as executor:
        arrived = [row["name"] for rows in executors.on_executor(executor, tasks, False, lambda: 2) for row in rows]
    assert sorted(arrived) == sorted(tasks) and 2 <= executor.most <= executors.AHEAD * 2


class Breaking(Executor):
    """Answers everything at once, the third time with its end."""

    asked = 0

    def submit(self, function: Any, /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked += 1
        if self.asked == 3:
            future.set_exception(BrokenExecutor("its processes died"))
        else:
            future.set_result(quick(*args))
        return future


def test_what_becomes_of_errors_of_an_executor() -> None:
    def broken(*args: Any) -> None:
        raise BrokenExecutor("its processes died")

    def refusing(*args: Any) -> None:
        raise OSError("no such worker")

    tasks = dict.fromkeys(map(str, range(8)), next(iter(PLAN.runs().values())))
    with Counting(broken) as executor, pytest.raises(RuntimeError, match="the executor is broken: its processes died"):
        list(executors.on_executor(executor, tasks, False, lambda: 2))
    arrived: list[dict[str, Any]] = []
    with pytest.raises(RuntimeError, match="the executor is broken"):  # after all that had come
        arrived.extend(row for rows in executors.on_executor(Breaking(), tasks, False, lambda: 2) for row in rows)
    assert len(arrived) == executors.AHEAD * 2 - 1
    with Counting(refusing) as executor:
        rows = [row for rows in executors.on_executor(executor, tasks, False, lambda: 2) for row in rows]
    assert [row["outcome"] for row in rows] == ["error"] * 8 and rows[0]["why"] == "OSError: no such worker"
