"""The report of a diagnosis: computed once, rendered elsewhere."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .findings import Verdict
from .judging import Answer, answers, judge
from .measures.attribution import Attribution
from .measures.expectation import Prediction
from .measures.layers import Layer
from .measures.signal import Distribution
from .measures.spectra import MatrixSizes
from .measures.zeros import Zeros

VERSION = 2  # of the schema of the JSON form


@dataclass(frozen=True)
class Report:
    """What `diagnose` found out about a network on a batch.

    Attributes
    ----------
    model
        The network in a line.
    samples, inputs
        The size of the batch, and its numbers.
    dtype
        What was computed in.
    loss, guess
        The loss of the network, and that of the best prediction that does not look at the input.
    lr
        The learning rate that update ratios are about.
    layers
        Every linear map with its activation.
    attributions
        For every weight matrix the factors of ‖∂C/∂W‖.
    zeros
        For every weight matrix why entries of its gradient are exactly 0.
    same_draws
        Pairs of weights that hold the same random numbers.
    first_not_finite
        The name of the first module whose output has infinities or NaN, and the number of its layer.
    predictions
        What theory says of z and ∂C/∂z, if the network is dense layers and activations in turn.
    matrices
        How far every weight matrix stretches; empty where the smaller side of one is longer than 128.
    jacobian
        Singular values of ∂output/∂input at the first sample, largest first; empty where the outputs are many, or where
        samples depend on each other.
    trained
        Whether this is no longer the start.
    """

    model: str
    samples: int
    inputs: Distribution
    dtype: str
    loss: float
    guess: float
    lr: float
    layers: tuple[Layer, ...]
    attributions: tuple[Attribution, ...]
    zeros: tuple[Zeros, ...]
    same_draws: tuple[tuple[str, str], ...]
    first_not_finite: tuple[str, int] | None
    predictions: tuple[Prediction, ...] = ()
    matrices: tuple[MatrixSizes, ...] = ()
    jacobian: tuple[float, ...] = ()
    trained: bool = False

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The five questions and their answers."""
        return answers(self)

    @property
    def typical_update(self) -> float:
        """The median over the layers of the update as a share of the weights; NaN if no layer has one."""
        ratios = [layer.update_ratio for layer in self.layers if math.isfinite(layer.update_ratio)]
        return statistics.median(ratios) if ratios else math.nan

    @property
    def when(self) -> str:
        """Which time the report is about, as sentences say it."""
        return "after training" if self.trained else "at the start"

    @property
    def verdict(self) -> Verdict:
        """The gravest finding, or that the network is healthy."""
        return judge(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings; numbers that JSON does not know become "nan", "inf", "-inf"."""
        found = {"version": VERSION, "verdict": self.verdict, "answers": self.answers, **fields(self)}
        return {key: plain(value) for key, value in found.items()}

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_html(self) -> str:
        """One self-contained page with interactive plots (extra: plot)."""
        from .showing.page import render

        return render(self)

    def figure(self) -> Any:
        """The plots as a matplotlib figure (extra: plot); `figure().savefig("report.pdf")`."""
        from .showing.drawing import figure
        from .showing.plots import of_report

        return figure(of_report(self))

    def _repr_html_(self) -> str:
        """In a notebook: what `print` shows, in colours."""
        from .showing.text import as_html

        return as_html(self)

    def __rich__(self) -> Any:
        from .showing.text import report_view

        return report_view(self)

    def __str__(self) -> str:
        from .showing.text import as_text

        return as_text(self)


def fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, as they are."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def plain(value: Any) -> Any:
    """What JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in fields(value).items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
