"""A sweep that is killed at any moment goes on where it was: no finished run is lost, and none is run twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sweeps.test_sweep import settled
from tinygrad_init.sweeps import read, resume
from tinygrad_init.sweeps.journal import read_journal
from tinygrad_init.sweeps.parts import has_parquet, read_part

AXES = "depth=[1, 2], width=4, seed=range(30), steps=60, diagnose=False, workers=2"
CODE = "import sys, tinygrad_init as tgi; tgi.sweep(sys.argv[1], {axes})"
RUNS = 60


def begin(folder: Path) -> subprocess.Popen[bytes]:
    code = CODE.format(axes=AXES)
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], start_new_session=True)


def on_disk(folder: Path) -> dict[str, object]:
    """Every row that is there, each as often as it was written by a run."""
    parts = [row for path in folder.glob("part-*.parquet") for row in read_part(path)]
    lines = [row for path in folder.glob("journal-*.log") for row in read_journal(path)[0]]
    for rows in (parts, lines):  # a part and the journals that it was made of may both be there
        assert len({row["name"] for row in rows}) == len(rows)
    return {row["name"]: row for row in parts + lines}


def killed(folder: Path, kills: int, seed: int) -> None:
    """Kill it so often, at moments that are drawn; each time look at what is there."""
    rng = random.Random(seed)
    whole = folder / "whole"
    began = time.monotonic()
    assert begin(whole).wait(300) == 0
    lasts = time.monotonic() - began
    expected = settled(read(whole).rows)
    number, done = 0, 0
    while done < kills:
        place, known = folder / str(number), {}
        number += 1
        for _ in range(min(5, kills - done)):
            process = begin(place)
            time.sleep(rng.uniform(0.3, 1.0) * lasts)
            if rng.random() < 0.5:
                process.kill()
            else:  # with its workers
                workers = children(process.pid)
                for each in (process.pid, *workers):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
            process.wait()
            done += 1
            now = on_disk(place)
            assert {name: now.get(name) for name in known} == known
            known = now
        assert begin(place).wait(300) == 0
        now = on_disk(place)
        assert {name: now[name] for name in known} == known and len(now) == RUNS
        assert settled(read(place).rows) == expected
        assert bool([*place.glob("journal-*")]) != has_parquet()
        assert resume(place).planned == RUNS


def test_a_sweep_that_is_killed_five_times(tmp_path: Path) -> None:
    killed(tmp_path, 5, seed=0)


@pytest.mark.nightly
def test_a_sweep_that_is_killed_a_hundred_times(tmp_path: Path) -> None:
    killed(tmp_path, 100, seed=1)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    """And leaves no worker behind."""
    command = ["sweep", "--seed", "0:3999:4000", "--width", "4", "--steps", "60", "--no-diagnosis", "-o", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_init", *command], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not [*tmp_path.glob("journal-*.log")] or not on_disk(tmp_path):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    workers = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.decode().count("\n") == 1 and f"tinygrad-init sweep resume {tmp_path}" in said.decode()
    assert 0 < len(on_disk(tmp_path)) < 4000 and len(read(tmp_path)) == len(on_disk(tmp_path))
    assert workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("processes are not found without /proc")
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def test_a_worker_that_dies_is_replaced_and_its_run_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; a run that kills each worker has the outcome "error"."""
    import tinygrad_init as tgi
    from tinygrad_init.sweeps import worker

    deadly, once = 3, tmp_path / "once"
    code = f"""
import os, pathlib
from tinygrad_init.sweeps import worker
plain, once = worker.run, pathlib.Path({str(once)!r})
def run(name, task, data, diagnose):
    if task["seed"] == {deadly} or (task["seed"] == 5 and not once.exists()):
        once.touch()
        os._exit(1)
    return plain(name, task, data, diagnose)
worker.run = run
worker.serve()
"""
    start = "import sys, json; sys.path[:] = json.loads(sys.argv[1]);" + code
    monkeypatch.setattr(worker, "START", start)
    found = tgi.sweep(tmp_path / "s", seed=range(8), width=4, steps=5, diagnose=False, workers=2)
    words = [row["outcome"] for row in found.rows]
    assert len(words) == 8 and words.count("error") == 1 and words[deadly] == "error"
    assert found.rows[deadly]["why"] == "the worker process died, 2 times" and once.exists()


def test_workers_that_cannot_be_started_are_no_fault_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tinygrad_init as tgi
    from tinygrad_init.sweeps import worker

    plain = worker.START
    monkeypatch.setattr(worker, "START", "raise SystemExit(3)")
    with pytest.raises(RuntimeError, match="a worker process ended before it could be asked for anything"):
        tgi.sweep(tmp_path, seed=range(4), width=4, steps=5, diagnose=False, workers=2)
    assert len(read(tmp_path)) == 0
    monkeypatch.setattr(worker, "START", plain)
    assert [row["outcome"] != "error" for row in resume(tmp_path).rows] == [True] * 4
