"""What captured functions refuse, by which words, and that nothing has happened then."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import textwrap
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim

from .capturing import assert_same, leaf

world: dict[str, Any] = {}
counter = 0
outside_list: list[Any] = []
outside_set: set[Any] = set()
outside_array = np.zeros(3)
whole_numbers, truths = np.arange(3), np.zeros(3, bool)
doomed = 1
FILE = Path(tempfile.gettempdir()) / f"nobody-writes-this-{os.getpid()}"
queue: deque[Any] = deque()
generator = np.random.default_rng(0)
W = leaf([1.0, 2.0, 3.0])


class Thing:
    def __init__(self) -> None:
        self.value: Any = 0
        self.items: list[Any] = []


thing = Thing()
opened = open


def count(x: Any) -> Any:
    global counter
    counter += 1
    return W * x


def helper() -> None:
    outside_list.append(1)


def call_helper(x: Any) -> Any:
    helper()
    return W * x


def call_nested(x: Any) -> Any:
    def nested() -> None:
        outside_list.append(1)

    nested()
    return W * x


def set_attribute(x: Any) -> Any:
    thing.value = W * x
    return thing.value


def set_item(x: Any) -> Any:
    world["kept"] = W * x
    return W * x


def write_array(x: Any) -> Any:
    outside_array[0] += 1.0
    return W * x


def write_array_whole(x: Any) -> Any:
    array = outside_array
    array += 1.0
    return W * x


def decide(x: Any) -> Any:
    if (W * x).sum() < 1:
        return W
    return W * x


def loop(x: Any) -> Any:
    total = 0.0
    for value in W * x:
        total += float(value)
    return total


def loop_while(x: Any) -> Any:
    loss = (W * x).sum()
    while loss > 0:
        loss = loss - 1.0
    return loss


def catch(x: Any) -> Any:
    try:
        return (W * x).sum().item()
    except Exception:
        return W * x


def generate(x: Any) -> Any:
    yield W * x


def delete_global(x: Any) -> Any:
    global doomed
    del doomed
    return W * x


def delete_attribute(x: Any) -> Any:
    del thing.items
    return W * x


def replace_in_place(x: Any) -> Any:
    outside_list[:] = [W * x]
    return W * x


def default(x: Any, seen: list[Any] = []) -> Any:  # noqa: B006
    seen.append(1)
    return W * x


SIDE_EFFECTS: dict[str, Callable[..., Any]] = {
    "a counter": count,
    "a list": lambda x: (outside_list.append(1), W * x)[1],  # type: ignore[func-returns-value]
    "a list that keeps results": lambda x: (outside_list.append(W * x), W * x)[1],  # type: ignore[func-returns-value]
    "a list in a helper": call_helper,
    "a list in a nested function": call_nested,
    "a list in an object": lambda x: (thing.items.append(1), W * x)[1],  # type: ignore[func-returns-value]
    "a set": lambda x: (outside_set.add(1), W * x)[1],  # type: ignore[func-returns-value]
    "a queue": lambda x: (queue.append(1), W * x)[1],  # type: ignore[func-returns-value]
    "a default argument": default,
    "a dictionary": set_item,
    "an attribute": set_attribute,
    "an attribute by setattr": lambda x: (setattr(thing, "value", 1), W * x)[1],  # type: ignore[func-returns-value]
    "an array's element": write_array,
    "an array": write_array_whole,
    "an array's element by a stand-in": lambda x: (outside_array.__setitem__(0, x[0]), W * x)[1],
    "an array of whole numbers": lambda x: (whole_numbers.fill(7), W * x)[1],  # type: ignore[func-returns-value]
    "an array of truths": lambda x: (truths.fill(True), W * x)[1],  # type: ignore[func-returns-value]
    "a set that is emptied": lambda x: (outside_set.clear(), W * x)[1],  # type: ignore[func-returns-value]
    "a dictionary that is emptied": lambda x: (world.clear(), W * x)[1],  # type: ignore[func-returns-value]
    "a dictionary's value": lambda x: (world.update(first=W), W * x)[1],  # type: ignore[func-returns-value]
    "a dictionary's order": lambda x: (world.update(first=world.pop("first")), W * x)[1],  # type: ignore[func-returns-value]
    "a queue that is turned": lambda x: (queue.rotate(), W * x)[1],  # type: ignore[func-returns-value]
    "a list's content": replace_in_place,
    "a global name that goes": delete_global,
    "an attribute that goes": delete_attribute,
    "an attribute that goes by delattr": lambda x: (delattr(thing, "items"), W * x)[1],  # type: ignore[func-returns-value]
    "open": lambda x: (open(FILE, "w"), W * x)[1],  # noqa: SIM115
    "open by a name of its own": lambda x: (opened(FILE, "w"), W * x)[1],
    "input": lambda x: (input(), W * x)[1],
    "print": lambda x: (print("once"), W * x)[1],
    "random numbers": lambda x: W * x * generator.normal(),
    "random arrays": lambda x: W * x + tgi.tensor(generator.normal(size=3)),
    "item": lambda x: (W * x).sum().item(),
    "numpy": lambda x: (W * x).numpy(),
    "float": lambda x: float((W * x).sum()),
    "int": lambda x: W[int(x[0])],
    "format": lambda x: f"{(W * x).sum():.2f}",
    "repr": lambda x: repr(W * x),
    "if": decide,
    "if of an array": lambda x: W if x.sum() > 0 else W * x,
    "not": lambda x: not (W * x).sum(),
    "max": lambda x: max((W * x).sum(), W.sum()),
    "for": loop,
    "while": loop_while,
    "a caught error": catch,
    "a generator": generate,
    "a function of NumPy without a kernel": lambda x: W * np.spacing(x),
    "as many numbers as there are truths": lambda x: W[x > 0],
    "a tensor of stand-ins": lambda x: tgi.tensor([x[0], x[1]]),
    "an array of a stand-in": lambda x: W * np.asarray(x),
}


@pytest.mark.parametrize("function", SIDE_EFFECTS.values(), ids=SIDE_EFFECTS)
def test_side_effects_and_decisions_are_refused_and_undone(function: Callable[..., Any], capsys: Any) -> None:
    outside_set.update((5.0, 6.0))
    world.update(first=1.0, second=2.0)
    queue.extend((1.0, 2.0))

    def state() -> list[Any]:
        containers = list(outside_list), set(outside_set), list(world.items()), list(queue), list(thing.items)
        return [counter, doomed, *containers, thing.value, whole_numbers.tolist(), truths.tolist(), FILE.exists()]

    before, arrays = state(), (outside_array.copy(), W.numpy().copy())
    first = function.__code__.co_firstlineno
    with pytest.raises(tgi.CaptureError) as caught:
        tgi.capture(function)(np.ones(3))
    found = re.match(r".*test_capture_refusals\.py:(\d+)", str(caught.value))
    assert found, f"no line of this file: {caught.value}"
    assert first - 10 <= int(found[1]) <= first + 6
    assert capsys.readouterr().out == ""
    assert state() == before
    np.testing.assert_array_equal(outside_array, arrays[0])
    np.testing.assert_array_equal(W.numpy(), arrays[1])
    assert W.grad is None
    assert tgi.is_grad_enabled()


def test_nonlocal_names_and_methods() -> None:
    calls = 0

    def function(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return W * x

    class Model:
        def __init__(self) -> None:
            self.history: list[Any] = []

        def step(self, x: Any) -> Any:
            self.history.append(1)
            return W * x

    model = Model()
    for refused in (function, model.step):
        with pytest.raises(tgi.CaptureError):
            tgi.capture(refused)(np.ones(3))
    assert (calls, model.history) == (0, [])


def test_a_nonlocal_name_that_goes() -> None:
    calls = 0

    def function(x: Any) -> Any:
        nonlocal calls
        del calls
        return W * x

    line = function.__code__.co_firstlineno + 2
    with pytest.raises(tgi.CaptureError, match=f":{line} in function: assigns to calls, from outside"):
        tgi.capture(function)(np.ones(3))
    assert calls == 0


def test_objects_that_are_made_inside_may_have_attributes() -> None:
    """By their `__init__`; names of the function's own may come and go, also those that functions inside it see."""

    class Pair:
        def __init__(self, one: Any, other: Any) -> None:
            self.one, self.other = one, other

    def function(x: Any) -> Any:
        pair, doubled = Pair(W * x, x), x * 2.0
        again = doubled
        del doubled
        inner = lambda: again + pair.one  # noqa: E731
        again = again * 3.0
        return inner() + pair.other

    assert_same(tgi.capture(function)(np.ones(3)), function(np.ones(3)))


