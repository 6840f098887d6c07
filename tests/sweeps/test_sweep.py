"""What a sweep runs, and that its results are what the settings say, however they were come by."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.data import StandardScaler, circles
from tinygrad_init.init import INITIALIZERS
from tinygrad_init.init.scaling import fan
from tinygrad_init.nn.stacks import stack
from tinygrad_init.optim import SGD
from tinygrad_init.rehearsal import whole_batches
from tinygrad_init.sweeps import AXES, Plan, Range, Sweep, read, resume, running
from tinygrad_init.sweeps.plan import axes_of, program_of
from tinygrad_init.sweeps.samples import samples

SMALL: dict[str, Any] = {"depth": [1, 3], "width": 6, "sigma_w": [0.5, 2.0], "activation": "tanh", "steps": 30}


def settled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what no settings decide."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def plan_of(random: int | None = None, draws: int = 0, **axes: Any) -> Plan:
    known = axes_of(axes, random)
    return Plan(known, 20, random, draws, False, {}, dict.fromkeys(known["data"], "classification"))


def test_a_grid_has_every_combination_once() -> None:
    plan = plan_of(depth=[1, 2, 2], rate=Range(0.01, 1, 3, log=True), seed=range(4))
    tasks = list(plan.runs().values())
    found = {(task["depth"], task["rate"], task["seed"]) for task in tasks}
    assert len(tasks) == 24 and found == {(d, r, s) for d in (1, 2) for r in (0.01, 0.1, 1.0) for s in range(4)}
    assert all(tuple(task) == (*AXES, "steps") for task in tasks)
    programs = [program_of(task) for task in tasks]
    assert len(set(programs)) == 1 + sum(one != other for one, other in pairwise(programs))


def test_what_makes_no_difference_makes_no_run() -> None:
    """σ_w belongs to normal weights: one run with He's start is enough for all."""
    plan = plan_of(start=["he", "normal"], sigma_w=[1, 2, 3])
    assert [(t["start"], t["sigma_w"]) for t in plan.runs().values()] == [
        ("he", None), ("normal", 1.0), ("normal", 2.0), ("normal", 3.0),
    ]  # fmt: skip
    usual = plan_of(optimizer=["sgd", "adam"])
    assert [task["rate"] for task in usual.runs().values()] == [0.1, 1e-3]


def test_random_points_are_drawn_by_a_seed_and_more_take_in_fewer() -> None:
    axes = {"depth": Range(1, 9), "rate": Range(1e-3, 1, log=True), "activation": ["tanh", "relu"]}
    few, many, others = plan_of(10, **axes).runs(), plan_of(50, **axes).runs(), plan_of(10, 1, **axes).runs()
    assert len(few) == 10 and len(many) == 50 and few.keys() < many.keys() and not few.keys() & others.keys()
    rates = np.log10([task["rate"] for task in plan_of(2000, **axes).runs().values()])
    assert np.histogram(rates, 3, (-3, 0))[0] == pytest.approx(2000 / 3, rel=0.15)  # five deviations
    assert len(plan_of(50, depth=[1, 2], seed=[0, 1, 2]).runs()) == 6  # there are no more


