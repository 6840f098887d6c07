"""Parts of tensors along axes, other shapes of them, and tensors with a part replaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from .elementwise import where
from .rearranging import flip, moveaxis, split_sizes
from .registry import Array
from .shape import _getitem, _reshape, _transpose, broadcast_to, getitem, one_axis, put_add, sum_to, swapaxes, whole
from .spelling import either

__all__ = [
    "as_strided", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors", "diag_embed",
    "diagflat", "diagonal_scatter", "expand", "expand_as", "fliplr", "flipud", "movedim", "narrow", "pixel_shuffle",
    "pixel_unshuffle", "ravel", "reshape_as", "rot90", "select", "select_scatter", "slice_scatter",
    "split_with_sizes", "sum_to_size", "t", "unbind", "unflatten", "unfold", "view_as",
]  # fmt: skip


def _at(x: Any, axis: int, part: Any) -> Any:
    """A part along one axis."""
    return _getitem(x, (slice(None),) * axis + (part,))


def _lengths(name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape that is given as one sequence or as numbers."""
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    return tuple([whole(name, "a length", n) for n in given])


def expand(x: Any, *shape: Any) -> Any:
    """Stretched to a shape, in which -1 leaves a length as it is; as PyTorch's `expand`."""
    (x,) = as_tensors("expand", (x,))
    wanted = _lengths("expand", shape)
    lead = len(wanted) - x.ndim
    if lead < 0 or any(n == -1 for n in wanted[:lead]):
        raise ValueError(f"expand: shape {x.shape} does not stretch to {wanted}")
    return broadcast_to(x, tuple(x.shape[i - lead] if n == -1 else n for i, n in enumerate(wanted)))


def expand_as(x: Any, other: Any) -> Any:
    """Stretched to the shape of another tensor."""
    return broadcast_to(as_tensors("expand_as", (x,))[0], tuple(other.shape))


def view_as(x: Any, other: Any) -> Any:
    """The same numbers in the shape of another tensor."""
    return _reshape(as_tensors("view_as", (x,))[0], tuple(other.shape))


reshape_as = view_as


def sum_to_size(x: Any, *shape: Any) -> Any:
    """Summed over the axes in which a shape, that stretches to that of x, is shorter."""
    (x,) = as_tensors("sum_to_size", (x,))
    wanted = _lengths("sum_to_size", shape)
    if is_discrete(x):
        lead = x.ndim - len(wanted)
        axes = tuple(i for i in range(x.ndim) if i < lead or wanted[i - lead] != x.shape[i])
        if not axes:
            return x
        return discrete(np.sum(operand(x), axis=axes, keepdims=True).reshape(wanted))
    return sum_to(x, wanted)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that shapes stretch to."""
    return np.broadcast_shapes(*shapes)


def broadcast_tensors(*tensors: Any) -> list[Any]:
    """Tensors stretched to their common shape."""
    found = [as_tensors("broadcast_tensors", (x,))[0] for x in tensors]
    shape = np.broadcast_shapes(*[x.shape for x in found])
    return [broadcast_to(x, shape) for x in found]


def ravel(x: Any) -> Any:
    """All elements in a row."""
    (x,) = as_tensors("ravel", (x,))
    return _reshape(x, (x.size,))


def unflatten(x: Any, axis: int | None = None, sizes: Sequence[int] = (), *, dim: int | None = None) -> Any:
    """One axis taken apart into several, whose lengths are given; -1 once for what is left."""
    (x,) = as_tensors("unflatten", (x,))
    at = one_axis(dim if axis is None else axis, x.ndim, "unflatten")  # type: ignore[arg-type]
    wanted = list(_lengths("unflatten", tuple(sizes)))
    if wanted.count(-1) == 1:
        wanted[wanted.index(-1)] = x.shape[at] // max(-math.prod(wanted), 1)
    if not wanted or min(wanted) < 0 or math.prod(wanted) != x.shape[at]:
        raise ValueError(f"unflatten: {tuple(sizes)} does not multiply up to the {x.shape[at]} of axis {at}")
    return _reshape(x, (*x.shape[:at], *wanted, *x.shape[at + 1 :]))


def _atleast(name: str, tensors: tuple[Any, ...], make: Any) -> Any:
    many = len(tensors) != 1 or isinstance(tensors[0], list | tuple)
    found = [make(as_tensors(name, (x,))[0]) for x in (tensors[0] if many and len(tensors) == 1 else tensors)]
    return tuple(found) if many else found[0]


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one axis."""
    return _atleast("atleast_1d", tensors, lambda x: x if x.ndim else _reshape(x, (1,)))


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two axes, new ones first."""
    return _atleast("atleast_2d", tensors, lambda x: x if x.ndim > 1 else _reshape(x, (1, x.size)))


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three axes: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""

    def make(x: Any) -> Any:
        return x if x.ndim > 2 else _reshape(x, (*x.shape, 1) if x.ndim == 2 else (1, x.size, 1))

    return _atleast("atleast_3d", tensors, make)


@either
def unbind(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis."""
    (x,) = as_tensors("unbind", (x,))
    at = one_axis(axis, x.ndim, "unbind")
    return tuple(_at(x, at, i) for i in range(x.shape[at]))


