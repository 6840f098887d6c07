"""Groups of parameters, options that change, what is saved of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

from .rules import arrays, inputs, leaves, loss_of, starts, stepper


def leaf(values: Any = (1.0, 2.0)) -> tgi.Tensor:
    return tgi.tensor(np.asarray(values, np.float64), requires_grad=True)


def two_groups(module: Any, values: list[Any]) -> Any:
    first: dict[str, Any] = {"params": values[:1], "lr": 0.05, "weight_decay": 0.1, "name": "weights"}
    return module.SGD([first, {"params": iter(values[1:]), "momentum": 0.0}], lr=0.02, momentum=0.9)


def test_each_group_has_its_own_options_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    ours, captured = leaves(starts()), leaves(starts())
    theirs = [torch.tensor(value, requires_grad=True) for value in starts()]
    rule, second, other = two_groups(optim, ours), two_groups(optim, captured), two_groups(torch.optim, theirs)
    program = tgi.capture(stepper(captured, second))
    for i, x in enumerate(inputs(12)):
        for one in (rule, second, other):
            for group in one.param_groups:
                group["lr"] *= 0.9
            if i == 5:
                one.param_groups[1]["weight_decay"] = 0.3
        stepper(ours, rule)(x)
        program(x)
        other.zero_grad()
        loss_of(theirs, torch.tensor(x), torch.tanh).backward()
        other.step()
    assert program.captures == 2  # another rate makes no other program, another weight decay does
    for mine, same, value in zip(arrays(ours), arrays(captured), theirs, strict=True):
        np.testing.assert_allclose(mine, value.detach().numpy(), 1e-9, 1e-12)
        np.testing.assert_allclose(same, mine, 1e-12, 1e-12)
    assert [{**g, "params": 0} for g in rule.param_groups] == [{**g, "params": 0} for g in other.param_groups]
    assert rule.defaults == other.defaults


def test_options_as_attributes_are_those_of_the_first_group_and_set_all() -> None:
    rule = two_groups(optim, leaves(starts()))
    assert (rule.lr, rule.momentum, rule.weight_decay) == (0.05, 0.9, 0.1)
    rule.lr = 0.3
    rule.momentum = 0.5
    assert [(group["lr"], group["momentum"]) for group in rule.param_groups] == [(0.3, 0.5)] * 2
    assert not hasattr(rule, "betas") and not hasattr(rule, "name")
    with pytest.raises(AttributeError, match="SGD has no attribute 'alpha'"):
        _ = rule.alpha
    # What is no option is an attribute like any other.
    rule.note = "mine"
    assert rule.note == "mine" and "note" not in rule.param_groups[0]


def test_another_group_may_come_later() -> None:
    p, q = leaf(), leaf([3.0])
    rule = optim.SGD([p], 0.5)

    def step() -> None:
        rule.zero_grad()
        ((p * p).sum() + (q * q).sum()).backward()
        rule.step()

    program = tgi.capture(step)
    program()
    np.testing.assert_array_equal(p.numpy(), [0.0, 0.0])
    rule.add_param_group({"params": q, "lr": 0.25})
    program()
    assert (q.item() == 1.5 and rule.parameters == (p, q)) or rule.parameters[1] is q
    assert rule.param_groups[1]["momentum"] == 0.0 and rule.param_groups[1]["params"][0] is q


def test_parameters_with_names() -> None:
    model = nn.Linear(2, 2, rng=0)
    rule = optim.AdamW(model.named_parameters())
    assert rule.param_groups[0]["param_names"] == ["weight", "bias"]
    assert rule.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    group = {"params": [("weight", model.weight)], "lr": 0.1}
    split = optim.SGD([group, {"params": [("bias", model.bias)]}])
    assert [g["param_names"] for g in split.param_groups] == [["weight"], ["bias"]]
    same = optim.SGD([("a", model.weight), ("b", model.weight), ("c", model.bias)])
    assert same.param_groups[0]["param_names"] == ["a", "c"] and len(same.parameters) == 2


@pytest.mark.parametrize("captured", [False, True], ids=["eager", "captured"])
def test_gradients_may_become_zeros(captured: bool) -> None:
    p, q, unused = leaf(), leaf(3.0), leaf()
    rule = optim.SGD([p, q, unused], 0.1)

    def step(x: Any) -> None:
        rule.zero_grad(set_to_none=False)
        (p * x).sum().backward()
        (q * x[0]).backward()

    run = tgi.capture(step) if captured else step
    for x in (np.array([1.0, 2.0]), np.array([np.nan, np.inf]), np.array([3.0, 4.0])):
        run(x)
        assert p.grad is not None and q.grad is not None and unused.grad is None
        np.testing.assert_array_equal(p.grad.numpy(), x)
        np.testing.assert_array_equal(q.grad.numpy(), x[0])
    rule.zero_grad(False)
    assert p.grad.dtype == np.float64 and not p.grad.numpy().any() and q.grad.item() == 0.0
    rule.zero_grad()
    assert p.grad is q.grad is None


def test_a_closure_finds_the_loss() -> None:
    p = leaf()
    rule = optim.Adam([p], 0.1)

    def closure() -> Any:
        rule.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tgi.no_grad():
        assert rule.step(closure).item() == 5.0
    assert p.numpy()[0] == pytest.approx(0.9)
    program = tgi.capture(lambda: rule.step(closure))
    before = p.numpy().copy()
    assert program().item() == pytest.approx((before**2).sum())


def test_a_rule_of_ones_own_as_in_pytorch() -> None:
    """With defaults, and a step that goes through groups and keeps what it likes."""

    class Heavy(optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.1, mass: float = 0.5) -> None:
            super().__init__(params, {"lr": lr, "mass": mass})

        def step(self, closure: Any = None) -> None:
            with tgi.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        state = self.state[p]
                        if "velocity" not in state:
                            state["velocity"] = tgi.tensor(np.zeros(p.shape))
                        state["velocity"] = group["mass"] * state["velocity"] + p.grad
                        p.copy_(p - group["lr"] * state["velocity"])

    p, q = leaf(), leaf()
    rule, other = Heavy([p]), optim.SGD([q], 0.1, 0.5)
    for _ in range(3):
        for x, optimizer in ((p, rule), (q, other)):
            x.grad = tgi.tensor(np.array([1.0, -2.0]))
            optimizer.step()
    np.testing.assert_allclose(p.numpy(), q.numpy())
    resumed = Heavy([leaf(p.numpy())])
    resumed.load_state_dict(rule.state_dict())
    velocity = resumed.state[resumed.parameters[0]]["velocity"]
    assert velocity is not rule.state[p]["velocity"]  # type: ignore[comparison-overlap]
    np.testing.assert_array_equal(velocity.numpy(), rule.state[p]["velocity"].numpy())


def test_how_an_optimizer_shows_itself() -> None:
    torch = pytest.importorskip("torch")
    theirs = two_groups(torch.optim, [torch.tensor(value, requires_grad=True) for value in starts()])

    def lines(rule: Any) -> list[str]:
        return repr(rule).replace(".0\n", "\n").splitlines()

    ours = two_groups(optim, leaves(starts()))
    assert lines(ours) == lines(theirs) and len(lines(ours)) > 20


def test_programs_go_on_with_a_state_that_is_loaded() -> None:
    """It is copied into the memory that is there."""
    parameters = leaves(starts())
    rule = optim.Adam(parameters, 0.05)
    program = tgi.capture(stepper(parameters, rule))
    xs, saved, after = inputs(6), [], []
    for x in xs:
        saved.append((rule.state_dict(), arrays(parameters)))
        program(x)
        after.append(arrays(parameters))
    for i in (4, 2, 5):
        rule.load_state_dict(saved[i][0])
        with tgi.no_grad():
            for p, values in zip(parameters, saved[i][1], strict=True):
                p.copy_(values)
        program(xs[i])
        for mine, value in zip(arrays(parameters), after[i], strict=True):
            assert mine.tobytes() == value.tobytes()
    assert program.captures == 1
    rule.load_state_dict(saved[0][0])  # before the first step: nothing is remembered
    assert not rule.state
    program(xs[0])
    assert program.captures == 2


def test_a_state_is_a_copy() -> None:
    p = leaf()
    rule = optim.SGD([p], 0.1, 0.9)
    p.grad = tgi.tensor(np.ones(2))
    rule.step()
    saved = rule.state_dict()
    rule.step()
    np.testing.assert_array_equal(saved["state"][0]["momentum_buffer"], [1.0, 1.0])
    other = optim.SGD([leaf()], 0.5)
    other.load_state_dict(saved)
    saved["state"][0]["momentum_buffer"][:] = 7.0
    np.testing.assert_array_equal(other.state[other.parameters[0]]["momentum_buffer"], [1.0, 1.0])


def test_what_is_remembered_stands_under_the_parameter() -> None:
    p = leaf()
    rule = optim.Adam([p])
    assert rule.state == {} and not rule.state[p] and len(rule.state) == 1
    p.grad = tgi.tensor(np.ones(2))
    rule.step()
    assert list(rule.state) == [p] or next(iter(rule.state)) is p
    assert {"step", "exp_avg", "exp_avg_sq"} <= rule.state[p].keys()
    with pytest.raises(KeyError, match="expected a parameter, got 0"):
        rule.state[0]  # type: ignore[index]


def test_a_dictionary_of_options_counts_what_changes() -> None:
    group = optim.SGD([leaf()], 0.1, 0.9).param_groups[0]
    quiet: list[Callable[[], Any]] = [
        lambda: group.update(lr=0.3),
        lambda: group.__setitem__("momentum", 0.9),
        lambda: group.setdefault("momentum", 0.1),
        lambda: group.get("momentum"),
        lambda: group.pop("nothing", None),
    ]
    loud: list[Callable[[], Any]] = [
        lambda: group.update({"momentum": 0.5}),
        lambda: group.__ior__({"nesterov": True}),
        lambda: group.setdefault("note", 1),
        lambda: group.pop("note"),
        lambda: group.__setitem__("momentum", np.float64(0.5)),
        lambda: group.popitem(),
        lambda: group.__delitem__("dampening"),
        lambda: group.clear(),
    ]
    for calls, changed in ((quiet, False), (loud, True)):
        for call in calls:
            before = group.changes
            call()
            assert (group.changes > before) == changed
    with pytest.raises(KeyError):
        group.pop("nothing")


def saved() -> dict[str, Any]:
    rule = optim.Adam([leaf()])
    rule.parameters[0].grad = tgi.tensor(np.ones(2))
    rule.step()
    return rule.state_dict()


def changed(**entries: Any) -> dict[str, Any]:
    found = saved()
    found["state"][0].update(entries)
    return found


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: optim.SGD(nn.Linear(2, 2), 0.1), TypeError, r"got Linear: give its .parameters\(\)"),
    (lambda: optim.SGD(leaf(), 0.1), TypeError, "got Tensor: give a list of it"),
    (lambda: optim.SGD({leaf()}, 0.1), TypeError, "expected parameters in an order, got a set"),
    (lambda: optim.SGD([{"params": {leaf()}}], 0.1), TypeError, "got a set"),
    (lambda: optim.SGD(3, 0.1), TypeError, "expected parameters, or groups of them, got int"),  # type: ignore[arg-type]
    (lambda: optim.SGD("weights", 0.1), TypeError, "got str"),  # type: ignore[arg-type]
    (lambda: optim.SGD({"params": [leaf()]}, 0.1), TypeError, "got dict"),  # type: ignore[arg-type]
    (lambda: optim.SGD([], 0.1), ValueError, "no parameters to update"),
    (lambda: optim.SGD([{"params": [leaf()]}, leaf()], 0.1), TypeError, "dictionaries with 'params' throughout, got T"),
    (lambda: optim.SGD([{"lr": 0.1}]), TypeError, r"expected a dictionary with 'params', got \['lr'\]"),
    (lambda: optim.SGD([leaf(), 3.0]), TypeError, "expected leaves that require grad, got float"),  # type: ignore[list-item]
    (lambda: optim.SGD([("a", leaf()), leaf()]), ValueError, "1 of 2 parameters have no name"),  # type: ignore[list-item]
    (lambda: optim.SGD([leaf()], np.ones(2)), ValueError, r"lr must be a single number, got shape \(2,\)"),  # type: ignore[arg-type]
    (lambda: optim.SGD([leaf()], float("nan")), ValueError, "lr must be finite and not negative, got nan"),
    (lambda: optim.SGD([{"params": [leaf()], "momentum": -1.0}]), ValueError, "momentum must be finite and not neg"),
    (lambda: optim.SGD([leaf()], 0.1, 0.9, nesterov=True, dampening=0.1), ValueError, "needs a momentum and no damp"),
    (lambda: optim.SGD([leaf()], 0.1, 0.9, True), TypeError, "positional"),  # type: ignore[misc]
    (lambda: optim.SGD([leaf()], foreach=True, fused=True), RuntimeError, "fused and foreach cannot both be True"),
    (lambda: optim.Adam([leaf()], betas=(0.9, 1.0)), ValueError, "betas must be two numbers in"),
    (lambda: optim.Adam([leaf()], betas=0.9), ValueError, "betas must be two numbers in"),  # type: ignore[arg-type]
    (lambda: optim.Adam([leaf()]).load_state_dict([]), ValueError, "expected a state_dict .* got list"),  # type: ignore[arg-type]
    (lambda: optim.Adam([leaf()]).load_state_dict({"a": 1}), ValueError, r"got \['a'\]"),
    (lambda: optim.Adam([leaf(), leaf()]).load_state_dict(saved()), ValueError, "group 0 has 2 parameters, in the st"),
    (
        lambda: optim.SGD([leaf()], 0.1, 0.9).load_state_dict({**saved(), "param_groups": []}),
        ValueError,
        "has 0 groups",
    ),
    (lambda: optim.NAdam([leaf()]).load_state_dict(saved()), ValueError, "was it saved by another rule"),
    (
        lambda: optim.Adam([leaf()]).load_state_dict(changed(exp_avg=np.ones(3))),
        ValueError,
        r"exp_avg has shape \(3,\)",
    ),
    (
        lambda: optim.Adam([leaf()]).load_state_dict({**saved(), "state": {4: {}}}),
        ValueError,
        "the state is about parameters 4, which are in no group",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[message for _, _, message in ERRORS])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_groups_do_not_overlap_and_are_named_alike() -> None:
    p, q = leaf(), leaf()
    with pytest.raises(ValueError, match="some parameters appear in more than one group"):
        optim.SGD([{"params": [p]}, {"params": [q, p]}])
    rule = optim.SGD([{"params": OrderedDict(a=p).values()}])
    with pytest.raises(ValueError, match="some groups of parameters have names and some have none"):
        rule.add_param_group({"params": [("q", q)]})
    with pytest.raises(TypeError, match="expected a dictionary with 'params', got list"):
        rule.add_param_group([q])  # type: ignore[arg-type]
    assert rule.parameters == (p,) or rule.parameters[0] is p


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    parameters = leaves(starts())
    rule = optim.Adam(parameters, 0.05)
    stepper(parameters, rule)(inputs(1)[0])
    before, wrong = rule.state_dict(), rule.state_dict()
    wrong["param_groups"][0]["lr"] = 9.0
    wrong["state"][0]["exp_avg"] = np.full((3, 2), 5.0)
    wrong["state"][2]["exp_avg"] = np.ones(4)
    with pytest.raises(ValueError, match="exp_avg has shape"):
        rule.load_state_dict(wrong)
    after = rule.state_dict()
    assert after["param_groups"] == before["param_groups"]
    np.testing.assert_array_equal(after["state"][0]["exp_avg"], before["state"][0]["exp_avg"])


@pytest.mark.parametrize(
    ("read", "change"),
    [
        (lambda rule: rule.lr, lambda rule: setattr(rule, "lr", 0.25)),
        (lambda rule: rule.lr, lambda rule: rule.param_groups[0].update(lr=0.25)),
        (lambda rule: rule.param_groups[0]["lr"], lambda rule: setattr(rule, "lr", 0.25)),
        (lambda rule: rule.momentum, lambda rule: rule.param_groups[0].update(momentum=0.25)),
        (lambda rule: len(rule.param_groups), lambda rule: rule.add_param_group({"params": leaf()})),
        (lambda rule: len(rule.state), lambda rule: rule.state.clear()),
        (lambda rule: len(rule.state), lambda rule: rule.state.pop(rule.parameters[0])),
        (lambda rule: len(rule.state), lambda rule: setattr(rule, "state", {})),
    ],
)
def test_what_a_program_reads_of_an_optimizer_by_itself_is_watched(read: Any, change: Any) -> None:
    rule, t = optim.SGD([leaf()], 0.5, 0.9), tgi.tensor(np.ones(2))
    rule.parameters[0].grad = tgi.tensor(np.ones(2))
    rule.step()
    program = tgi.capture(lambda: t * read(rule))
    for _ in range(2):
        np.testing.assert_array_equal(program().numpy(), np.full(2, read(rule)))
    before = read(rule)
    change(rule)
    assert read(rule) != before
    for _ in range(2):
        np.testing.assert_array_equal(program().numpy(), np.full(2, read(rule)))
    assert program.captures == 2
