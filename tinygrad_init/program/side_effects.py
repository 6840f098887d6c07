"""What a captured function must not do: things that Python would do at the capture only, and no run would repeat.

Found are: prints and the like, assignments to global, nonlocal and object names, changes of lists, dictionaries, sets
and arrays that the function reaches from outside (they are put back), and results that outlive the function. What none
of this sees and what still differs from one call to the next (random numbers, say) shows when a function is captured
twice. `outside` also tells which names a program depends on.
"""

from __future__ import annotations

import dis
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .._engine.tracing import CaptureError

PACKAGE = str(Path(__file__).parent.parent)
PATHS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
LIBRARIES = (PACKAGE, "tinygrad_init/_engine", "<frozen", *PATHS)
REFUSED = {print: "print", input: "input", open: "open", setattr: "setattr", delattr: "delattr"}
FOLLOWED = {"grad"}  # what may be assigned to: the trace follows it
CONTAINERS = (list, dict, set, deque, np.ndarray)
LOOKED_INTO = 1000  # containers of more are data
ONCE = "this would happen once, when the function is captured, and not when the program runs"


@dataclass
class Outside:
    """What a function reaches from outside.

    Attributes
    ----------
    names
        Where a name is looked up (a dictionary of globals, or a cell), the name, and what it means.
    containers
        Lists, dictionaries, sets and arrays, with what they are called.
    codes
        The code of the function and of the user's functions that it mentions.
    """

    names: list[tuple[Any, str, Any]] = field(default_factory=list)
    containers: dict[int, tuple[str, Any]] = field(default_factory=dict)
    codes: list[CodeType] = field(default_factory=list)


def outside(function: Callable[..., Any]) -> Outside:
    """Look through a function, the functions that it mentions, and the objects that it knows by name."""
    found = Outside()
    waiting: list[Any] = [function]
    seen: set[int] = set()
    while waiting:
        target = waiting.pop()
        if isinstance(target, MethodType):
            note("self", target.__self__, found, waiting)
            target = target.__func__
        target = getattr(target, "__wrapped__", target)
        if not isinstance(target, FunctionType) or id(target) in seen or is_library(target.__code__):
            continue
        seen.add(id(target))
        codes = nested(target.__code__)
        found.codes += codes
        namespace = target.__globals__
        for name in sorted({name for code in codes for name in code.co_names if name in namespace}):
            found.names.append((namespace, name, namespace[name]))
            note(name, namespace[name], found, waiting)
        for name, cell in zip(target.__code__.co_freevars, target.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            found.names.append((cell, name, value))
            note(name, value, found, waiting)
        for value in (*(target.__defaults__ or ()), *(target.__kwdefaults__ or {}).values()):
            note("a default argument", value, found, waiting)
    return found


def note(name: str, value: Any, found: Outside, waiting: list[Any]) -> None:
    """Remember a container, the containers of a user's object, or a function to look through."""
    if isinstance(value, CONTAINERS):
        if id(value) not in found.containers:
            found.containers[id(value)] = name, value
            for held in items(value) if not isinstance(value, np.ndarray) and len(value) <= LOOKED_INTO else ():
                if isinstance(held, CONTAINERS):
                    note(name, held, found, waiting)
    elif isinstance(value, FunctionType | MethodType):
        waiting.append(value)
    elif not isinstance(value, ModuleType | type) and not type(value).__module__.startswith("tinygrad_init"):
        for attribute, held in getattr(value, "__dict__", {}).items():
            if isinstance(held, CONTAINERS):
                note(f"{name}.{attribute}", held, found, waiting)


def nested(code: CodeType) -> list[CodeType]:
    """A function's code and that of the functions inside it."""
    return [code, *(inner for part in code.co_consts if isinstance(part, CodeType) for inner in nested(part))]


@contextmanager
def watched(known: Outside) -> Iterator[None]:
    """A context in which side effects of a function raise `CaptureError`; changed containers are put back."""
    before = [(name, value, value.copy()) for name, value in known.containers.values()]
    checked: set[CodeType] = set()

    def look(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if is_library(code):
            return
        if event == "call" and code not in checked:
            checked.add(code)
            refuse_assignments(code)
        elif event == "c_call" and any(argument is refused for refused in REFUSED):
            raise CaptureError(f"{code.co_filename}:{frame.f_lineno} in {code.co_name}: {REFUSED[argument]}(): {ONCE}")

    old = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(old)
        changed = [name for name, value, copy in before if put_back(value, copy)]
    for name in changed:
        raise CaptureError(f"{first_line(known.codes, name)}: {name} is changed: {ONCE}; return what you want to keep")


def is_library(code: CodeType) -> bool:
    """Whether it is not the user's own code."""
    return code.co_filename.startswith(LIBRARIES)


def refuse_assignments(code: CodeType) -> None:
    """Refuse code that assigns to global or nonlocal names, or to attributes of objects."""
    for instruction in dis.get_instructions(code):
        name, target = instruction.opname, instruction.argval
        outer = name in ("STORE_GLOBAL", "DELETE_GLOBAL") or (name == "STORE_DEREF" and target in code.co_freevars)
        attribute = name in ("STORE_ATTR", "DELETE_ATTR") and target not in FOLLOWED and code.co_name != "__init__"
        if outer or attribute:
            line = instruction.positions.lineno if instruction.positions else code.co_firstlineno
            what = f"assigns to the attribute {target}" if attribute else f"assigns to {target}, from outside"
            raise CaptureError(f"{code.co_filename}:{line} in {code.co_name}: {what}: {ONCE}")


def put_back(value: Any, copy: Any) -> bool:
    """Whether a container holds other things than before; if so, they are put back."""
    if isinstance(value, np.ndarray):
        if value.dtype == object or np.array_equal(value, copy, equal_nan=value.dtype.kind == "f"):
            return False
        value[...] = copy
        return True
    here, there = items(value), items(copy)
    if len(here) == len(there) and all(a is b for a, b in zip(here, there, strict=True)):
        return False
    value.clear()
    if isinstance(value, dict | set):
        value.update(copy)
    else:
        value.extend(copy)
    return True


def items(container: Any) -> list[Any]:
    """What a container holds, keys and values of a dictionary."""
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


def first_line(codes: list[CodeType], name: str) -> str:
    """Where a name is first mentioned."""
    last = name.rsplit(".", 1)[-1]
    for code in codes:
        for instruction in dis.get_instructions(code):
            if instruction.argval == last and instruction.positions:
                return f"{code.co_filename}:{instruction.positions.lineno} in {code.co_name}"
    return f"{codes[0].co_filename}:{codes[0].co_firstlineno} in {codes[0].co_name}" if codes else "an unknown place"
