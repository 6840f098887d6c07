"""Schedules: PyTorch's rates over 100 steps with several groups, saved and loaded, beside captured programs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim
from tinygrad_init.optim import lr_scheduler

from .rules import arrays, inputs, leaves, loss_of, starts, stepper

RATES = (0.1, 0.03)
MOMENTUM = ("lr", "momentum", "betas")


class Falling:
    """A function with attributes, which are saved."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, epoch: int) -> float:
        return self.rate**epoch


def twice(module: Any, rule: Any) -> Any:
    warm_up = module.LinearLR(rule, 0.1, total_iters=10)
    return module.SequentialLR(rule, [warm_up, module.CosineAnnealingLR(rule, 40), module.StepLR(rule, 7)], [10, 60])


SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "lambda": lambda m, o: m.LambdaLR(o, lambda epoch: 0.95**epoch),
    "lambdas": lambda m, o: m.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), Falling(0.9)]),
    "multiplicative": lambda m, o: m.MultiplicativeLR(o, lambda epoch: 0.9 if epoch % 3 else 1.1),
    "step": lambda m, o: m.StepLR(o, 7, 0.5),
    "milestones": lambda m, o: m.MultiStepLR(o, [3, 30, 30, 80], 0.3),
    "constant": lambda m, o: m.ConstantLR(o, 0.5, 20),
    "constant by default": lambda m, o: m.ConstantLR(o),
    "linear": lambda m, o: m.LinearLR(o, 0.1, 0.8, 30),
    "linear by default": lambda m, o: m.LinearLR(o),
    "exponential": lambda m, o: m.ExponentialLR(o, 0.97),
    "polynomial": lambda m, o: m.PolynomialLR(o, 60, 2.0),
    "cosine": lambda m, o: m.CosineAnnealingLR(o, 30, 1e-3),
    "restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 10),
    "longer restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 7, 2, 1e-3),
    "triangles": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 8),
    "lower triangles": lambda m, o: m.CyclicLR(o, [0.01, 0.02], [0.2, 0.3], 8, 5, mode="triangular2"),
    "exponential triangles": lambda m, o: m.CyclicLR(
        o, 0.01, 0.2, 8, mode="exp_range", gamma=0.98, base_momentum=0.7, max_momentum=0.95
    ),
    "own triangles": lambda m, o: m.CyclicLR(
        o, 0.01, 0.2, 8, scale_fn=lambda n: 1 / n, scale_mode="cycle", cycle_momentum=False
    ),
    "one cycle": lambda m, o: m.OneCycleLR(o, 0.5, total_steps=101),
    "three phases": lambda m, o: m.OneCycleLR(
        o, [0.5, 0.2], epochs=10, steps_per_epoch=11, three_phase=True, anneal_strategy="linear", div_factor=10.0,
        pct_start=0.4, base_momentum=0.6, max_momentum=[0.9, 0.8], final_div_factor=100.0,
    ),
    "one after the other": twice,
    "together": lambda m, o: m.ChainedScheduler([m.ExponentialLR(o, 0.98), m.ConstantLR(o, 0.2, 15), m.StepLR(o, 9)]),
    "two of them": lambda m, o: [m.LinearLR(o, 0.2, total_iters=6), m.ExponentialLR(o, 0.95)],
}  # fmt: skip


def groups(values: list[Any]) -> list[dict[str, Any]]:
    return [{"params": values[:1]}, {"params": values[1:], "lr": RATES[1]}]


def ours(kind: str = "SGD") -> optim.Optimizer:
    options = {"momentum": 0.9} if kind == "SGD" else {}
    found: optim.Optimizer = getattr(optim, kind)(groups(leaves(starts())), lr=RATES[0], **options)
    return found


def rates(rule: Any) -> list[Any]:
    return [[group[name] for name in MOMENTUM if name in group] for group in rule.param_groups]


def each(schedule: Any) -> list[Any]:
    return schedule if isinstance(schedule, list) else [schedule]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_those_of_pytorch(name: str, kind: str) -> None:
    """Exactly, with the momentum, at each of 100 steps."""
    torch = pytest.importorskip("torch")
    rule = ours(kind)
    values = [torch.tensor(value, requires_grad=True) for value in starts()]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    other = getattr(torch.optim, kind)(groups(values), lr=RATES[0], **options)
    mine, theirs = SCHEDULES[name](lr_scheduler, rule), SCHEDULES[name](torch.optim.lr_scheduler, other)
    for i in range(100):
        assert rates(rule) == rates(other), f"step {i}"
        assert [s.get_last_lr() for s in each(mine)] == [s.get_last_lr() for s in each(theirs)]
        rule.step()
        other.step()
        for schedule in (*each(mine), *each(theirs)):
            schedule.step()


