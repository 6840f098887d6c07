"""Trainings of `bench.verdicts` on processes of sweeps: the results that they have here, once each, also in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.verdicts.__main__ import finished
from bench.verdicts.tasks import Task


def noted(task: Task) -> dict[str, Any]:
    """Done in a worker: note that, and refuse what is negative."""
    with open(task["place"], "a", encoding="utf-8") as file:
        print(task["x"], file=file)
    if task["x"] < 0:
        raise ValueError("a negative number")
    return {**task, "root": task["x"] ** 0.5}


def test_what_is_there_is_not_done_again_and_torn_lines_are(tmp_path: Path) -> None:
    place, folder, work = tmp_path / "done", tmp_path / "results", f"{__name__}:noted"
    tasks: list[Task] = [{"x": x, "place": str(place)} for x in (4, 9, 16)]
    found = finished(tasks[:2], work, folder, 2, "")
    assert [row["root"] for row in found] == [2, 3]
    assert [row["root"] for row in finished(tasks, work, folder, 2, "")] == [2, 3, 4]
    assert sorted(place.read_text().split()) == ["16", "4", "9"]
    (first, _) = sorted(folder.glob("journal-*.log"))
    first.write_bytes(first.read_bytes()[:-20])  # as a kill may leave it
    assert [row["root"] for row in finished(tasks, work, folder, 2, "")] == [2, 3, 4]
    assert len(place.read_text().split()) == 4
    with pytest.raises(RuntimeError, match="x=-1: the worker process died, 2 times"):
        finished([{"x": -1, "place": str(place)}], work, folder, 1, "")
