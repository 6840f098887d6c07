"""The cases that verdicts about trainings in PyTorch are held against, and how what is said of them is counted."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from bench.verdicts.torch_cases import scores  # noqa: E402
from bench.verdicts.torch_cases.case import Case, Said  # noqa: E402
from bench.verdicts.torch_cases.command import CASES, built, run  # noqa: E402
from bench.verdicts.torch_cases.settings import HALVES  # noqa: E402
from bench.verdicts.torch_cases.tools import Tool  # noqa: E402

# What a rubric may name that is no module: what went in.
DATA = {"batch", "input", "inputs", "data", "sample", "tensor"}
BROKEN = [case for case in CASES if not case.healthy]


def test_there_are_enough_cases_of_both_kinds_and_none_twice() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) and len(CASES) - len(BROKEN) >= 20 and len(BROKEN) >= 40


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", [case.name for case in CASES])
@pytest.mark.filterwarnings("ignore:Using a target size")  # which is one of the faults
def test_a_case_is_a_training_and_its_rubric_names_modules_that_are_there(name: str, half: str) -> None:
    case = next(case for case in CASES if case.name == name)
    for kind in ("healthy",) if case.healthy else ("broken", "mended"):
        training, _ = built(case, half, kind, 48, 0)
        known = DATA | {"function"} | {path for path, _ in training.model.named_modules()}
        assert kind == "mended" or set(training.names) <= known
        training.run(1, 0)
        assert kind == "broken" or math.isfinite(training.losses[0])


def test_the_same_seed_gives_the_same_training_and_halves_share_no_data() -> None:
    for case in CASES[:6]:
        kind = "healthy" if case.healthy else "broken"
        one, two, other = (built(case, half, kind, 48, 0)[0] for half in (*HALVES[:1] * 2, HALVES[1]))
        assert torch.equal(one.x, two.x) and one.x.shape[1:] != other.x.shape[1:]
        for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
            assert torch.equal(a, b)


def test_a_cause_is_named_by_its_word_and_its_place() -> None:
    case = Case("dead", lambda s, mended: None, "dead")  # type: ignore[arg-type, return-value]
    assert case.named_by(Said("dead", "12 of 12 units of body.2 are silent"), ["body.2"])
    assert case.named_by(Said("units", "body.2.weight: all dead"), ["body.2"])
    for text in ("12 units of body.21", "12 units of a.body.2", "12 units"):
        assert not case.named_by(Said("dead", text), ["body.2"])
    assert case.named_by(Said("DEAD", "somewhere"), []) and not case.named_by(Said("lost", "body.2"), ["body.2"])


def result(kind: str, case: str, *said: Said, tool: str = "one") -> dict[str, Any]:
    told = [{"word": one.word, "text": one.text, "fault": one.fault} for one in said]
    return {
        "tool": tool, "version": "1", "steps": 48, "kind": kind, "case": case, "seed": 0, "names": [], "said": told,
        "crash": None, "losses": [],
    }  # fmt: skip


def test_a_word_that_is_said_of_healthy_trainings_too_counts_as_nothing() -> None:
    case = Case("a", lambda s, mended: None, "dead|clip")  # type: ignore[arg-type, return-value]
    results = [
        result("healthy", "h", Said("dead", "units"), Said("clipped", "always", fault=False)),
        result("broken", "a", Said("dead", "units"), Said("clipped", "always")),
    ]
    without = scores.worthless(results)
    assert without == {("dead", True), ("clipped", False)}
    assert scores.right(case, results[1], without) and scores.right_first(case, results[1])
    assert not scores.right(case, result("broken", "a", Said("dead", "units")), without)
    assert scores.accused(results[0]) and not scores.accused(result("mended", "a", Said("dead", "", fault=False)))


def test_a_tool_that_breaks_is_told_so_and_has_said_nothing() -> None:
    def breaks(training: Any, s: Any) -> Any:
        raise ZeroDivisionError("by nothing")

    case = CASES[0]
    task = {"tool": "pytest", "half": HALVES[0], "case": case.name, "kind": "healthy", "steps": 2, "seed": 0}
    found = run(Tool("pytest", breaks), case, task)
    assert found["crash"] == "ZeroDivisionError: by nothing" and found["said"] == [] and found["version"]
    assert list(scores.details([found], CASES))[1].endswith("crashed: ZeroDivisionError: by nothing")
