"""Schedules in files: they go on where they were, with those that they are made of, or are refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tinygrad_init as tgi

from .states import said, saying
from .test_resuming import OPTIMIZERS, X, begun

nn = tgi.nn


class Halving:
    """A schedule: half the rate after every step of it."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer, self.taken = optimizer, 0

    def step(self) -> None:
        self.taken += 1
        self.optimizer.lr /= 2

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.taken = state["taken"]


def test_a_schedule_of_the_users_own(tmp_path: Path) -> None:
    """It is filled where it is given, and told of where it is not."""
    path = tmp_path / "a.safetensors"
    training = begun(OPTIMIZERS["momentum"])
    schedule = Halving(training.optimizer)
    schedule.step()
    tgi.save(path, training.model, training.optimizer, schedule)
    with pytest.warns(
        UserWarning,
        match="the schedule is a Halving, which is no (optimizer|schedule) of tgi.optim; make one and write",
    ):
        found = tgi.load(path)
    assert found.schedule is None and found.optimizer.lr == 0.025
    other = begun(OPTIMIZERS["momentum"], shared=True)
    with pytest.raises(tgi.LoadError, match="its schedule is of the class Halving, the given one of SGD"):
        tgi.load(path, other.model, other.optimizer, other.optimizer)
    own = Halving(other.optimizer)
    found = tgi.load(path, other.model, other.optimizer, own)
    assert found.schedule is own and own.taken == 1 and other.optimizer.lr == 0.025


SCHEDULES: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1, 4]},
    "ConstantLR": {},
    "LinearLR": {},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 6, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 7},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 20},
    "ReduceLROnPlateau": {"patience": 0},
    "LambdaLR": {"lr_lambda": lambda epoch: 0.9**epoch},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.9},
    "SequentialLR": {"milestones": [2, 4]},
    "ChainedScheduler": {},
}


def scheduled(name: str, update: Any) -> Any:
    """A schedule; those that are made of others of several, one of them made of others itself."""
    parts: list[Any] = []
    if name in ("SequentialLR", "ChainedScheduler"):
        once = tgi.optim.SequentialLR(update, [tgi.optim.LinearLR(update), tgi.optim.ExponentialLR(update, 0.9)], [3])
        chained = tgi.optim.ChainedScheduler([tgi.optim.StepLR(update, 2), tgi.optim.ConstantLR(update)])
        parts = [tgi.optim.LinearLR(update), chained if name == "SequentialLR" else once]
        parts += [tgi.optim.CosineAnnealingLR(update, 5)]
    kind: Any = getattr(tgi.optim, name)
    return kind(update, **SCHEDULES[name]) if not parts else kind(optimizer=update, schedulers=parts, **SCHEDULES[name])


def test_every_schedule_is_among_them() -> None:
    assert SCHEDULES.keys() | {"LRScheduler"} == set(tgi.optim.lr_scheduler.__all__)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_go_on(tmp_path: Path, name: str) -> None:
    """With groups of their own rates; those that are functions are filled where they are given."""
    path = tmp_path / "a.safetensors"
    x = X[:, :3]

    def fresh() -> tuple[Any, Any, Any]:
        model = nn.MLP([3, 4, 2], "tanh", rng=0)
        weights, rest = list(model.parameters())[:2], list(model.parameters())[2:]
        groups: Any = [{"params": weights}, {"params": rest, "lr": 0.02}]
        update: Any = tgi.optim.SGD(groups, lr=0.05, momentum=0.9)
        return model, update, scheduled(name, update)

    def gone_on(model: Any, update: Any, schedule: Any, steps: int) -> list[Any]:
        found = []
        for _ in range(steps):
            update.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            update.step()
            schedule.step(*([1.0] if name == "ReduceLROnPlateau" else []))
            found.append((loss.item(), [group["lr"] for group in update.param_groups]))
        return found

    stopped = fresh()
    gone_on(*stopped, 3)
    tgi.save(path, *stopped)
    expected = gone_on(*stopped, 4)
    given = fresh()
    assert tgi.load(path, *given).schedule is given[2]
    assert gone_on(*given, 4) == expected
    if "lr_lambda" in SCHEDULES[name]:
        with pytest.warns(
            UserWarning, match=f"the schedule {name} calls functions .lr_lambdas., which no file holds; make one"
        ):
            assert tgi.load(path).schedule is None
        return
    found = tgi.load(path)
    assert gone_on(found.model, found.optimizer, found.schedule, 4) == expected


