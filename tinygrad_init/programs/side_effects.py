"""What a captured function must not do: things that Python would do at the capture only, and no run would repeat.

Found are: prints and the like, assignments to global, nonlocal and object names, changes of lists, dictionaries, sets
and arrays that the function reaches from outside (they are put back), and results that outlive the function. What none
of this sees and what still differs from one call to the next (random numbers, say) shows when a function is captured
twice.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .guards import contents
from .outside import Outside, is_library
from .tracing import CaptureError
from .watching import Watch

REFUSED = (print, input, open, setattr, delattr)
ASSIGNING = {dis.opmap[f"{verb}_{where}"] for verb in ("STORE", "DELETE") for where in ("GLOBAL", "DEREF", "ATTR")}
FOLLOWED = {"grad"}  # what may be assigned to: the trace follows it
HOW = "return it, or keep it in a tensor (nn.Buffer in a module) that is changed in place: model.x.copy_(value)"
ONCE = "this would happen once, when the function is captured, and not when the program runs"


@contextmanager
def watched(known: Outside, refused: frozenset[str] = frozenset()) -> Iterator[None]:
    """A context in which side effects of a function raise `CaptureError`; changed containers are put back.

    So do names that the code asks for and must not.
    """
    before = [(name, value, value.copy()) for name, value in known.containers.values()]

    def called(frame: FrameType) -> None:
        if not is_library(frame.f_code):
            if not refused.isdisjoint(frame.f_code.co_names):
                raise CaptureError("the code may ask whether something is a number")
            refuse_assignments(frame.f_code)
            known.called(frame)

    def meets(frame: FrameType, function: Any) -> None:
        code = frame.f_code
        if not is_library(code):
            raise CaptureError(f"{code.co_filename}:{frame.f_lineno} in {code.co_name}: {function.__name__}(): {ONCE}")

    try:
        with Watch(called, REFUSED, meets):
            yield
    finally:
        changed = [name for name, value, copy in before if put_back(value, copy)]
    for name in changed:
        raise CaptureError(f"{known.first_line(name)}: {name} is changed: {ONCE}; return what you want to keep")


def refuse_assignments(code: CodeType) -> None:
    """Refuse code that assigns to global or nonlocal names, or to attributes of objects."""
    if ASSIGNING.isdisjoint(code.co_code[::2]):  # nearly always, and told at once
        return
    for instruction in dis.get_instructions(code):
        name, target = instruction.opname, instruction.argval
        of_closure = name in ("STORE_DEREF", "DELETE_DEREF") and target in code.co_freevars
        outer = name in ("STORE_GLOBAL", "DELETE_GLOBAL") or of_closure
        attribute = name in ("STORE_ATTR", "DELETE_ATTR") and target not in FOLLOWED and code.co_name != "__init__"
        if outer or attribute:
            line = instruction.positions.lineno if instruction.positions else code.co_firstlineno
            what = f"assigns to the attribute {target}" if attribute else f"assigns to {target}, from outside"
            instead = HOW if attribute else "return it instead"
            raise CaptureError(f"{code.co_filename}:{line} in {code.co_name}: {what}: {ONCE}; {instead}")


def put_back(value: Any, copy: Any) -> bool:
    """Whether a container holds other things than before; if so, they are put back."""
    if isinstance(value, np.ndarray):
        if value.dtype == object or np.array_equal(value, copy, equal_nan=value.dtype.kind == "f"):
            return False
        value[...] = copy
        return True
    here, there = contents(value), contents(copy)
    if len(here) == len(there) and all(a is b for a, b in zip(here, there, strict=True)):
        return False
    value.clear()
    if isinstance(value, dict | set):
        value.update(copy)
    else:
        value.extend(copy)
    return True
