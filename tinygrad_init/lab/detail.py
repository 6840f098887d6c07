"""What was selected on the page, closer: a layer, one of its units, one of its weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..diagnosis.signal import histogram
from ..diagnosis.spectra import spectrum
from .frames import Detail, FactorOf, Histogram, Histograms, RunNow, SpectrumOf, WeightOf
from .measure import Look, Watched
from .protocol import Select

Array = np.ndarray[Any, Any]

POWERS = 30


def with_detail(now: RunNow, watched: Watched, look: Look, selected: Select) -> RunNow:
    """A run of a frame with the detail that was asked for; none where there is no such layer."""
    if selected.layer is None or selected.layer >= len(look.layers):
        return now
    return dataclasses.replace(now, detail=detail(watched, look, selected.layer, selected.unit, selected.input))


def detail(watched: Watched, look: Look, layer: int, unit: int | None, input: int | None) -> Detail:
    """A layer, or one of its units; a unit or input that is not there counts as none."""
    at, weight = look.layers[layer], watched.linears[layer].weight.numpy()
    unit = unit if unit is not None and unit < weight.shape[0] else None
    input = input if unit is not None and input is not None and input < weight.shape[1] else None
    columns = slice(None) if unit is None else [unit]
    report = watched.report
    factors = () if report is None else report.attributions[layer].factors
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
        spectrum=spectrum_of(weight),
        factors=tuple(FactorOf(factor.label, factor.name, factor.log10) for factor in factors),
        unit_map=None if unit is None else watched.unit_map(layer, unit),
        weight=None
        if unit is None or input is None
        else WeightOf(float(weight[unit, input]), float(at.dw[unit, input])),
    )


def histogram_of(values: Array) -> Histogram:
    """Of the numbers that are finite."""
    known = values[np.isfinite(values)]
    if not known.size:
        return Histogram((), ())
    counts, edges = histogram(known)
    return Histogram(edges, counts)


def spectrum_of(weight: Array) -> SpectrumOf | None:
    """None where a number is not finite."""
    if not np.isfinite(weight).all():
        return None
    found = spectrum(weight, POWERS)
    pairs = tuple((value.real, value.imag) for value in found.eigenvalues)
    return SpectrumOf(pairs, found.singular_values, found.growth)
