"""A tape as a table in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.ancestors import UNKNOWN
from .steps import Step, brief, shape_text

HEAD, TAIL = 40, 30  # of a longer tape the beginning and the end are shown
SIGNS = {"add": "+", "sub": "-", "mul": "·", "div": "/", "pow": "^", "matmul": "@", "gated": "·"}
COLUMNS = ("", "name", "computed as", "shape", "value", "by each input", "cotangent", "line")
YIELDING = (7, 5, 2, 3, 1, 4, 6, 0)  # which column gives way first
NARROWEST = 8  # a column that is cut keeps so much


def computed(step: Step, steps: Sequence[Step]) -> str:
    """A step as one writes it: w·x, tanh(z)."""
    names = [steps[number - 1].name for number in step.inputs]
    if step.op is None:
        return step.operation
    if step.op.name in SIGNS and len(names) == 2:
        spaced = SIGNS[step.op.name] if step.op.name in ("mul", "pow", "gated") else f" {SIGNS[step.op.name]} "
        return spaced.join(names)
    if step.op.name == "neg":
        return f"-{names[0]}"
    return f"{step.op.name}({', '.join(names)})"


def derivatives(step: Step) -> str:
    """The local derivatives, constants left out."""
    told = [brief(slope) if isinstance(slope, float) else slope for slope in step.slopes if slope is not None]
    return ", ".join(told)


def row(step: Step, steps: Sequence[Step]) -> tuple[str, ...]:
    where = step.place.partition(" in ")[0].replace("\\", "/").rpartition("/")[2]
    return (
        str(step.number), step.name, computed(step, steps), shape_text(step.shape),
        "?" if step.value is None else brief(step.value), derivatives(step), brief(step.cotangent),
        f"{where}: {step.line}" if step.line else where,
    )  # fmt: skip


def table(steps: Sequence[Step], width: int) -> str:
    """All steps, or the first and the last of very many; columns are as wide as they must be and cut from the right.

    Raises
    ------
    ValueError
        The width is too small for any table.
    """
    if width < 60:
        raise ValueError(f"table: expected a width of at least 60, got {width}")
    shown = list(steps) if len(steps) <= HEAD + TAIL + 1 else [*steps[:HEAD], *steps[-TAIL:]]
    rows = [COLUMNS, *(row(step, steps) for step in shown)]
    used = [i for i in range(len(COLUMNS)) if i < 3 or any(cells[i] for cells in rows[1:])]
    widths = {i: max(len(cells[i]) for cells in rows) for i in used}
    for i in sorted(used, key=YIELDING.index):  # what is too wide is taken from the columns that can do without
        excess = sum(widths.values()) + 2 * (len(used) - 1) - width
        if excess > 0:
            widths[i] = max(min(widths[i], NARROWEST), widths[i] - excess)
    lines = [line(cells, widths) for cells in rows]
    lines.insert(1, "─" * min(width, max(map(len, lines))))
    if len(shown) < len(steps):
        lines.insert(2 + HEAD, f"… {len(steps) - len(shown)} more steps …")
    if any(step.value is None for step in shown):
        lines.append(f"? {UNKNOWN}")
    return "\n".join(text[:width] for text in lines)


def line(cells: tuple[str, ...], widths: dict[int, int]) -> str:
    """One row: numbers to the right, words to the left, what is cut off ends with a sign of it."""
    found = []
    for i, width in widths.items():
        text = cells[i] if len(cells[i]) <= width else f"{cells[i][: width - 1]}…"
        found.append(text.rjust(width) if COLUMNS[i] in ("", "value", "cotangent") else text.ljust(width))
    return "  ".join(found).rstrip()
