"""What a captured function must not do: things that Python would do at the capture only, and no run would repeat.

Found are: prints and the like, assignments to global, nonlocal and object names, changes of lists, dictionaries and
sets that
the function reaches from outside, and results that outlive the function. What none of this sees and what still
differs from one call to the next (a counter, random numbers) shows when a function is captured twice.
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from .._engine.tracing import CaptureError

PACKAGE = str(Path(__file__).parent.parent)
LIBRARIES = (
    PACKAGE,
    "tinygrad_init/_engine",
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
REFUSED = {print: "print", input: "input", open: "open"}
# What may be assigned to: the trace follows it.
FOLLOWED = {"grad"}
ONCE = "this would happen once, when the function is captured, and not when the program runs"


@contextmanager
def watched(function: Callable[..., Any]) -> Iterator[None]:
    """A context in which side effects of the function raise `CaptureError`; changed containers are put back."""
    before = containers(function)
    checked: set[CodeType] = set()

    def look(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if is_library(code):
            return
        if event == "call" and code not in checked:
            checked.add(code)
            refuse_assignments(code)
        elif event == "c_call" and getattr(argument, "__self__", None) is not None:
            name = REFUSED.get(argument) if getattr(argument, "__hash__", None) else None
            if name:
                raise CaptureError(f"{code.co_filename}:{frame.f_lineno} in {code.co_name}: {name}(): {ONCE}")

    old = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(old)
        changed = put_back(before)
    for name in changed:
        line = first_line(function, name)
        raise CaptureError(f"{line}: {name} is changed: {ONCE}; return what you want to keep")


def is_library(code: CodeType) -> bool:
    """Whether it is not the user's own code."""
    return code.co_filename.startswith(LIBRARIES) or code.co_filename.startswith("<frozen")


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


def containers(function: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Lists, dictionaries and sets that the function knows from outside, by name, and copies of them."""
    target = inspect.unwrap(function)
    if not inspect.isfunction(target):
        target = getattr(target, "__func__", None) or vars(type(target)).get("__call__")
    if not inspect.isfunction(target):
        return {}
    code = target.__code__
    names = {name: target.__globals__[name] for name in code.co_names if name in target.__globals__}
    for name, cell in zip(code.co_freevars, target.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return {name: (value, value.copy()) for name, value in names.items() if type(value) in (list, dict, set)}


def put_back(before: dict[str, tuple[Any, Any]]) -> list[str]:
    """The names of containers that hold other things than before; they are put back."""
    changed = []
    for name, (value, copy) in before.items():
        here = list(value.items()) if isinstance(value, dict) else list(value)
        there = list(copy.items()) if isinstance(copy, dict) else list(copy)
        flat_here = [x for item in here for x in (item if isinstance(value, dict) else (item,))]
        flat_there = [x for item in there for x in (item if isinstance(value, dict) else (item,))]
        if len(here) != len(there) or any(a is not b for a, b in zip(flat_here, flat_there, strict=True)):
            changed.append(name)
            value.clear()
            value.update(copy) if not isinstance(value, list) else value.extend(copy)
    return changed


def first_line(function: Callable[..., Any], name: str) -> str:
    """Where a function first mentions a name."""
    target = inspect.unwrap(function)
    code: CodeType = getattr(target, "__func__", target).__code__
    for instruction in dis.get_instructions(code):
        if instruction.argval == name and instruction.positions:
            return f"{code.co_filename}:{instruction.positions.lineno} in {code.co_name}"
    return f"{code.co_filename}:{code.co_firstlineno} in {code.co_name}"
