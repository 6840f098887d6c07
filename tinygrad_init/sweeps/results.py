"""What a sweep has found: rows, columns, tables and maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import AXES
from .parts import table_of
from .plan import Plan
from .running import Row

if TYPE_CHECKING:
    from .maps import Map

Array = np.ndarray[Any, Any]


class Sweep:
    """The finished runs of a sweep.

    Attributes
    ----------
    folder
        Where they are.
    plan
        What was to be run.
    rows
        A dict for each finished run, in the order of the plan: `name` (a hash of its settings), the settings,
        `verdict`, `verdict_key` and `fault` of the diagnosis at the start, `outcome` ("trained", "slow", "stuck",
        "diverged" or "error"), `trained`, `why`, `first_loss`, `final_loss` (the mean of the last 20; None where not
        finite), `guess`, `steps_taken`, `losses` at `loss_steps`, `seconds`, `version`, `machine` and `schema`.
    planned
        How many runs the plan has.
    """

    def __init__(self, folder: Path, plan: Plan, rows: Mapping[str, Row]) -> None:
        self.folder, self.plan = folder, plan
        names = plan.runs()
        self.planned = len(names)
        self.rows: list[Row] = [rows[name] for name in names if name in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<sweep in {self.folder}: {len(self)} of {self.planned} runs, {self.trained} have trained>"

    @property
    def trained(self) -> int:
        """How many have trained."""
        return sum(row["trained"] for row in self.rows)

    @property
    def varied(self) -> tuple[str, ...]:
        """The axes along which finished runs differ."""
        return tuple(name for name in AXES if len({row[name] for row in self.rows}) > 1)

    def column(self, name: str) -> Array:
        """One value of every run as an array; None is NaN among numbers.

        Raises
        ------
        KeyError
            There is no such column.
        """
        values = [row[name] for row in self.rows]
        if any(isinstance(value, int | float) for value in values):
            values = [np.nan if value is None else value for value in values]
        if any(isinstance(value, list) for value in values):
            found = np.empty(len(values), object)
            found[:] = values
            return found
        return np.array(values)

    def to_arrow(self) -> Any:
        """A table of pyarrow, which pandas and polars take.

        Raises
        ------
        ImportError
            The extra `sweep` is not installed.
        """
        return table_of(self.rows)

    def to_pandas(self) -> Any:
        """A data frame of pandas.

        Raises
        ------
        ImportError
            pandas or the extra `sweep` is not installed.
        """
        return self.to_arrow().to_pandas()

    def verdicts(self) -> dict[str, Counter[str]]:
        """For each verdict at the start how many runs had which outcome; "healthy" first, then the most frequent."""
        found: dict[str, Counter[str]] = {}
        for row in self.rows:
            if row["verdict"] is not None:
                found.setdefault(row["verdict"], Counter())[row["outcome"]] += 1
        return dict(sorted(found.items(), key=lambda item: (item[0] != "healthy", -item[1].total(), item[0])))

    def map(self, x: str, y: str) -> Map:
        """The share of runs that train over two axes, as numbers; other axes are averaged over.

        Raises
        ------
        ValueError
            There is no such axis, or nothing is finished.
        """
        from .maps import map_of

        return map_of(self.rows, x, y)

    def plot(self, x: str, y: str) -> Any:
        """The same as a matplotlib figure, with what mean-field theory expects drawn in.

        Parameters
        ----------
        x, y
            Axes of the sweep. With "depth" and "sigma_w" the curve is depth = 6 ξ_c(σ_w) (Schoenholz et al. 2017), and
            the edge of chaos a line.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            The extra `plot` is not installed.
        ValueError
            See `map`.
        """
        from .maps import figure

        return figure(self.map(x, y))

    def to_html(self, x: str, y: str) -> str:
        """The map as a page that loads nothing from anywhere: a cell opens the loss curves of its runs.

        With them are the settings that differ, the verdict at the start and the outcome; of a sweep of many runs up to
        100 of a cell and 20 000 of all are kept on the page.

        Raises
        ------
        ValueError
            See `map`.
        """
        from .page import page

        return page(self.rows, self.varied, self.verdicts(), x, y)