def test_what_is_only_read_is_no_side_effect() -> None:
    """Arrays with NaN equal themselves, those of objects are not compared, what is put back is as it was."""
    array, objects = np.array([1.0, np.nan]), np.empty(2, object)
    objects[0] = np.arange(3)
    items, numbers, names = [W], {"a": W}, {1.0}

    def function(x: Any) -> Any:
        items.append(items.pop())
        return items[0] * x * float(array[0]) * numbers["a"] * float(len(objects) + len(names))

    assert_same(tgi.capture(function)(np.ones(3)), function(np.ones(3)))


def test_functions_of_libraries_may_do_as_they_like() -> None:
    """What they keep is their own affair: only the user's code is looked at."""

    def function(x: Any) -> Any:
        textwrap.shorten("a text that is wrapped", 10)
        re.compile(f"pattern {len(x.shape)}")
        logging.getLogger("of nobody").debug("not shown")
        return W * x

    assert_same(tgi.capture(function)(np.ones(3)), function(np.ones(3)))


def test_what_is_made_inside_may_be_changed() -> None:
    def function(x: Any) -> Any:
        parts, names = [], {}
        for i in range(3):
            parts.append(W * x * float(i))
            names[i] = parts[-1]
        return sum(parts) + names[2], [value * 2.0 for value in W * x]

    assert_same(tgi.capture(function)(np.ones(3)), function(np.ones(3)))


