"""Modules of the page as one script: within a file nothing can be imported.

Each module becomes a function that is called once, after those that it imports; what it exports it gives by name, and
is asked for when it is used, so that a binding that changes later is seen to.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

IMPORT = re.compile(
    r'^import\s+(?:(?P<default>\w+)\s+from\s+|\{(?P<names>[^}]*)\}\s+from\s+)?"(?P<where>[^"]+)";\s*$', re.M
)
EXPORT = re.compile(r"^export\s+(?P<what>(?:async\s+)?(?:const|let|class|function)\s+(?P<name>\w+))", re.M)
DEFAULT = re.compile(r"^export\s*\{\s*(?P<name>\w+) as default\s*\};\s*$", re.M)
COMMENT = re.compile(r"^\s*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)\n", re.M)


def script(page: Path, entry: str) -> str:
    """An entry and all that it imports, as one script without comments.

    Parameters
    ----------
    page
        The folder of the modules.
    entry
        The module that is run, relative to it.

    Raises
    ------
    ValueError
        Modules import each other in a circle, or a module imports or exports in a way that is not known here.
    """
    found: dict[str, str] = {}
    opened: list[str] = []

    def visit(name: str) -> None:
        if name in found:
            return
        if name in opened:
            raise ValueError(f"expected modules without circles, got {' -> '.join([*opened, name])}")
        opened.append(name)
        text = (page / name).read_text(encoding="utf-8")
        for one in IMPORT.finditer(text):
            visit(beside(name, one["where"]))
        opened.pop()
        found[name] = wrapped(name, text)

    visit(entry)
    return '"use strict";\nconst modules = {};\n' + "".join(found.values())


def beside(name: str, where: str) -> str:
    """The module that is meant by what another one imports."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), where))


def wrapped(name: str, text: str) -> str:
    """A module as a function that is called at once."""
    text = COMMENT.sub("", text)
    names = [one["name"] for one in EXPORT.finditer(text)]
    gives = [f"get {each}() {{ return {each}; }}" for each in names]
    gives += [f"get default() {{ return {one['name']}; }}" for one in DEFAULT.finditer(text)]
    text = EXPORT.sub(lambda one: one["what"], DEFAULT.sub("", text))
    text = IMPORT.sub(lambda one: taken(name, one), text)
    if left := re.search(r"^(?:import|export)\b.*", text, re.M):
        raise ValueError(f"{name}: expected imports and exports by name, got {left[0]!r}")
    return f'{{\nmodules["{name}"] = {{ {", ".join(gives)} }};\n{text}}}\n'


def taken(name: str, one: re.Match[str]) -> str:
    """What a module imports, as constants."""
    source = f'modules["{beside(name, one["where"])}"]'
    if one["default"]:
        return f"const {one['default']} = {source}.default;"
    if one["names"] is None:
        return ""
    names = re.sub(r"(\w+)\s+as\s+(\w+)", r"\1: \2", one["names"])
    return f"const {{{names}}} = {source};"
