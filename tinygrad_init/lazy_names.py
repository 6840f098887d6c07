"""Names of a package that are imported when they are first asked for, names that have moved, and errors for those that
only others have."""

from __future__ import annotations

import dis
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
            raise missing(package, name)
        module = importlib.import_module(f".{homes[name] or name}", package)
        found = own[name] = getattr(module, name) if homes[name] else module
        return found

    def names() -> list[str]:
        return sorted({*own, *homes})

    return get, names


def missing(package: str, name: str) -> Exception:
    """What a module's `__getattr__` raises for a name that is not there: with what to write instead, if that is known.

    It is an AttributeError, as `hasattr` expects. Only a statement `from ... import name` gets an ImportError: of any
    other error Python would make its own, without the advice.
    """
    from .instead import INSTEAD

    advice = INSTEAD.get(package, {}).get(name)
    if advice is None:
        return AttributeError(f"module {package!r} has no attribute {name!r}")
    said = f"{package}.{name} is not to be had: {advice}"
    asking = sys._getframe(2)
    importing = asking.f_code.co_code[max(asking.f_lasti, 0)] == dis.opmap["IMPORT_FROM"]
    return ImportError(said) if importing else AttributeError(said)
