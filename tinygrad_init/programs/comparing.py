"""Whether two traces of a function say the same: a program is made only of what a function does each time."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from ..engine.places import describe_place
from .instructions import Step
from .tapes import Names
from .tracing import Binding, CaptureError, Trace


def compare(first: Trace, second: Trace) -> None:
    """Refuse a function that does not do the same each time."""
    names = Names()
    bindings = len(first.bindings), len(second.bindings)
    for one, other in zip(first.bindings, second.bindings, strict=False):
        names.name(one.traced.buffer, other.traced.buffer, alike(one, other))
    for longer in (first.bindings[bindings[1] :], second.bindings[bindings[0] :]):
        for binding in longer:
            names.name(binding.traced.buffer, binding.traced.buffer, True)
    for step, again in zip_longest(first.recorder.steps, second.recorder.steps):
        if step is None or again is None:
            raise CaptureError("the function does more or less each time that it is called; a program does the same")
        if step.code == again.code == "scalars":
            n = step.parts.differs(again.parts, names)
            if n >= 0:
                refuse(again.parts.entries[n] if n < len(again.parts) else step.parts.entries[n])
        elif told(step) != told(again) or not same_views(step, again, names):
            refuse(again)


def refuse(different: Any) -> None:
    """Name the line at which a step, or an entry of a tape, is another one the second time."""
    raise CaptureError(
        f"{describe_place(different.place)}: the function does something else each time that it is called (it may "
        "count, draw random numbers, or keep results); a program does the same at each run"
    )


def alike(one: Binding, other: Binding) -> bool:
    """Whether two bindings are of the same tensor, or of arrays of the same numbers."""
    if one.of_gradient != other.of_gradient or one.tensor is not other.tensor:
        return False
    a, b = one.array, other.array
    return a is b or (a is not None and b is not None and a.shape == b.shape and a.tobytes() == b.tobytes())


def told(step: Step) -> Any:
    """What a step does, but for its operands' buffers."""
    return step.code, step.kind, step.shape, step.function, step.p, step.flag, step.reduced


def same_views(step: Step, again: Step, names: Names) -> bool:
    """Whether the operands of two steps are the same."""
    for one, other in zip(step.views, again.views, strict=True):
        if one is None or other is None:
            if one is not other:
                return False
        elif one.offset != other.offset or one.strides != other.strides or not names.same(one.buffer, other.buffer):
            return False
    return True
