"""Names of a package that are imported when they are first asked for, and names that have moved."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def importing_later(package: str, homes: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    Parameters
    ----------
    package
        Its `__name__`.
    homes
        For each name the module in the package that has it; "" if the name is a module itself.
    """
    own = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f".{homes[name] or name}", package)
        found = own[name] = getattr(module, name) if homes[name] else module
        return found

    def names() -> list[str]:
        return sorted({*own, *homes})

    return get, names


def moved(package: str, to: str, names: tuple[str, ...]) -> Callable[[str], Any]:
    """The `__getattr__` of a package some of whose names are elsewhere now: asking for them says where."""

    def get(name: str) -> Any:
        if name in names:
            raise AttributeError(f"{package}.{name} is now {to}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
