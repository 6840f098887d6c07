"""Conventional gains; `theory.gains` computes those that follow from an activation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

GAINS: dict[str, float] = {
    "identity": 1.0,
    "linear": 1.0,
    "sigmoid": 1.0,
    "hard_sigmoid": 1.0,
    "softsign": 1.0,
    "hardtanh": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


def calculate_gain(activation: str, negative_slope: float | None = None) -> float:
    """The factor on the standard deviation that an activation asks for: PyTorch's conventional values.

    For relu √2 and leaky relu √(2/(1 + slope²)) it is what keeps E[z²] constant (He et al. 2015, eq. 10 and 15); tanh's
    5/3 and selu's 3/4 are conventions; the others count as linear.

    Parameters
    ----------
    activation
        The name of an activation.
    negative_slope
        Of leaky relu; 0.01 unless given.

    Raises
    ------
    ValueError
        There is no conventional gain for it.
    """
    if activation in ("leaky_relu", "prelu"):
        slope = {"leaky_relu": 0.01, "prelu": 0.25}[activation] if negative_slope is None else negative_slope
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if activation not in GAINS:
        raise ValueError(
            f"calculate_gain: no conventional gain for {activation!r}; "
            f"there is one for {', '.join(GAINS)}, leaky_relu, prelu"
        )
    return GAINS[activation]


def gain_or_one(activation: Any) -> float:
    """The conventional gain of an activation, named or a module with its own slope; 1 where there is none."""
    if isinstance(activation, str):
        return calculate_gain(activation) if activation in (*GAINS, "leaky_relu", "prelu") else 1.0
    slope = getattr(activation, "slope", None)
    if slope is not None:  # that of PReLU, which learns it
        return calculate_gain("prelu", float(np.mean(slope.numpy())))
    if activation.name == "leaky_relu":
        return calculate_gain("leaky_relu", activation.params.get("negative_slope"))
    return gain_or_one(str(activation.name))