def test_functions_of_schedules_are_told_of(tmp_path: Path) -> None:
    """Wherever they stand, also where a schedule could be made without."""
    path = tmp_path / "a.safetensors"
    model = nn.Linear(2, 2)
    update = tgi.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    shrinking = tgi.optim.CyclicLR(update, 0.01, 0.1, scale_fn=lambda cycle: 1 / cycle)
    falling = tgi.optim.LambdaLR(update, lambda epoch: 0.9**epoch)
    for schedule, name, function in (
        (shrinking, "CyclicLR", "_scale_fn_custom"),
        (tgi.optim.ChainedScheduler([tgi.optim.StepLR(update, 2), falling]), "LambdaLR", "lr_lambdas"),
    ):
        tgi.save(path, model, update, schedule)
        with pytest.warns(
            UserWarning,
            match=f"the schedule {name} calls functions .{function}., which no file holds; make one and write "
            r"tgi.load\(path, model, optimizer, schedule\)",
        ):
            assert tgi.load(path).schedule is None
        assert tgi.load(path, model, update, schedule).schedule is schedule


def nested(depth: int) -> Any:
    found: Any = {"class": "StepLR", "parts": [], "functions": []}
    for _ in range(depth):
        found = {"class": "ChainedScheduler", "parts": [found], "functions": []}
    return found


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (["class"], "os.system", "the schedule is a os.system, which is no schedule of tgi.optim"),
        (["class"], "os:system", "the schedule is a system, which is no schedule of tgi.optim"),
        (["class"], "SGD", "the schedule is a SGD, which is no schedule of tgi.optim"),
        (["class"], "LRScheduler", "its schedule cannot be a LRScheduler"),
        (["parts"], [], "its schedule cannot be a ChainedScheduler: ChainedScheduler: expected schedules, got dict"),
        (["parts"], [nested(0)] * 3, "has other parts than states of them"),
        (["parts"], {}, "the parts of its schedule is of dict"),
        (["parts", 0], 3, "made of something else than schedules"),
        (["parts", 0], nested(3), "has other parts than states of them|schedule has no state"),
        (["parts", 0], nested(300), "nested too deeply|other parts than states|made of something else|schedule"),
        (["parts", 0, "parts"], 3, "made of something else than schedules"),
        (["functions"], "x", "the functions of its schedule is of str"),
        (["state", "step"], 3, "its schedule cannot be a ChainedScheduler: its state differs from that of one in step"),
        (["state", "_schedulers", 0], 3, "its schedule has no state"),
        (["state", "_schedulers", 0, "load_state_dict"], 1, "its state differs from that of one in load_state_dict"),
        (["state", "_schedulers"], {}, "has other parts than states of them"),
    ],
)  # fmt: skip
def test_schedules_that_are_refused(tmp_path: Path, place: list[Any], value: Any, expected: str) -> None:
    """In one sentence; what is of a class that is not known is told of and left out."""
    path = tmp_path / "a.safetensors"
    model = nn.Linear(2, 2)
    update = tgi.optim.SGD(model.parameters(), lr=0.1)
    schedule = tgi.optim.ChainedScheduler([tgi.optim.StepLR(update, 2), tgi.optim.ConstantLR(update)])
    tgi.save(path, model, update, schedule)
    told = said(path)
    of = told["schedule"]
    for key in place[:-1]:
        of = of[key]
    of[place[-1]] = value
    saying(path, told)
    if expected.startswith("the schedule is a"):
        with pytest.warns(UserWarning, match=expected):
            assert tgi.load(path).schedule is None
        return
    with pytest.raises(tgi.LoadError, match=expected) as refused:
        tgi.load(path)
    assert "\n" not in str(refused.value)
