"""A map as one self-contained page, in which each cell opens the loss curves of its runs."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pkgutil import get_data
from typing import Any

import numpy as np

from .maps import Map, edges_of, is_logarithmic, map_of, placed
from .running import Row

MOST_OF_A_CELL, MOST_RUNS = 100, 20_000  # whose curves are kept on a page
# Of cividis from 0 to 1, in steps of a quarter; light text is readable on the first two and dark on the others.
COLOURS = np.array([(0, 34, 78), (65, 77, 107), (124, 123, 120), (188, 175, 111), (254, 232, 56)])
UNDIAGNOSED = "not diagnosed"


def page(finished: Sequence[Row], varied: Sequence[str], outcomes: Mapping[str, Counter[str]], x: str, y: str) -> str:
    """See `Sweep.to_html`.

    Parameters
    ----------
    finished
        The runs.
    varied
        The axes along which they differ.
    outcomes
        By verdict at the start.
    x, y
        Axes of the map.
    """
    drawn = map_of(finished, x, y)
    rows, (_, of_x), (_, of_y) = placed(finished, drawn.x, drawn.y)
    runs_of: dict[tuple[int, int], list[Row]] = {}
    for i, j, row in zip(of_y, of_x, rows, strict=True):
        runs_of.setdefault((i, j), []).append(row)
    axes = f"{drawn.x} and {drawn.y}"
    others = len(finished) - len(rows)
    lacking = f"; {others} more have not both settings" if others else ""
    data = json.dumps(curves(varied, runs_of), separators=(",", ":"), allow_nan=False)
    parts = {
        "TITLE": escape(f"What trains over {axes}"),
        "SUMMARY": escape(f"{sum(row['trained'] for row in rows)} of {len(rows)} runs have trained{lacking}."),
        "COLUMNS": str(len(drawn.xs)),
        "WIDEST": str(120 + 80 * len(drawn.xs)),
        "LEGEND": legend(drawn),
        "MAP": cells(drawn),
        "VERDICTS": verdicts(outcomes),
        "DATA": data.replace("<", "\\u003c"),
    }
    text = (get_data(__package__, "page.html") or b"").decode()
    return re.sub(r"%([A-Z]+)%", lambda found: parts[found[1]], text)


def curves(varied: Sequence[str], runs_of: Mapping[tuple[int, int], list[Row]]) -> dict[str, Any]:
    """What the script of the page knows: settings that differ, runs, and which of them are a cell's."""
    most = max(1, min(MOST_OF_A_CELL, MOST_RUNS // max(1, len(runs_of))))
    kept = {f"{i},{j}": runs[:most] for (i, j), runs in runs_of.items()}
    steps: dict[tuple[int, ...], int] = {}
    runs: list[dict[str, Any]] = []
    places: dict[str, list[int]] = {}
    for cell, some in kept.items():
        places[cell] = [*range(len(runs), len(runs) + len(some))]
        for row in some:
            runs.append(
                {
                    "settings": [spelled(row[name]) for name in varied],
                    "verdict": row["verdict"] or UNDIAGNOSED,
                    "outcome": row["outcome"],
                    "why": row["why"],
                    "guess": row["guess"],
                    "steps": steps.setdefault(tuple(row["loss_steps"]), len(steps)),
                    "losses": [None if loss is None else float(f"{loss:.4g}") for loss in row["losses"]],
                }
            )
    return {"settings": list(varied), "steps": list(steps), "runs": runs, "cells": places}


def cells(drawn: Map) -> str:
    """The map: a button for each place that has runs, the largest y on top, with theory's curve over it."""
    rows, columns = len(drawn.ys), len(drawn.xs)
    parts = []
    for i, y in enumerate(drawn.ys):
        line = rows - i
        parts.append(f'<span class="y" style="grid-row:{line};grid-column:1">{escape(spelled(y))}</span>')
        for j, x in enumerate(drawn.xs):
            where = f"grid-row:{line};grid-column:{j + 2}"
            count = int(drawn.count[i, j])
            if not count:
                parts.append(f'<span class="none" style="{where}"></span>')
                continue
            share = float(drawn.share[i, j])
            runs = "1 run" if count == 1 else f"{count} runs"
            label = f"{drawn.x} {spelled(x)}, {drawn.y} {spelled(y)}: {100 * share:.0f} % of {runs} trained"
            look = f"{where};background:{colour(share)};color:{'#fff' if share < 0.47 else '#000'}"
            parts.append(
                f'<button type="button" style="{look}" data-cell="{i},{j}" data-runs="{count}" aria-pressed="false" '
                f'tabindex="-1" aria-label="{escape(label)}">{100 * share:.0f}</button>'
            )
    for j, x in enumerate(drawn.xs):
        parts.append(f'<span class="x" style="grid-row:{rows + 1};grid-column:{j + 2}">{escape(spelled(x))}</span>')
    names = f'<span class="name" style="grid-row:{rows + 1};grid-column:1">{escape(drawn.y)} ↑</span>'
    names += f'<span class="name" style="grid-row:{rows + 2};grid-column:2/-1;justify-self:center">'
    names += f"{escape(drawn.x)} →</span>"
    over = f'<svg viewBox="0 0 {columns} {rows}" preserveAspectRatio="none" aria-hidden="true" '
    over += f'style="grid-row:1/{rows + 1};grid-column:2/-1">{lines(drawn)}</svg>'
    first = "".join(parts).replace('tabindex="-1"', 'tabindex="0"', 1)
    return f'<div class="map" role="group" aria-label="Share of runs that train">{first}{names}{over}</div>'


def lines(drawn: Map) -> str:
    """Depth 6 ξ_c and the edge of chaos, in cells from the left and from the top."""
    rows, found = len(drawn.ys), []

    def line(kind: str, xs: Any, ys: Any) -> None:
        points = " ".join(f"{x:.3f},{rows - y:.3f}" for x, y in zip(xs, ys, strict=True))
        found.append(f'<polyline class="{kind}" vector-effect="non-scaling-stroke" points="{points}"/>')

    across = drawn.x == "depth"
    if drawn.curve is not None:
        depth = position("depth", drawn.xs if across else drawn.ys, drawn.curve[0])
        sigma_w = position("sigma_w", drawn.ys if across else drawn.xs, drawn.curve[1])
        line("depth", *((depth, sigma_w) if across else (sigma_w, depth)))
    elif drawn.depth is not None:
        ends = position("depth", drawn.xs if across else drawn.ys, drawn.depth)
        for i, end in enumerate(ends):
            if math.isfinite(end):
                line("depth", *(((end, end), (i, i + 1)) if across else ((i, i + 1), (end, end))))
    if math.isfinite(drawn.edge):
        (at,) = position("sigma_w", drawn.xs if drawn.x == "sigma_w" else drawn.ys, np.array([drawn.edge]))
        if drawn.x == "sigma_w":
            line("edge", (at, at), (0, rows))
        else:
            line("edge", (0, len(drawn.xs)), (at, at))
    return "".join(found)


def position(name: str, values: tuple[Any, ...], at: Any) -> Any:
    """Where numbers lie, in cells from the first border; beyond the map where they are outside of it."""
    edges, at = edges_of(name, values), np.asarray(at, float)
    scale = np.log if is_logarithmic(values) else np.asarray
    inside = np.interp(scale(np.clip(at, edges[0], edges[-1])), scale(edges), np.arange(len(edges)))
    return np.where(at < edges[0], -1.0, np.where(at > edges[-1], len(values) + 1.0, inside))


def legend(drawn: Map) -> str:
    """What the lines are."""
    parts = []
    if drawn.depth is not None and np.isfinite(drawn.depth).any():
        parts.append("The orange line is how deep networks train according to theory, 6 ξ_c (Schoenholz et al. 2017).")
    if math.isfinite(drawn.edge):
        parts.append("The dashed one is the edge of chaos, χ = 1.")
    return " ".join(parts)


def verdicts(outcomes: Mapping[str, Counter[str]]) -> str:
    """Verdicts at the start, and what became of their runs."""
    if not outcomes:
        return "<p>No run was diagnosed at its start.</p>"
    rows = "".join(
        f"<tr><td>{escape(verdict)}</td>"
        f"<td>{', '.join(f'{many} {outcome}' for outcome, many in counted.most_common())}</td></tr>"
        for verdict, counted in outcomes.items()
    )
    head = '<tr><th scope="col">verdict at the start</th><th scope="col">outcome</th></tr>'
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def spelled(value: Any) -> str:
    """A setting as text."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def colour(share: float) -> str:
    """Of a cell."""
    parts = (np.interp(share, np.linspace(0, 1, len(COLOURS)), channel) for channel in COLOURS.T)
    return "#" + "".join(f"{round(part):02x}" for part in parts)
