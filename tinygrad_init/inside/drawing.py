"""A tape as a drawing: boxes with operation, shape, value and cotangent, arrows from what goes in. SVG by itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .layout import Place, layered
from .steps import Array, Step, brief, shape_text
from .table import computed

WIDE, HIGH = 168, 62  # of a box
ROOM, DROP, THIN, MARGIN = 190, 96, 26, 16  # from centre to centre, from layer to layer, for a passing edge, around
LETTERS = 23  # that fit into a box

STYLE = """
.tape{--ground:#fbfcfd;--box:#fff;--leaf:#e8f2fb;--line:#b9c4cf;--edge:#8b98a5;--text:#1c2733;--muted:#5d6b79;
--value:#0b5e9b;--back:#b0480b;--now:#ffe9b8}
@media(prefers-color-scheme:dark){.tape{--ground:#12171c;--box:#1b232b;--leaf:#16303f;--line:#3b4854;--edge:#7d8b98;
--text:#e6ebf0;--muted:#9aa7b4;--value:#74bdf0;--back:#f0a36b;--now:#4d3c10}}
.tape{background:var(--ground);font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.tape rect{fill:var(--box);stroke:var(--line)}.tape .leaf rect{fill:var(--leaf)}
.tape .constant rect{stroke-dasharray:4 3;fill:var(--ground)}.tape .more rect{stroke-dasharray:1 3}
.tape text{fill:var(--muted);text-anchor:middle}.tape .title{fill:var(--text);font-weight:600}
.tape .value{fill:var(--value)}.tape .back{fill:var(--back)}
.tape path{fill:none;stroke:var(--edge);stroke-width:1.3}.tape path.head{fill:var(--edge);stroke:none}
.tape .now rect{fill:var(--now);stroke:var(--back);stroke-width:2}.tape .dim{opacity:.38}
"""


def folded(steps: Sequence[Step], most: int) -> tuple[list[Step], range]:
    """The steps to draw, and the numbers of those that one box stands for: a stretch in the middle of a long tape."""
    if most < 5:
        raise ValueError(f"to_svg: expected room for at least 5 boxes, got {most}")
    if len(steps) <= most:
        return list(steps), range(0)
    head = most // 3
    hidden = range(head + 1, len(steps) - (most - head - 1) + 1)
    return [step for step in steps if step.number not in hidden], hidden


def svg(steps: Sequence[Step], most: int) -> str:
    """The whole drawing."""
    shown, hidden = folded(steps, most)
    group = hidden.start if hidden else 0
    inputs: dict[int, list[int]] = {}
    for step in shown if not hidden else sorted([*shown, steps[group - 1]], key=lambda step: step.number):
        sources = step.inputs
        if hidden and step.number == group:  # stands for all that are folded
            sources = tuple(n for i in hidden for n in steps[i - 1].inputs if n not in hidden)
        inputs[step.number] = [group if n in hidden else n for n in sources]
    places, ways = layered(inputs, ROOM, DROP, THIN)
    found = [
        edge(places[a], passed, places[b], *(0 if n in hidden else n for n in (a, b)))
        for (a, b), passed in ways.items()
    ]
    for step in shown:
        found.append(box(step, steps, places[step.number]))
    if hidden:
        found.append(more(len(hidden), places[group]))
    width = max(x for x, _ in places.values()) + WIDE + 2 * MARGIN
    height = max(y for _, y in places.values()) + HIGH + 2 * MARGIN
    shift = f"translate({WIDE / 2 + MARGIN:g} {HIGH / 2 + MARGIN:g})"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tape" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(told(steps))}">'
        f"<style>{STYLE}</style>"
        f'<rect width="100%" height="100%" style="fill:var(--ground);stroke:none"/>'
        f'<g transform="{shift}">{"".join(found)}</g></svg>'
    )


def told(steps: Sequence[Step]) -> str:
    """The drawing in a sentence, for those who do not see it."""
    operations = [computed(step, steps) for step in steps if step.op is not None]
    return f"{len(steps)} steps to {steps[-1].name}: {', '.join(operations[:12])}"


def box(step: Step, steps: Sequence[Step], at: Place) -> str:
    """One step: name and operation, shape and value, cotangent."""
    kind = step.operation if step.op is None else "result"
    title = step.name if step.op is None else f"{step.name} = {computed(step, steps)}"
    if len(title) > LETTERS and step.op is not None:
        title = f"{step.name} = {step.op.name}"
    told_value = "?" if step.value is None else brief(step.value, 3 if step.shape else 4)
    middle = told_value if step.scalar else f"{shape_text(step.shape)}  {told_value}"
    if middle == title:
        middle = "constant"
    tip = "\n".join(
        filter(None, (f"{step.number}. {computed(step, steps)}", *map(str, step.slopes), step.place, step.line))
    )
    lines = [("title", fitted(title), -15), ("value", fitted(middle), 3)]
    if step.cotangent is not None:
        lines.append(("back", fitted(back_text(step.cotangent)), 21))
    texts = "".join(f'<text class="{name}" y="{y}">{escape(text)}</text>' for name, text, y in lines)
    return framed(f"box {kind}", at, f"<title>{escape(tip)}</title>", texts, step.number)


def back_text(g: Array) -> str:
    """A cotangent in as few letters as a box has room for."""
    return f"∂ {brief(g, 3 if g.ndim else 4)}"


def more(hidden: int, at: Place) -> str:
    """The box that stands for what there is no room for."""
    text = f'<text class="title" y="-5">… {hidden} more steps</text><text y="14">print(tape) lists them</text>'
    return framed("box more", at, "", text, 0)


def framed(kind: str, at: Place, tip: str, texts: str, number: int) -> str:
    return (
        f'<g class="{kind}" data-step="{number}" transform="translate({at[0]:.1f} {at[1]:.1f})">{tip}'
        f'<rect x="{-WIDE / 2:g}" y="{-HIGH / 2:g}" width="{WIDE}" height="{HIGH}" rx="9"/>{texts}</g>'
    )


def edge(start: Place, passed: Sequence[Place], end: Place, a: int, b: int) -> str:
    """An arrow from the lower side of one box to the upper side of another, past others."""
    x, y = start[0], start[1] + HIGH / 2
    way = f"M{x:.1f} {y:.1f}"
    for u, v in [*passed, end]:
        v -= HIGH / 2
        middle = (y + v) / 2
        way += f"C{x:.1f} {middle:.1f} {u:.1f} {middle:.1f} {u:.1f} {v:.1f}"
        x, y = u, v + HIGH
        if (u, v + HIGH / 2) != end:
            way += f"V{y:.1f}"  # straight past the boxes beside
    tip_x, tip_y = end[0], end[1] - HIGH / 2
    head = f"M{tip_x:.1f} {tip_y:.1f}l-4.5 -8h9z"
    return f'<g data-from="{a}" data-to="{b}"><path d="{way}"/><path class="head" d="{head}"/></g>'


def fitted(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