def training() -> tuple[Callable[..., Any], list[tgi.Tensor]]:
    """A training step and its parameters."""
    parameters = [leaf(np.ones((3, 2))), leaf(np.ones(2))]
    optimizer = optim.Adam(parameters, 0.1)

    def step(x: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        loss = tgi.cross_entropy(tgi.tensor(x) @ parameters[0] + parameters[1], labels)
        loss.backward()
        optimizer.step()
        return loss

    return step, parameters


WRONG: list[Any] = [[0, 7], [0, -1], [0.0, 0.5], [0.0, np.nan], [0, 1, 1], np.array([0, 200], np.uint8)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("known", [False, True])
def test_wrong_labels_are_told_as_ever_and_change_nothing(wrong: Any, known: bool) -> None:
    (step, tensors), (function, parameters) = training(), training()
    program, x, labels = tgi.capture(function), np.random.default_rng(0).normal(size=(2, 3)), np.array(wrong)
    if known and labels.shape == (2,):
        for call in (step, program):
            call(x, np.array([1, 0], labels.dtype))
    before = [p.numpy().copy() for p in parameters]
    with pytest.raises(ValueError, match="cross_entropy: target") as expected:
        tgi.cross_entropy(tgi.tensor(x) @ tensors[0], labels)
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        program(x, labels)
    assert_same(parameters, before)
    for _ in range(2):
        assert_same(program(x, np.array([0, 1])), step(x, np.array([0, 1])))
        assert_same(parameters, tensors)


@pytest.mark.parametrize(
    ("loss", "good", "wrong"),
    [
        (tgi.binary_cross_entropy_with_logits, [0.0, 0.5, 1.0], [0.0, 0.5, 1.5]),
        (tgi.binary_cross_entropy_with_logits, [0.0, 0.5, 1.0], [0.0, 0.5, np.nan]),
        (tgi.hinge, [1.0, -1.0, 1.0], [1.0, 0.0, 1.0]),
    ],
)
def test_wrong_targets_are_told_as_ever(loss: Any, good: Any, wrong: Any) -> None:
    program = tgi.capture(lambda y: loss(W, y))
    assert_same(program(np.array(good)), loss(W, np.array(good)))
    with pytest.raises(ValueError) as expected:
        loss(W, np.array(wrong))
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        program(np.array(wrong))
    assert_same(program(np.array(good)), loss(W, np.array(good)))


def test_indices_out_of_range_are_told_at_each_run() -> None:
    program = tgi.capture(lambda i: W[i])
    assert_same(program(np.array([0, -1, 2])), W[np.array([0, -1, 2])])
    for wrong in ([0, 3, 0], [0, -4, 0]):
        with pytest.raises(IndexError) as expected:
            W[np.array(wrong)]
        with pytest.raises(IndexError, match=re.escape(str(expected.value))):
            program(np.array(wrong))


def test_errors_of_shapes_are_those_of_the_function_itself() -> None:
    for function in (
        lambda x: W + x,
        lambda x: W @ x,
        lambda x: tgi.mse(W, x),
        lambda x: tgi.hinge(W, tgi.tensor(x)),
        lambda x: tgi.concatenate([W, tgi.tensor(x)]),
        lambda x: tgi.tensor(x).reshape(7),
        lambda x: tgi.tensor(x).sum(5),
    ):
        with pytest.raises(Exception) as expected:
            function(np.ones((2, 2)))
        with pytest.raises(expected.type, match=re.escape(str(expected.value))):
            tgi.capture(function)(np.ones((2, 2)))
