"""What programs take for granted, guard by guard: each change is seen, and what means the same is the same."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from types import CellType
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.programs.guards import (
    NOTHING,
    Attributes,
    contents,
    held,
    same_contents,
    same_names,
    same_structure,
    same_value,
    structure_of,
    value_of,
)

LONG, TEXT, BYTES = str(10**30), list("a text"), b"bytes"


def plain() -> list[Any]:
    """Numbers and texts of every kind, made anew at each call, so that hardly any is the same object."""
    texts = ["", "".join(TEXT), "0", "None", *[b"" + bytes(bytearray(BYTES))]]
    numbers = [
        False,
        True,
        0,
        1,
        int(LONG),
        int(LONG) + 1,
        *map(float, ("0", "-0.0", "1", "1.5", "nan", "inf", "-inf")),
    ]
    return [None, *texts, *numbers, complex("1+2j"), complex("0j"), complex("1e300")]


def test_values_are_the_same_by_kind_and_digits() -> None:
    """1, 1.0 and True differ, 0.0 and -0.0 as well, and NaN is itself."""
    for (i, x), (j, y) in itertools.product(enumerate(plain()), enumerate(plain())):
        assert same_value(x, y) == (i == j), (x, y)


def test_other_objects_are_the_same_only_if_they_are_one() -> None:
    made: list[Callable[[], Any]] = [list, dict, object, lambda: [1.0], lambda: np.ones(2)]
    for make in made:
        one = make()
        assert same_value(one, one)
        assert not same_value(one, make())


class Slotted:
    __slots__ = ("k",)


def places() -> dict[str, tuple[Any, Callable[[Any], Any], Callable[[], Any]]]:
    """Where a name `k` is looked up, how it gets a value there, and how it loses it."""
    table: dict[str, Any] = {}
    other = type("Table", (dict,), {})()
    kind, cell, owner = type("Kind", (), {}), CellType(), Slotted()
    return {
        "a dictionary": (table, lambda v: table.__setitem__("k", v), table.clear),
        "a dictionary of another class": (other, lambda v: other.__setitem__("k", v), other.clear),
        "a class": (kind, lambda v: setattr(kind, "k", v), lambda: delattr(kind, "k")),
        "a cell": (cell, lambda v: setattr(cell, "cell_contents", v), lambda: delattr(cell, "cell_contents")),
        "slots": (Attributes(owner), lambda v: setattr(owner, "k", v), lambda: delattr(owner, "k")),
    }


@pytest.mark.parametrize("place", places())
def test_names(place: str) -> None:
    holder, put, take_away = places()[place]
    items: list[Any] = [1.0]
    assert value_of(holder, "k") is NOTHING
    assert same_names([(holder, "k", NOTHING)]) and not same_names([(holder, "k", items)])
    put(items)
    assert value_of(holder, "k") is items
    assert same_names([(holder, "k", items)]) and not same_names([(holder, "k", NOTHING)])
    assert not same_names([(holder, "k", [1.0])])
    put(float("1.5"))
    assert same_names([(holder, "k", float("1.5"))]) and not same_names([(holder, "k", 1)])
    put(None)
    assert same_names([(holder, "k", None)]) and not same_names([(holder, "k", NOTHING)])
    take_away()
    assert same_names([(holder, "k", NOTHING)]) and not same_names([(holder, "k", None)])


def test_every_name_counts() -> None:
    table = {"a": [], "b": [], "c": []}
    for changed in table:
        names = [(table, name, [] if name == changed else value) for name, value in table.items()]
        assert not same_names(names), changed
    assert same_names([(table, name, value) for name, value in table.items()]) and same_names([])


Containers = list[tuple[Callable[[], Any], Callable[[Any], Any]]]
OBJECT = object()
CHANGES: Containers = [
    (lambda: [1.0, OBJECT, 3.0], lambda c: c.append(4.0)),
    (lambda: [1.0, OBJECT, 3.0], lambda c: c.pop()),
    (lambda: [1.0, OBJECT, 3.0], lambda c: c.clear()),
    (lambda: [1.0, OBJECT, 3.0], lambda c: c.reverse()),
    (list, lambda c: c.append(None)),
    (lambda: deque([1.0, 2.0]), lambda c: c.rotate()),
    (lambda: deque([1.0]), lambda c: c.append(2.0)),
    (lambda: {1.0, 2.0}, lambda c: c.add(3.0)),
    (lambda: {1.0, 2.0}, lambda c: c.discard(1.0)),
    (lambda: {"a": 1.0, "b": 2.0}, lambda c: c.update(b=3.0)),
    (lambda: {"a": 1.0, "b": 2.0}, lambda c: c.update(a=3.0)),
    (lambda: {"a": 1.0, "b": 2.0}, lambda c: c.update(c=3.0)),
    (lambda: {"a": 1.0, "b": 2.0}, lambda c: c.pop("b")),
    (lambda: {"a": 1.0, "b": 2.0}, lambda c: c.update(a=c.pop("a"))),  # the same in another order
    (lambda: {"a": 1.0, "b": 1.0}, lambda c: c.update(c=c.pop("b"))),  # the same under another name
    (lambda: {"a": 1.0, "c": 1.0}, lambda c: c.update(b=c.pop("c"))),
    (lambda: {1: 1.0}, lambda c: c.update({1: 1})),
    (lambda: np.arange(6.0), lambda c: c.__setitem__(5, 7.0)),
    (lambda: np.zeros(2), lambda c: c.__setitem__(0, -0.0)),
    (lambda: np.zeros(4), lambda c: setattr(c, "shape", (2, 2))),
    (lambda: np.zeros(4, np.int64), lambda c: setattr(c, "dtype", np.float64)),
]
ITEMS: list[tuple[Any, Any]] = [(0.0, -0.0), (1, 1.0), (1, True), (None, 0), ([1.0], [1.0]), ("a", "b")]
CHANGES += [((lambda a=a: [0.5, a]), (lambda c, b=b: c.__setitem__(1, b))) for a, b in ITEMS]
CHANGES += [((lambda a=a: {"k": 0.5, "x": a}), (lambda c, b=b: c.__setitem__("x", b))) for a, b in ITEMS]


@pytest.mark.filterwarnings("ignore:Setting the (shape|dtype):DeprecationWarning")
@pytest.mark.parametrize("i", range(len(CHANGES)))
def test_contents(i: int) -> None:
    """A change of one container is seen wherever it stands among others that are as they were."""
    make, change = CHANGES[i]
    container = make()
    known = (container, held(container))
    others: list[Any] = [(each, held(each)) for each in ([2.0], {"b": 1.0}, [], np.ones(2), {3.0}, deque([4.0]))]
    assert same_contents([known]) and same_contents([*others, known]) and same_contents([known, *others])
    change(container)
    assert not same_contents([known])
    assert not same_contents([*others, known]) and not same_contents([known, *others])


@pytest.mark.parametrize("value", range(len(plain())))
def test_equal_contents_are_the_same(value: int) -> None:
    """Numbers and texts need not be the same objects."""
    pairs: list[tuple[Any, Any]] = [
        ([plain()[value]], [plain()[value]]),
        (deque([plain()[value]]), deque([plain()[value]])),
        ({"".join(TEXT): plain()[value]}, {"".join(TEXT): plain()[value]}),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
    ]
    for now, before in pairs:
        assert same_contents([(now, held(before))])


def test_what_a_dictionary_holds_is_keys_and_values() -> None:
    assert contents({"a": 1, "b": 2}) == ["a", "b", 1, 2]
    assert contents([1, 2]) == [1, 2] and contents(deque([1])) == [1] and contents({3}) == [3]


class Owner:
    def __init__(self) -> None:
        self.lr, self.k, self.items, self.table, self.names = 0.5, 2.0, [1.0], {"a": 1.0}, {1.0}


OWNER_CHANGES: dict[str, Callable[[Any], Any]] = {
    "a number": lambda o: setattr(o, "k", 3.0),
    "of another kind": lambda o: setattr(o, "k", 2),
    "a new one": lambda o: setattr(o, "more", 1),
    "one that goes": lambda o: delattr(o, "k"),
    "one instead of another": lambda o: o.__dict__.update(m=o.__dict__.pop("k")),
    "another list": lambda o: setattr(o, "items", [1.0]),
}


@pytest.mark.parametrize("change", OWNER_CHANGES.values(), ids=OWNER_CHANGES)
def test_attributes(change: Callable[[Any], Any]) -> None:
    owner = Owner()
    known = structure_of(owner)
    owner.lr, owner.k = 0.25, float("2.0")  # the learning rate is read at each run
    assert same_structure(owner, known)
    change(owner)
    assert not same_structure(owner, known)


@pytest.mark.parametrize(
    "change", [lambda o: o.items.append(2.0), lambda o: o.table.update(a=2.0), lambda o: o.names.add(2.0)]
)
def test_containers_that_are_attributes(change: Callable[[Any], Any]) -> None:
    owner = Owner()
    known = structure_of(owner)
    assert same_contents(known[1])
    change(owner)
    assert same_structure(owner, known) and not same_contents(known[1])


class Anything:
    """Compares as it likes: two are equal although they differ."""

    def __init__(self, k: float) -> None:
        self.k = k

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Wild(Anything):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


ARGUMENTS: dict[str, tuple[Callable[[float], Any], Callable[[Any], float], bool]] = {
    "a number": (float, lambda v: v, True),
    "a text": (lambda k: str(k), float, True),
    "a slice": (lambda k: slice(0, int(k)), lambda v: v.stop, True),
    "an object that equals others": (Anything, lambda v: v.k, True),
    "an object that cannot be compared": (Wild, lambda v: v.k, False),
    "an object like any": (lambda k: type("Own", (), {"k": k})(), lambda v: v.k, False),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_that_are_part_of_a_program(name: str) -> None:
    """Other values make other programs; equal ones none, where that can be told."""
    make, read, told = ARGUMENTS[name]
    t = tgi.tensor([1.0, 2.0], np.float64)
    program = tgi.capture(lambda v: t * read(v))
    for k, captures in ((2.0, 1), (2.0, 1), (3.0, 2), (2.0, 2), (3.0, 2)):
        np.testing.assert_array_equal(program(make(k)).numpy(), [k, 2 * k])
        assert not told or program.captures == captures
    one = make(5.0)
    for _ in range(2):
        np.testing.assert_array_equal(program(one).numpy(), [5.0, 10.0])


@pytest.mark.parametrize("first", [np.float32, np.float64])
def test_the_dtype_of_what_is_made_inside(first: Any) -> None:
    """A program is true for the default dtype that it was made with, whether that is the usual one or not."""
    x = tgi.tensor(np.ones(2), np.float64)
    program = tgi.capture(lambda: (tgi.tensor([0.1, 0.2]), x * 2.0))
    for dtype in (first, np.float64, np.float32, first):
        with tgi.default_dtype(dtype):
            assert program()[0].dtype == dtype
    assert program()[0].dtype == np.float32


@pytest.mark.parametrize("first", [False, True])
def test_whether_gradients_are_recorded(first: bool) -> None:
    w = tgi.tensor([1.0, 2.0], requires_grad=True)
    program = tgi.capture(lambda: w * 2.0 if tgi.is_grad_enabled() else w * 3.0)
    for recorded in (first, True, False, first):
        with tgi.enable_grad() if recorded else tgi.no_grad():
            np.testing.assert_array_equal(program().numpy(), [2.0, 4.0] if recorded else [3.0, 6.0])
    assert program.captures == 2
