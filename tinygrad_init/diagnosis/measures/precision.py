"""What 16 bits would make of a network's numbers: by rounding them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..network import Network
from ..records import Precision, Rounding

Array = np.ndarray[Any, Any]

# So many numbers of an array are looked at, at most, and this share of the smallest gradients may be lost.
MOST, LOST = 2**14, 0.01


def bfloat16(values: Array) -> Array:
    """Rounded to the nearest number of bfloat16, of two the even one, kept as float32; not for NaN.

    A bfloat16 is the upper half of a float32 (Kalamkar et al. 2019). What is not float32 becomes so first, so that a
    few numbers that lie between two are rounded twice.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)


# Each format's rounding, and its smallest normal number.
FORMATS: dict[str, tuple[Callable[[Array], Array], float]] = {
    "float16": (lambda values: values.astype(np.float16), 2.0**-14),
    "bfloat16": (bfloat16, 2.0**-126),
}


def precision(network: Network) -> tuple[Precision, ...]:
    """What float16 and bfloat16 would make of every layer's z, ∂C/∂z and ∂C/∂W.

    What is already infinite, NaN or 0 in the network's own dtype is left out.
    """
    found = []
    with np.errstate(all="ignore"):
        for link in network.linears():
            signal, gradient, weight_gradient = map(
                some, (link.output, network.cotangents[link].numbers(), network.gradients[link.matrix.name])
            )
            sizes = [np.abs(values) for values in (gradient, weight_gradient) if values.size]
            found.append(
                Precision(
                    name=link.name,
                    signal=in_formats(signal),
                    gradient=in_formats(gradient),
                    weight_gradient=in_formats(weight_gradient),
                    smallest=min((float(np.quantile(size, LOST, method="lower")) for size in sizes), default=math.inf),
                    largest=max((float(np.max(size)) for size in sizes), default=0.0),
                )
            )
    return tuple(found)


def some(values: Array) -> Array:
    """The finite numbers other than 0, of a very large array out of evenly spread ones."""
    flat, step = values.reshape(-1), -(-values.size // MOST) or 1
    while math.gcd(step, values.size // len(values)) > 1:  # of every unit, not of every second one
        step += 1
    flat = flat[::step]
    return flat[np.isfinite(flat) & (flat != 0)]


def in_formats(values: Array) -> dict[str, Rounding]:
    """What each format would make of them."""
    return {form: rounding(values, form) for form in FORMATS}


def rounding(values: Array, form: str) -> Rounding:
    """The shares of numbers, none of which is 0, that a format loses."""
    if not values.size:
        return Rounding(0.0, 0.0, 0.0)
    rounded, least = FORMATS[form][0](values), FORMATS[form][1]
    size = np.abs(rounded)
    zero, infinite = float(np.mean(size == 0)), float(np.mean(np.isinf(size)))
    return Rounding(zero, float(np.mean(size < least)) - zero, infinite)
