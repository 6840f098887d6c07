"""The benchmark refuses sides that do not do the same work, and a quick run answers every question."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rich.console import Console

from bench import harness, instructions, memory, pictures, report, scaling
from bench.harness import OURS, Effort, LeftOut, Result, Row, Side, Timing
from bench.networks import SIZES, Size, draw, products
from bench.peers import PEERS
from bench.questions import select
from bench.summary import summary
from tinygrad_init.kernels.backend import kernels

ROOT = Path(__file__).parents[2]
RTOL = 1e-3
# The reference backend has no machine that runs captured steps.
OUR_WAYS = (OURS, f"{OURS} eager") if hasattr(kernels, "Machine") else (OURS,)
ONCE = Effort(shortest=0.0, rounds=3, fewest=1, budget=0.0)

results = arrays(np.float64, st.integers(1, 5), elements=st.floats(0.1, 10))


class Counter:
    """Training that adds `change` to a parameter a step and counts the steps."""

    def __init__(self, name: str, change: np.ndarray, loss: float = 1.0) -> None:
        self.steps, self.parameter = 0, np.zeros_like(change)

        def step() -> float:
            self.steps += 1
            self.parameter += change  # in place: the harness must not be fooled by views
            return loss

        def reset() -> None:
            self.parameter[...] = 0

        self.side = Side(
            name, step, lambda found: {"loss": np.array(found)}, lambda: {"parameter": self.parameter}, reset
        )


def measure(*sides: Side | LeftOut, **options: Any) -> harness.Result:
    """A row with these sides."""
    build: Callable[[Any], Iterator[Side | LeftOut]] = lambda peers: iter(sides)  # noqa: E731
    return harness.run(Row("row", "a row", "float64", build, RTOL, **options), [], ONCE)


@given(results)
def test_sides_that_agree_are_timed(change: np.ndarray) -> None:
    result = measure(Counter(OURS, change).side, Counter("other", change * (1 + RTOL / 10)).side)
    assert not result.errors
    assert result.timings.keys() == {OURS, "other"}


@given(results, st.floats(0.01, 10), st.sampled_from([-1, 1]))
def test_a_side_with_another_update_is_refused_and_nothing_is_timed(change: np.ndarray, by: float, sign: int) -> None:
    ours, wrong = Counter(OURS, change), Counter("wrong", change * (1 + sign * by))
    result = measure(ours.side, wrong.side, checked_steps=2)
    assert not result.timings
    assert "wrong and tinygrad_init disagree: change of parameter" in result.errors[0]
    assert ours.steps == wrong.steps == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Counter("wrong", np.ones(2), loss=1.1).side, "disagree: loss"),
        (Counter("wrong", np.ones(2), loss=np.nan).side, "disagree: loss"),
        (Counter("wrong", np.zeros(2)).side, "disagree: change of parameter"),
        (Counter("wrong", np.ones(3)).side, "has shape"),
        (replace(Counter("wrong", np.ones(2)).side, state=dict), "different results"),
        (Side("wrong", lambda: 1 / 0, dict), "wrong: division by zero"),
    ],
)
def test_a_wrong_side_is_refused(wrong: Side, message: str) -> None:
    result = measure(Counter(OURS, np.ones(2)).side, wrong)
    assert not result.timings
    assert message in " ".join(result.errors)


def test_sides_that_agree_on_nothing_at_all_are_refused() -> None:
    result = measure(Counter(OURS, np.zeros(2)).side, Counter("other", np.zeros(2)).side)
    assert not result.timings
    assert "proves nothing" in result.errors[0]


def test_a_share_of_a_limit_that_was_exceeded_is_withheld_from_every_side() -> None:
    sides = Counter(OURS, np.ones(2)).side, Counter("other", np.ones(2)).side
    fine, wrong = (
        summary(measure(*sides, rates=lambda seconds, share=share: {"of peak": share}, limits=("of peak",)))
        for share in (0.9, 1.4)
    )
    assert [side["rates"]["of peak"] for side in fine["sides"]] == [0.9, 0.9]
    assert not any("withheld" in warning for warning in fine["warnings"])
    assert [side["rates"]["of peak"] for side in wrong["sides"]] == [None, None]
    assert any("140%" in warning for warning in wrong["warnings"])


def test_a_floor_is_timed_but_neither_checked_nor_a_ratio() -> None:
    less = replace(Counter("less", np.ones(3), loss=7.0).side, floor=True)
    found = summary(measure(Counter(OURS, np.ones(2)).side, less))
    assert not found["errors"]
    assert [side["floor"] for side in found["sides"]] == [False, True]
    ours, floor = (report.ratio(side) for side in found["sides"])
    assert ours.endswith("×")
    assert floor.startswith("floor: ") and floor.endswith("%")


def timed(**seconds: list[float]) -> dict[str, Any]:
    """A summary of sides that took so long, round by round."""
    sides = [Side(name, lambda: None, dict) for name in seconds]
    result = Result(Row("row", "a row", "float32", lambda _: sides, rtol=0.1))
    result.timings = {name: Timing(times, 1, False) for name, times in seconds.items()}
    return summary(result)


def test_a_ratio_that_may_be_one_is_not_printed() -> None:
    noisy = timed(**{OURS: [1.0, 2.0, 1.0, 2.0], "slower": [3.0, 6.0, 4.0, 5.0], "even": [2.0, 1.0, 1.0, 2.0]})
    sides = {side["name"]: side for side in noisy["sides"]}
    assert sides["slower"]["ahead"] == OURS
    assert sides["even"]["ahead"] is None
    assert report.ratio(sides["even"]).startswith("even (")
    assert report.ratio(sides["slower"]).endswith("×")


def test_the_standings_say_who_is_ahead() -> None:
    found = timed(**{OURS: [2.0, 2.0, 2.0], "quick": [1.0, 1.1, 0.9], "slow": [5.0, 5.0, 6.0], "same": [1.9, 2.0, 2.1]})
    table = report.standings([(1, found)])
    columns = {column.header: list(column.cells) for column in table.columns}
    assert "quick" in columns["ahead"][0]
    assert "slow" in columns["behind"][0]
    assert "same" in columns["even"][0]


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(1, 20))
def test_the_products_alone_are_those_of_a_training_step(widths: list[int], batch: int) -> None:
    pairs = products(draw(Size("", "", tuple(widths), batch, "half_squared_error", 0.1)))
    work = sorted(len(x) * x.shape[1] * y.shape[1] for x, y in pairs)
    each = [batch * n * m for n, m in pairwise(widths)]
    assert work == sorted(each + each + each[1:])


def test_a_question_on_demand_is_asked_only_by_name() -> None:
    assert "scaling" not in select([], quick=True)
    assert select(["scaling"], quick=True).keys() == {"scaling"}


COUNTS = {"one": 1000, "two": 50}
HERE = {"python": "3.11.0"}


@pytest.mark.parametrize(
    ("now", "versions", "status"),
    [
        ({"one": 1000, "two": 50}, HERE, 0),
        ({"one": 1030, "two": 20}, HERE, 0),
        ({"one": 1031, "two": 50}, HERE, 1),
        ({"two": 60}, HERE, 1),
        ({"three": 10**9}, HERE, 0),
        ({"one": 2000}, {"python": "3.12.0"}, 0),
    ],
)
def test_a_count_that_grew_fails_unless_versions_differ(now: dict[str, int], versions: Any, status: int) -> None:
    console = Console(file=io.StringIO(), width=200)
    assert instructions.verdict({"counts": COUNTS, "versions": HERE}, now, versions, console) == status


def test_every_workload_has_a_count_that_was_committed() -> None:
    known = json.loads(instructions.FILE.read_text())
    assert known["counts"].keys() == set(instructions.NAMES)
    assert known["isa"] == instructions.ISA
    assert known["versions"].keys() == instructions.versions().keys()


def test_without_valgrind_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert instructions.main([]) == 0
    assert instructions.main(["--require"]) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_workloads_are_done_n_and_2n_times_each_in_a_process() -> None:
    name = "captured step 4-16-16-3"
    done = subprocess.run(
        [sys.executable, "-m", "bench.workloads", "import", name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["import", "import", name, name]
    assert [int(times) for _, times, _ in lines] == [1, 2, 20, 40]
    assert len({process for *_, process in lines}) == len(lines)


@pytest.mark.skipif(not memory.RESET.exists(), reason="needs /proc/self/clear_refs")
def test_memory_that_c_takes_in_a_step_is_seen() -> None:
    size = 40 << 20
    side = Side("", lambda: np.ones(size, np.uint8), dict)
    assert 0.9 * size < memory.rise(side) < 1.5 * size


def test_every_side_whose_memory_is_measured_is_there() -> None:
    for name in (*OUR_WAYS, "NumPy by hand"):
        assert np.isfinite(memory.side_of(name, SIZES[0]).step())


@given(st.lists(st.floats(0, 1), max_size=6))
def test_names_of_lines_are_apart_and_in_order(heights: list[float]) -> None:
    found = pictures.spread(heights, 0.05)
    order = np.argsort(heights, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) > 0.0499)
    assert all(height <= 1 for height in found)


def test_pictures_are_written_with_their_numbers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--peer", "NumPy by hand", "--pictures", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "scaling.json").read_text())["rows"]
    for axis, places in scaling.QUICK.items():
        found = pictures.curves(axis, rows)
        assert found.keys() == {*OUR_WAYS, "NumPy by hand"} <= pictures.LINES.keys()
        assert all(tuple(place for place, _ in points) == places for points in found.values())
        assert (tmp_path / f"{axis}.png").read_bytes().startswith(b"\x89PNG")
        drawn = (tmp_path / f"{axis}.svg").read_text()
        assert all(
            f">{name}<" in drawn
            for name in (*map(pictures.shown, found), scaling.AXES[axis], "time of a training step (µs)")
        )


def test_a_peer_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PEERS[-1], "module", "no_such_module")
    assert PEERS[-1].missing() == "not installed"


def test_a_quick_run_answers_every_question(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(file.read_text())
    assert {row["question"] for row in answer["rows"]} | answer["unanswered"].keys() == {
        "chains",
        "scalars",
        "networks",
        "images",
        "transformers",
        "estimators",
        "kernels",
        "imports",
    }
    for row in answer["rows"]:
        if row["question"] == "networks":
            assert {*OUR_WAYS, "products alone, numpy"} <= {side["name"] for side in row["sides"]}
        if row["question"] == "chains" and len(OUR_WAYS) > 1:
            assert f"{OURS} captured" in {side["name"] for side in row["sides"]}
    for row in answer["rows"]:
        assert not row["errors"]
        assert row["sides"][0]["name"] == OURS
        for side in row["sides"]:
            assert side["ratio"] > 0
            assert 0 < side["q1_us"] <= side["median_us"] <= side["q3_us"]
    assert [peer["name"] for peer in answer["missing"]] == [kind.name for kind in PEERS if kind.missing()]
    assert all(peer["pip"] in done.stdout for peer in answer["missing"] if peer["reason"] == "not installed")


def test_a_wrong_name_is_an_error() -> None:
    command = [sys.executable, "-m", "bench", "--only", "no-such-row"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no-such-row" in done.stderr
