"""A report, or a comparison of starts, as one self-contained HTML page with interactive plots (extra: plot)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..measures.layers import Layer
from ..report import Report
from ..trials.comparison import Comparison
from .drawing import interactive, require
from .plots import Plot, of_comparison, of_report
from .text import COLUMNS, heading, row, samples


def render(found: Report | Comparison) -> str:
    """The page as text; it loads nothing from anywhere."""
    require("jinja2", "plotly")
    import jinja2
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinygrad_init.diagnosis.showing", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    whole = isinstance(found, Report)
    return environment.get_template("page.html").render(
        report=found if whole else None,
        comparison=None if whole else found,
        heading=describe(found) if isinstance(found, Report) else heading(found).plain,
        columns=COLUMNS,
        rows=rows,
        figures=figures(of_report(found) if isinstance(found, Report) else of_comparison(found)),
        library=get_plotlyjs(),
    )


def describe(report: Report) -> str:
    """What was looked at, in one line."""
    return f"{report.model}, {samples(report.samples)}, {report.dtype}, loss {report.loss:.3g}"


def rows(layers: Sequence[Layer]) -> list[list[str]]:
    """The table of the layers, as in the terminal."""
    return [[cell.plain for cell in row(i, layer)] for i, layer in enumerate(layers, 1)]


def figures(plots: Sequence[Plot]) -> list[dict[str, Any]]:
    """Each plot with what it is called for those who cannot see it."""
    return [
        {
            "html": interactive(plot).to_html(
                full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
            ),
            "label": f"{plot.title}: {plot.y} over {plot.x}, {', '.join(curve.name for curve in plot.curves)}",
        }
        for plot in plots
    ]
