"""What is drawn of a report: the curves themselves, whoever draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..measures.layers import Layer
from ..measures.signal import QUANTILES, Distribution
from ..report import Report
from ..trials.comparison import Comparison


@dataclass(frozen=True)
class Curve:
    """Numbers over x, NaN where there is nothing to show; a band between `low` and `high` if those are there.

    Without `y` there is the band alone.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """A picture of some curves.

    Attributes
    ----------
    kind
        "lines"; "bars", stacked; or "steps", one curve shown at a time.
    logarithmic
        Whether the axis of y is.
    """

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    kind: str = "lines"
    logarithmic: bool = False


def shown(values: Sequence[float]) -> tuple[float, ...]:
    """Numbers for a logarithmic axis: exact zeros and what is not finite have no place there."""
    return tuple(v if v > 0 and math.isfinite(v) else math.nan for v in values)


def of_layers(layers: Sequence[Layer], name: str, value: Callable[[Layer], float], dashed: bool = False) -> Curve:
    """A number of each layer over the depth, for a logarithmic axis."""
    return Curve(name, tuple(range(1, len(layers) + 1)), shown([value(layer) for layer in layers]), dashed=dashed)


def of_report(report: Report) -> list[Plot]:
    """Signal, gradient, where the gradient goes, and how z is distributed."""
    layers = report.layers
    signal = [
        of_layers(layers, "rms z", lambda layer: layer.z.rms),
        of_layers(layers, "rms a", lambda layer: layer.a.rms),
        of_layers(layers, "of z, what depends on the input", lambda layer: layer.z.across_samples, dashed=True),
    ]
    gradient = [
        of_layers(layers, "rms ∂C/∂z", lambda layer: layer.dz.rms),
        of_layers(layers, "rms ∂C/∂W", lambda layer: layer.dw.rms),
    ]
    for prediction in report.predictions:
        to = signal if prediction.what == "z" else gradient
        x = tuple(range(1, len(prediction.expected) + 1))
        bands = shown(prediction.low), shown(prediction.high)
        to.append(Curve(f"{prediction.name} in theory", x, shown(prediction.expected), *bands, dashed=True))
    plots = (
        Plot("Signal forward", "layer", "root mean square", tuple(signal), logarithmic=True),
        Plot("Gradient backward", "layer", "root mean square", tuple(gradient), logarithmic=True),
        Plot("Where the gradient goes", "layer", "decades since the output", attributed(report), "bars"),
        Plot("Quantiles of z", "layer", "z", quantiles([layer.z for layer in layers])),
        Plot("Distribution of z", "z", "numbers", histograms(layers), "steps"),
        Plot("Singular values", "layer or number", "stretching", spectra(report), logarithmic=True),
    )
    # Of a single layer there is no way back, of very large ones there are no singular values.
    return [plot for plot in plots if plot.curves]


def attributed(report: Report) -> tuple[Curve, ...]:
    """For every layer the decades that each kind of factor has contributed on the way back to it."""
    labels = dict.fromkeys(label for found in report.attributions for label in found.totals())
    x = tuple(range(1, len(report.attributions) + 1))
    curves = []
    for label in labels:
        found = [attribution.totals().get(label, 0.0) for attribution in report.attributions]
        curves.append(Curve(label, x, tuple(v if math.isfinite(v) else math.nan for v in found)))
    return tuple(curves)


def quantiles(found: Sequence[Distribution]) -> tuple[Curve, ...]:
    """The median over the depth, within the middle half and within all but the outermost tenth."""
    x = tuple(range(1, len(found) + 1))
    at = {q: tuple(one.quantiles[QUANTILES.index(q)] for one in found) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
    return (
        Curve("median, 5 to 95 %", x, at[0.5], at[0.05], at[0.95]),
        Curve("25 to 75 %", x, (), at[0.25], at[0.75]),
    )


def histograms(layers: Sequence[Layer]) -> tuple[Curve, ...]:
    """For every layer the counts of z over the middles of the bins."""
    return tuple(
        Curve(
            f"layer {i}",
            tuple((a + b) / 2 for a, b in zip(layer.z.edges, layer.z.edges[1:], strict=False)),
            tuple(float(n) for n in layer.z.counts),
        )
        for i, layer in enumerate(layers, 1)
    )


def spectra(report: Report) -> tuple[Curve, ...]:
    """How far each weight matrix stretches, and all of them together (the Jacobian) in order of size."""
    x = tuple(range(1, len(report.matrices) + 1))
    found = [
        Curve("W, largest", x, shown([sizes.largest for sizes in report.matrices])),
        Curve("W, median", x, shown([sizes.median for sizes in report.matrices])),
        Curve("W, largest |λ|", x, shown([sizes.radius for sizes in report.matrices])),
    ]
    numbers = tuple(range(1, len(report.jacobian) + 1))
    return (*found, Curve("∂output/∂input", numbers, shown(report.jacobian), dashed=True))


def of_comparison(comparison: Comparison) -> list[Plot]:
    """Signal and gradient over the depth, and the loss over the epochs, a curve for each start."""
    values: tuple[tuple[str, Callable[[Layer], float]], ...] = (
        ("rms z", lambda layer: layer.z.rms),
        ("rms a", lambda layer: layer.a.rms),
        ("rms ∂C/∂z", lambda layer: layer.dz.rms),
        ("rms ∂C/∂W", lambda layer: layer.dw.rms),
    )
    plots = [
        Plot(
            f"{title} at the start",
            "layer",
            title,
            tuple(of_layers(start.before.layers, start.init, value) for start in comparison.starts),
            logarithmic=True,
        )
        for title, value in values
    ]
    losses = tuple(
        Curve(start.init, tuple(range(1, len(start.losses) + 1)), shown(start.losses)) for start in comparison.starts
    )
    return [*plots, Plot("Mean training loss", "epoch", "loss", losses, logarithmic=True)]