@either
def narrow(x: Any, axis: int, start: Any, length: int) -> Any:
    """So many elements along an axis, from a place on.

    Raises
    ------
    ValueError
        There are not so many.
    """
    (x,) = as_tensors("narrow", (x,))
    at, first = one_axis(axis, x.ndim, "narrow"), int(start)
    n = x.shape[at]
    first = first + n if first < 0 else first
    if not (0 <= first <= n and 0 <= length <= n - first):
        raise ValueError(f"narrow: {length} elements from {start} on are not among the {n} along axis {at}")
    return _at(x, at, slice(first, first + length))


def select(x: Any, axis: int | None = None, index: int = 0, *, dim: int | None = None) -> Any:
    """One slice along an axis, without that axis."""
    (x,) = as_tensors("select", (x,))
    at = one_axis(dim if axis is None else axis, x.ndim, "select")  # type: ignore[arg-type]
    if not -x.shape[at] <= index < x.shape[at]:
        raise IndexError(f"select: there is no slice {index} among {x.shape[at]} along axis {at}")
    return _at(x, at, int(index))


@either
def split_with_sizes(x: Any, split_sizes_: Sequence[int], axis: int = 0) -> list[Any]:
    """Parts of the lengths given along an axis; `split_sizes` by PyTorch's other name."""
    return split_sizes(x, split_sizes_, axis)


def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows along an axis, each `step` after the one before, their elements along a new last axis."""
    (x,) = as_tensors("unfold", (x,))
    at, row = one_axis(dimension, max(x.ndim, 1), "unfold"), x if x.ndim else _reshape(x, (1,))
    n = row.shape[at]
    if not 0 <= size <= n or step < 1:
        raise ValueError(f"unfold: expected a size from 0 to {n} and a step of at least 1, got {size} and {step}")
    starts = np.arange(0, n - size + 1, step)
    found = getitem(row, (slice(None),) * at + (starts[:, None] + np.arange(size),))
    found = moveaxis(found, at + 1, -1)
    return found if x.ndim else _reshape(found, (size,))


movedim = moveaxis


def flipud(x: Any) -> Any:
    """The elements in reverse order along the first axis."""
    return flip(x, 0)


def fliplr(x: Any) -> Any:
    """The elements in reverse order along the second axis."""
    return flip(x, 1)


def t(x: Any) -> Any:
    """A matrix transposed, a vector as it is."""
    (x,) = as_tensors("t", (x,))
    if x.ndim > 2:
        raise ValueError(f"t: expected at most two axes, got shape {x.shape}; write mT for stacks of matrices")
    return x if x.ndim < 2 else _transpose(x, (1, 0))


def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1), *, dims: Sequence[int] | None = None) -> Any:
    """Turned k times by a right angle, from the first axis named towards the second."""
    (x,) = as_tensors("rot90", (x,))
    a, b = [one_axis(i, x.ndim, "rot90") for i in (axes if dims is None else dims)]
    if a == b:
        raise ValueError(f"rot90: expected two axes, got {a} twice")
    if k % 4 == 0:
        return x
    if k % 4 == 2:
        return flip(x, (a, b))
    return swapaxes(flip(x, b), a, b) if k % 4 == 1 else flip(swapaxes(x, a, b), b)


def as_strided(x: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int = 0) -> Any:
    """Elements by their places in a row: that at (i, j) is number offset + i·stride[0] + j·stride[1].

    Numbers are counted as x would lie in memory without gaps, whatever way it was made.
    """
    (x,) = as_tensors("as_strided", (x,))
    if len(size) != len(stride):
        raise ValueError(f"as_strided: expected a stride for each of {len(size)} axes, got {len(stride)}")
    at = np.full(tuple(size), storage_offset, np.int64)
    for i, (n, step) in enumerate(zip(size, stride, strict=True)):
        at += (np.arange(n) * step).reshape((-1, *(1,) * (len(size) - 1 - i)))
    if at.size and not (at.min() >= 0 and at.max() < x.size):
        raise ValueError(f"as_strided: size {size} and stride {stride} reach beyond {x.size} elements")
    return getitem(_reshape(x, (x.size,)), (at,))


# Diagonals


def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices, on two new axes, with the last axis of x as a diagonal."""
    (x,) = as_tensors("diag_embed", (x,))
    n = x.shape[-1] + abs(offset)
    at = np.arange(x.shape[-1])
    made = put_add(x, (*x.shape[:-1], n, n), (Ellipsis, at + max(0, -offset), at + max(0, offset)))
    a, b = one_axis(dim1, x.ndim + 1, "diag_embed"), one_axis(dim2, x.ndim + 1, "diag_embed")
    if a == b:
        raise ValueError(f"diag_embed: expected two axes, got {dim1} and {dim2}")
    return moveaxis(made, (-2, -1), (a, b))


