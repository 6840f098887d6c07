"""Whether what a captured program takes for granted is still so: names outside, parts of modules, contents of lists."""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:

    def means(holder: Any, name: str, value: Any) -> bool:
        return (holder.get(name) if isinstance(holder, dict) else holder.cell_contents) is value


PLAIN = (bool, int, float, str, bytes, type(None))


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


def same_structure(owner: Any, known: list[Any]) -> bool:
    """Whether the attributes are what they were."""
    attributes = known[0]
    now = {name: value for name, value in vars(owner).items() if name != "lr"}
    return now.keys() == attributes.keys() and all(same_value(now[name], attributes[name]) for name in now)


def same_value(x: Any, y: Any) -> bool:
    """The same object, or an equal number or text."""
    return x is y or (type(x) is type(y) and isinstance(x, PLAIN) and bool(x == y))


def same_names(names: list[Any]) -> bool:
    """Whether names outside mean what they meant."""
    entry: tuple[Any, ...]
    for entry in names:
        if means(entry[0], entry[1], entry[2]):
            continue
        holder, name, value = entry
        now = holder.get(name) if isinstance(holder, dict) else holder.cell_contents
        if not same_value(now, value):
            return False
    return True


def same_contents(containers: list[Any]) -> bool:
    """Whether containers hold what they held."""
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t
    entry: tuple[Any, ...]
    held: list[Any]
    now: list[Any]
    table: dict[Any, Any]
    for entry in containers:
        held = entry[1]
        if type(entry[0]) is dict:
            table = entry[0]
            n = len(table)
            if 2 * n != len(held):
                return False
            for i, (key, item) in enumerate(table.items()):
                if (key is not held[i] and key != held[i]) or (
                    item is not held[n + i] and not same_value(item, held[n + i])
                ):
                    return False
            continue
        now = entry[0] if type(entry[0]) is list else contents(entry[0])
        if len(now) != len(held):
            return False
        for i in range(len(held)):
            if now[i] is not held[i] and not same_value(now[i], held[i]):
                return False
    return True
