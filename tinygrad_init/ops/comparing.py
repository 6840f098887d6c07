"""Functions of two tensors with a weight between them."""

from __future__ import annotations

from typing import Any

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .linear_algebra import einsum


def bilinear(x1: Any, x2: Any, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """z_k = x₁ᵀ W_k x₂ + b_k.

    Parameters
    ----------
    x1, x2
        Of shapes (..., in1_features) and (..., in2_features).
    weight
        Of shape (out_features, in1_features, in2_features).
    bias
        Of shape (out_features,), or None.

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
    x1, x2, weight = coerce("bilinear", (x1, x2, weight))
    if (
        weight.ndim != 3 or not x1.ndim or x1.shape[:-1] != x2.shape[:-1]
        or (x1.shape[-1], x2.shape[-1]) != weight.shape[1:]
    ):  # fmt: skip
        raise ValueError(f"bilinear: inputs of shapes {x1.shape} and {x2.shape} do not fit a weight of {weight.shape}")
    out = einsum("...i,kij,...j->...k", x1, weight, x2)
    return out if bias is None else out + bias
