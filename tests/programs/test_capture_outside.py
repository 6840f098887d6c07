"""Every way for a value to reach a captured function: what changes between two runs is seen, whatever it is."""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

from .capturing import assert_same

T = tgi.tensor([1.0, 2.0], np.float64)
SCALE = 1.0


class Plain:
    k = 1.0  # hidden by the objects' own, where they have one

    def scaled(self, x: Any) -> Any:
        return x * self.k

    @property
    def twice(self) -> float:
        return 2.0 * self.k

    @staticmethod
    def fixed(x: Any) -> Any:
        return x * 5.0


class Slots:
    __slots__ = ("k",)


@dataclass
class Config:
    k: float = 1.0
    inner: Any = None
    values: Any = ()


class Lazy:
    """Attributes that are found by `__getattr__`."""

    def __init__(self) -> None:
        self.table = {"k": 1.0}

    def __getattr__(self, name: str) -> float:
        return self.__dict__["table"][name]


class Scaled(tgi.nn.Module):
    factor = 1.0

    def forward(self, x: Any) -> Any:
        return x * self.factor


def helper(x: Any) -> Any:
    return x * SCALE


Change = tuple[Callable[..., Any], Callable[[], Any], tuple[Any, ...]]


def ways() -> dict[str, Callable[[], Change]]:
    """By name: a function of T, what changes something outside, and arguments."""
    found: dict[str, Callable[[], Change]] = {}

    def way(make: Callable[[], Change]) -> Callable[[], Change]:
        found[make.__name__] = make
        return make

    @way
    def attribute() -> Change:
        o = Plain()
        o.k = 2.0
        return lambda: T * o.k, lambda: setattr(o, "k", 3.0), ()

    @way
    def attribute_of_the_class() -> Change:
        kind = type("Kind", (), {"k": 2.0})
        return lambda: T * kind.k, lambda: setattr(kind, "k", 3.0), ()  # type: ignore[attr-defined]

    @way
    def attribute_of_the_class_of_an_object() -> Change:
        kind = type("Kind", (Plain,), {})
        o = kind()
        return lambda: T * o.k, lambda: setattr(kind, "k", 3.0), ()

    @way
    def an_object_that_hides_its_class() -> Change:
        o = Plain()
        return lambda: T * o.k, lambda: setattr(o, "k", 3.0), ()

    @way
    def an_attribute_that_goes() -> Change:
        o = Plain()
        o.k = 3.0
        return lambda: T * o.k, lambda: delattr(o, "k"), ()

    @way
    def slots() -> Change:
        o = Slots()
        o.k = 2.0
        return lambda: T * o.k, lambda: setattr(o, "k", 3.0), ()

    @way
    def attribute_of_a_module() -> Change:
        module = types.ModuleType("settings_of_somebody")
        module.K = 2.0  # type: ignore[attr-defined]
        return lambda: T * module.K, lambda: setattr(module, "K", 3.0), ()  # type: ignore[attr-defined]

    @way
    def nested() -> Change:
        o = Config(inner=Config(inner=types.SimpleNamespace(k=2.0)))
        return lambda: T * o.inner.inner.k, lambda: setattr(o.inner.inner, "k", 3.0), ()

    @way
    def an_object_on_the_way_is_another() -> Change:
        o = Config(inner=Config(2.0))
        return lambda: T * o.inner.k, lambda: setattr(o, "inner", Config(3.0)), ()

    @way
    def by_a_local_name() -> Change:
        o = Config(inner=Config(2.0))

        def step() -> Any:
            inner = o.inner
            return T * inner.k

        return step, lambda: setattr(o.inner, "k", 3.0), ()

    @way
    def in_a_loop() -> Change:
        objects = [Config(1.0), Config(2.0)]

        def step() -> Any:
            out = T
            for o in objects:
                out = out * o.k
            return out

        return step, lambda: setattr(objects[1], "k", 3.0), ()

    @way
    def getattr_by_text() -> Change:
        o = Plain()
        o.k = 2.0
        return lambda: T * getattr(o, "k"), lambda: setattr(o, "k", 3.0), ()  # noqa: B009

    @way
    def getattr_of_the_class() -> Change:
        o = Lazy()
        return lambda: T * o.k, lambda: o.table.update(k=3.0), ()

    @way
    def method() -> Change:
        o = Plain()
        o.k = 2.0
        return lambda: o.scaled(T), lambda: setattr(o, "k", 3.0), ()

    @way
    def method_itself() -> Change:
        o = Plain()
        o.k = 2.0
        return functools.partial(o.scaled, T), lambda: setattr(o, "k", 3.0), ()

    @way
    def method_replaced() -> Change:
        o = Plain()
        return lambda: o.scaled(T), lambda: setattr(o, "scaled", lambda x: x * 7.0), ()

    @way
    def method_of_the_class_replaced() -> Change:
        kind = type("Kind", (Plain,), {})
        o = kind()
        return lambda: o.scaled(T), lambda: setattr(kind, "scaled", lambda self, x: x * 7.0), ()

    @way
    def static_method_replaced() -> Change:
        kind = type("Kind", (Plain,), {})
        return lambda: kind.fixed(T), lambda: setattr(kind, "fixed", staticmethod(lambda x: x * 7.0)), ()

    @way
    def property_() -> Change:
        o = Plain()
        o.k = 2.0
        return lambda: T * o.twice, lambda: setattr(o, "k", 3.0), ()

    @way
    def attribute_of_a_function() -> Change:
        def inner(x: Any) -> Any:
            return x * inner.k  # type: ignore[attr-defined]

        inner.k = 2.0  # type: ignore[attr-defined]
        return lambda: inner(T), lambda: setattr(inner, "k", 3.0), ()

    @way
    def function_of_another_name() -> Change:
        act = [tgi.tanh]
        return lambda: act[0](T), lambda: act.__setitem__(0, tgi.sigmoid), ()

    @way
    def partial() -> Change:
        o = Config(2.0)
        inner = functools.partial(lambda c, x: x * c.k, o)
        return lambda: inner(T), lambda: setattr(o, "k", 3.0), ()

    @way
    def argument() -> Change:
        o = Config(2.0)
        return lambda c: T * c.k, lambda: setattr(o, "k", 3.0), (o,)

    @way
    def argument_in_a_list() -> Change:
        o = Config(2.0)
        return lambda c: T * c[0].k, lambda: setattr(o, "k", 3.0), ([o],)

    @way
    def list_() -> Change:
        numbers = [1.0, 2.0]
        return lambda: T * numbers[1], lambda: numbers.__setitem__(1, 3.0), ()

    @way
    def list_of_an_object() -> Change:
        o = Config(values=[1.0, 2.0])
        return lambda: T * o.values[1], lambda: o.values.__setitem__(1, 3.0), ()

    @way
    def list_in_a_tuple() -> Change:
        numbers = ([1.0], [2.0])
        return lambda: T * numbers[1][0], lambda: numbers[1].__setitem__(0, 3.0), ()

    @way
    def set_() -> Change:
        numbers = {2.0}
        return lambda: T * sum(numbers), lambda: numbers.add(5.0), ()

    @way
    def deque_() -> Change:
        numbers = deque([2.0])
        return lambda: T * numbers[0], lambda: numbers.appendleft(3.0), ()

    @way
    def array_by_numpy() -> Change:
        k = np.array([2.0, 3.0])
        return lambda: T * np.exp(k), lambda: k.fill(0.5), ()

    @way
    def a_number_out_of_an_array() -> Change:
        k = np.array([2.0, 3.0])
        return lambda: T * float(k[0]), lambda: k.fill(0.5), ()

    @way
    def an_array_and_a_number_out_of_it() -> Change:
        k = np.array([2.0, 3.0])
        return lambda: T * k * float(k[0]), lambda: k.fill(0.5), ()

    @way
    def array_under_another_name() -> Change:
        k = np.array([2.0, 3.0])

        def step() -> Any:
            same = k
            return T * same * float(same[0])

        return step, lambda: k.fill(0.5), ()

    @way
    def array_without_axes() -> Change:
        k = np.array(2.0)
        return lambda: T * k, lambda: k.fill(3.0), ()

    @way
    def the_way_taken_by_an_array() -> Change:
        k = np.array([2.0])
        return lambda: T * 2.0 if k[0] > 1 else T * 3.0, lambda: k.fill(0.5), ()

    @way
    def attribute_of_a_user_module() -> Change:
        module = Scaled()
        return lambda: module(T), lambda: setattr(module, "factor", 3.0), ()

    @way
    def class_attribute_of_a_user_module() -> Change:
        kind = type("Kind", (Scaled,), {})
        module = tgi.nn.Sequential(kind())
        return lambda: module(T), lambda: setattr(kind, "factor", 3.0), ()

    @way
    def learning_rate_read_by_the_user() -> Change:
        optimizer = tgi.optim.SGD([tgi.tensor([1.0], requires_grad=True)], 0.5)
        return lambda: T * optimizer.lr, lambda: setattr(optimizer, "lr", 0.25), ()

    @way
    def global_of_another_function() -> Change:
        def change() -> None:
            global SCALE
            SCALE += 1.0

        return lambda: helper(T), change, ()

    return found