def diagflat(x: Any, offset: int = 0) -> Any:
    """A matrix with all elements of x as its diagonal."""
    return diag_embed(ravel(x), offset)


# A part replaced


def _replaced(x: Any, src: Any, index: Any) -> Any:
    """x with `src` at an index, each place of which is named once."""
    x, src = as_tensors("replacing a part", (x, src))
    held: Array = np.zeros(x.shape, bool)
    held[index] = True
    wanted = held[index].shape
    if tuple(src.shape) != wanted:
        raise ValueError(f"expected a part of shape {wanted}, got {src.shape}")
    return where(held, put_add(src, x.shape, index), x)


def select_scatter(x: Any, src: Any, dim: int, index: int) -> Any:
    """x with one slice along an axis replaced."""
    at = one_axis(dim, np.ndim(operand(x)), "select_scatter")
    return _replaced(x, src, (slice(None),) * at + (index,))


def slice_scatter(
    x: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """x with the slice start:end:step along an axis replaced."""
    at = one_axis(dim, np.ndim(operand(x)), "slice_scatter")
    return _replaced(x, src, (slice(None),) * at + (slice(start, end, step),))


def diagonal_scatter(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """x with a diagonal of two axes replaced; `src` has it as its last axis."""
    (x,) = as_tensors("diagonal_scatter", (x,))
    a, b = one_axis(dim1, x.ndim, "diagonal_scatter"), one_axis(dim2, x.ndim, "diagonal_scatter")
    turned = moveaxis(x, (a, b), (-2, -1))
    rows, columns = max(0, -offset), max(0, offset)
    at = np.arange(max(0, min(turned.shape[-2] - rows, turned.shape[-1] - columns)))
    return moveaxis(_replaced(turned, src, (Ellipsis, at + rows, at + columns)), (-2, -1), (a, b))


# Pixels


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Channels spread as r times r pixels: (..., C·r², H, W) becomes (..., C, H·r, W·r) (Shi et al. 2016)."""
    (x,) = as_tensors("pixel_shuffle", (x,))
    r = whole("pixel_shuffle", "a factor", upscale_factor)
    if x.ndim < 3 or r < 1 or x.shape[-3] % (r * r):
        raise ValueError(f"pixel_shuffle: expected (..., C·{r}², H, W), got shape {x.shape}")
    *lead, c, h, w = x.shape
    apart = _reshape(x, (*lead, c // (r * r), r, r, h, w))
    n = len(lead)
    turned = _transpose(apart, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return _reshape(turned, (*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """r times r pixels gathered as channels: the inverse of `pixel_shuffle`."""
    (x,) = as_tensors("pixel_unshuffle", (x,))
    r = whole("pixel_unshuffle", "a factor", downscale_factor)
    if x.ndim < 3 or r < 1 or x.shape[-2] % r or x.shape[-1] % r:
        raise ValueError(f"pixel_unshuffle: expected (..., C, H·{r}, W·{r}), got shape {x.shape}")
    *lead, c, h, w = x.shape
    apart = _reshape(x, (*lead, c, h // r, r, w // r, r))
    n = len(lead)
    turned = _transpose(apart, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return _reshape(turned, (*lead, c * r * r, h // r, w // r))


METHODS.update({
    name: globals()[name] for name in __all__ if name not in ("broadcast_shapes", "broadcast_tensors", "atleast_1d",
    "atleast_2d", "atleast_3d", "pixel_shuffle", "pixel_unshuffle")
})  # fmt: skip
