"""Conventional gains; `theory.gains` computes those that follow from an activation."""

from __future__ import annotations

from typing import Any

from ..activations import activation as record_of
from ..ops.activations import ACTIVATIONS, activation_name

# Those that are one number; leaky relu and prelu have theirs from the slope.
GAINS: dict[str, float] = {
    name: gain for name in ("linear", *ACTIVATIONS) if isinstance(gain := record_of(name).operation.spec.gain, float)
}


def calculate_gain(activation: str, negative_slope: float | None = None) -> float:
    """The factor on the standard deviation that an activation asks for: PyTorch's conventional values.

    For relu √2 and leaky relu √(2/(1 + slope²)) it is what keeps E[z²] constant (He et al. 2015, eq. 10 and 15); tanh's
    5/3 and selu's 3/4 are conventions; the others count as linear.

    Parameters
    ----------
    activation
        The name of an activation, ours or that of other libraries.
    negative_slope
        Of leaky relu; 0.01 unless given.

    Raises
    ------
    ValueError
        There is no such activation, or no conventional gain for it.
    """
    name = activation_name(activation)
    if name in ("leaky_relu", "prelu"):
        params = {} if negative_slope is None else {"negative_slope": negative_slope}
        return gain_or_one(record_of(name, **params))
    if name not in GAINS:
        raise ValueError(
            f"calculate_gain: no conventional gain for {activation!r}; "
            f"there is one for {', '.join(GAINS)}, leaky_relu, prelu"
        )
    return GAINS[name]


def gain_or_one(activation: Any) -> float:
    """The conventional gain of an activation, named or a module with its own slope; 1 where there is none."""
    found = record_of(activation).gain
    return 1.0 if found is None else found