WAYS = ways()


@pytest.mark.parametrize("name", WAYS)
def test_what_changes_is_seen(name: str) -> None:
    function, change, arguments = WAYS[name]()
    program = tgi.capture(function)
    for _ in range(2):
        assert_same(program(*arguments), function(*arguments))
    before = function(*arguments).numpy().copy()
    change()
    assert not np.array_equal(function(*arguments).numpy(), before), "the test changes nothing"
    for _ in range(2):
        assert_same(program(*arguments), function(*arguments))
    assert program.captures == 2


def test_what_does_not_matter_makes_no_program() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.history: list[float] = []
            self.seen, self.k = 0, 2.0

        def step(self, x: Any) -> Any:
            return T * self.k * x

    trainer = Trainer()
    program = tgi.capture(trainer.step)
    for i in range(5):
        program(np.ones(2))
        trainer.history.append(float(i))
        trainer.seen = i
    assert program.captures == 1


def test_equal_arguments_need_no_program() -> None:
    program = tgi.capture(lambda c, s: T[s] * c.k)
    for _ in range(3):
        assert_same(program(Config(2.0), slice(0, 1)), T[:1] * 2.0)
    assert program.captures == 1
    assert_same(program(Config(-2.0), slice(0, 1)), T[:1] * -2.0)


