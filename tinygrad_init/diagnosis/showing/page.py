"""A report, or a comparison of starts, as one self-contained HTML page with interactive plots (extra: plot)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ...words import say
from ..judging import untold
from ..records import Compared, Judged, Layer
from .drawing import interactive, require
from .evidence import evidence_phrases
from .plots import Plot, of_comparison, of_report, spoken
from .text import columns, head_of, heading, result_of, row


def render(report: Judged | None, comparison: Compared | None = None, language: str = "en") -> str:
    """The page of one or the other as text; it loads nothing from anywhere."""
    require("jinja2", "plotly")
    import jinja2
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinygrad_init.diagnosis.showing", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    if report is not None:
        head, plots = head_of(report).spoken(language), of_report(report, language)
    else:
        assert comparison is not None
        head, plots = heading(comparison, language).plain, of_comparison(comparison, language)
    return environment.get_template("page.html").render(
        language={"zh": "zh-Hans"}.get(language, language),
        report=report,
        comparison=comparison,
        heading=head,
        columns=columns(language),
        rows=rows,
        notes=untold,
        said=partial(spoken, language),
        speak=lambda phrase: phrase.spoken(language),
        result=result_of,
        evidence=evidence_phrases,
        figures=figures(plots, language),
        library=get_plotlyjs(),
    )


def rows(layers: Sequence[Layer]) -> list[list[str]]:
    """The table of the layers, as in the terminal."""
    return [[cell.plain for cell in row(i, layer)] for i, layer in enumerate(layers, 1)]


def figures(plots: Sequence[Plot], language: str) -> list[dict[str, Any]]:
    """Each plot with what it is called for those who cannot see it."""
    return [
        {
            "html": interactive(plot).to_html(
                full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
            ),
            "label": say(
                "page.label",
                {"title": plot.title, "y": plot.y, "x": plot.x, "curves": [curve.name for curve in plot.curves]},
                language,
            ),
        }
        for plot in plots
    ]
