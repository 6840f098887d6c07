"""What `Outside` finds of a function: which functions, objects and arrays, how far, where, and whose they are."""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.programs import outside
from tinygrad_init.programs.outside import Outside, is_users, is_users_class

from .capturing import assert_same

T = tgi.tensor([1.0, 2.0], np.float64)


class Holder:
    def __init__(self, k: Any) -> None:
        self.k = k


@pytest.mark.parametrize(
    ("module", "users"),
    [
        (__name__, True),
        ("nobody_has_this", True),
        ("nobody_has_this.inner", True),
        ("builtins", False),
        ("json", False),
        ("json.decoder", False),
        ("numpy", False),
        ("numpy.linalg", False),
        ("tinygrad_init.nn", False),
        ("pytest", False),
        ("_pytest.python", False),
        ("pytest.not_there", False),  # by the package that it would be of
    ],
)
def test_whose_a_module_is(module: str, users: bool) -> None:
    assert is_users(module) is users


def test_modules_without_a_file_are_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_in_a_notebook", types.ModuleType("made_in_a_notebook"))
    assert is_users("made_in_a_notebook")


def test_whose_a_class_is() -> None:
    namespace: dict[str, Any] = {}
    exec("class Made:\n    k = 2.0", {}, namespace)
    assert is_users_class(namespace["Made"]) and is_users_class(Holder)
    for kind in (int, list, object, type, Exception, json.JSONDecoder, np.ndarray, tgi.nn.Linear, tgi.Tensor):
        assert not is_users_class(kind), kind


def test_attributes_of_a_class_that_exec_made() -> None:
    namespace: dict[str, Any] = {}
    exec("class Made:\n    k = 2.0", {}, namespace)
    made = namespace["Made"]
    program = tgi.capture(lambda: T * made.k)
    for k in (2.0, 3.0):
        made.k = k
        assert_same(program(), T * k)


def test_what_a_decorator_of_a_library_wraps_is_looked_through() -> None:
    holder = Holder(2.0)

    @contextlib.contextmanager
    def scaled() -> Any:
        yield T * holder.k

    @functools.lru_cache
    def cached() -> Any:
        return holder.k

    for function in (scaled, cached):
        known = Outside(function)
        assert function.__wrapped__.__code__ in known.codes
        assert any(value is holder for _, value in known.objects.values())


def mentions(array: Any, holder: Any) -> dict[str, tuple[Callable[[], Any], bool]]:
    """Functions that use an array, and whether all that they do with it is to let the program read it."""

    def helper() -> Any:
        return T * array

    def both() -> Any:
        return T * array * float(array[0])

    def renamed() -> Any:
        same = array
        return T * same

    return {
        "once": (lambda: T * array, True),
        "twice": (lambda: T * array + array, False),
        "under another name": (renamed, False),
        "in a helper": (lambda: helper(), True),
        "twice in a helper": (lambda: both(), False),
        "in a function and its helper": (lambda: T * array + helper(), False),
        "as an attribute": (lambda: T * holder.k, True),
        "as an attribute of what is named twice": (lambda: T * holder.k * (1.0 if holder else 2.0), True),
        "twice as an attribute": (lambda: T * holder.k + holder.k, False),
    }


@pytest.mark.parametrize("name", mentions(None, None))
def test_arrays_that_are_only_read_need_no_guard(name: str) -> None:
    """Where a function says their name once; else another program is made when they change."""
    array = np.array([2.0, 3.0])
    function, once = mentions(array, Holder(array))[name]
    program = tgi.capture(function)
    for i in range(3):
        array[:] = i + 1.0
        assert_same(program(), function())
    assert program.captures == (1 if once else 3)


def test_where_a_name_is_first_mentioned() -> None:
    items, other = [1.0], [2.0]

    def function() -> Any:
        first = other[0]
        return T * first * items[0]

    known, line = Outside(function), function.__code__.co_firstlineno
    assert known.first_line("other") == f"{__file__}:{line + 1} in function"
    assert known.first_line("items") == f"{__file__}:{line + 2} in function"
    assert known.first_line("holder.items") == f"{__file__}:{line + 2} in function"
    assert known.first_line("never mentioned") == f"{__file__}:{line} in function"
    assert Outside(len).first_line("anything") == "an unknown place"


def test_a_name_without_a_value_hides_no_other() -> None:
    holder = Holder(2.0)

    def function() -> Any:
        return T * (holder.k if holder else a_later_name)

    assert function.__code__.co_freevars[0] == "a_later_name"
    known = Outside(function)
    assert any(value is holder for _, value in known.objects.values())
    a_later_name = 1.0


def test_of_several_functions_the_first_is_named() -> None:
    def inner() -> Any:
        return T

    def function() -> Any:
        return inner()

    line = function.__code__.co_firstlineno
    assert Outside(function).first_line("never mentioned") == f"{__file__}:{line} in function"


@pytest.mark.parametrize("kind", [list, tuple, dict])
@pytest.mark.parametrize(("count", "found"), [(2, 2), (3, 3), (4, 0)])
def test_large_containers_are_data(kind: Any, count: int, found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "LOOKED_INTO", 3)
    holders = [Holder(float(i)) for i in range(count)]
    container = dict(enumerate(holders)) if kind is dict else kind(holders)
    known = Outside(lambda: container)
    assert sum(isinstance(value, Holder) for _, value in known.objects.values()) == found


def test_there_is_an_end_of_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MOST_OBJECTS", 5)
    chain = functools.reduce(lambda inner, _: Holder(inner), range(50), Holder(1.0))
    known = Outside(lambda: chain.k.k)
    assert 1 < len(known.objects) <= 6
