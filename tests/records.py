"""Which classes of a room are records that nobody may change."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil


def changeable(room: str) -> set[str]:
    """The dataclasses defined in a file or below a package whose fields may be set anew."""
    inside = getattr(importlib.import_module(room), "__path__", [])
    names = [room, *(found.name for found in pkgutil.walk_packages(inside, f"{room}."))]
    classes = {
        one
        for name in names
        if not name.endswith("__main__")
        for _, one in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if dataclasses.is_dataclass(one) and one.__module__.startswith(room)
    }
    assert classes
    return {one.__name__ for one in classes if not one.__dataclass_params__.frozen}  # type: ignore[attr-defined]
