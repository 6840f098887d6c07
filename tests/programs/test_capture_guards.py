"""Captured functions notice what has changed since, and leave alone what is not theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim
from tinygrad_init.programs.capturing import MOST_PROGRAMS

from .capturing import assert_same, leaf

W = leaf([1.0, 2.0, 3.0])


class Scaled(tgi.nn.Module):
    """A module with attributes of every kind."""

    def __init__(self) -> None:
        self.weight = tgi.nn.Parameter(np.array([1.0, 2.0, 3.0]))
        self.number, self.text, self.nothing = 2.0, "twice", None
        self.array, self.items, self.table = np.ones(3), [1.0], {"a": 1.0}

    def forward(self, x: Any) -> Any:
        out = self.weight * x * self.number * self.array * self.items[0] * self.table["a"]
        return out if self.training and self.text == "twice" and self.nothing is None else self.weight * x


def replace(name: str, value: Any) -> Callable[[Any], None]:
    return lambda module: setattr(module, name, value)


MODULE_CHANGES: dict[str, Callable[[Any], Any]] = {
    "training": lambda m: m.eval(),
    "a number": replace("number", 3.0),
    "a text": replace("text", "once"),
    "None": replace("nothing", 1),
    "an array": replace("array", np.full(3, 4.0)),
    "an array's numbers": lambda m: m.array.fill(7.0),
    "a list": replace("items", [4.0]),
    "a list's content": lambda m: m.items.__setitem__(0, 5.0),
    "a dictionary": replace("table", {"a": 4.0}),
    "a dictionary's content": lambda m: m.table.update(a=5.0),
    "a parameter": lambda m: setattr(m, "weight", tgi.nn.Parameter(np.array([7.0, 8.0, 9.0]))),
    "a parameter of another shape": lambda m: setattr(m, "weight", tgi.nn.Parameter(np.array([7.0]))),
    "a parameter's numbers": lambda m: m.load_state_dict({"weight": np.array([4.0, 5.0, 6.0])}),
    "the forward pass": lambda m: setattr(m, "forward", lambda x: m.weight * x * 100.0),
}


@pytest.mark.parametrize("change", MODULE_CHANGES.values(), ids=MODULE_CHANGES)
def test_modules_may_change(change: Callable[[Any], Any]) -> None:
    module, x = Scaled(), np.array([1.0, -1.0, 2.0])
    program = tgi.capture(lambda x: module(tgi.tensor(x)))
    assert_same(program(x), module(tgi.tensor(x)))
    change(module)
    for _ in range(2):
        assert_same(program(x), module(tgi.tensor(x)))


def test_the_same_numbers_in_another_parameter() -> None:
    module = tgi.nn.Linear(1, 1, rng=0)
    program = tgi.capture(lambda x: module(tgi.tensor(x)))
    x = np.ones((2, 1), np.float32)
    program(x)
    module.weight = tgi.nn.Parameter(module.weight.numpy().copy())
    program(x)
    with tgi.no_grad():
        module.weight.fill_(5.0)
    assert_same(program(x), module(tgi.tensor(x)))


OPTIMIZER_CHANGES: dict[str, Callable[[Any], Any]] = {
    "lr": replace("lr", 0.01),
    "momentum": replace("momentum", 0.5),
    "nesterov": replace("nesterov", True),
    "weight decay": replace("weight_decay", 0.3),
    "state forgotten": lambda o: o.state.clear(),
    "state replaced": lambda o: setattr(o, "state", {}),  # a dictionary of its own for each
    "state of a parameter replaced": lambda o: o.state.__setitem__(o.parameters[0], {"momentum_buffer": np.ones(3)}),
    "velocity replaced": lambda o: o.state[o.parameters[0]].update(momentum_buffer=np.ones(3)),
    "velocity changed": lambda o: o.state[o.parameters[0]]["momentum_buffer"].fill(2.0),
    "one parameter less": lambda o: o.param_groups[0]["params"].pop(),
    "parameters replaced": lambda o: o.param_groups[0].update(params=list(o.parameters[:1])),
    "an option of a group": lambda o: o.param_groups[0].update(momentum=0.5),
    "dampening": replace("dampening", 0.25),
    "the rate of a group": lambda o: o.param_groups[0].update(lr=0.01),
    "another group": lambda o: o.add_param_group({"params": [o.param_groups[0]["params"].pop()], "lr": 0.5}),
    "what another run remembered": lambda o: o.load_state_dict(optim.SGD(o.parameters, 0.2, 0.5).state_dict()),
}


@pytest.mark.parametrize("change", OPTIMIZER_CHANGES.values(), ids=OPTIMIZER_CHANGES)
def test_optimizers_may_change(change: Callable[[Any], Any]) -> None:
    optimizers: list[optim.SGD] = []

    def build(rng: np.random.Generator) -> Any:
        parameters = [leaf(rng.normal(size=3)), leaf(rng.normal(size=3))]
        optimizer = optim.SGD(parameters, 0.1, 0.9)
        optimizers.append(optimizer)

        def step(x: Any) -> Any:
            for p in parameters:
                p.grad = None
            loss = (parameters[0] * parameters[1] * x + parameters[0] ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        step.change = lambda: change(optimizer)  # type: ignore[attr-defined]
        return step, parameters

    step, tensors = build(np.random.default_rng(0))
    function, copies = build(np.random.default_rng(0))
    program, x = tgi.capture(function), np.ones(3)
    for i in range(6):
        assert_same(program(x), step(x))
        assert_same(copies, tensors, f"after call {i}")
        if i == 2:
            for optimizer in optimizers:
                change(optimizer)


def test_the_learning_rate_is_read_at_each_run() -> None:
    w = leaf([1.0])
    optimizer = optim.SGD([w], 0.0)

    @tgi.capture
    def step() -> None:
        w.grad = None
        w.sum().backward()
        optimizer.step()

    rates: list[Any] = [0.5, 0.25, 1, np.float32(2.0)]
    for lr in rates:
        before = w.item()
        optimizer.lr = lr
        step()
        assert w.item() == before - lr
    assert step.captures == 1


class TestOutside:
    def test_numbers_are_read_anew(self) -> None:
        w, t, array, single = leaf([1.0, 2.0]), tgi.tensor([3.0, 4.0], np.float64), np.array([5.0, 6.0]), leaf(2.0)
        program = tgi.capture(lambda x: w * x + t * array + single)
        for i in range(4):
            assert_same(program(2.0), w * 2.0 + t * array + single)
            array[i % 2] = 10.0 * i
            t.fill_(i)
            with tgi.no_grad():
                w.copy_(w * 2.0)
                single.fill_(-i)
        assert program.captures == 1

    def test_names_may_mean_other_tensors(self) -> None:
        w, array, things = leaf([1.0, 2.0]), np.array([1.0, 2.0]), {"w": leaf([1.0, 2.0]), "list": [leaf([1.0, 2.0])]}

        def function() -> Any:
            return w * array + things["w"] * things["list"][0]  # type: ignore[index]

        program = tgi.capture(function)
        assert_same(program(), function())
        w = leaf([3.0, 4.0])
        assert_same(program(), function())
        array = np.array([5.0, 6.0])
        assert_same(program(), function())
        things["w"] = leaf([7.0, 8.0])
        assert_same(program(), function())
        things["list"][0] = leaf([9.0, 1.0])  # type: ignore[index]
        assert_same(program(), function())

    def test_shapes_dtypes_layouts_and_values_of_arguments(self) -> None:
        w = leaf([1.0, 2.0, 3.0])

        def function(x: Any, scale: Any = 1.0) -> Any:
            return w * x * scale

        x = np.arange(3.0)
        values: list[Any] = [x, np.ones((2, 3)), np.ones((0, 3)), x[::-1], np.ones(6)[::2], np.arange(3), np.array(2.0)]
        values += [
            2.0,
            3.0,
            3,
            True,
            np.float64(4.0),
            np.int32(4),
            np.arange(3) > 1,
            tgi.tensor(x),
            tgi.tensor(5.0, np.float64),
        ]
        for more in [(), (2,), (np.array(2.0),), (np.ones((1, 1)),)]:
            program = tgi.capture(function)
            for value in values * 2:
                assert_same(program(value, *more), function(value, *more))
        program = tgi.capture(function)
        for scale in (2.0, 3.0, 2.0):
            assert_same(program(x, scale=scale), function(x, scale=scale))
        for call in (program, function):
            with pytest.raises(TypeError, match="float64 and float32 do not mix"):
                call(np.ones(3, np.float32))

    def test_modes(self) -> None:
        w = leaf([1.0, 2.0])

        def function() -> Any:
            made = tgi.tensor([1.0, 2.0])
            w.grad = None
            (w * made.astype(np.float64)).sum().backward() if tgi.is_grad_enabled() else None
            return made

        program = tgi.capture(function)
        for _ in range(2):
            assert_same(program(), function())
            assert w.grad is not None
            with tgi.default_dtype(np.float64):
                assert_same(program(), function())
            with tgi.no_grad():
                program()
                assert w.grad is None

    def test_frozen_leaves(self) -> None:
        def build(rng: np.random.Generator) -> Any:
            v, w = leaf(rng.normal(size=3)), leaf(rng.normal(size=3))
            optimizer = optim.SGD([v, w], 0.1)

            def step(frozen: Any) -> Any:
                optimizer.zero_grad()
                (v * v * w).sum().backward()
                optimizer.step()

            return step, [v, w]

        step, tensors = build(np.random.default_rng(0))
        function, copies = build(np.random.default_rng(0))
        program = tgi.capture(function)
        for frozen in (False, True, True, False, False):
            for t in (tensors[0], copies[0]):
                t.requires_grad = not frozen
            step(0)
            program(0)
            assert_same(copies, tensors)
            assert copies[0].grad is None if frozen else copies[0].grad is not None


def test_explain_changes_nothing(capsys: Any) -> None:
    w, scale, t = leaf(np.ones((8, 4))), leaf(2.0), tgi.tensor(np.ones(4))
    optimizer = optim.Adam([w, scale], 0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        out = tgi.tanh(tgi.tensor(x) @ w + t) * scale
        out.sum().backward()
        optimizer.step()
        t.copy_(t * 2.0)
        return out

    program, x = tgi.capture(step), np.ones((5, 8))
    earlier = program(x)

    def state() -> list[Any]:
        kept = [np.array(a) for arrays in optimizer.state.values() for a in arrays.values()]
        return [w.numpy().copy(), scale.item(), t.numpy().copy(), w.grad, scale.grad, earlier.numpy().copy(), *kept]

    w_grad = w.grad
    before = [np.array(v.numpy()) if isinstance(v, tgi.Tensor) else v for v in state()]
    for arguments in ((), (x,), (np.ones((3, 8)),)):
        program.explain(*arguments)
        assert_same(state(), before)
        assert w.grad is w_grad
        text = capsys.readouterr().out
        assert "step" in text and "product" in text and "GFLOP/s" in text


def test_threads_with_programs_of_their_own_and_with_one_together() -> None:
    w = tgi.tensor(np.random.default_rng(0).normal(size=(32, 32)))
    inputs = [np.random.default_rng(i).normal(size=(32, 32)) for i in range(4)]
    shared = tgi.capture(lambda x: tgi.tanh(tgi.tensor(x) @ w))
    expected = [shared(x).numpy().copy() for x in inputs]
    wrong: list[Any] = []

    def work(i: int, own: bool) -> None:
        program = tgi.capture(lambda x: tgi.tanh(tgi.tensor(x) @ w)) if own else shared
        try:
            for _ in range(200):
                if not np.array_equal(program(inputs[i]).numpy(), expected[i]):
                    wrong.append(i)
        except BaseException as error:
            wrong.append(error)

    for own in (False, True):
        threads = [threading.Thread(target=work, args=(i, own)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_captured_functions_inside_captured_functions() -> None:
    inner = tgi.capture(lambda x: W * x)
    outer = tgi.capture(lambda x: inner(x) + inner(x * 2.0))
    assert_same(outer(np.ones(3)), W * np.ones(3) * 3.0)


def test_many_programs_of_one_function_are_warned_of() -> None:
    program = tgi.capture(lambda x, k: W * x * len(k))
    for k in range(32):
        program(1.0, "k" * k)
    with pytest.warns(RuntimeWarning, match="captured 32 times"):
        program(1.0, "k" * 32)
    assert_same(program(1.0, ""), W * 0.0)


def test_arguments_that_require_grad_and_what_is_no_function_are_refused() -> None:
    with pytest.raises(tgi.CaptureError, match="requires grad"):
        tgi.capture(lambda x: x * 2.0)(W)
    with pytest.raises(TypeError, match="expected a function, got int"):
        tgi.capture(3)
    with pytest.raises(tgi.CaptureError, match="real numbers"):
        tgi.capture(lambda x: W)(np.array(["a"]))


def test_the_program_that_was_used_last_is_the_last_to_be_given_up() -> None:
    @tgi.capture
    def times(x: Any, n: int) -> Any:
        return x * n if n >= 0 else x

    x = np.ones(3)
    for n in range(MOST_PROGRAMS):
        times(x, n)
    times(x, 0)  # the oldest, which is now the newest
    with pytest.warns(RuntimeWarning, match="was captured"):
        times(x, MOST_PROGRAMS)
    captures = times.captures
    np.testing.assert_array_equal(np.asarray(times(x, 0)), 0 * x)
    assert times.captures == captures, "it is still there"
    times(x, 1)
    assert times.captures == captures + 1, "this one had to go"
