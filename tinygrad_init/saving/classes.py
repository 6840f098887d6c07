"""What the names in a file stand for: classes and functions of this package, and classes that the caller allows.

Nothing is ever imported because a file names it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

from .. import nn, ops, optim
from ..engine.graph import Operation
from ..nn import Module, functional

Allowed = Sequence[type]
Home = Callable[[str], type | None]  # the class of this package that has a name


def of_nn(name: str) -> type[Module] | None:
    """The class of `tgi.nn` of that name."""
    kind = getattr(nn, name) if name in nn.__all__ else None
    return kind if isinstance(kind, type) and issubclass(kind, Module) else None


def of_optim(name: str) -> type | None:
    """The optimizer or schedule of `tgi.optim` of that name."""
    kind = getattr(optim, name) if name in optim.__all__ else None
    return kind if isinstance(kind, type) and hasattr(kind, "load_state_dict") else None


def name_of(kind: type, home: Home) -> str:
    """What a file calls a class: by its name if it is of this package, by module and name otherwise."""
    return kind.__name__ if home(kind.__name__) is kind else f"{kind.__module__}:{kind.__qualname__}"


def class_of(name: str, home: Home, allowed: Allowed) -> type | None:
    """The class that a name in a file stands for, if it is of this package or allowed.

    One that is allowed may have moved to another module since, as from a script's `__main__`, if it is the only one of
    its name.
    """
    module, _, own = name.rpartition(":")
    if not module:
        return home(name)
    same = [kind for kind in allowed if kind.__qualname__ == own]
    exact = [kind for kind in same if kind.__module__ == module]
    return (exact or same)[0] if len(exact or same) == 1 else None


def allowed_classes(given: Any) -> list[type]:
    """Classes that the caller names or gives.

    Raises
    ------
    TypeError
        Something is neither a class nor the name of one.
    ValueError
        There is no class of that name.
    """
    if isinstance(given, str | type) or not isinstance(given, Iterable):
        raise TypeError(f"load: expected classes to be a list, such as [Net], got {given!r}")
    found = []
    for one in given:
        kind = one
        if isinstance(one, str):
            try:
                kind = pkgutil.resolve_name(one)
            except (ValueError, ImportError, AttributeError) as error:
                raise ValueError(f"load: there is no class {one!r}: {error}") from None
        if not isinstance(kind, type):
            raise TypeError(f"load: expected classes, or their names as 'module.Class', got {one!r}")
        found.append(kind)
    return found


def name_of_function(value: Any) -> str | None:
    """What a file calls an operation of `tgi.ops` or a function of `tgi.nn.functional`; None for all others."""
    for room in ("ops", "functional") if callable(value) else ():
        name = f"{room}.{value.name if isinstance(value, Operation) else getattr(value, '__name__', '')}"
        if function_of(name) is value:
            return name
    return None


def function_of(name: str) -> Any:
    """The function that a name in a file stands for, if it is of this package."""
    room, _, own = name.partition(".")
    if room == "ops" and own in ops.__all__:
        found = getattr(ops, own)
        return found if isinstance(found, Operation) else None
    found = vars(functional).get(own) if room == "functional" else None
    return found if isinstance(found, FunctionType) and found.__module__ == functional.__name__ else None
