"""Operations that take tensors apart, turn them round and put them together again: indexing, joining, or both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.discrete import discrete, is_discrete
from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from ..engine.tensor import Tensor
from .elementwise import where
from .registry import Array, operation
from .shape import (
    _getitem,
    _reshape,
    _transpose,
    broadcast_to,
    concatenate,
    getitem,
    normalize_axes,
    one_axis,
    put_add,
    whole,
)
from .spelling import either, refuse


@either
def flip(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along axes (all of them unless named)."""
    (x,) = as_tensors("flip", (x,))
    axes = normalize_axes(axis, x.ndim, "flip")
    return _getitem(x, tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim)))


@either
def roll(x: Tensor, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved on along axes, what falls out coming in at the other end; without axes as one long row."""
    (x,) = as_tensors("roll", (x,))
    if axis is None:
        return _reshape(roll(_reshape(x, (x.size,)), shift, 0), x.shape)
    axes = normalize_axes(axis, x.ndim, "roll")
    shifts = [shift] * len(axes) if isinstance(shift, int) else list(shift)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: expected one shift for each of {len(axes)} axes, got {len(shifts)}")
    for at, by in zip(axes, shifts, strict=True):
        n = x.shape[at]
        x = getitem(x, (slice(None),) * at + (np.arange(-by, n - by) % max(n, 1),))
    return x


def split(x: Tensor, sections: int | Sequence[int], axis: int = 0, **torch: Any) -> list[Tensor]:
    """In NumPy `split(x, 3)` makes three parts, in PyTorch parts of three: refused, with both ways to write it.

    `split(x, 3, dim=0)` can only be PyTorch's, and is `split_sizes`.

    Parameters
    ----------
    sections
        A list of places to cut at is NumPy's, a list of lengths PyTorch's; both are refused alike.
    """
    if torch.keys() == {"dim"} and axis == 0:
        return split_sizes(x, sections, torch["dim"])
    raise refuse(
        f"split(x, {sections!r})", f"array_split(x, {sections!r}) for parts or places", "split_sizes(x, size_or_sizes)"
    )


@either
def array_split(x: Tensor, sections: Any, axis: int = 0) -> list[Tensor]:
    """So many parts along an axis, or parts cut at places, as NumPy's `array_split` and PyTorch's `tensor_split`."""
    (x,) = as_tensors("array_split", (x,))
    at = one_axis(axis, x.ndim, "array_split")
    n = x.shape[at]
    if isinstance(sections, Sequence) or np.ndim(sections):
        cuts = [whole("array_split", "a place", c) for c in sections]
    else:
        parts = whole("array_split", "a number of parts", sections)
        if parts < 1:
            raise ValueError(f"array_split: expected 1 or more parts, got {parts}")
        sizes = [n // parts + (i < n % parts) for i in range(parts)]
        cuts = np.cumsum(sizes)[:-1].tolist()
    places = [None, *cuts, None]
    return [_getitem(x, (slice(None),) * at + (slice(a, b),)) for a, b in pairwise(places)]


@either
def split_sizes(x: Tensor, sizes: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Parts of one length along an axis, the last shorter, or of the lengths given, as PyTorch's `split` has it."""
    (x,) = as_tensors("split_sizes", (x,))
    at = one_axis(axis, x.ndim, "split_sizes")
    n = x.shape[at]
    if isinstance(sizes, Sequence):
        if sum(sizes) != n:
            raise ValueError(f"split_sizes: expected lengths that add up to {n}, got {list(sizes)}")
        return array_split(x, np.cumsum(sizes)[:-1].tolist(), at)
    size = whole("split_sizes", "a length", sizes)
    if size < 1:
        raise ValueError(f"split_sizes: expected a length of at least 1, got {size}")
    return array_split(x, list(range(size, n, size)), at)


@either
def chunk(x: Tensor, chunks: int, axis: int = 0) -> list[Tensor]:
    """Up to so many parts of one length along an axis, the last shorter."""
    (x,) = as_tensors("chunk", (x,))
    n = x.shape[one_axis(axis, x.ndim, "chunk")]
    return split_sizes(x, max(1, -(-n // whole("chunk", "a number of parts", chunks))), axis)


def tile(x: Tensor, *times: Any) -> Tensor:
    """The whole tensor so many times along each axis, one after the other; new axes come first."""
    (x,) = as_tensors("tile", (x,))
    given = times[0] if len(times) == 1 and isinstance(times[0], Sequence) else times
    counts = tuple(whole("tile", "a number of times", n) for n in given)
    if any(n < 0 for n in counts):
        raise ValueError(f"tile: expected numbers of at least 0, got {counts}")
    ndim = max(x.ndim, len(counts))
    shape, counts = (1,) * (ndim - x.ndim) + x.shape, (1,) * (ndim - len(counts)) + counts
    apart = _reshape(x, tuple(n for m in shape for n in (1, m)))
    spread = broadcast_to(apart, tuple(n for pair in zip(counts, shape, strict=True) for n in pair))
    return _reshape(spread, tuple(c * m for c, m in zip(counts, shape, strict=True)))


def repeat(x: Tensor, *times: Any, **options: Any) -> Tensor:
    """In NumPy each element so many times, in PyTorch the whole tensor: refused, with both ways to write it."""
    given = ", ".join(map(repr, times))
    raise refuse(f"repeat({given})", f"repeat_interleave({given})", f"tile({given})")


@either
def repeat_interleave(x: Tensor, repeats: Any, axis: int | None = None, output_size: int | None = None) -> Tensor:
    """Each element so many times, or each its own number of times, along an axis; without one of all in a row.

    `output_size` is taken, as PyTorch does, which can compute faster knowing it.
    """
    (x,) = as_tensors("repeat_interleave", (x,))
    if axis is None:
        x, axis = _reshape(x, (x.size,)), 0
    at = one_axis(axis, x.ndim, "repeat_interleave")
    places = np.repeat(np.arange(x.shape[at]), repeats if isinstance(repeats, int) else np.asarray(repeats))
    if output_size is not None and output_size != len(places):
        raise ValueError(f"repeat_interleave: the repeats add up to {len(places)}, not to output_size={output_size}")
    return getitem(x, (slice(None),) * at + (places,))


def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places, the others kept in order."""
    (x,) = as_tensors("moveaxis", (x,))
    a, b = normalize_axes(source, x.ndim, "moveaxis"), normalize_axes(destination, x.ndim, "moveaxis")
    if len(a) != len(b):
        raise ValueError(f"moveaxis: expected as many places as axes, got {len(a)} and {len(b)}")
    order = [i for i in range(x.ndim) if i not in a]
    for place, which in sorted(zip(b, a, strict=True)):
        order.insert(place, which)
    return _transpose(x, tuple(order))


def pad(x: Tensor, widths: Any, *given: Any, value: Any = None, mode: str = "constant", **numpy: Any) -> Tensor:
    """With a number, or with elements of its own, laid around.

    Parameters
    ----------
    widths
        As `np.pad` takes them: a number for all sides, or for each axis a pair (before, after). A flat list of more
        than two numbers is PyTorch's, last axis first, and is taken so. A width below 0 cuts off, as in PyTorch.
    value
        The number, 0 unless given.
    mode
        "constant"; or what goes on outside: "reflect" (the edge once), "symmetric" (the edge twice), "edge" (PyTorch's
        "replicate"), "wrap" (PyTorch's "circular").
    given
        The same by position, in either order.
    """
    (x,) = as_tensors("pad", (x,))
    if len(given) > 2:
        raise TypeError(f"pad: expected a value and a mode at most, got {given}")
    for one in given:
        mode, value = (one, value) if isinstance(one, str) else (mode, one)
    value = numpy.pop("constant_values", value)
    if numpy:
        raise TypeError(f"pad: there is no parameter {next(iter(numpy))!r}")
    flat = isinstance(widths, Sequence) and all(isinstance(n, int) for n in widths)
    if flat and x.ndim > 1:
        if len(widths) % 2 or len(widths) > 2 * x.ndim:
            raise ValueError(f"pad: expected pairs of widths for up to {x.ndim} axes, got {list(widths)}")
        if len(widths) == 2:
            raise refuse(
                f"pad({tuple(widths)})", f"pad([{tuple(widths)}] * {x.ndim}) for all axes",
                f"pad([(0, 0)] * {x.ndim - 1} + [{tuple(widths)}]) for the last",
            )  # fmt: skip
        pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
        sides = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    else:
        sides = [tuple(side) for side in np.broadcast_to(np.asarray(widths, int), (x.ndim, 2)).tolist()]
    if any(n < 0 for side in sides for n in side):
        if any(before + after + n < 0 for n, (before, after) in zip(x.shape, sides, strict=True)):
            raise ValueError(f"pad: widths {sides} cut off more than there is of shape {x.shape}")
        # What is cut off is cut off last, so that it can still be reflected on the other side.
        padded = pad(x, [(max(0, a), max(0, b)) for a, b in sides], value, mode=mode)
        cut = [(max(0, -a), n - max(0, -b)) for n, (a, b) in zip(padded.shape, sides, strict=True)]
        return _getitem(padded, tuple(slice(a, b) for a, b in cut))
    if mode != "constant":
        return _own_padding(x, sides, OUTSIDE.get(mode, mode))
    return _pad(x, tuple(sides), value or 0 if is_discrete(x) else float(value or 0.0))


OUTSIDE = {"replicate": "edge", "circular": "wrap"}  # PyTorch's names


def _own_padding(x: Tensor, sides: list[Any], mode: str) -> Tensor:
    """Padding with elements of x: along each axis NumPy says which."""
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ValueError(f"pad: expected mode constant, edge, reflect, symmetric or wrap, got {mode!r}")
    for at, (n, (before, after)) in enumerate(zip(x.shape, sides, strict=True)):
        most = n - 1 if mode == "reflect" else n
        if mode != "edge" and max(before, after) > max(most, 0):
            raise ValueError(f"pad: {mode} reaches at most {most} elements beyond {n}, got ({before}, {after})")
        if before or after:
            numbers = np.pad(np.arange(n), (before, after), mode=mode)  # type: ignore[call-overload]
            x = getitem(x, (slice(None),) * at + (numbers,))
    return x


@operation(
    lambda g, x_shape, sides: _getitem(
        g, tuple(slice(before, before + n) for (before, _), n in zip(sides, x_shape, strict=True))
    ),
    formula="x with a number laid around",
    examples=lambda rng: [
        ((rng.normal(size=(2, 3)),), {"sides": ((1, 0), (0, 2)), "value": 0.5}),
        ((rng.normal(size=2),), {"sides": ((0, 0),), "value": 0.0}),
    ],
    whole=True,
)
def _pad(x: Array, /, sides: tuple[tuple[int, int], ...], value: float) -> Array:
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, sides, strict=True))
    out = np.zeros(shape, x.dtype, like=x)
    if value != 0.0:
        out[...] = value
    out[tuple(slice(before, before + n) for (before, _), n in zip(sides, x.shape, strict=True))] = x
    return out


def _triangle(name: str, x: Any, keep: Any) -> Tensor:
    (x,) = as_tensors(name, (x,))
    if x.ndim < 2:
        raise ValueError(f"{name}: expected matrices, got shape {x.shape}")
    held = keep(np.ones(x.shape[-2:], bool))
    return discrete(np.where(held, operand(x), x.dtype.type(0))) if is_discrete(x) else where(held, x, 0.0)


def tril(x: Tensor, k: int = 0) -> Tensor:
    """What lies on and below a diagonal of matrices, zeros above; `k` counts diagonals upwards."""
    return _triangle("tril", x, lambda ones: np.tril(ones, k))


def triu(x: Tensor, k: int = 0) -> Tensor:
    """What lies on and above a diagonal of matrices, zeros below."""
    return _triangle("triu", x, lambda ones: np.triu(ones, k))


@either
def diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """A diagonal of two axes, as the last axis."""
    (x,) = as_tensors("diagonal", (x,))
    a, b = one_axis(axis1, x.ndim, "diagonal"), one_axis(axis2, x.ndim, "diagonal")
    if a == b:
        raise ValueError(f"diagonal: expected two axes, got {axis1} and {axis2}")
    x = moveaxis(x, (a, b), (0, 1))
    rows, columns = max(0, -offset), max(0, offset)
    n = max(0, min(x.shape[0] - rows, x.shape[1] - columns))
    return moveaxis(getitem(x, (np.arange(n) + rows, np.arange(n) + columns)), 0, -1)


def diag(x: Tensor, k: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix that has a vector as its diagonal."""
    (x,) = as_tensors("diag", (x,))
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag: expected a vector or a matrix, got shape {x.shape}")
    n = len(x) + abs(k)
    at = np.arange(len(x))
    return put_add(x, (n, n), (at + max(0, -k), at + max(0, k)))


def trace(x: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    (x,) = as_tensors("trace", (x,))
    if x.ndim != 2:
        advice = "; what led to a number is tgi.tape(x)" if x.ndim == 0 else ""
        raise ValueError(f"trace: expected a matrix, got shape {x.shape}{advice}")
    return diagonal(x).sum()


def vstack(tensors: Sequence[Any]) -> Tensor:
    """Joined along the first axis, vectors as rows."""
    return concatenate([x if x.ndim > 1 else _reshape(x, (1, x.size)) for x in as_tensors("vstack", tuple(tensors))], 0)


def hstack(tensors: Sequence[Any]) -> Tensor:
    """Joined along the second axis, vectors along their only one."""
    found = [x if x.ndim else _reshape(x, (1,)) for x in as_tensors("hstack", tuple(tensors))]
    return concatenate(found, 0 if found[0].ndim == 1 else 1)


METHODS.update(
    flip=flip, roll=roll, split=split, array_split=array_split, split_sizes=split_sizes, chunk=chunk, tile=tile,
    repeat=repeat, repeat_interleave=repeat_interleave, moveaxis=moveaxis, tril=tril, triu=triu, diagonal=diagonal,
    diag=diag, trace=trace,
)  # fmt: skip
