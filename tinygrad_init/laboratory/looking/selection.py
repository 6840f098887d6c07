"""What was selected on the page, closer: a layer, one of its units, one of its weights."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ...activations import FLAT, activation
from ...diagnosis.fronts.module_links import by_unit
from ...diagnosis.measures.attribution import of_weight
from ...diagnosis.measures.signal import histogram
from ...diagnosis.measures.slopes import share_of_steepest
from ...diagnosis.measures.spectra import LARGEST, spectrum
from ...nn import Module
from ..messages.frames import Detail, Entering, FactorOf, Histogram, Histograms, RunNow, SpectrumOf, WeightOf
from ..messages.protocol import Select
from . import describe
from .measure import LayerLook, Look, Watched

Array = np.ndarray[Any, Any]

POWERS = 30


def with_detail(now: RunNow, watched: Watched, look: Look, selected: Select) -> RunNow:
    """A run of a frame with the detail that was asked for; none where there is no such layer."""
    if selected.layer is None or selected.layer >= len(look.layers):
        return now
    return dataclasses.replace(now, detail=detail(watched, look, selected.layer, selected.unit, selected.input))


def detail(watched: Watched, look: Look, layer: int, unit: int | None, input: int | None) -> Detail:
    """A layer, or one of its units; a unit or input that is not there counts as none."""
    at, linear = look.layers[layer], watched.linears[layer]
    weight = by_unit(linear, linear.weight.numpy())
    unit = unit if unit is not None and unit < weight.shape[0] else None
    # Where several weights lie between two units, as in a convolution, none of them can be meant.
    single = at.x.ndim == 2 and linear.weight.shape[1:] == (watched.pictures.columns[layer],)
    input = input if unit is not None and input is not None and single and input < weight.shape[1] else None
    columns = slice(None) if unit is None else [unit]
    return Detail(
        layer=layer,
        unit=unit,
        input=input,
        histograms=Histograms(
            z=histogram_of(at.z[:, columns]),
            a=histogram_of(at.a[:, columns]),
            dz=histogram_of(at.dz[:, columns]),
            dw=histogram_of(at.dw[columns]),
        ),
        into=None if watched.activations[layer] is None else entering(watched.activations[layer], at.into, columns),
        spectrum=spectrum_of(weight),
        factors=factors_of(watched, layer, unit, input),
        unit_map=None if unit is None else watched.pictures.unit_map(layer, unit),
        weight=None if unit is None else weight_of(watched, at, layer, unit, input),
    )


def entering(module: Module, into: Array, columns: Any) -> Entering:
    """What goes into an activation, and how much of it lies where the activation passes almost nothing back."""
    with np.errstate(all="ignore"):
        flat = share_of_steepest(activation(module), into) < FLAT
    chosen = into[:, columns]
    return Entering(
        histogram_of(chosen), float(np.mean(flat[:, columns])), float(np.mean(np.abs(chosen) > describe.REACH))
    )


def weight_of(watched: Watched, at: LayerLook, layer: int, unit: int, input: int | None) -> WeightOf | None:
    """The weight from an input to a unit, or the unit's bias."""
    linear = watched.linears[layer]
    if input is not None:
        return WeightOf(float(linear.weight.numpy()[unit, input]), float(at.dw[unit, input]))
    if linear.bias is None:
        return None
    # dz is that of the loss of a single sample.
    return WeightOf(float(linear.bias.numpy()[unit]), float(at.dz[:, unit].sum() / len(watched.x)))


def factors_of(watched: Watched, layer: int, unit: int | None, input: int | None) -> tuple[FactorOf, ...]:
    """The factors of the gradient of a layer's weights or of one of them, as of the last report."""
    report, look = watched.report, watched.report_look
    if report is None or look is None:
        return ()
    # What leads to no output has no gradient, and no factors.
    found = next((each for each in report.attributions if each.name == watched.weight_names[layer]), None)
    if found is None:
        return ()
    if unit is not None and input is not None:
        at = look.layers[layer]
        found = of_weight(found, at.dz / len(at.dz), at.x, unit, input)
    return tuple(
        FactorOf(
            factor.kind,
            factor.label,
            factor.name,
            watched.layer_of.get(factor.name),
            factor.log10,
            not math.isnan(factor.log10) and factor.log10 != math.inf,
        )
        for factor in found.factors
    )


def histogram_of(values: Array) -> Histogram:
    """Of the numbers that are finite."""
    known = values[np.isfinite(values)]
    if not known.size:
        return Histogram((), ())
    counts, edges = histogram(known)
    return Histogram(edges, counts)


def spectrum_of(weight: Array) -> SpectrumOf | None:
    """None where a number is not finite, and of what is too large to be decomposed for every frame."""
    if min(weight.shape) > LARGEST or not np.isfinite(weight).all():
        return None
    found = spectrum(weight, POWERS)
    pairs = tuple((value.real, value.imag) for value in found.eigenvalues)
    return SpectrumOf(pairs, found.singular_values, found.growth)
