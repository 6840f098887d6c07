"""The phase diagram of an activation, and where the layers of networks lie in it."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...init.scaling import fan
from ...theory import phase_diagram
from ..messages.frames import Dot, Phase
from .measure import Watched

Array = np.ndarray[Any, Any]

TO_W, TO_B = 4.0, 1.0
COLUMNS, ROWS = 60, 40


@functools.lru_cache(maxsize=32)
def diagram(activation: str) -> Any:
    """The phase diagram of an activation."""
    return phase_diagram(activation, np.linspace(0, TO_W, COLUMNS + 1)[1:], np.linspace(0, TO_B, ROWS))


def border(row: Array, sigma_w: Array) -> float:
    """Where ln χ changes its sign in a row; NaN if it does not."""
    at = np.flatnonzero((row[:-1] < 0) & (row[1:] >= 0))
    if not at.size:
        return math.nan
    low, high = row[at[0]], row[at[0] + 1]
    return float(np.interp(0.0, [low, high], sigma_w[at[0] : at[0] + 2]))


def phase(activation: str, watched: list[Watched], step: int) -> Phase:
    """The diagram, and where the layers of all runs that have this activation lie."""
    found = diagram(activation)
    dots = []
    for number, each in enumerate(watched):
        for i, layer in enumerate(each.run.layers):
            linear = layer.linear
            if layer.name == activation:
                square = float(np.mean(np.square(linear.weight.numpy())))
                bias = 0.0 if linear.bias is None else float(np.sqrt(np.mean(np.square(linear.bias.numpy()))))
                dots.append(Dot(number, i, math.sqrt(fan(linear.weight, "fan_in") * square), bias))
    return Phase(
        type="phase",
        activation=activation,
        step=step,
        sigma_w=tuple(found.sigma_w.tolist()),
        sigma_b=tuple(found.sigma_b.tolist()),
        log_chi=tuple(tuple(row) for row in found.log_chi.tolist()),
        # Signals of ReLU and its like have no fixed point off the critical one, but χ is 1 all the same.
        edge=tuple(
            border(row, found.sigma_w) if np.isnan(at) else float(at)
            for at, row in zip(found.edge, found.log_chi, strict=True)
        ),
        dots=tuple(dots),
    )
