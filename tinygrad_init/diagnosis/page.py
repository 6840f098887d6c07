"""A comparison of starts as one self-contained HTML page with plots (extra: plot)."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

from .experiment import Comparison
from .layers import Layer
from .text import COLUMNS, heading, row

# Okabe and Ito's colours, which people who see colours differently can tell apart, with a marker for each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^DvPX"

PLOTS: tuple[tuple[str, Callable[[Layer], float]], ...] = (
    ("rms z", lambda layer: layer.z.rms),
    ("rms a", lambda layer: layer.a.rms),
    ("rms ∂C/∂z", lambda layer: layer.dz.rms),
    ("rms ∂C/∂W", lambda layer: layer.dw.rms),
)


def require() -> None:
    """Fail early, with what to install.

    Raises
    ------
    ImportError
        matplotlib or jinja2 is missing.
    """
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(f"an HTML page needs {error.name}: pip install 'tinygrad_init[plot]'") from None


def render(comparison: Comparison) -> str:
    """The page as text."""
    require()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinygrad_init.diagnosis", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    tables = [
        {
            "start": start,
            "rows": [[cell.plain for cell in row(i, layer)] for i, layer in enumerate(start.before.layers, 1)],
        }
        for start in comparison.starts
    ]
    return environment.get_template("page.html").render(
        heading=heading(comparison).plain,
        columns=COLUMNS,
        tables=tables,
        layers=layers_plot(comparison),
        losses=losses_plot(comparison),
    )


def _svg(figure: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def layers_plot(comparison: Comparison) -> str:
    """Signal and gradient over depth, every start, on a logarithmic scale; exact zeros are missing."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 6.4), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    for ax, (title, value) in zip(axes, PLOTS, strict=True):
        for i, start in enumerate(comparison.starts):
            values = [value(layer) for layer in start.before.layers]
            shown = [v if v > 0 and math.isfinite(v) else math.nan for v in values]
            depth = range(1, len(values) + 1)
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            ax.plot(depth, shown, color=colour, marker=marker, label=start.init)
        ax.set(yscale="log", xlabel="layer", title=f"{title} at the start")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    if comparison.starts:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(COLOURS))
    return _svg(figure)


def losses_plot(comparison: Comparison) -> str:
    """The training loss over the epochs, every start."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    ax = figure.subplots()
    for i, start in enumerate(comparison.starts):
        shown = [loss if math.isfinite(loss) else math.nan for loss in start.losses]
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        ax.plot(range(1, len(shown) + 1), shown, color=colour, marker=marker, label=start.init)
    ax.set(yscale="log", xlabel="epoch", title="mean training loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if comparison.starts:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(COLOURS))
    return _svg(figure)
