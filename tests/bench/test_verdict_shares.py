"""The table that a report tells its confidence from is counted from results, word by word."""

from __future__ import annotations

from typing import Any

from bench.verdicts.scores import shares
from tinygrad_init.diagnosis.fronts.few_steps import STEPS
from tinygrad_init.diagnosis.judging import shares as kept


def result(word: str, fault: bool, accuracy: float) -> dict[str, Any]:
    return {"word": word, "fault": fault, "accuracy": accuracy, "guess": 0.5, "data": "moons"}


def test_a_verdict_is_right_if_the_healthy_train_and_the_faulty_do_not() -> None:
    """The best is 1.0 and guessing 0.5: what gets to 0.9 trains."""
    results = [
        result("healthy", False, 1.0), result("healthy", False, 0.91), result("healthy", False, 0.89),
        result("dead", True, 0.5), result("dead", True, 0.95),
    ]  # fmt: skip
    found = shares(results, "here")
    assert found["source"] == "here" and found["steps"] == STEPS
    assert found["words"] == {"dead": {"right": 1, "networks": 2}, "healthy": {"right": 2, "networks": 3}}


def test_what_is_kept_has_that_form_and_is_about_as_many_steps_as_are_taken() -> None:
    found = kept()
    assert found.keys() == shares([result("healthy", False, 1.0)], "").keys() and found["steps"] == STEPS
    assert all(0 <= one["right"] <= one["networks"] for one in found["words"].values())
    assert sum(one["networks"] for one in found["words"].values()) == 300