def test_names_are_of_the_settings_alone() -> None:
    one = plan_of(depth=[1, 2], rate=0.1)
    assert {*one.runs()} < {*plan_of(rate=[0.1, 0.2], depth=[3, 2, 1]).runs()}
    again = Plan.from_json(json.loads(json.dumps(one.to_json())))
    assert again == one and [*again.runs()] == [*one.runs()]
    assert [*one.runs()] == ["7b2f0d0c22f89bf1b0f0", "b4fe6c6835fd43b6d00b"]  # of another process and version, too


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"dept": 3}, r"an axis of a sweep out of .*; got 'dept'; did you mean 'depth'\?"),
        ({"depth": -3}, "depth: expected a whole number from 1 to 1000, got -3"),
        ({"depth": 2.5}, "depth: expected a whole number from 1 to 1000, got 2.5"),
        ({"depth": True}, "depth: expected a whole number"),
        ({"depth": []}, "depth: expected at least one value, got none"),
        ({"rate": [0.1, math.nan]}, "rate: expected a positive number, got nan"),
        ({"rate": Range(0.1, 1)}, "rate: expected a count"),
        ({"rate": {"from": 1}}, "rate: expected a range with from, to"),
        ({"rate": {"from": 1, "to": "a"}}, "rate: expected a range from a number"),
        ({"activation": "rleu"}, "activation: expected .*did you mean 'relu'"),
        ({"activation": 3}, "activation: expected the name of an activation, got int"),
        ({"residual": "yes"}, "residual: expected true or false, got 'yes'"),
        ({"start": "he", "sigma_w": 1}, "sigma_w belongs to the start 'normal', got he"),
        ({"start": "normal"}, "the start 'normal' needs sigma_w"),
        ({"data": "circels"}, "circels: expected digits, moons"),
        ({"seed": range(100_000), "depth": range(1, 900)}, "up to 1000000 runs, got a grid of 89900000"),
        ({"steps": 0}, "steps: expected a whole number from 1"),
        ({"random": 0}, "a whole number from 1 to 1000000, got 0"),
        ({"workers": 0}, "workers: expected a whole number"),
        ({"diagnose": 3}, "diagnose: expected true or false, got 3"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(axes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        tgi.sweep(tmp_path / "new", **axes)
    assert "\n" not in str(caught.value) and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("low", "high", "more"), [(2, 1, {}), (0, 1, {"log": True}), (0, math.inf, {}), (0, 1, {"count": 0})]
)
def test_ranges_are_ranges(low: float, high: float, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a range"):
        Range(low, high, **more)


def test_a_run_is_the_training_that_it_says(tmp_path: Path) -> None:
    """The same by hand, with nothing of the room but its settings and seeds."""
    found = tgi.sweep(tmp_path, **SMALL, sigma_b=0.1, rate=0.05, seed=3, workers=1, diagnose=False)
    data = circles(rng=0)
    order = np.random.default_rng(0).permutation(400)
    x, y = StandardScaler().fit(data.x).transform(data.x)[order].astype(np.float32), data.y[order]
    for row in found.rows:
        model = nn.MLP([2, *[6] * row["depth"], 2], "tanh", rng=0, dtype="float32")
        weights, biases = (np.random.default_rng([3, purpose]) for purpose in (0, 1))
        for linear in model.linears():
            tgi.init.normal_(linear.weight, weights, std=row["sigma_w"] / math.sqrt(linear.weight.shape[1]))
            tgi.init.normal_(linear.bias, biases, std=0.1)
        update, losses = SGD(list(model.parameters()), lr=0.05), []
        for _, chosen in zip(range(30), whole_batches(400, 64, 3), strict=False):
            update.zero_grad()
            cost = nn.LOSSES["cross_entropy"](model(x[chosen]), y[chosen])
            cost.backward()
            update.step()
            losses.append(cost.item())
        # Fused steps round otherwise: units in the last place of float32, which thirty steps let grow.
        assert [losses[step - 1] for step in row["loss_steps"]] == pytest.approx(row["losses"], rel=1e-4)
        assert row["final_loss"] == pytest.approx(np.mean(losses[-20:]), rel=1e-4)
        assert row["guess"] == pytest.approx(math.log(2))
        assert row["trained"] == (row["final_loss"] <= row["guess"] / 2)


VARIED: dict[str, Any] = {
    "start": ["he", "torch", "orthogonal"], "depth": [1, 2], "width": 5, "normalization": ["none", "batch", "layer"],
    "residual": [False, True], "optimizer": ["momentum", "adam"], "seed": [0, 1], "rate": 0.05, "steps": 8,
    "activation": ["tanh", "prelu"], "diagnose": False,
}  # fmt: skip


def test_programs_that_are_filled_anew_give_what_fresh_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, in any order: parameters, what optimizers remember and running statistics are put back."""
    plan = plan_of(**{name: value for name, value in VARIED.items() if name not in ("steps", "diagnose")})
    tasks, data = plan.runs(), {"circles": samples("circles")}
    monkeypatch.setattr(running, "PROGRAMS", running.Programs())
    monkeypatch.setattr(running, "MOST_PROGRAMS", 100)
    shared = running.run_all(tasks, data, False)
    other_way = running.run_all(dict(reversed(tasks.items())), data, False)[::-1]
    assert settled(shared) == settled(other_way)
    programs = running.PROGRAMS.known.values()
    assert len(programs) == 48 and all(one.learn.program.captures == 1 for one in programs)
    some = dict(list(tasks.items())[::7])
    known = {row["name"]: row for row in shared}
    for name, task in some.items():
        monkeypatch.setattr(running, "PROGRAMS", running.Programs())
        fresh = running.run_all({name: task}, data, False)
        assert settled(fresh) == settled([known[name]])


def test_a_diagnosis_changes_nothing_but_the_verdict(tmp_path: Path) -> None:
    with_one, without = (tgi.sweep(tmp_path / str(on), **SMALL, diagnose=on, workers=1) for on in (True, False))
    told = ("name", "verdict", "verdict_key", "fault", "seconds")
    plain = [[{k: v for k, v in row.items() if k not in told} for row in one.rows] for one in (with_one, without)]
    assert plain[0] == plain[1]
    assert all(row["verdict"] is None for row in without.rows) and not without.verdicts()
    for row in with_one.rows:
        model = stack([2, *[6] * row["depth"], 2], ["tanh"] * row["depth"], dtype="float32")
        running.fill(model, row)
        data = samples("circles")
        verdict = tgi.diagnose(model, data.x[:128], data.y[:128], "cross_entropy", row["rate"]).verdict
        assert (row["verdict"], row["verdict_key"], row["fault"]) == (verdict.word, verdict.key, verdict.fault)


@pytest.mark.parametrize(
    ("losses", "word"),
    [
        ([0.7] * 20 + [0.2] * 20, "trained"),
        ([0.7] * 20 + [0.5] * 20, "slow"),
        ([0.7] * 40, "stuck"),
        ([0.7, 3.0, math.nan], "diverged"),
        ([0.7, 3.0, math.inf], "diverged"),
        ([0.7] * 20 + [5.0] * 20, "diverged"),
        ([50.0] * 40, "stuck"),
    ],
)
def test_outcomes(losses: list[float], word: str) -> None:
    row = running.outcome(losses, 0.69)
    assert row["outcome"] == word and row["trained"] == (word == "trained") and row["steps_taken"] == len(losses)
    assert len(row["losses"]) == len(row["loss_steps"]) <= 50 and row["loss_steps"][-1] == len(losses)
    json.dumps(row, allow_nan=False)


def test_workers_threads_and_one_process_give_the_same(tmp_path: Path) -> None:
    one = tgi.sweep(tmp_path / "one", **SMALL, workers=1)
    two = tgi.sweep(tmp_path / "two", **SMALL, workers=2)
    with ThreadPoolExecutor(2) as executor:
        threads = tgi.sweep(tmp_path / "threads", **SMALL, executor=executor)
    assert settled(one.rows) == settled(two.rows) == settled(threads.rows) and len(one) == one.planned == 4


def test_a_finished_sweep_is_read_and_nothing_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tgi.sweep(tmp_path, **SMALL, workers=1)
    monkeypatch.setattr("tinygrad_init.sweeps.sweeping.on_processes", lambda *args: pytest.fail("something is run"))
    for again in (tgi.sweep(tmp_path, **SMALL), resume(tmp_path), read(tmp_path)):
        assert isinstance(again, Sweep) and again.rows == first.rows and again.varied == ("depth", "sigma_w")
    with pytest.raises(ValueError, match=r"has another sweep: depth is \[1, 3\] there, and \[2\] here"):
        tgi.sweep(tmp_path, **SMALL | {"depth": 2})
    with pytest.raises(ValueError, match="has another sweep: steps is 30 there, and 40 here"):
        tgi.sweep(tmp_path, **SMALL | {"steps": 40})


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("my only copy")
    with pytest.raises(ValueError, match="expected an empty folder or one of a sweep"):
        tgi.sweep(tmp_path, **SMALL)
    with pytest.raises(ValueError, match="expected a folder, got a file"):
        tgi.sweep(tmp_path / "thesis.txt", **SMALL)
    for function in (read, resume):
        with pytest.raises(ValueError, match="no folder of a sweep"):
            function(tmp_path)
    (tmp_path / "thesis.txt").unlink()
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(ValueError, match="expected the plan of a sweep"):
        read(tmp_path)
    (tmp_path / "sweep.json").write_text('{"schema": 99}')
    with pytest.raises(ValueError, match="schema 99; this version knows 1"):
        tgi.sweep(tmp_path, **SMALL)


def test_a_file_of_data_must_stay_what_it_was(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "points.csv"

    def write(scale: float) -> None:
        rows = [f"{a:.4f},{b:.4f},{'ab'[int(a * scale > b)]}" for a, b in rng.normal(size=(80, 2))]
        path.write_text("\n".join(["x,y,class", *rows]))

    write(1.0)
    found = tgi.sweep(tmp_path / "s", data=str(path), width=5, steps=5, workers=1, diagnose=False)
    assert found.rows[0]["data"] == str(path) and resume(tmp_path / "s").rows == found.rows
    write(2.0)
    with pytest.raises(ValueError, match="has other data than when the sweep"):
        resume(tmp_path / "s")


def test_what_goes_wrong_in_a_run_is_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    task = next(iter(plan_of().runs().values()))

    def refuse(*args: Any) -> None:
        raise MemoryError("too large")

    monkeypatch.setattr(running, "rehearsal", refuse)
    monkeypatch.setattr(running, "PROGRAMS", running.Programs())
    row = running.run("a", task, samples("circles"), True)
    assert row["outcome"] == "error" and row["why"] == "MemoryError: too large" and not row["trained"]


def test_every_start_of_the_library_can_be_swept() -> None:
    tasks = plan_of(start=list(INITIALIZERS), width=4, depth=1).runs()
    rows = running.run_all(tasks, {"circles": samples("circles")}, False)
    assert {row["start"] for row in rows} == {*INITIALIZERS} and not [row for row in rows if row["outcome"] == "error"]
    assert fan(tgi.ones((3, 2)), "fan_in") == 2  # what sigma_w is divided by the root of
