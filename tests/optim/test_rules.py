"""Every rule with every option: PyTorch's numbers, captured as eager, resumed as unbroken."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim

from .rules import CASES, IDS, STEPS, arrays, inputs, leaves, loss_of, made, starts, stepper

every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)


@every_case
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 2e-3)])
def test_steps_are_those_of_pytorch(name: str, options: dict[str, Any], dtype: str, rtol: float) -> None:
    """In float64 at each of 30 steps; in float32 at the first ten, since rounding grows."""
    torch = pytest.importorskip("torch")
    kind, before = getattr(torch, dtype), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # of single numbers that PyTorch remembers
    try:
        ours = leaves(starts(), dtype)
        theirs = [torch.tensor(value, dtype=kind, requires_grad=True) for value in starts()]
        rule, other = made(name, options, ours), getattr(torch.optim, name)(theirs, **options)
        step = stepper(ours, rule)
        for i, x in enumerate(inputs(STEPS if dtype == "float64" else 10)):
            step(x.astype(dtype))
            other.zero_grad()
            loss_of(theirs, torch.tensor(x, dtype=kind), torch.tanh).backward()
            other.step()
            for mine, value in zip(arrays(ours), theirs, strict=True):
                np.testing.assert_allclose(mine, value.detach().numpy(), rtol, rtol, err_msg=f"step {i}")
    finally:
        torch.set_default_dtype(before)


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_captured_step_is_the_step(name: str, options: dict[str, Any], dtype: Any) -> None:
    """Also a bare number, and with rates that change; one program does it all."""
    eager, captured = leaves(starts(), dtype), leaves(starts(), dtype)
    one, other = made(name, options, eager), made(name, options, captured)
    step, program = stepper(eager, one), tgi.capture(stepper(captured, other))
    rtol = 1e-9 if dtype == np.float64 else 2e-3
    for i, x in enumerate(inputs(12)):
        if i == 6:
            one.param_groups[0]["lr"] = other.param_groups[0]["lr"] = one.lr / 2
        step(x.astype(dtype))
        program(x.astype(dtype))
        for mine, value in zip(arrays(captured), arrays(eager), strict=True):
            np.testing.assert_allclose(mine, value, rtol, rtol, err_msg=f"step {i}")
    assert program.captures == 1
    for p, q in zip(captured, eager, strict=True):
        assert other.state[p].keys() == one.state[q].keys()
        for key, array in other.state[p].items():
            np.testing.assert_allclose(array, one.state[q][key], rtol, rtol, err_msg=key)


@every_case
@pytest.mark.parametrize("captured", [False, True], ids=["eager", "captured"])
def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(name: str, options: dict[str, Any], captured: bool) -> None:
    xs = inputs(10)
    whole, first = leaves(starts()), leaves(starts())

    def go_on(parameters: list[tgi.Tensor], rule: optim.Optimizer, rows: list[Any]) -> None:
        step = stepper(parameters, rule)
        run = tgi.capture(step) if captured else step
        for x in rows:
            run(x)

    go_on(whole, made(name, options, whole), xs)
    broken = made(name, options, first)
    go_on(first, broken, xs[:4])
    saved, values = pickle.loads(pickle.dumps(broken.state_dict())), arrays(first)
    resumed = leaves(values)
    rule = made(name, {"lr": 123.0}, resumed)  # all options are part of what is saved
    rule.load_state_dict(saved)
    go_on(resumed, rule, xs[4:])
    for mine, value in zip(arrays(resumed), arrays(whole), strict=True):
        assert mine.tobytes() == value.tobytes()


@every_case
def test_a_run_goes_on_in_pytorch_and_back(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    from tinygrad_init.torch import optimizer_state

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        xs, whole, ours = inputs(12), leaves(starts()), leaves(starts())
        rule = made(name, options, ours)
        for run, parameters, rows in ((made(name, options, whole), whole, xs), (rule, ours, xs[:4])):
            for x in rows:
                stepper(parameters, run)(x)
        theirs = [torch.tensor(value, requires_grad=True) for value in arrays(ours)]
        other = getattr(torch.optim, name)(theirs, lr=123.0)
        other.load_state_dict(optimizer_state(rule))
        for x in xs[4:8]:
            other.zero_grad()
            loss_of(theirs, torch.tensor(x), torch.tanh).backward()
            other.step()
        back = leaves([value.detach().numpy() for value in theirs])
        last = made(name, {}, back)
        last.load_state_dict(other.state_dict())
        for x in xs[8:]:
            stepper(back, last)(x)
        for mine, value in zip(arrays(back), arrays(whole), strict=True):
            np.testing.assert_allclose(mine, value, 1e-9, 1e-9)
        saved, known = rule.state_dict(), other.state_dict()
        assert saved.keys() == known.keys()
        assert saved["param_groups"][0].keys() == known["param_groups"][0].keys()
        own = rule.unsaved
        assert {n: e.keys() - own for n, e in saved["state"].items()} == {
            n: e.keys() for n, e in known["state"].items()
        }
    finally:
        torch.set_default_dtype(before)


@every_case
def test_copies_go_on_by_themselves(name: str, options: dict[str, Any]) -> None:
    """Copied or pickled together with the parameters."""
    parameters = leaves(starts())
    rule = made(name, options, parameters)
    xs = inputs(8)
    for x in xs[:4]:
        stepper(parameters, rule)(x)
    copies = [copy.deepcopy((parameters, rule)), pickle.loads(pickle.dumps((parameters, rule)))]
    for x in xs[4:]:
        stepper(parameters, rule)(x)
    for values, other in copies:
        assert all(p is q for p, q in zip(other.parameters, values, strict=True)) and repr(other) == repr(rule)
        assert other.param_groups[0].params is other.param_groups[0]["params"]
        for x in xs[4:]:
            stepper(values, other)(x)
        for mine, value in zip(arrays(values), arrays(parameters), strict=True):
            assert mine.tobytes() == value.tobytes()


@every_case
def test_how_a_step_is_executed_changes_nothing(name: str, options: dict[str, Any]) -> None:
    taken = {"foreach", "fused", "capturable"} & made(name, options, leaves(starts())).defaults.keys()
    found = []
    for more in ({}, *({option: value} for option in sorted(taken) for value in (True, False))):
        parameters = leaves(starts())
        rule = made(name, options | more, parameters)
        for x in inputs(3):
            stepper(parameters, rule)(x)
        found.append([value.tobytes() for value in arrays(parameters)])
    assert len(found) > 2 and all(one == found[0] for one in found)
    if name == "Adafactor":  # which has no such option in PyTorch, either
        return
    with pytest.raises(ValueError, match=f"{name}: differentiable=True is not offered"):
        made(name, {"differentiable": True}, leaves(starts()))


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_parameters_without_a_gradient_wait(name: str) -> None:
    """Their steps are not counted, and they are not moved."""
    parameters = leaves(starts())
    rule = made(name, {"lr": 0.1}, parameters)
    for moved in (parameters[:1], parameters, parameters[1:]):
        before = {id(p): p.numpy().copy() for p in parameters}
        for p in parameters:
            p.grad = tgi.tensor(np.ones(p.shape)) if any(p is q for q in moved) else None
        rule.step()
        for p in parameters:
            same = np.array_equal(before[id(p)], p.numpy())
            assert same == all(p is not q for q in moved)
    if name != "SGD":
        assert [rule.state[p]["step"].item() for p in parameters] == [2, 2, 2]


def test_options_that_change_hold_from_the_next_step_on() -> None:
    """Where more must be remembered than before it begins then; powers are those of the new betas, as in PyTorch."""
    torch = pytest.importorskip("torch")
    changes: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("Adam", {}, {"betas": (0.5, 0.6)}),
        ("Adam", {"lr": 0.1}, {"weight_decay": 0.1, "eps": 1e-2}),
        ("SGD", {"lr": 0.1, "momentum": 0.5}, {"momentum": 0.0}),
        ("SGD", {"lr": 0.1}, {"momentum": 0.9}),
        ("SGD", {"lr": 0.1, "momentum": 0.5}, {"dampening": 0.3}),
        ("SGD", {"lr": 0.1, "momentum": 0.5}, {"nesterov": True}),
        ("NAdam", {}, {"betas": (0.5, 0.6)}),
    ]
    for name, options, change in changes:
        ours, captured = leaves(starts()), leaves(starts())
        theirs = [torch.tensor(value, requires_grad=True) for value in starts()]
        rule, third = made(name, options, ours), made(name, options, captured)
        other = getattr(torch.optim, name)(theirs, **options)
        step, program = stepper(ours, rule), tgi.capture(stepper(captured, third))
        for i, x in enumerate(inputs(9)):
            if i == 4:
                rule.param_groups[0].update(change)
                third.param_groups[0].update(change)
                other.param_groups[0].update(change)
            step(x)
            program(x)
            other.zero_grad()
            loss_of(theirs, torch.tensor(x), torch.tanh).backward()
            other.step()
        for mine, same, value in zip(arrays(ours), arrays(captured), theirs, strict=True):
            np.testing.assert_allclose(mine, value.detach().numpy(), 1e-6, 1e-8, err_msg=f"{name} {change}")
            np.testing.assert_allclose(same, mine, 1e-12, 1e-12)
