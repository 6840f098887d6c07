"""Normalization: mean 0 and variance 1 over some axes, or length 1, as functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.modes import is_grad_enabled
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from .elementwise import abs, clip, pow, where
from .rearranging import _pad
from .registry import Array, operation
from .shape import _getitem, _reshape, normalize_axes

Axes = tuple[int, ...]


def moments(x: Tensor, axes: Axes) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, what is above it, and the mean of the squares of that, over axes that are kept."""
    mean = x.mean(axes, keepdims=True)
    deviation = x - mean
    return mean, deviation, (deviation * deviation).mean(axes, keepdims=True)


def scaled(deviation: Tensor, variance: Tensor, eps: float, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """deviation / √(variance + ε) · weight + bias, the last two with a number for each channel, axis 1."""
    shape = (-1, *(1,) * (deviation.ndim - 2))
    scale = (variance + eps) ** -0.5
    out = deviation * (scale if weight is None else scale * weight.reshape(shape))
    return out if bias is None else out + bias.reshape(shape)


MOMENTS, NORMALIZED, SUMS, NORMALIZED_VJP = range(4)  # `tgi_normalization`


def _normalize(which: int, operands: list[Array], eps: float = 0.0) -> Array:
    """The kernel, which wants all positions along one axis."""
    large = operands[1 if which > 1 else 0].shape
    flat = [x.reshape((*large[:2], -1 if x.size else 0)) if x.ndim > 2 else x for x in operands]
    found: Array = kernels.normalize(which, flat, eps)
    return found if which in (MOMENTS, SUMS) else found.reshape(large)


NEVER_TWICE = "asked for only where nothing is differentiated again; batch normalization is checked beside PyTorch"


@operation(None, formula="means and variances of the channels", exempt=NEVER_TWICE)
def _channel_moments(x: Array, /) -> Array:
    return _normalize(MOMENTS, [x])


@operation(None, None, None, formula="sums of each channel of g and of g·(x - m[0]) / √(m[1] + ε)", exempt=NEVER_TWICE)
def _channel_sums(g: Array, x: Array, m: Array, /, eps: float) -> Array:
    return _normalize(SUMS, [g, x, m], eps)


@operation(
    None,
    None,
    None,
    None,
    None,
    formula="w·(g - s[0] / n - y·s[1] / n) / √(m[1] + ε), where y = (x - m[0]) / √(m[1] + ε)",
    exempt=NEVER_TWICE,
)
def _normalized_vjp(g: Array, x: Array, m: Array, w: Array, s: Array, /, eps: float) -> Array:
    return _normalize(NORMALIZED_VJP, [g, x, m, w, s], eps)


def _normalized_rule(
    g: Tensor, x: Tensor, w: Tensor, m: Tensor, eps: float, needs: tuple[bool, ...]
) -> list[Tensor | None]:
    """By kernels, or by operations that tell how the moments depend on x, where they may be differentiated again."""
    if not is_grad_enabled():
        sums = _channel_sums(g, x, m, eps)
        dx = _normalized_vjp(g, x, m, w, sums, eps) if needs[0] else None
        return [dx, _getitem(sums, 1) if needs[1] else None, _getitem(sums, 0) if needs[2] else None, None]
    axes, shape = (0, *range(2, x.ndim)), (-1, *(1,) * (x.ndim - 2))
    _, deviation, variance = moments(x, axes)
    scale = (variance + eps) ** -0.5
    y, weighted = deviation * scale, g * w.reshape(shape)
    dx = scale * (weighted - weighted.mean(axes, keepdims=True) - y * (weighted * y).mean(axes, keepdims=True))
    found = dx, (g * y).sum(axes), g.sum(axes)
    return [*(x if need else None for x, need in zip(found, needs, strict=False)), None]


@operation(
    _normalized_rule,
    formula="(x - m[0]) / √(m[1] + ε)·w + b, where m are the moments of the channels of x",
    joint=True,
    exempt="the rule knows that m depends on x: checked as batch normalization, twice differentiable",
)
def _normalized(x: Array, w: Array, b: Array, m: Array, /, eps: float) -> Array:
    return _normalize(NORMALIZED, [x, m, w, b], eps)


def normalized_channels(
    x: Tensor, eps: float, weight: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Channels with the mean and variance of the batch; those come along, without history."""
    channels = x.shape[1]
    weight = Tensor(np.ones(channels), x.dtype) if weight is None else weight
    bias = Tensor(np.zeros(channels), x.dtype) if bias is None else bias
    found = _channel_moments(x)
    return _normalized(x, weight, bias, found, eps), _getitem(found, 0), _getitem(found, 1)


NORMALIZED_ROWS, ROWS_SUMS, ROWS_VJP = 5, 6, 7  # `tgi_of_rows`


@operation(None, formula="means and variances of rows", exempt=NEVER_TWICE)
def _row_moments(x: Array, /) -> Array:
    return kernels.normalize(MOMENTS, [x.reshape((1, -1, x.shape[-1]))], 0.0)


@operation(None, None, None, formula="sums over the rows of g and of g·(x - m[0]) / √(m[1] + ε)", exempt=NEVER_TWICE)
def _rows_sums(g: Array, x: Array, m: Array, /, eps: float) -> Array:
    return kernels.rows(ROWS_SUMS, [g, x, m], 1, eps)


@operation(
    None,
    None,
    None,
    None,
    formula="(h - mean of h - y·mean of h·y) / √(m[1] + ε), where h = w·g and y = (x - m[0]) / √(m[1] + ε)",
    exempt=NEVER_TWICE,
)
def _rows_vjp(g: Array, x: Array, m: Array, w: Array, /, eps: float) -> Array:
    return kernels.rows(ROWS_VJP, [g, x, m, w], 1, eps)


def _normalized_rows_rule(
    g: Tensor, x: Tensor, w: Tensor, m: Tensor, eps: float, needs: tuple[bool, ...]
) -> list[Tensor | None]:
    """By kernels, or by operations that tell how the moments depend on x, where they may be differentiated again."""
    if not is_grad_enabled():
        sums = _rows_sums(g, x, m, eps) if needs[1] or needs[2] else None
        dw, db = (None, None) if sums is None else (_getitem(sums, 1), _getitem(sums, 0))
        return [_rows_vjp(g, x, m, w, eps) if needs[0] else None, dw, db, None]
    _, deviation, variance = moments(x, (-1,))
    scale = (variance + eps) ** -0.5
    y, h = deviation * scale, g * w
    dx = scale * (h - h.mean(-1, keepdims=True) - y * (h * y).mean(-1, keepdims=True))
    rows = tuple(range(x.ndim - 1))
    return [dx, (g * y).sum(rows), g.sum(rows), None]


@operation(
    _normalized_rows_rule,
    formula="(x - m[0]) / √(m[1] + ε)·w + b, where m are the moments of the rows of x",
    joint=True,
    exempt="the rule knows that m depends on x: checked as layer norm, twice differentiable",
)
def _normalized_rows(x: Array, w: Array, b: Array, m: Array, /, eps: float) -> Array:
    return kernels.rows(NORMALIZED_ROWS, [x, m, w, b], 1, eps)


def normalized_rows(x: Tensor, eps: float, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Rows, the last axis, with mean 0 and variance 1, scaled and shifted by a number for each column."""
    columns = x.shape[-1]
    weight = Tensor(np.ones(columns), x.dtype) if weight is None else weight
    bias = Tensor(np.zeros(columns), x.dtype) if bias is None else bias
    return _normalized_rows(x, weight, bias, _row_moments(x), eps)


def layer_norm(
    x: Any,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + ε) · weight + bias, with mean and variance over the last axes (Ba, Kiros and Hinton 2016).

    Raises
    ------
    ValueError
        The input does not end in the normalized shape.
    """
    (x,) = coerce("layer_norm", (x,))
    axes = _last(x, normalized_shape, "LayerNorm")
    kinds = {t.dtype for t in (x, weight, bias) if t is not None}
    if x.size and len(kinds) == 1 and all(t is None or t.shape == x.shape[-len(axes) :] for t in (weight, bias)):
        if len(axes) == 1:
            return normalized_rows(x, eps, weight, bias)
        size = math.prod(x.shape[-len(axes) :])
        weight, bias = (None if t is None else _reshape(t, (size,)) for t in (weight, bias))
        flat = _reshape(x, (*x.shape[: -len(axes)], size))
        return _reshape(normalized_rows(flat, eps, weight, bias), x.shape)
    _, deviation, variance = moments(x, axes)
    out = deviation * (variance + eps) ** -0.5
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


def _last(x: Tensor, normalized_shape: int | Sequence[int], name: str) -> Axes:
    """The last axes, which must have such lengths."""
    given = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    shape = tuple(given)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"{name}: expected an input that ends in {shape}, got {x.shape}")
    return tuple(range(-len(shape), 0))


def rms_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / √(mean of x² + ε) · weight over the last axes (Zhang and Sennrich 2019); ε is the dtype's unless given.

    Raises
    ------
    ValueError
        The input does not end in the normalized shape.
    """
    (x,) = coerce("rms_norm", (x,))
    axes = _last(x, normalized_shape, "RMSNorm")
    small = float(np.finfo(x.dtype).eps) if eps is None else eps
    out = x * ((x * x).mean(axes, keepdims=True) + small) ** -0.5
    return out if weight is None else out * weight


def group_norm(
    x: Any, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - μ) / √(σ² + ε) · weight + bias, mean and variance over a group of channels and all positions (Wu, He 2018).

    Parameters
    ----------
    x
        Of shape (samples, channels, ...).
    weight, bias
        A number for each channel, or None.

    Raises
    ------
    ValueError
        The groups do not divide the channels.
    """
    (x,) = coerce("group_norm", (x,))
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"group_norm: {num_groups} groups do not divide the channels of shape {x.shape}")
    rest = math.prod(x.shape[1:]) // num_groups
    out = _reshape(layer_norm(_reshape(x, (x.shape[0], num_groups, rest)), rest, eps=eps), x.shape)
    shape = (-1, *(1,) * (x.ndim - 2))
    out = out if weight is None else out * weight.reshape(shape)
    return out if bias is None else out + bias.reshape(shape)


def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + α · mean of x² over `size` neighbouring channels)^β (Krizhevsky et al. 2012, §3.3).

    Parameters
    ----------
    x
        Of shape (samples, channels, ...) with three axes or more; channels beyond the edges count as zeros.
    """
    (x,) = coerce("local_response_norm", (x,))
    if x.ndim < 3 or size < 1:
        raise ValueError(f"local_response_norm: expected (samples, channels, ...) and a size of at least 1, got shape "
                         f"{x.shape} and {size}")  # fmt: skip
    sides = [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)]
    squares, n = _pad(x * x, sides, 0.0), x.shape[1]
    total = _getitem(squares, (slice(None), slice(0, n)))
    for i in range(1, size):
        total = total + _getitem(squares, (slice(None), slice(i, i + n)))
    return x * (total * (alpha / size) + k) ** -beta


def length(x: Tensor, p: float, axis: int, keepdims: bool = False) -> Tensor:
    """The p-norm along an axis; where it is 0 its derivative is 0."""
    axes = normalize_axes(axis, x.ndim, "norm")
    if p == float("inf"):
        return abs(x).max(axis=axes, keepdims=keepdims)
    if p == 1:
        return abs(x).sum(axes, keepdims)
    if p == 0:
        return (where(_nonzero(x), 1.0, 0.0 * x)).sum(axes, keepdims)
    powers = x * x if p == 2 else pow(where(_nonzero(x), abs(x), 1.0), float(p)) * where(_nonzero(x), 1.0, 0.0 * x)
    total = powers.sum(axes, keepdims)
    some = total > 0
    return where(some, pow(where(some, total, 1.0), 1.0 / p), 0.0 * total)


def _nonzero(x: Tensor) -> Array:
    return x != 0


def normalize(x: Any, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Tensor:
    """x divided by its p-norm along an axis, or by ε where that is less."""
    (x,) = coerce("normalize", (x,))
    return x / clip(length(x, p, axis, True), eps, None)


def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Tensor:
    """x₁·x₂ / (max(|x₁|, ε) · max(|x₂|, ε)) along an axis, both stretched to a common shape."""
    x1, x2 = coerce("cosine_similarity", (x1, x2))
    shape = np.broadcast_shapes(x1.shape, x2.shape)
    (at,) = normalize_axes(axis, len(shape), "cosine_similarity")
    x1, x2 = x1 + np.zeros(shape, x1.dtype), x2 + np.zeros(shape, x2.dtype)
    both = clip(length(x1, 2.0, at), eps, None) * clip(length(x2, 2.0, at), eps, None)
    return (x1 * x2).sum(at) / both


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Tensor:
    """The p-norm of x₁ - x₂ + ε along the last axis."""
    x1, x2 = coerce("pairwise_distance", (x1, x2))
    return length(x1 - x2 + eps, p, -1, keepdims)