class TestWriting:
    """What a program changes has no other name, or is copied on the way."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda w: w.copy_(w.T),
            lambda w: w[1:].copy_(w[:-1]),
            lambda w: w[:-1].copy_(w[1:]),
            lambda w: w.copy_(w[::-1]),
            lambda w: w.copy_(w[:, ::-1]),
            lambda w: w.copy_(w * 2.0),
            lambda w: w.T.copy_(w),
            lambda w: w.__setitem__(0, w[:, 0].detach()),
            lambda w: w.__iadd__(w.T),
        ],
    )
    def test_overlapping_copies(self, change: Callable[[Any], Any]) -> None:
        for with_view in (False, True):
            eager, captured = (tgi.tensor(np.arange(1.0, 10.0).reshape(3, 3)) for _ in range(2))
            seen = captured.T.detach() if with_view else captured

            def step() -> Any:
                with tgi.no_grad():
                    change(captured)  # noqa: B023
                return seen.sum() + captured[0, 1]  # noqa: B023

            program = tgi.capture(step)
            for _ in range(3):
                change(eager)
                assert_same(program(), eager.sum() + eager[0, 1])
                assert_same(captured, eager)

    def test_two_names_for_one_memory(self) -> None:
        w = tgi.tensor(np.arange(9.0).reshape(3, 3))
        turned, expected = w.T.detach(), np.arange(9.0).reshape(3, 3).T
        program = tgi.capture(lambda: w.copy_(turned))
        program()
        assert_same(w.numpy().copy(), expected)

    def test_an_argument_that_is_what_is_written(self) -> None:
        w = tgi.tensor(np.arange(9.0).reshape(3, 3))

        @tgi.capture
        def step(x: Any) -> Any:
            with tgi.no_grad():
                w.copy_(x)
            return w.sum()

        step(np.ones((3, 3)))
        with tgi.no_grad():
            w.copy_(np.arange(9.0).reshape(3, 3))
        step(w.numpy().T)
        assert_same(w.numpy().copy(), np.arange(9.0).reshape(3, 3).T)

    @pytest.mark.parametrize(
        "change",
        [
            lambda x: x.__setitem__(0, 5.0),
            lambda x: x.__iadd__(1.0),
            lambda x: np.add(x, 1.0, out=x),
        ],
    )
    def test_arguments_are_not_changed(self, change: Callable[[Any], Any]) -> None:
        for x in (np.zeros(3), np.zeros(6)[::2], tgi.tensor(np.zeros(3))):
            if isinstance(x, tgi.Tensor) and "out" in change.__code__.co_consts[-1:]:
                continue
            with pytest.raises((tgi.CaptureError, TypeError)):
                tgi.capture(change)(x)
            assert not np.asarray(x).any()

    def test_views_of_single_numbers(self) -> None:
        views: list[Callable[[Any], Any]] = [
            lambda p: p.expand_dims(0),
            lambda p: p.reshape(1),
            lambda p: p.reshape(1, 1),
            lambda p: p.broadcast_to((3,)),
            lambda p: p[None],
            lambda p: p.squeeze(),
            lambda p: p.T,
        ]
        for view in views:
            p = tgi.tensor(0.5, requires_grad=True)
            of_outside, of_argument = tgi.capture(lambda p=p, view=view: view(p)), tgi.capture(view)
            for k in range(4):
                with tgi.no_grad():
                    p.fill_(0.5 + k)
                assert_same(of_outside(), view(p))
                assert_same(of_argument(tgi.tensor(0.5 + k)), view(p))


class TestMemory:
    """Arrays that lie in any way."""

    def test_unaligned(self) -> None:
        memory = np.zeros(4 * 6 + 1, np.uint8)[1:]
        x = memory.view(np.float32)
        x[:] = [1, 2, 3, 4, 5, 6]
        labels = np.zeros(8 * 2 + 1, np.uint8)[1:].view(np.int64)
        labels[:] = [1, 0]
        w = tgi.tensor(np.ones(6, np.float32))
        assert tgi.capture(lambda x: (w * x).sum())(x).item() == 21.0
        assert tgi.capture(lambda: (w * x).sum())().item() == 21.0
        logits = tgi.tensor([[1.0, 2.0], [3.0, 4.0]])
        for program in (tgi.capture(lambda y: tgi.cross_entropy(logits, y)),):
            for y in (labels, labels.copy(), labels):
                assert_same(program(y), tgi.cross_entropy(logits, y))

    def test_what_is_read_only_is_not_written(self) -> None:
        velocity = np.zeros(2)
        velocity.flags.writeable = False
        w = tgi.tensor(np.ones(2), requires_grad=True)
        optimizer = tgi.optim.SGD([w], 0.1, 0.9)
        optimizer.state[w]["momentum_buffer"] = velocity

        @tgi.capture
        def step() -> None:
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()

        with pytest.raises(ValueError, match="read-only"):
            step()
        assert not velocity.any() and np.array_equal(w.numpy(), [1.0, 1.0])


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_empty_axes(axis: int, n: int) -> None:
    """Programs with something empty give what the functions give, and disturb nobody else's memory."""
    shape = [2, 3, 2]
    shape[axis] = n
    x = np.ones(shape)
    w, other = tgi.tensor(np.ones((2, 3)), requires_grad=True), tgi.tensor(np.arange(6.0), requires_grad=True)
    functions: list[Callable[[Any], Any]] = [
        lambda x: tgi.tensor(x).transpose(2, 1, 0) * 2.0,
        lambda x: tgi.concatenate([tgi.tensor(x), tgi.tensor(x)], axis),
        lambda x: tgi.stack([tgi.tensor(x), tgi.tensor(x) * 2.0]),
        lambda x: tgi.tensor(x)[..., :0] if axis == 2 else tgi.tensor(x)[:, :1],
        lambda x: tgi.tensor(x).sum(axis) + 1.0,
        lambda x: tgi.tensor(x) @ w if x.shape[2] == 2 else tgi.tensor(x) * 1.0,
        lambda x: tgi.linear(tgi.tensor(x), w) if x.shape[2] == 3 else tgi.tensor(x).reshape(x.size),
        lambda x: tgi.put_add(tgi.tensor(x), (4, *x.shape[1:]), slice(0, x.shape[0])),
    ]
    for function in functions:

        def step(x: Any) -> Any:
            w.grad = other.grad = None
            out = function(x)  # noqa: B023
            ((out * out).sum() + (w * w).sum() + (other * other).sum()).backward()
            return out, w.grad, other.grad

        program = tgi.capture(step)
        for _ in range(3):
            assert_same(program(x), step(x))


def test_an_elementwise_function_of_ones_own_is_called() -> None:
    from tinygrad_init.kernels import reference
    from tinygrad_init.ops.registry import REGISTRY, unary

    reference.UNARY["cubed_here"] = lambda x: x**3
    cubed = unary("cubed_here", "x³", lambda g, x: g * 3.0 * x * x, method=False)
    try:
        w = tgi.tensor([1.0, 2.0], np.float64, requires_grad=True)

        def step(x: Any) -> Any:
            w.grad = None
            out = cubed(w * x)
            out.sum().backward()
            return out, w.grad

        program = tgi.capture(step)
        for _ in range(2):
            assert_same(program(np.array([1.0, 3.0])), step(np.array([1.0, 3.0])))
    finally:
        del REGISTRY["cubed_here"], reference.UNARY["cubed_here"]
