"""Names of a package that are imported when they are first asked for, names that have moved, and errors for those that
only others have."""

from __future__ import annotations

import dis
import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast


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


class Advising:
    """What `import` asks for modules of this package that are in no file.

    PyTorch's accelerators are objects here, and are found; of names that say what to write instead, so does the error.
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        home, _, last = name.rpartition(".")
        if name.partition(".")[0] != __package__ or home not in sys.modules:
            return None
        try:
            found = getattr(sys.modules[home], last)
        except AttributeError as error:
            if "is not to be had" in str(error):
                raise ImportError(str(error), name=name) from None
            return None
        return (
            None
            if isinstance(found, ModuleType) or callable(found)
            else ModuleSpec(name, cast(Any, Object(found)), is_package=True)
        )


class Object:
    """A loader of what is there already."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.found

    def exec_module(self, module: Any) -> None:
        """Nothing is to be done."""


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


sys.meta_path.append(Advising)
