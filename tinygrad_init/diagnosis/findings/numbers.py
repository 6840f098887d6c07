"""The numbers that findings are judged by, under the names that the table of conditions uses."""

from __future__ import annotations

import math
import statistics
from itertools import takewhile

from ..measures.signal import ratio
from ..records import ENDS, Layer, Measured

INPUT = ENDS[2]


def of_network(measured: Measured) -> dict[str, float]:
    """Those of the whole network.

    `z_typical` is the (lower) median of the layers' z; `across_last` is how far the last layer's z varies with the
    input; `z_growth` and `z_fall` are the factor between the ends of the network, up and down; `way` the decades that
    the gradient gains on its way back; `first_update` the first layer's update as a share of its weights, the largest
    of several that take the same input (queries, keys and values), and `first_share` that over a typical layer's.
    """
    first_update = max(layer.update_ratio for layer in side_by_side(measured))
    first, last = measured.layers[0], measured.layers[-1]
    return {
        "depth": len(measured.layers),
        "samples": measured.samples,
        "inputs_not_finite": measured.inputs.not_finite,
        "inputs_across_samples": measured.inputs.across_samples,
        "inputs_rms": measured.inputs.rms,
        "loss_finite": float(math.isfinite(measured.loss)),
        "loss_over_guess": ratio(measured.loss, measured.guess),
        "z_first": first.z.rms,
        "z_last": last.z.rms,
        "across_last": last.z.across_samples,
        "z_typical": statistics.median_low(layer.z.rms for layer in measured.layers),
        "z_growth": ratio(last.z.rms, max(first.z.rms, 1.0)),
        "z_fall": ratio(first.z.rms, last.z.rms),
        "dz_ratio": ratio(last.dz.rms, first.dz.rms),
        "way": measured.attributions[0].way,
        "first_update": first_update,
        "first_share": ratio(first_update, measured.typical_update),
    }


def side_by_side(measured: Measured) -> list[Layer]:
    """The first layer, and those after it that take the same input: its norm is the same to the last bit."""
    norms = [next((f.log10 for f in why.factors if f.kind == INPUT), math.nan) for why in measured.attributions]
    same = takewhile(lambda i: norms[i] == norms[0], range(1, len(measured.layers)))
    return [measured.layers[0], *(measured.layers[i] for i in same)]


def of_layer(measured: Measured, layer: int) -> dict[str, float]:
    """Those of one layer, counted from 1.

    `across_share` is the share of the signal that depends on the input; `rounding_decades` by how much less of the
    gradient there is in float64; `width` how many units are different, in their weights or in their updates;
    `float16_lost` and `float16_overflow` which shares float16 would turn into 0 and infinities.
    """
    found, why = measured.layers[layer - 1], measured.attributions[layer - 1]
    own = math.log10(found.dw.rms) + 0.5 * math.log10(found.dw.count) if found.dw.rms > 0 else math.nan
    width = max(len(found.distinct), len(found.distinct_updates))
    if math.isnan(why.measured):
        own = math.nan  # the gradient is that of all uses together, the product of factors that of one
    precision = () if measured.evidence is None else measured.evidence.precision
    rounded = precision[layer - 1] if precision else None
    return {
        "samples": measured.samples,
        "units": found.units,
        "z": found.z.rms,
        "across_share": ratio(found.z.across_samples, found.z.rms),
        "rounding_decades": own - why.log10 if math.isfinite(why.log10) else math.nan,
        "width": width,
        "width_share": width / found.units,
        "distinct_share": ratio(width, found.distinct.units),
        "dead_share": found.dead_share,
        "saturated": found.saturated,
        "float16_lost": math.nan if rounded is None else rounded.lost("float16"),
        "float16_overflow": math.nan if rounded is None else rounded.overflow("float16"),
    }
