"""Normalization of each sample by itself: over its features, over groups of channels, over neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..ops.normalization import group_norm, layer_norm, local_response_norm, rms_norm
from ..ops.shape import whole
from .module import Module
from .normalization import checked
from .options import dtype_for, require_flag
from .parameters import Parameter


class GroupNorm(Module):
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance of a group of channels (Wu and He 2018).

    Parameters
    ----------
    num_groups, num_channels
        The input has shape (samples, num_channels, ...); the groups divide the channels.
    eps
        ε.
    affine, bias, device, dtype
        As in `BatchNorm`.

    Raises
    ------
    ValueError
        The groups do not divide the channels, or those of the input.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        dtype = dtype_for("GroupNorm", device, dtype)
        self.num_channels, self.num_groups = checked("GroupNorm", num_channels, eps), num_groups
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_groups} groups do not divide {num_channels} channels")
        self.eps, self.affine = eps, require_flag("GroupNorm", "affine", affine)
        self.weight = Parameter(np.ones(num_channels), dtype) if affine else None
        self.bias = Parameter(np.zeros(num_channels), dtype) if affine and bias else None

    def forward(self, input: Any) -> Tensor:
        (x,) = coerce("GroupNorm", (input,))
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(f"GroupNorm: expected (samples, {self.num_channels}, ...), got shape {x.shape}")
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = "" if self.affine else ", affine=False"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}{affine}"


def _lengths(name: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The lengths of the last axes."""
    several = isinstance(normalized_shape, Sequence) and not isinstance(normalized_shape, str)
    lengths: Any = normalized_shape if several else (normalized_shape,)
    shape = tuple([whole(name, "a length", n) for n in lengths])
    if not shape or min(shape) < 1:
        raise ValueError(f"{name}: expected lengths of at least 1, got {normalized_shape}")
    return shape


class LayerNorm(Module):
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance over the last axes (Ba, Kiros and Hinton 2016).

    Parameters
    ----------
    normalized_shape
        The lengths of the last axes, over which mean and variance are taken.
    eps
        ε.
    elementwise_affine, bias
        Whether there is a weight, of the normalized shape, which starts at 1; and a bias beside it, which starts at 0.
    device, dtype
        As in `Linear`.

    Raises
    ------
    ValueError
        When called: the input does not end in the normalized shape.
    """

    multiplies = False

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        dtype = dtype_for("LayerNorm", device, dtype)
        shape = _lengths("LayerNorm", normalized_shape)
        checked("LayerNorm", 1, eps)
        self.normalized_shape, self.eps = shape, eps
        affine, bias = (require_flag("LayerNorm", "an option", value) for value in (elementwise_affine, bias))
        self.weight = Parameter(np.ones(shape), dtype) if affine else None
        self.bias = Parameter(np.zeros(shape), dtype) if affine and bias else None

    def forward(self, input: Any) -> Tensor:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        shape = self.normalized_shape
        changed = [f"eps={self.eps}"] if self.eps != 1e-5 else []
        changed += ["elementwise_affine=False"] if self.weight is None else ["bias=False"] if self.bias is None else []
        return ", ".join([str(shape[0] if len(shape) == 1 else shape), *changed])


class RMSNorm(Module):
    """x / √(mean of x² + ε) · weight over the last axes (Zhang and Sennrich 2019).

    Parameters
    ----------
    normalized_shape, elementwise_affine, device, dtype
        As in `LayerNorm`.
    eps
        ε; that of the input's dtype, what is between 1 and the next number, unless given.
    """

    multiplies = False

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        dtype = dtype_for("RMSNorm", device, dtype)
        self.normalized_shape, self.eps = _lengths("RMSNorm", normalized_shape), eps
        affine = require_flag("RMSNorm", "elementwise_affine", elementwise_affine)
        self.weight = Parameter(np.ones(self.normalized_shape), dtype) if affine else None

    def forward(self, input: Any) -> Tensor:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        affine = "" if self.weight is not None else ", elementwise_affine=False"
        return f"{self.normalized_shape}, eps={self.eps}{affine}"


class LocalResponseNorm(Module):
    """x / (k + α · mean of x² over `size` neighbouring channels)^β (Krizhevsky et al. 2012, §3.3)."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = whole("LocalResponseNorm", "size", size), alpha, beta, k

    def forward(self, input: Any) -> Tensor:
        return local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
