"""Plots drawn by matplotlib, as figures for a paper, and by plotly, for a page (extra: plot)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .plots import Curve, Plot

if TYPE_CHECKING:
    from ...theory import PhaseDiagram

# Okabe and Ito's colours, which people who see colours differently can tell apart, with a marker for each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^DvPX"


def require(*modules: str) -> None:
    """Fail early, with what to install.

    Raises
    ------
    ImportError
        One of the modules is missing.
    """
    import importlib

    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(f"plots need {error.name}: pip install 'tinygrad_init[plot]'") from None


def figure(plots: Sequence[Plot]) -> Any:
    """A matplotlib figure with all plots, two side by side."""
    require("matplotlib")
    from matplotlib.figure import Figure

    rows = math.ceil(len(plots) / 2)
    drawn = Figure(figsize=(11, 3.6 * rows), layout="constrained")
    axes = drawn.subplots(rows, 2, squeeze=False).ravel()
    for ax, plot in zip(axes, plots, strict=False):
        draw(ax, plot)
    for ax in axes[len(plots) :]:
        ax.set_visible(False)
    return drawn


def draw(ax: Any, plot: Plot) -> None:
    """One plot on matplotlib's axes."""
    from matplotlib.ticker import MaxNLocator

    below: dict[float, float] = {}
    above: dict[float, float] = {}
    curves = plot.curves
    if plot.kind == "steps":  # more than three on top of each other say nothing
        curves = tuple(curves[i] for i in sorted({0, len(curves) // 2, len(curves) - 1}) if curves)
    for i, curve in enumerate(curves):
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        if plot.kind == "bars":
            bottoms = [(above if y > 0 else below).get(x, 0.0) for x, y in zip(curve.x, curve.y, strict=True)]
            ax.bar(curve.x, curve.y, bottom=bottoms, color=colour, label=curve.name)
            for x, y in zip(curve.x, curve.y, strict=True):
                if math.isfinite(y):
                    side = above if y > 0 else below
                    side[x] = side.get(x, 0.0) + y
            continue
        if curve.low:
            name = None if curve.y else curve.name
            ax.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0, label=name)
        if not curve.y:
            continue
        style = "--" if curve.dashed else "-"
        kind = {"drawstyle": "steps-mid"} if plot.kind == "steps" else {"marker": marker, "markersize": 4}
        ax.plot(curve.x, curve.y, style, color=colour, label=curve.name, **kind)
    ax.set(xlabel=plot.x, ylabel=plot.y, title=plot.title)
    if plot.logarithmic:
        ax.set_yscale("log")
    if plot.over:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if plot.curves:
        ax.legend(fontsize="small", ncols=2 if len(plot.curves) > 4 else 1)


def interactive(plot: Plot) -> Any:
    """A plotly figure: hover for numbers, drag to zoom, click a name to hide its curve."""
    require("plotly")
    from plotly.graph_objects import Bar, Figure

    drawn = Figure()
    for i, curve in enumerate(plot.curves):
        colour = COLOURS[i % len(COLOURS)]
        if plot.kind == "bars":
            drawn.add_trace(Bar(x=curve.x, y=curve.y, name=curve.name, marker_color=colour))
        else:
            for trace in traces(plot, curve, i, colour):
                drawn.add_trace(trace)
    drawn.update_layout(
        title=plot.title, template="plotly_white", barmode="relative", height=360, hovermode="x unified",
        margin={"l": 60, "r": 20, "t": 50, "b": 50}, legend={"orientation": "h", "y": -0.25},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"color": "#777"},
    )  # fmt: skip
    drawn.update_xaxes(title=plot.x, dtick=1 if plot.over == "layer" and len(plot.curves[0].x) <= 20 else None)
    drawn.update_yaxes(title=plot.y, type="log" if plot.logarithmic else "linear", exponentformat="power")
    if plot.kind == "steps" and len(plot.curves) > 1:
        drawn.update_layout(updatemenus=[chooser(plot)])
    return drawn


def traces(plot: Plot, curve: Curve, i: int, colour: str) -> list[Any]:
    """A curve, before it the two edges of its band."""
    from plotly.graph_objects import Scatter

    found = []
    if curve.low:
        edge = {"x": curve.x, "mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
        light = f"rgba({', '.join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5))}, 0.15)"
        found.append(Scatter(y=curve.low, legendgroup=curve.name, **edge))
        named = {} if curve.y else {"showlegend": True, "name": curve.name}
        found.append(
            Scatter(y=curve.high, legendgroup=curve.name, fill="tonexty", fillcolor=light, **{**edge, **named})
        )
    if not curve.y:
        return found
    line = {"color": colour, "dash": "dash" if curve.dashed else "solid"}
    if plot.kind == "steps":
        found.append(
            Scatter(
                x=curve.x, y=curve.y, name=curve.name, line={**line, "shape": "hvh"}, fill="tozeroy", visible=i == 0
            )
        )
    else:
        found.append(
            Scatter(
                x=curve.x, y=curve.y, name=curve.name, mode="lines+markers", line=line, legendgroup=curve.name,
                marker={"symbol": i},
            )
        )  # fmt: skip
    return found


def chooser(plot: Plot) -> dict[str, Any]:
    """A menu that shows one curve at a time."""
    buttons = [
        {"label": curve.name, "method": "update", "args": [{"visible": [j == i for j in range(len(plot.curves))]}]}
        for i, curve in enumerate(plot.curves)
    ]
    return {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.2, "yanchor": "top"}


def phase_figure(diagram: PhaseDiagram, activation: str, dot: tuple[float, float] | None = None) -> Any:
    """The phase diagram as a matplotlib figure: ln χ in colours, the edge of chaos, and a network as a dot."""
    require("matplotlib")
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7, 5), layout="constrained")
    ax = drawn.subplots()
    top = max(1e-3, min(2.0, float(np.nanmax(np.abs(np.where(np.isfinite(diagram.log_chi), diagram.log_chi, 0.0))))))
    mesh = ax.pcolormesh(
        diagram.sigma_w, diagram.sigma_b, diagram.log_chi, cmap="PuOr_r", norm=TwoSlopeNorm(0.0, -top, top),
        shading="nearest",
    )  # fmt: skip
    drawn.colorbar(mesh, label="ln χ (negative: gradients vanish; positive: they explode)", extend="both")
    ax.plot(diagram.edge, diagram.sigma_b, color="black", label="edge of chaos, χ = 1")
    if dot is not None:
        ax.plot(*dot, "o", color="black", markerfacecolor="white", markersize=9, label="this network")
    ax.set(xlabel="σ_w", ylabel="σ_b", title=activation, xlim=(0, float(diagram.sigma_w[-1])))
    ax.set_ylim(0, float(diagram.sigma_b[-1]))
    ax.legend(loc="upper left")
    return drawn
