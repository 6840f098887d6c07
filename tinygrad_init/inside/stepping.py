"""A tape gone through step by step: forward to the result, and back again. At a terminal and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pkgutil import get_data

import numpy as np

from .drawing import STYLE, back_text, svg
from .steps import Array, Step, brief, shape_text
from .table import SIGNS, computed


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of forward or backward.

    Attributes
    ----------
    phase
        "forward" or "backward".
    number
        The step that is being looked at.
    text
        What happens.
    known
        The numbers of the steps whose value is known by now.
    cotangents
        By step what has come back to it so far: a sum that is not complete until all that use it have had their turn.
    """

    phase: str
    number: int
    text: str
    known: frozenset[int]
    cotangents: dict[int, Array]


def frames(steps: Sequence[Step]) -> list[Frame]:
    """Every moment in order; without cotangents, forward alone."""
    found: list[Frame] = []
    for step in steps:
        known = frozenset(range(1, step.number + 1))
        found.append(Frame("forward", step.number, forward_text(step, steps), known, {}))
    end = steps[-1]
    if end.cotangent is None:
        return found
    everything = frozenset(step.number for step in steps)
    arrived: dict[int, Array] = {end.number: end.cotangent}
    for step in reversed(steps):
        if step.cotangent is None:
            continue
        arrived = {**arrived, step.number: step.cotangent}  # complete: all that use it come later in the tape
        for number, part in zip(step.inputs, step.handed, strict=True):
            if part is not None:
                arrived[number] = arrived[number] + part if number in arrived else np.array(part)
        found.append(Frame("backward", step.number, backward_text(step, steps), everything, arrived))
    return found


def forward_text(step: Step, steps: Sequence[Step]) -> str:
    """A step forward in words: with all numbers where it is one of numbers."""
    value = brief(step.value) or "not kept"
    if step.op is None:
        what = "a leaf: a gradient is wanted here" if step.requires_grad else "a constant"
        return f"{step.name} is {what}. Its value: {value}" + (
            "" if step.scalar else f", shape {shape_text(step.shape)}"
        )
    inputs = [steps[number - 1] for number in step.inputs]
    if step.scalar and all(part.scalar and part.value is not None for part in inputs):
        numbers = [brief(part.value) for part in inputs]
        sign = SIGNS.get(step.op.name)
        filled = f" {sign} ".join(numbers) if sign and len(numbers) == 2 else f"{step.op.name}({', '.join(numbers)})"
        return f"{step.name} = {computed(step, steps)} = {filled} = {value}"
    return f"{step.name} = {computed(step, steps)}, shape {shape_text(step.shape) or '()'}: {value}"


def backward_text(step: Step, steps: Sequence[Step]) -> str:
    """A step backward in words: what has arrived, and what goes on to whom by which rule."""
    end = steps[-1]
    of = f"∂{end.name}/∂{step.name}"
    if step is end:
        arrived = f"Backward starts: {of} = {brief(step.cotangent)}."
    else:
        arrived = f"All that uses {step.name} has been visited: {of} = {brief(step.cotangent)}."
    if step.op is None:
        return f"{arrived} A leaf: this is its gradient."
    parts = []
    for number, slope, part in zip(step.inputs, step.slopes, step.handed, strict=True):
        if slope is not None:
            rule = brief(slope) if isinstance(slope, float) else slope
            parts.append(f"{steps[number - 1].name} gets {brief(part) or 'its part'} (by {rule})")
    return f"{arrived} {'; '.join(parts)}."


def view(frame: Frame, steps: Sequence[Step], height: int = 20) -> str:
    """A frame in plain text: the steps around the one that is looked at, and what happens there."""
    first = max(0, min(frame.number - 1 - height // 2, len(steps) - height))
    shown = steps[first : first + height]
    names = [f"{step.name} = {computed(step, steps)}" if step.op is not None else step.name for step in shown]
    widest = max(map(len, names))
    lines = []
    for step, name in zip(shown, names, strict=True):
        mark = ("▼" if frame.phase == "forward" else "▲") if step.number == frame.number else " "
        value = (brief(step.value) or "?") if step.number in frame.known else ""
        back = brief(frame.cotangents.get(step.number))
        lines.append(f"{mark} {step.number:>3}  {name:<{widest}}  {value:>14}  {f'∂ {back}' if back else ''}".rstrip())
    return "\n".join([*lines, "", f"{frame.phase}: {frame.text}"])


def step_through(steps: Sequence[Step]) -> None:
    """Show frame after frame and ask for a key."""
    found = frames(steps)
    at = 0
    while True:
        print(f"\n{view(found[at], steps)}")
        try:
            key = input(f"[{at + 1}/{len(found)}] n next, p previous, q quit: ").strip().lower()
        except EOFError:
            return
        if key in ("q", "quit"):
            return
        at = max(at - 1, 0) if key.startswith("p") else min(at + 1, len(found) - 1)


def page(steps: Sequence[Step], most: int) -> str:
    """A page with the drawing and buttons, that needs nothing from outside."""
    moments = [
        {
            "phase": frame.phase, "step": frame.number, "text": frame.text, "known": sorted(frame.known),
            "back": {number: back_text(g) for number, g in frame.cotangents.items()},
        }
        for frame in frames(steps)
    ]  # fmt: skip
    template = (get_data(__package__, "page.html") or b"").decode()
    data = json.dumps(moments, ensure_ascii=False).replace("<", "\\u003c")
    pieces = {"TITLE": escape(f"Tape of {steps[-1].name}"), "STYLE": STYLE, "DRAWING": svg(steps, most), "FRAMES": data}
    for name, text in pieces.items():
        template = template.replace(f"%{name}%", text, 1)
    return template


def in_notebook(steps: Sequence[Step], most: int) -> str:
    """The same inside a frame of its own, so that neither its style nor its script meets the notebook's."""
    inner = escape(page(steps, most), quote=True)
    return (
        f'<iframe srcdoc="{inner}" sandbox="allow-scripts" title="tape" '
        'style="width:100%;height:640px;border:1px solid #8884;border-radius:8px"></iframe>'
    )
