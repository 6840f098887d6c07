"""Names of a package that are imported when they are first asked for, and names that have moved."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def importing_later(
    package: str, homes: dict[str, str], moved: dict[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    Parameters
    ----------
    package
        Its `__name__`.
    homes
        For each name the module in the package that has it; "" if the name is a module itself.
    moved
        For each name that is no longer there, what it is called now: asking for it says so.
    """
    own = vars(sys.modules[package])

    def get(name: str) -> Any:
        if moved is not None and name in moved:
            # Not an AttributeError, of which `from ... import` would make an error of its own, without the new name.
            raise ImportError(f"{package}.{name} is now {moved[name]}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f".{homes[name] or name}", package)
        found = own[name] = getattr(module, name) if homes[name] else module
        return found

    def names() -> list[str]:
        return sorted({*own, *homes})

    return get, names
