"""Images in other sizes: channels as pixels and pixels as channels, elements repeated or joined by lines and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.operands import as_tensors, coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .adaptive_pooling import adaptive_avg_pool
from .registry import Array
from .shape import _reshape, _transpose, getitem, swapaxes, whole

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
SMOOTH = {**LINEAR, "bicubic": 2}
NEAREST = ("nearest", "nearest-exact")
MODES = (*NEAREST, *SMOOTH, "area")

Parts = list[tuple[Array, Array]]  # places along an axis, and what the elements there are multiplied by


def _factor(name: str, x: Any, factor: int) -> tuple[Tensor, int]:
    (x,) = as_tensors(name, (x,))
    found = whole(name, "a factor", factor)
    if found < 1 or x.ndim < 3:
        raise ValueError(f"{name}: expected (..., channels, height, width) and a factor of at least 1, got shape "
                         f"{x.shape} and {factor}")  # fmt: skip
    return x, found


def pixel_shuffle(x: Any, upscale_factor: int) -> Tensor:
    """(..., c·r², h, w) becomes (..., c, h·r, w·r) (Shi et al. 2016).

    Raises
    ------
    ValueError
        The channels are no multiple of r².
    """
    x, r = _factor("pixel_shuffle", x, upscale_factor)
    *lead, channels, h, w = x.shape
    if channels % (r * r):
        raise ValueError(f"pixel_shuffle: expected a multiple of {r * r} channels, got {channels}")
    n = len(lead)
    parted = _reshape(x, (*lead, channels // (r * r), r, r, h, w))
    turned = _transpose(parted, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return _reshape(turned, (*lead, channels // (r * r), h * r, w * r))


def pixel_unshuffle(x: Any, downscale_factor: int) -> Tensor:
    """(..., c, h·r, w·r) becomes (..., c·r², h, w): the opposite of `pixel_shuffle`.

    Raises
    ------
    ValueError
        Height or width is no multiple of r.
    """
    x, r = _factor("pixel_unshuffle", x, downscale_factor)
    *lead, channels, h, w = x.shape
    if h % r or w % r:
        raise ValueError(f"pixel_unshuffle: expected multiples of {r} as height and width, got {h} and {w}")
    n = len(lead)
    parted = _reshape(x, (*lead, channels, h // r, r, w // r, r))
    turned = _transpose(parted, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return _reshape(turned, (*lead, channels * r * r, h // r, w // r))


def channel_shuffle(x: Any, groups: int) -> Tensor:
    """The channels of (samples, channels, ...) dealt out anew, one of each group in turn (Zhang et al. 2018)."""
    (x,) = as_tensors("channel_shuffle", (x,))
    if x.ndim < 3 or groups < 1 or x.shape[1] % groups:
        raise ValueError(f"channel_shuffle: {groups} groups do not divide the channels of shape {x.shape}")
    parted = _reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return _reshape(swapaxes(parted, 1, 2), x.shape)


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """(samples, channels, ...) with other lengths along the last axes.

    Parameters
    ----------
    size
        The lengths of the result; one number, or one for each axis.
    scale_factor
        What the lengths are multiplied by instead, and rounded down.
    mode
        "nearest": the element that a place falls on, counted from the first edge; "nearest-exact": the one nearest to
        its middle (whole numbers stay whole with both); "linear", "bilinear", "trilinear" (by the number of axes):
        straight lines between the middles of elements; "bicubic": curves through four elements each (Keys 1981,
        a = -0.75); "area": the means of parts. Bytes (uint8) on lines and curves are rounded to bytes along each axis,
        the last first.
    align_corners
        Whether lines and curves go between the first and last elements of both instead of their edges.
    recompute_scale_factor
        Whether places are computed from the lengths instead of the factor.

    Raises
    ------
    ValueError
        The mode is another, or does not fit the axes; neither size nor factor is given, or both.
    """
    as_bytes = mode in SMOOTH and is_discrete(x) and x.dtype == np.uint8
    (x,) = (as_tensors if mode in NEAREST or as_bytes else coerce)("interpolate", (x,))
    axes = x.ndim - 2
    if mode not in MODES or antialias:
        raise ValueError(f"interpolate: expected mode out of {', '.join(MODES)} without antialias, got {mode!r}")
    if axes < 1 or SMOOTH.get(mode, axes) != axes:
        raise ValueError(f"interpolate: mode {mode!r} does not fit (samples, channels, ...) of shape {x.shape}")
    if align_corners is not None and mode not in SMOOTH:
        raise ValueError(f"interpolate: align_corners is for straight lines and curves, not for {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: expected either size or scale_factor")
    own, factors = x.shape[2:], _each(scale_factor, axes, "scale_factor")
    if factors is None:
        wanted = tuple([whole("interpolate", "a length", n) for n in _each(size, axes, "size") or ()])
    else:
        wanted = tuple(math.floor(n * f) for n, f in zip(own, factors, strict=True))
    if min(wanted) < 1 or min(own) < 1:
        raise ValueError(f"interpolate: expected lengths of at least 1, got {wanted} of {own}")
    if mode == "area":
        return adaptive_avg_pool("interpolate", axes, x, wanted)
    for i, (n, m) in reversed(list(enumerate(zip(own, wanted, strict=True)))):
        step = n / m if factors is None or recompute_scale_factor else 1.0 / factors[i]
        if n == m and step == 1.0:
            continue
        if mode in SMOOTH:
            parts = (_curves if mode == "bicubic" else _lines)(n, _places(n, m, step, bool(align_corners)))
            x = (_blended_bytes if as_bytes else _blended)(x, 2 + i, parts)
        else:
            middle = 0.5 if mode == "nearest-exact" else 0.0
            places = np.minimum(np.floor((np.arange(m) + middle) * step).astype(np.intp), n - 1)
            x = _taken(x, 2 + i, places)
    return x


def _each(value: Any, axes: int, what: str) -> tuple[Any, ...] | None:
    """An option for each axis."""
    if value is None:
        return None
    found = tuple(value) if isinstance(value, Sequence) else (value,) * axes
    if len(found) != axes:
        raise ValueError(f"interpolate: expected {what} as one number or one for each of {axes} axes, got {value}")
    return found


def _places(n: int, m: int, step: float, corners: bool) -> Array:
    """Where among n elements m new ones lie."""
    at = np.arange(m)
    return at * ((n - 1) / (m - 1) if m > 1 else 0.0) if corners else (at + 0.5) * step - 0.5


def _curves(n: int, places: Array) -> Parts:
    """The four elements of the curve that a place lies on, and their weights; beyond the edges the last ones go on."""
    first = np.floor(places).astype(np.intp) - 1
    parts = []
    for k in range(4):
        far = np.abs(places - first - k)
        weight = np.where(far <= 1, (1.25 * far - 2.25) * far * far + 1, -0.75 * (((far - 5) * far + 8) * far - 4))
        parts.append((np.clip(first + k, 0, n - 1), weight))
    return parts


def _lines(n: int, places: Array) -> Parts:
    """The two elements that a place lies between, and their weights."""
    places = np.maximum(places, 0.0)
    left = np.minimum(np.floor(places).astype(np.intp), n - 1)
    return [(left, 1.0 - (places - left)), (np.minimum(left + 1, n - 1), places - left)]


def _taken(x: Any, axis: int, places: Array) -> Any:
    return getitem(x, (slice(None),) * axis + (places,))


def _blended(x: Tensor, axis: int, parts: Parts) -> Tensor:
    """The sums of elements along an axis, each with its weight."""
    shape = (-1, *(1,) * (x.ndim - axis - 1))
    first, *others = [_taken(x, axis, at) * weights.reshape(shape).astype(x.dtype) for at, weights in parts]
    return sum(others, start=first)


def _blended_bytes(x: Any, axis: int, parts: Parts) -> Any:
    """The same of bytes, as PyTorch has it: weights of 16 bits, as fine as the largest allows, and one rounding."""
    weights = [weight for _, weight in parts]
    for k in range(1, len(parts)):  # at the edges one element stands for several, with the sum of their weights
        again = parts[k][0] == parts[k - 1][0]
        weights[k] = np.where(again, weights[k] + weights[k - 1], weights[k])
        weights[k - 1] = np.where(again, 0.0, weights[k - 1])
    bits, largest = 0, max(weight.max() for weight in weights)
    while int(0.5 + largest * 2 ** (bits + 1)) < 2**15:
        bits += 1
    shape = (-1, *(1,) * (x.ndim - axis - 1))
    total: Any = 2 ** (bits - 1)
    for (at, _), weight in zip(parts, weights, strict=True):
        whole = np.trunc(weight * 2**bits + np.copysign(0.5, weight)).astype(np.int64)
        total = total + operand(_taken(x, axis, at)) * whole.reshape(shape)
    return discrete(np.clip(total >> bits, 0, 255).astype(np.uint8))
