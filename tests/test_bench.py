"""The benchmark refuses sides that do not do the same work, and a quick run answers every question."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench import harness
from bench.harness import OURS, Effort, LeftOut, Row, Side
from bench.peers import PEERS
from bench.summary import summary

ROOT = Path(__file__).parent.parent
RTOL = 1e-3
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
        "kernels",
    }
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
