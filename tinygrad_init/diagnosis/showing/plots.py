"""What is drawn of a report: the curves themselves, whoever draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...words import say
from ..measures.signal import QUANTILES
from ..records import Compared, Layer, Measured

Said = Callable[..., str]


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
    over
        What x counts, if it does: "layer" or "epoch".
    """

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    kind: str = "lines"
    logarithmic: bool = False
    over: str = ""


def spoken(language: str, key: str, **values: object) -> str:
    """What something in a picture is called."""
    return say(key, values, language)


def shown(values: Sequence[float]) -> tuple[float, ...]:
    """Numbers for a logarithmic axis: exact zeros and what is not finite have no place there."""
    return tuple(v if v > 0 and math.isfinite(v) else math.nan for v in values)


def of_layers(layers: Sequence[Layer], name: str, value: Callable[[Layer], float], dashed: bool = False) -> Curve:
    """A number of each layer over the depth, for a logarithmic axis."""
    return Curve(name, tuple(range(1, len(layers) + 1)), shown([value(layer) for layer in layers]), dashed=dashed)


def of_report(report: Measured, language: str = "en") -> list[Plot]:
    """Signal, gradient, where the gradient goes, and how z is distributed."""
    layers, said = report.layers, partial(spoken, language)
    layer = said("axis.layer")
    signal = [
        of_layers(layers, said("curve.rms z"), lambda layer: layer.z.rms),
        of_layers(layers, said("curve.rms a"), lambda layer: layer.a.rms),
        of_layers(layers, said("curve.across"), lambda layer: layer.z.across_samples, dashed=True),
    ]
    gradient = [
        of_layers(layers, said("curve.rms ∂C/∂z"), lambda layer: layer.dz.rms),
        of_layers(layers, said("curve.rms ∂C/∂W"), lambda layer: layer.dw.rms),
    ]
    for prediction in report.predictions:
        to = signal if prediction.what == "z" else gradient
        x = tuple(range(1, len(prediction.expected) + 1))
        bands = shown(prediction.low), shown(prediction.high)
        name = said("curve.theory", name=prediction.name)
        to.append(Curve(name, x, shown(prediction.expected), *bands, dashed=True))
    plots = (
        Plot(said("plot.signal"), layer, said("axis.rms"), tuple(signal), logarithmic=True, over="layer"),
        Plot(said("plot.gradient"), layer, said("axis.rms"), tuple(gradient), logarithmic=True, over="layer"),
        Plot(said("plot.attribution"), layer, said("axis.decades"), attributed(report), "bars", over="layer"),
        Plot(said("plot.quantiles"), layer, said("axis.z"), quantiles(layers, said), over="layer"),
        Plot(said("plot.distribution"), said("axis.z"), said("axis.numbers"), histograms(layers, said), "steps"),
        Plot(
            said("plot.singular"),
            said("axis.layer or number"),
            said("axis.stretching"),
            spectra(report, said),
            logarithmic=True,
        ),
    )
    # Of a single layer there is no way back, of very large ones there are no singular values.
    return [plot for plot in plots if plot.curves]


def attributed(report: Measured) -> tuple[Curve, ...]:
    """For every layer the decades that each kind of factor has contributed on the way back to it."""
    labels = dict.fromkeys(label for found in report.attributions for label in found.totals())
    x = tuple(range(1, len(report.attributions) + 1))
    curves = []
    for label in labels:
        found = [attribution.totals().get(label, 0.0) for attribution in report.attributions]
        curves.append(Curve(label, x, tuple(v if math.isfinite(v) else math.nan for v in found)))
    return tuple(curves)


def quantiles(layers: Sequence[Layer], said: Said) -> tuple[Curve, ...]:
    """The median of z over the depth, within the middle half and within all but the outermost tenth."""
    found = [layer.z for layer in layers]
    x = tuple(range(1, len(found) + 1))
    at = {q: tuple(one.quantiles[QUANTILES.index(q)] for one in found) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
    return (
        Curve(said("curve.median"), x, at[0.5], at[0.05], at[0.95]),
        Curve(said("curve.middle"), x, (), at[0.25], at[0.75]),
    )


def histograms(layers: Sequence[Layer], said: Said) -> tuple[Curve, ...]:
    """For every layer the counts of z over the middles of the bins."""
    return tuple(
        Curve(
            said("curve.layer", layer=i),
            tuple((a + b) / 2 for a, b in zip(layer.z.edges, layer.z.edges[1:], strict=False)),
            tuple(float(n) for n in layer.z.counts),
        )
        for i, layer in enumerate(layers, 1)
    )


def spectra(report: Measured, said: Said) -> tuple[Curve, ...]:
    """How far each weight matrix stretches, and all of them together (the Jacobian) in order of size."""
    x = tuple(range(1, len(report.matrices) + 1))
    found = [
        Curve(said("curve.largest"), x, shown([sizes.largest for sizes in report.matrices])),
        Curve(said("curve.middle_singular"), x, shown([sizes.median for sizes in report.matrices])),
        Curve(said("curve.radius"), x, shown([sizes.radius for sizes in report.matrices])),
    ]
    numbers = tuple(range(1, len(report.jacobian) + 1))
    return (*found, Curve(said("curve.jacobian"), numbers, shown(report.jacobian), dashed=True))


def of_comparison(comparison: Compared, language: str = "en") -> list[Plot]:
    """Signal and gradient over the depth, and the loss over the epochs, a curve for each start."""
    said = partial(spoken, language)
    values: tuple[tuple[str, Callable[[Layer], float]], ...] = (
        ("rms z", lambda layer: layer.z.rms),
        ("rms a", lambda layer: layer.a.rms),
        ("rms ∂C/∂z", lambda layer: layer.dz.rms),
        ("rms ∂C/∂W", lambda layer: layer.dw.rms),
    )
    plots = [
        Plot(
            said("plot.at_start", what=said(f"curve.{title}")),
            said("axis.layer"),
            said(f"curve.{title}"),
            tuple(of_layers(start.before.layers, start.init, value) for start in comparison.starts),
            logarithmic=True,
            over="layer",
        )
        for title, value in values
    ]
    losses = tuple(
        Curve(start.init, tuple(range(1, len(start.losses) + 1)), shown(start.losses)) for start in comparison.starts
    )
    return [
        *plots,
        Plot(said("plot.loss"), said("axis.epoch"), said("axis.loss"), losses, logarithmic=True, over="epoch"),
    ]
