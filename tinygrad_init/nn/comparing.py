"""Pairs as layers: a product of both with a weight, and how near or far they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import uniform_
from ..init.drawing import generator_of
from ..ops.comparing import bilinear
from ..ops.normalization import cosine_similarity, pairwise_distance
from ..ops.shape import whole
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Parameter


class Bilinear(Module):
    """z_k = x₁ᵀ W_k x₂ + b_k.

    Parameters
    ----------
    in1_features, in2_features, out_features
        Sizes; the weight has shape (out_features, in1_features, in2_features).
    bias, device, dtype, rng
        As in `Linear`.

    Notes
    -----
    Weights and biases start uniform on ±1/√in1_features, as in PyTorch.
    """

    multiplies = False  # by both inputs: no linear map of one

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        dtype = dtype_for("Bilinear", device, dtype)
        sizes = [whole("Bilinear", "a size", size) for size in (out_features, in1_features, in2_features)]
        if min(sizes) < 1:
            raise ValueError(f"Bilinear: expected sizes of at least 1, got {sizes}")
        self.out_features, self.in1_features, self.in2_features = sizes
        generator, bound = generator_of(rng), in1_features**-0.5
        self.weight = Parameter(np.zeros(sizes), dtype)
        uniform_(self.weight, generator, -bound, bound)
        self.bias: Parameter | None = None
        if require_flag("Bilinear", "bias", bias):
            self.bias = Parameter(np.zeros(self.out_features), dtype)
            uniform_(self.bias, generator, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Tensor:
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.in1_features}, {self.in2_features}, {self.out_features}{bias}"


class CosineSimilarity(Module):
    """The cosine of the angle between two tensors along an axis."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Tensor:
        x1, x2 = coerce("CosineSimilarity", (x1, x2))
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x₁ - x₂ + ε along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm, self.eps, self.keepdim = p, eps, require_flag("PairwiseDistance", "keepdim", keepdim)

    def forward(self, x1: Any, x2: Any) -> Tensor:
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
