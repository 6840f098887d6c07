"""Are the units different? Units that are the same unit, and layers that were drawn from one seed."""

from __future__ import annotations

from collections.abc import Iterator

from ...words import phrase
from ..records import Measured, Verdict
from . import remedies
from .conditions import layers_where
from .registry import UNITS, finding


@finding(UNITS, rank=30, remedy=remedies.draw)
def symmetric(measured: Measured) -> Iterator[Verdict]:
    """Hidden layers with units that are the same unit and get the same updates."""
    copies = dict(layers_where(measured, "units.copies"))
    for i, layer in enumerate(measured.layers[:-1], 1):
        width = max(len(layer.distinct), len(layer.distinct_updates))
        # Units that are not finite are in no class: of those it cannot be said.
        if layer.units > 1 and width == 1 and layer.distinct.units == layer.units:
            silent = [j for j, zeros in enumerate(measured.zeros, 1) if zeros.whole]
            numbers = {
                "units": layer.units,
                "rounding": None if layer.distinct.exact else phrase("units.rounding"),
                "silent": phrase("units.silent", layers=silent) if silent else None,
            }
            yield Verdict("symmetric", i, "units.symmetric", numbers)
            return
        if i in copies:
            yield Verdict("symmetric", i, copies[i], {"units": layer.units, "width": width})
            return
    for i, key in layers_where(measured, "units.some_alike"):
        layer = measured.layers[i - 1]
        width = max(len(layer.distinct), len(layer.distinct_updates))
        if layer.dw.not_finite > 0 or layer.z.not_finite > 0:
            return  # of updates that are not finite it cannot be said
        numbers = {"distinct": width, "units": layer.units}
        yield Verdict("symmetric", i, key, numbers, fault=False)
        return


@finding(UNITS, rank=150, remedy=remedies.generator)
def drawn_twice(measured: Measured) -> Iterator[Verdict]:
    """Layers that were filled with the same random numbers."""
    for one, other in measured.same_draws[:1]:
        yield Verdict("correlated", None, "units.drawn_twice", {"one": one, "other": other})
