"""Pictures of how a training step grows: cost against depth, width and batch, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

from .harness import OURS
from .scaling import AXES

# By side, one of Okabe and Ito's colours, which the colour-blind can tell apart, and a marker for print without any.
LINES = {
    OURS: ("#0072B2", "o"),
    f"{OURS} eager": ("#56B4E9", "s"),
    "NumPy by hand": ("#D55E00", "D"),
    "PyTorch eager": ("#009E73", "^"),
    "JAX jit": ("#CC79A7", "v"),
}
FORMATS = ("svg", "png")
SIZE = (7.6, 4.4)  # inches
FRAME = (0.1, 0.13, 0.66, 0.76)  # left, bottom, width and height of the plot; to its right are the names of the lines
APART = 0.05  # of the height of the picture, the names of two lines


def missing() -> str:
    """Why nothing can be drawn; empty if something can."""
    return "" if util.find_spec("matplotlib") else "matplotlib is not installed (pip install matplotlib)"


def curves(axis: str, rows: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """By side, its points: the place on an axis, and the median of the microseconds a step takes there."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        name, _, place = row["row"].partition("-")
        for side in row["sides"] if name == axis else ():
            found.setdefault(side["name"], []).append((int(place), side["median_us"]))
    return {name: sorted(points) for name, points in found.items()}


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """The heights moved up, in their order, until each is so far from the next; and down what would be above 1."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    found, last = list(heights), float("-inf")
    for i in order:
        last = found[i] = max(found[i], last + apart)
    last = 1.0 + apart
    for i in reversed(order):
        last = found[i] = min(found[i], last - apart)
    return found


def shown(side: str) -> str:
    """What a side is called in a picture."""
    return f"{OURS} captured" if side == OURS else side


def draw(axis: str, found: dict[str, list[tuple[int, float]]], title: str) -> Any:
    """The figure of one axis."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    figure = Figure(figsize=SIZE)
    ax = figure.add_axes(FRAME, xscale="log", yscale="log")
    for name, points in found.items():
        colour, marker = LINES[name]
        ax.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linewidth=1.6, label=name)
    places = sorted({place for points in found.values() for place, _ in points})
    ax.xaxis.set_major_locator(FixedLocator(places))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([str(place) for place in places])
    ax.set_xlabel(AXES[axis])
    ax.set_ylabel("time of a training step (µs)")
    ax.set_title(title, loc="left", fontsize=10)
    ax.grid(True, which="major", color="0.9", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    # Beside the end of each line its name, in its colour, as far apart as they must be to be read.
    ends = [points[-1] for points in found.values()]
    ax.autoscale_view()
    heights = [float(ax.transAxes.inverted().transform(ax.transData.transform(end))[1]) for end in ends]
    for name, height in zip(found, spread(heights, APART), strict=True):
        ax.text(1.02, height, shown(name), color=LINES[name][0], transform=ax.transAxes, va="center", fontsize=9)
    return figure


def write(folder: Path, rows: Sequence[dict[str, Any]], machine: str) -> list[Path]:
    """Write a picture an axis, in each format; returns the files."""
    import matplotlib

    written = []
    # The same numbers make the same file: no date, and names in it that do not change.
    with matplotlib.rc_context({"svg.hashsalt": "tinygrad_init", "svg.fonttype": "none"}):
        for axis in AXES:
            if found := curves(axis, rows):
                figure = draw(axis, found, f"A training step against {axis} ({machine})")
                for kind in FORMATS:
                    written.append(folder / f"{axis}.{kind}")
                    figure.savefig(written[-1], dpi=160, metadata={"Date": None} if kind == "svg" else None)
    return written
