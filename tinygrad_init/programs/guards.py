"""Whether what a captured program takes for granted is still so: names outside, parts of modules, contents of lists."""

from __future__ import annotations

from types import CellType
from typing import Any

import numpy as np

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython

if not cython.compiled:

    def means(holder: Any, name: str, value: Any) -> bool:
        return value_of(holder, name) is value


PLAIN = (bool, int, float, complex, str, bytes, type(None))
NOTHING: Any = object()  # the value of a name that has none
nothing = NOTHING  # compiled, a C variable that Python does not see


class Attributes:
    """The attributes of an object that keeps them in `__slots__`, as a place where names are looked up."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def get(self, name: str, otherwise: Any) -> Any:
        return getattr(self.owner, name, otherwise)


def value_of(holder: Any, name: str) -> Any:
    """What a name means in a dictionary, a class, an object's attributes, or a cell; else `NOTHING`."""
    if isinstance(holder, CellType):
        try:
            return holder.cell_contents
        except ValueError:
            return NOTHING
    return (vars(holder) if isinstance(holder, type) else holder).get(name, NOTHING)


def structure_of(owner: Any) -> list[Any]:
    """What a captured function takes for granted of a module or an optimizer: its attributes and what containers hold.

    Names and values of the attributes, and each list, dictionary and set with its contents.
    """
    attributes = {name: value for name, value in vars(owner).items() if name != "lr"}
    containers = [value for value in attributes.values() if isinstance(value, list | dict | set)]
    return [attributes, [(container, contents(container)) for container in containers]]


def contents(container: Any) -> list[Any]:
    """What a container holds; of a dictionary keys and values."""
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


def held(container: Any) -> Any:
    """What is compared later to see whether a container still holds the same."""
    if isinstance(container, np.ndarray):
        return container.shape, container.dtype, container.tobytes()
    return contents(container)


def same_structure(owner: Any, known: list[Any]) -> bool:
    """Whether the attributes are what they were."""
    attributes = known[0]
    now = {name: value for name, value in vars(owner).items() if name != "lr"}
    return now.keys() == attributes.keys() and all(same_value(now[name], attributes[name]) for name in now)


def same_value(x: Any, y: Any) -> bool:
    """The same object, or an equal number or text: 0.0 and -0.0 differ, and NaN is itself."""
    if x is y:
        return True
    if type(x) is not type(y) or not isinstance(x, PLAIN):
        return False
    return (bool(x == y) and (x != 0 or repr(x) == repr(y))) or (x != x and y != y)


@cython.boundscheck(False)  # type: ignore[untyped-decorator, unused-ignore]
def same_names(names: list[Any]) -> bool:
    """Whether names outside mean what they meant."""
    entry: tuple[Any, ...]
    for entry in names:
        if means(entry[0], entry[1], entry[2]):
            continue
        if not same_value(value_of(entry[0], entry[1]), entry[2]):
            return False
    return True


@cython.boundscheck(False)  # type: ignore[untyped-decorator, unused-ignore]
def same_contents(containers: list[Any]) -> bool:
    """Whether containers hold what they held."""
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t
    entry: tuple[Any, ...]
    before: list[Any]
    now: list[Any]
    table: dict[Any, Any]
    for entry in containers:
        if type(entry[1]) is not list:  # of an array
            if held(entry[0]) != entry[1]:
                return False
            continue
        before = entry[1]
        if type(entry[0]) is dict:
            table = entry[0]
            n = len(table)
            if 2 * n != len(before):
                return False
            for i, (key, item) in enumerate(table.items()):
                if (key is not before[i] and key != before[i]) or (
                    item is not before[n + i] and not same_value(item, before[n + i])
                ):
                    return False
            continue
        now = entry[0] if type(entry[0]) is list else contents(entry[0])
        if len(now) != len(before):
            return False
        for i in range(len(before)):
            if now[i] is not before[i] and not same_value(now[i], before[i]):
                return False
    return True
