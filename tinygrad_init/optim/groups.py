"""Groups of parameters with options of their own, and what is remembered of a parameter: dictionaries that captured
programs watch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..engine.modes import mode
from ..engine.tensor import Tensor

Array = np.ndarray[Any, Any]
MISSING: Any = object()


class Watched(dict[str, Any]):
    """A dictionary whose changes are counted, so that a captured program notices that it is no longer true.

    Attributes
    ----------
    changes
        How often something else was set, or anything taken out.
    """

    changes = 0

    def __setitem__(self, name: str, value: Any) -> None:
        before = self.get(name, MISSING)
        super().__setitem__(name, value)
        if before is not value and not (type(before) is type(value) and isinstance(value, SIMPLE) and before == value):
            self.changed(name)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.changed(name)

    def changed(self, name: str) -> None:
        """Note that one entry has changed."""
        self.changes += 1
        mode.restructured()

    # What else changes a dictionary goes the same ways.

    def update(self, *others: Any, **more: Any) -> None:
        for name, value in dict(*others, **more).items():
            self[name] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        found = self[name] if not default else self.get(name, default[0])
        if name in self:
            del self[name]
        return found

    def popitem(self) -> tuple[str, Any]:
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        super().clear()
        self.changed("")


SIMPLE = (bool, int, float, str, tuple, type(None))


class Remembered(Watched):
    """What an update rule remembers of one parameter: arrays by PyTorch's names for them.

    A single number is an array of shape (1,), and so is everything about a 0-d parameter: a captured program changes
    arrays.

    Attributes
    ----------
    fits
        After how many changes of the group's options it was last made to fit them.
    """

    fits = -1


class State(dict[Tensor, Remembered]):
    """What an update rule remembers, by parameter, as in PyTorch; asking for a new parameter begins with nothing.

    Attributes
    ----------
    changes
        How often a parameter's entry was set or taken out.
    """

    changes = 0

    def __missing__(self, p: Tensor) -> Remembered:
        if not isinstance(p, Tensor):
            raise KeyError(f"expected a parameter, got {p!r}; what is remembered stands under the parameter itself")
        found = self[p] = Remembered()
        return found

    def __setitem__(self, p: Tensor, value: Mapping[str, Any]) -> None:
        super().__setitem__(p, value if isinstance(value, Remembered) else Remembered(value))
        self.changed()

    def __delitem__(self, p: Tensor) -> None:
        super().__delitem__(p)
        self.changed()

    def clear(self) -> None:
        super().clear()
        self.changed()

    def pop(self, p: Tensor, *default: Any) -> Any:
        found = super().pop(p, *default)
        self.changed()
        return found

    def changed(self) -> None:
        """Note a change, for captured programs."""
        self.changes += 1
        mode.restructured()


class StandIns(dict[str, Any]):
    """What is remembered of a parameter, for a function that is being captured: what is asked for will be changed."""

    def __init__(self, trace: Any, known: Remembered) -> None:
        super().__init__()
        self.trace, self.known = trace, known
        trace.visits(known)

    def __missing__(self, name: str) -> Any:
        found = self[name] = self.trace.own(self.known[name])
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.known


class Group(Watched):
    """One of an optimizer's `param_groups`: a dictionary with "params" and the options that hold for those.

    Attributes
    ----------
    params, lr
        The same again, for captured programs: they watch the list, and read the rate at each run.
    live
        The options that captured programs read anew at each run; another value of these makes no other program.
    """

    live: tuple[str, ...] = ("lr",)

    def __setitem__(self, name: str, value: Any) -> None:
        if name == "params":
            value = self.params = value if isinstance(value, list) else list(value)
        elif name == "lr":
            self.lr = value
        super().__setitem__(name, value)

    def changed(self, name: str) -> None:
        if name not in self.live:
            super().changed(name)

    def read_anew(self, name: str) -> None:
        """Let captured programs read an option, "momentum" or "betas", at each run: it is about to change often."""
        if name not in self.live:
            self.live = (*self.live, name)
            super().changed(name)

    def stand_ins(self, trace: Any) -> dict[str, Any]:
        """The options for a function that is being captured, which depends on them from now on."""
        trace.visits(self)
        found = dict(self)
        for name in self.live:
            if name == "betas":
                found[name] = trace.attribute(self, "beta1"), trace.attribute(self, "beta2")
            elif name in self:
                found[name] = trace.attribute(self, name)
        return found

    # What else a program may read at each run are attributes as well.

    @property
    def momentum(self) -> Any:
        return self["momentum"]

    @property
    def beta1(self) -> Any:
        return self["betas"][0]

    @property
    def beta2(self) -> Any:
        return self["betas"][1]


class Reading:
    """That a captured function has read an option by itself: another value of it makes another program."""

    def __init__(self, group: Group) -> None:
        self.group = group


def split_groups(owner: str, parameters: Any) -> list[dict[str, Any]]:
    """What an optimizer is given, as groups: dictionaries with "params", or parameters that are one group.

    Raises
    ------
    TypeError
        It is a single tensor, a module, a set, or nothing that can be gone through.
    ValueError
        There is nothing in it.
    """
    if isinstance(parameters, Tensor) or hasattr(parameters, "parameters"):
        say = "a list of it" if isinstance(parameters, Tensor) else "its .parameters()"
        raise TypeError(f"{owner}: expected parameters, got {type(parameters).__name__}: give {say}")
    found = listed(owner, parameters)
    if not found:
        raise ValueError(f"{owner}: no parameters to update")
    if not isinstance(found[0], dict):
        return [{"params": found}]
    for group in found:
        if not isinstance(group, dict):
            raise TypeError(f"{owner}: expected dictionaries with 'params' throughout, got {type(group).__name__}")
    return found


def listed(owner: str, parameters: Any) -> list[Any]:
    """Parameters in an order of their own."""
    if isinstance(parameters, set | frozenset):
        raise TypeError(f"{owner}: expected parameters in an order, got a set, whose order may differ from run to run")
    if not isinstance(parameters, Iterable) or isinstance(parameters, str | dict):
        raise TypeError(f"{owner}: expected parameters, or groups of them, got {type(parameters).__name__}")
    return list(parameters)


def named_apart(owner: str, items: list[Any]) -> tuple[list[Any], list[str] | None]:
    """Parameters, and their names if they came as pairs of name and parameter.

    Raises
    ------
    ValueError
        Some have names and some have none.
    """
    pairs = [isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in items]
    if not any(pairs):
        return items, None
    if not all(pairs):
        raise ValueError(f"{owner}: {pairs.count(False)} of {len(pairs)} parameters have no name; name all or none")
    return [item[1] for item in items], [item[0] for item in items]


def number(owner: str, name: str, value: Any) -> Any:
    """An option that came as a tensor or an array of one element, as a number; anything else as it is.

    Raises
    ------
    ValueError
        There are several elements.
    """
    if isinstance(value, tuple | list) and name == "betas":
        return tuple(number(owner, name, beta) for beta in value)
    if not hasattr(value, "shape") or isinstance(value, np.generic):
        return value
    if math.prod(value.shape) != 1:
        raise ValueError(f"{owner}: {name} must be a single number, got shape {tuple(value.shape)}")
    return float(value.item())


def not_negative(owner: str, **values: float) -> None:
    """Refuse options that are negative or not finite."""
    for name, value in values.items():
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{owner}: {name} must be finite and not negative, got {value}")


def between_zero_and_one(owner: str, betas: Any) -> None:
    """Refuse betas that are no pair of shares."""
    if not (isinstance(betas, tuple) and len(betas) == 2 and all(0 <= beta < 1 for beta in betas)):
        raise ValueError(f"{owner}: betas must be two numbers in [0, 1), got {betas}")
