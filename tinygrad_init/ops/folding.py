"""What lies under windows as columns, columns added up where windows lie, and pooling undone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .pooling import Option, _examples
from .registry import Array, operation
from .selection import places, scatter
from .shape import _getitem, _put_add, _reshape, expand_dims, stack
from .windows import Windows, slide, whole_numbers


def _fold_examples(rng: np.random.Generator) -> list[Any]:
    return [
        (tuple(rng.normal(size=(*x.shape[:2], *w.counts)) for _ in w.positions), {"windows": w})
        for (x,), options in _examples(rng)
        for w in options.values()
    ]


def _fold_rule(g: Tensor, windows: Windows, needs: tuple[bool, ...]) -> list[Tensor | None]:
    """Each position takes what lies under it."""
    padded = g if windows.extent == windows.lengths else _put_add(g, windows.padded_shape(g.shape), windows.inside)
    return [_getitem(padded, at) if need else None for at, need in zip(windows.positions, needs, strict=True)]


@operation(
    _fold_rule,
    formula="Σ x_k[n, c, p] over all p·stride + k - before = i, for each place i: what windows hold, added up",
    joint=True,
    examples=_fold_examples,
)
def _fold(*xs: Array, windows: Windows) -> Array:
    return windows.fold(xs)


def unfold(x: Any, kernel_size: Option, dilation: Option = 1, padding: Option = 0, stride: Option = 1) -> Tensor:
    """What lies under each window, as columns.

    Parameters
    ----------
    x
        Of shape (samples, channels, height, width), or (channels, height, width).
    kernel_size, dilation, padding, stride
        As in `conv2d`; padding counts as zeros.

    Returns
    -------
    Tensor
        Of shape (samples, channels · positions of a window, windows).

    Raises
    ------
    ValueError
        Shapes or options do not fit.
    """
    (x,) = coerce("unfold", (x,))
    if x.ndim not in (3, 4):
        raise ValueError(f"unfold: expected (samples, channels, height, width), got shape {x.shape}")
    if x.ndim == 3:
        columns = unfold(expand_dims(x, 0), kernel_size, dilation, padding, stride)
        return _reshape(columns, columns.shape[1:])
    windows = _two("unfold", x.shape[2:], kernel_size, stride, padding, dilation)
    padded = x if windows.extent == windows.lengths else _put_add(x, windows.padded_shape(x.shape), windows.inside)
    parts = stack([_getitem(padded, at) for at in windows.positions], 2)
    return _reshape(parts, (x.shape[0], x.shape[1] * math.prod(windows.size), math.prod(windows.counts)))


def fold(
    x: Any, output_size: Option, kernel_size: Option, dilation: Option = 1, padding: Option = 0, stride: Option = 1
) -> Tensor:
    """Columns added up where their windows lie: the adjoint of `unfold`.

    Parameters
    ----------
    x
        Of shape (samples, channels · positions of a window, windows), or without samples.
    output_size
        Height and width of the result.

    Raises
    ------
    ValueError
        Rows are no multiple of a window's positions, or columns not as many as windows.
    """
    (x,) = coerce("fold", (x,))
    if x.ndim == 2:
        out = fold(expand_dims(x, 0), output_size, kernel_size, dilation, padding, stride)
        return _reshape(out, out.shape[1:])
    lengths = whole_numbers("fold", "output_size", output_size, 2, 1)
    windows = _two("fold", lengths, kernel_size, stride, padding, dilation)
    each, count = math.prod(windows.size), math.prod(windows.counts)
    if x.ndim != 3 or x.shape[1] % each or x.shape[2] != count:
        raise ValueError(f"fold: expected (samples, a multiple of {each} rows, {count} columns), got shape {x.shape}")
    parts = _reshape(x, (x.shape[0], x.shape[1] // each, each, *windows.counts))
    return _fold(*[_getitem(parts, (slice(None), slice(None), k)) for k in range(each)], windows=windows)


def _two(
    name: str, lengths: tuple[int, ...], size: Option, stride: Option, padding: Option, dilation: Option
) -> Windows:
    return slide(name, lengths, whole_numbers(name, "kernel_size", size, 2, 1), stride, padding, dilation)


def max_unpool(
    name: str,
    axes: int,
    x: Any,
    indices: Any,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Numbers laid where the largest elements were, zeros elsewhere.

    Parameters
    ----------
    x, indices
        What max pooling gives with `return_indices`.
    kernel_size, stride, padding
        Those of the pooling.
    output_size
        The shape of the result, or its last lengths; unless given the smallest that such pooling may have come from.

    Raises
    ------
    ValueError
        Shapes do not fit, or a place lies outside.
    """
    (x,), found = coerce(name, (x,)), places(name, indices)
    if x.ndim not in (axes + 1, axes + 2) or found.shape != x.shape:
        raise ValueError(f"{name}: expected (samples, channels, ...) with {axes + 2} axes and places alike, got "
                         f"{x.shape} and {found.shape}")  # fmt: skip
    size = whole_numbers(name, "kernel_size", kernel_size, axes, 1)
    step = size if stride is None else whole_numbers(name, "stride", stride, axes, 1)
    beside = whole_numbers(name, "padding", padding, axes, 0)
    own = x.shape[-axes:]
    usual = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(own, step, beside, size, strict=True))
    wanted = usual if output_size is None else tuple(output_size)[-axes:]
    if len(wanted) != axes or any(not n - s < m < n + s for m, n, s in zip(wanted, usual, step, strict=True)):
        raise ValueError(f"{name}: expected output_size within a stride of {usual}, got {output_size}")
    total, lead = math.prod(wanted), x.shape[:-axes]
    if found.size and not (found.min() >= 0 and found.max() < total):
        raise ValueError(f"{name}: places from {found.min()} to {found.max()} are not all among {total}")
    empty = Tensor(np.zeros((*lead, total)), x.dtype)
    flat = scatter(empty, len(lead), found.reshape((*lead, -1)), _reshape(x, (*lead, math.prod(own))))
    return _reshape(flat, (*lead, *wanted))
