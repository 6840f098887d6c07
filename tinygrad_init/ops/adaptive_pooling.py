"""Pooling to lengths that are given, and by powers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import pow
from .pooling import Option, _avg, _avg_pool, _max_pool, places_of_largest
from .reductions import mean
from .shape import _getitem, _reshape, concatenate, expand_dims, getitem, whole
from .windows import slide

Lengths = int | None | Sequence[int | None]


def _lengths(name: str, axes: int, x: Tensor, wanted: Lengths) -> tuple[int, ...]:
    """The lengths of the result; None is as long as the input.

    Raises
    ------
    TypeError, ValueError
        They are no whole numbers of at least 1, or as many as there are axes; or the input has another shape.
    """
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(f"{name}: expected (samples, channels, ...) with {axes + 2} axes, got shape {x.shape}")
    given = tuple(wanted) if isinstance(wanted, Sequence) else (wanted,) * axes
    if len(given) != axes:
        raise ValueError(f"{name}: expected output_size for {axes} axes, got {wanted}")
    own = x.shape[-axes:]
    found = tuple(n if m is None else whole(name, "output_size", m) for m, n in zip(given, own, strict=True))
    if min(found) < 1 or min(own) < 1:
        raise ValueError(f"{name}: expected lengths of at least 1, got {found} for an input of {own}")
    return found


def _bounds(n: int, parts: int) -> list[tuple[int, int]]:
    """Where each part of an axis begins and ends; neighbours share what does not fit."""
    return [(i * n // parts, -(-(i + 1) * n // parts)) for i in range(parts)]


def adaptive_avg_pool(name: str, axes: int, x: Any, output_size: Lengths) -> Tensor:
    """The means of so many parts along each of the last axes."""
    (x,) = coerce(name, (x,))
    wanted = _lengths(name, axes, x, output_size)
    own = x.shape[-axes:]
    if set(wanted) == {1}:
        return mean(x, tuple(range(x.ndim - axes, x.ndim)), True)
    if all(n % m == 0 for n, m in zip(own, wanted, strict=True)):
        size = tuple(n // m for n, m in zip(own, wanted, strict=True))
        single = x.ndim == axes + 1
        out = _avg_pool(expand_dims(x, 0) if single else x, slide(name, own, size, size, 0, 1))
        return _reshape(out, out.shape[1:]) if single else out
    # The mean of a box is that of the means along its sides.
    for at, parts in enumerate(wanted, x.ndim - axes):
        if parts != x.shape[at]:
            before = (slice(None),) * at
            pieces = [_getitem(x, (*before, slice(*bounds))) for bounds in _bounds(x.shape[at], parts)]
            x = concatenate([mean(piece, at, True) for piece in pieces], at)
    return x


def adaptive_max_pool(name: str, axes: int, x: Any, output_size: Lengths, return_indices: bool = False) -> Any:
    """The largest elements of so many parts along each of the last axes; of several the first takes the cotangent.

    With `return_indices`, their numbers among the elements of a channel come along, as an array.
    """
    (x,) = coerce(name, (x,))
    wanted = _lengths(name, axes, x, output_size)
    own, first = x.shape[-axes:], x.ndim - axes
    # Parts are made equally long by their last element standing there several times, which is not the first then.
    places, size = [], []
    for n, parts in zip(own, wanted, strict=True):
        bounds = _bounds(n, parts)
        longest = max(end - start for start, end in bounds)
        places.append(np.array([min(start + k, end - 1) for start, end in bounds for k in range(longest)]))
        size.append(longest)
    for at, found in enumerate(places, first):
        if len(found) != x.shape[at] or np.any(found != np.arange(len(found))):
            x = getitem(x, (slice(None),) * at + (found,))
    single = first == 1
    x = expand_dims(x, 0) if single else x
    windows = slide(name, x.shape[-axes:], tuple(size), tuple(size), 0, 1)
    out = _max_pool(x, windows)
    indices = None
    if return_indices:
        indices = places_of_largest(operand(x), operand(out), windows, places, own)
        indices = indices.reshape(out.shape[1:]) if single else indices
    out = _reshape(out, out.shape[1:]) if single else out
    return out if indices is None else (out, indices)


def lp_pool(
    name: str, axes: int, x: Any, norm_type: float, size: Option, stride: Option | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ x^p)^(1/p) under each window; NaN where the sum is below 0."""
    (x,) = coerce(name, (x,))
    if not norm_type > 0:
        raise ValueError(f"{name}: expected norm_type above 0, got {norm_type}")
    window = math.prod(size) if isinstance(size, Sequence) else size**axes
    powers = x * x if norm_type == 2 else x if norm_type == 1 else pow(x, float(norm_type))
    sums = _avg(name, axes, powers, size, stride, 0, ceil_mode, True, None) * float(window)
    return pow(sums, 1.0 / norm_type)
