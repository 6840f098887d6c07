"""Networks of equal layers: linear map, normalization, activation, with a residual connection around them or not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .containers import Sequential
from .feature_normalization import LayerNorm
from .layers import Linear, make_activation
from .module import Module
from .normalization import BatchNorm
from .residual import Residual

NORMALIZATIONS = ("none", "batch", "layer")


def stack(
    sizes: Sequence[int],
    activations: Sequence[str],
    *,
    normalization: str = "none",
    residual: bool = False,
    momentum: float = 0.1,
    dtype: Any = None,
) -> Sequential:
    """Hidden layers and a linear map at the end, before any start: whoever asks fills the weights.

    Parameters
    ----------
    sizes
        Of the input, of each hidden layer, and of the output.
    activations
        Of each hidden layer.
    normalization
        Out of `NORMALIZATIONS`; it stands between linear map and activation.
    residual
        Whether a layer that is as wide as what it gets is added to that.
    momentum
        Of running statistics of a batch normalization.
    dtype
        As in `Linear`.
    """
    modules: list[Module] = []
    for (fan_in, width), name in zip(pairwise(sizes[:-1]), activations, strict=True):
        layer: list[Module] = [Linear(fan_in, width, rng=0, dtype=dtype)]
        if normalization == "batch":
            layer.append(BatchNorm(width, momentum=momentum, dtype=dtype))
        elif normalization == "layer":
            layer.append(LayerNorm(width, dtype=dtype))
        layer.append(make_activation(name, dtype))
        modules += [Residual(Sequential(*layer))] if residual and fan_in == width else layer
    return Sequential(*modules, Linear(sizes[-2], sizes[-1], rng=0, dtype=dtype))