@pytest.mark.parametrize("name", SCHEDULES)
def test_saved_and_loaded_it_goes_on(name: str) -> None:
    """With the optimizer's own state; functions are given again. What is pickled may be functions with names only."""
    rule, second = ours(), ours()
    schedules = each(SCHEDULES[name](lr_scheduler, rule))
    for _ in range(17):
        for schedule in schedules:
            schedule.step()
    later = each(SCHEDULES[name](lr_scheduler, second))
    second.load_state_dict(pickle.loads(pickle.dumps(rule.state_dict())))
    for schedule, other in zip(schedules, later, strict=True):
        other.load_state_dict(pickle.loads(pickle.dumps(schedule.state_dict())))
        assert other.get_last_lr() == schedule.get_last_lr() and repr(other) == repr(schedule)
    copied, copies = copy.deepcopy((rule, schedules))
    for _ in range(40):
        for one, two, three in zip(schedules, later, copies, strict=True):
            one.step()
            two.step()
            three.step()
        assert rates(rule) == rates(second) == rates(copied)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", ["one after the other", "triangles", "one cycle"])
def test_programs_read_rates_and_momenta_at_each_run(name: str, kind: str) -> None:
    """One program for all of them; its numbers are those of eager steps, and PyTorch's."""
    torch = pytest.importorskip("torch")
    parameters, others = leaves(starts()), leaves(starts())
    values = [torch.tensor(value, requires_grad=True) for value in starts()]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    one, two, three = (
        getattr(module, kind)(ps, lr=0.01, **options)
        for module, ps in ((optim, parameters), (optim, others), (torch.optim, values))
    )
    make: dict[str, Callable[[Any, Any], Any]] = {
        "triangles": lambda m, o: m.CyclicLR(o, 1e-3, 2e-2, 5),
        "one cycle": lambda m, o: m.OneCycleLR(o, 0.05, total_steps=25),
        "one after the other": lambda m, o: m.SequentialLR(
            o, [m.LinearLR(o, 0.1, total_iters=5), m.ExponentialLR(o, 0.9)], [5]
        ),
    }
    schedules = [
        make[name](m, o)
        for m, o in ((lr_scheduler, one), (lr_scheduler, two), (torch.optim.lr_scheduler, three))
    ]  # fmt: skip
    program, step = tgi.capture(stepper(parameters, one)), stepper(others, two)
    for x in inputs(20):
        program(x)
        step(x)
        three.zero_grad()
        loss_of(values, torch.tensor(x), torch.tanh).backward()
        three.step()
        for schedule in schedules:
            schedule.step()
    assert program.captures == 1
    for mine, same, theirs in zip(arrays(parameters), arrays(others), values, strict=True):
        np.testing.assert_allclose(mine, same, 1e-9, 1e-12)
        np.testing.assert_allclose(mine, theirs.detach().numpy(), 1e-5, 1e-7)


