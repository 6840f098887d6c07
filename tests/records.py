"""Which classes of a room are records that nobody may change."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from pathlib import Path


def changeable(room: str) -> set[str]:
    """The dataclasses defined in a file or below a package whose fields may be set anew.

    As the files say: some of them cannot be imported where an extra is not installed.
    """
    home = importlib.util.find_spec(room)
    assert home is not None and home.origin is not None
    inside = pkgutil.walk_packages(home.submodule_search_locations or [], f"{room}.", onerror=lambda name: None)
    files = [Path(home.origin), *(Path(str(importlib.util.find_spec(found.name).origin)) for found in inside)]  # type: ignore[union-attr]
    found: dict[str, bool] = {}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                for decorator in map(ast.unparse, node.decorator_list):
                    if decorator.startswith("dataclass"):
                        found[node.name] = "frozen=True" not in decorator
    assert found
    return {name for name, may in found.items() if may}