PLATEAUS: list[dict[str, Any]] = [
    {},
    {"patience": 2, "factor": 0.5, "cooldown": 3},
    {"mode": "max", "patience": 0, "threshold_mode": "abs", "threshold": 0.1},
    {"mode": "max", "patience": 3, "min_lr": [0.05, 0.01], "factor": 0.7},
    {"patience": 1, "threshold_mode": "abs", "threshold": 0.05, "eps": 0.05, "min_lr": 1e-3},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateaus_are_seen_as_in_pytorch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rule, other = ours(), torch.optim.SGD(groups([torch.ones(1, requires_grad=True) for _ in range(3)]), lr=RATES[0])
    mine = lr_scheduler.ReduceLROnPlateau(rule, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **options)
    rng, reduced = np.random.default_rng(0), set()
    for i in range(100):
        metric = float(np.exp(-i / 10) + 0.1 * rng.random()) if i != 50 else float("nan")
        mine.step(tgi.tensor(metric, dtype="float64") if i % 2 else metric)
        theirs.step(metric)
        found = [group["lr"] for group in rule.param_groups]
        assert found == [group["lr"] for group in other.param_groups] == mine.get_last_lr()
        assert mine.state_dict().items() >= {"best": theirs.best, "num_bad_epochs": theirs.num_bad_epochs}.items()
        reduced.add(tuple(found))
    assert len(reduced) > 1
    again = lr_scheduler.ReduceLROnPlateau(rule, **options)
    again.load_state_dict(mine.state_dict())
    assert vars(again) == vars(mine)
    rule.add_param_group({"params": leaves([np.ones(2)])})
    if isinstance(options.get("min_lr"), list):
        with pytest.raises(RuntimeError, match="min_lr was given for 2 groups, and there are 3"):
            mine.reduce()
    else:
        mine.reduce()


def test_epochs_may_be_named() -> None:
    """As a fraction to restarts, and to all that have a closed form."""
    torch = pytest.importorskip("torch")
    for name in ("longer restarts", "restarts", "step", "milestones", "linear", "exponential", "polynomial", "cosine"):
        rule = ours()
        other = torch.optim.SGD(groups([torch.ones(1, requires_grad=True) for _ in range(3)]), lr=RATES[0])
        mine, theirs = SCHEDULES[name](lr_scheduler, rule), SCHEDULES[name](torch.optim.lr_scheduler, other)
        other.step()
        for epoch in (3, 40, 12) if "restarts" not in name else (0.5, 3.25, 40.75, 12):
            mine.step(epoch)
            with pytest.warns() if "restarts" not in name else pytest.MonkeyPatch.context():
                theirs.step(epoch)
            assert [g["lr"] for g in rule.param_groups] == [g["lr"] for g in other.param_groups], (name, epoch)


def test_schedules_of_ones_own() -> None:
    class Half(lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [base / 2**self.last_epoch for base in self.base_lrs]

    rule = ours()
    schedule = Half(rule)
    for i in range(4):
        assert schedule.get_last_lr() == [rate / 2**i for rate in RATES]
        schedule.step()


def test_how_they_show_themselves() -> None:
    rule = ours()
    schedule = optim.StepLR(rule, 30, gamma=0.5)
    assert repr(schedule) == "StepLR(step_size=30, gamma=0.5, last_epoch=0)"
    both = optim.ChainedScheduler([schedule])
    assert repr(both) == f"ChainedScheduler([{schedule!r}])"
    assert optim.StepLR is lr_scheduler.StepLR and set(lr_scheduler.__all__) <= set(dir(optim))


def resumed(rule: Any) -> Any:
    return lr_scheduler.StepLR(rule, 3, last_epoch=2)


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda o: lr_scheduler.StepLR(0.1, 3), TypeError, "StepLR: expected an optimizer, got float"),  # type: ignore[arg-type]
    (lambda o: lr_scheduler.ReduceLROnPlateau([]), TypeError, "expected an optimizer, got list"),  # type: ignore[arg-type]
    (resumed, KeyError, "expected 'initial_lr' in group 0"),
    (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "2 values of lr_lambda, one for each group, got 1"),
    (lambda o: lr_scheduler.ConstantLR(o, 1.5), ValueError, r"factor must lie in \[0, 1\], got 1.5"),
    (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, r"start_factor must lie in \(0, 1\], got 0.0"),
    (lambda o: lr_scheduler.LinearLR(o, 0.5, 2.0), ValueError, r"end_factor must lie in \[0, 1\], got 2.0"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be a whole number"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 0), ValueError, "T_mult must be"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3).step(-1), ValueError, "must not be negative, got -1"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor must be below 1, got 1.0"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, "least"), ValueError, "expected the mode 'min' or 'max'"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="no"), ValueError, "got 'min' and 'no'"),
    (lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, mode="square"), ValueError, "expected the mode 'triangular'"),
    (lambda o: lr_scheduler.CyclicLR(o, [0.1], 0.2), ValueError, "expected 2 values of base_lr"),
    (lambda o: lr_scheduler.CyclicLR(optim.Adagrad(o.parameters), 0.1, 0.2), ValueError, "neither momentum nor betas"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "expected total_steps, or epochs and steps_per_epoch"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, epochs=3), ValueError, "epochs=3, steps_per_epoch=None"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, pct_start=1.5), ValueError, "pct_start must lie"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "got 'x'"),
    (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "expected at least one schedule, got none"),
    (lambda o: lr_scheduler.SequentialLR(o, [optim.StepLR(o, 3)], [1]), ValueError, "expected one milestone between"),
    (lambda o: lr_scheduler.ChainedScheduler([optim.StepLR(ours(), 3)], o), ValueError, "number 0 is another's"),
    (lambda o: lr_scheduler.ChainedScheduler([optim.ReduceLROnPlateau(o)]), ValueError, "wants a metric at each step"),
    (lambda o: lr_scheduler.ChainedScheduler([3]), TypeError, "expected schedules, got int as number 0"),  # type: ignore[list-item]
    (lambda o: optim.StepLR(o, 3).load_state_dict([]), TypeError, "expected a state_dict, got list"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[message for _, _, message in ERRORS])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(ours())


def test_one_cycle_ends() -> None:
    schedule = lr_scheduler.OneCycleLR(ours(), 0.1, total_steps=3)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="step 4 of a schedule of 3 steps"):
        schedule.step()


def test_a_program_cannot_hold_a_schedule() -> None:
    rule = ours()
    schedule = optim.StepLR(rule, 3)
    with pytest.raises(tgi.CaptureError, match=r"StepLR.step\(\) would happen once"):
        tgi.capture(schedule.step)()
