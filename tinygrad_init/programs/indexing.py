"""Indexing of stand-ins for arrays: slices are views, arrays of integers gather and scatter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .buffers import DTYPES, FLOAT64, INT64
from .traced import NotRecordable, Traced

ARRAYS = (np.ndarray, list, Traced)


def pick(x: Traced, index: Any) -> Traced:
    """`x[index]`."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(part, ARRAYS) for part in parts):
        probe = np.lib.stride_tricks.as_strided(np.empty(0, np.uint8), x.shape, x.strides)
        # The ellipsis keeps NumPy from looking at a single element, which is not there. It raises what NumPy raises.
        found = probe[parts if any(part is Ellipsis for part in parts) else (*parts, ...)]
        return x.view_as(found.shape, found.strides, x.offset + address(found) - address(probe))
    source = x.recorder.solid(x)
    first, rest = split(x, parts)
    at = flat_index(first, parts)
    out = x.recorder.new((*at.shape, *rest), x.kind, x.boolean)
    out.narrow = x.narrow
    if out.size:
        x.recorder.add("gather", x.kind, (at.size, math.prod(rest)), [source, x.recorder.solid(at), out])
    return out


def split(x: Traced, parts: tuple[Any, ...]) -> tuple[Traced, tuple[int, ...]]:
    """The axes that an index speaks of, as an array of its own, and the lengths of those behind, picked whole."""
    if any(part is Ellipsis for part in parts):
        return x, ()
    spoken = sum(0 if p is None else np.ndim(p) if getattr(p, "dtype", None) == np.bool_ else 1 for p in parts)
    return x.view_as(x.shape[:spoken]), x.shape[spoken:]


def address(array: np.ndarray[Any, Any]) -> int:
    """Where an array begins."""
    return int(array.__array_interface__["data"][0])


def put(x: Traced, index: Any, value: Any) -> None:
    """`x[index] = value`."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, ARRAYS) for part in parts):
        raise NotRecordable("assignment at an array of indices")
    target = pick(x, index)
    if isinstance(value, Traced) and value.shape == target.shape and value.place() == target.place():
        return  # the second half of `x[index] += y`, whose first half has written there
    x.recorder.write(target, value if isinstance(value, Traced) else np.asarray(value, DTYPES[x.kind]))


def add_at(x: Traced, index: Any, value: Any) -> None:
    """`np.add.at(x, index, value)` for an x of zeros."""
    parts = index if isinstance(index, tuple) else (index,)
    first, rest = split(x, parts)
    at = flat_index(first, parts)
    source = x.recorder.solid(x.recorder.operand(value).broadcast_to((*at.shape, *rest)))
    if not x.whole:
        raise NotRecordable("np.add.at to an array with gaps")
    width = math.prod(rest)
    x.recorder.add("scatter", x.kind, (at.size, width, first.size), [source, x.recorder.solid(at), x])


def flat_index(x: Traced, parts: tuple[Any, ...]) -> Traced:
    """The numbers of the elements that an index with arrays picks, counted in C order.

    NumPy itself says which elements are picked when every array of the program is 0, and which entry of those arrays
    belongs to each of them; what the entries move the pick by is computed when the program runs.
    """
    recorder = x.recorder
    fixed = [known(part) for part in parts]
    moving = [i for i, part in enumerate(fixed) if isinstance(part, Traced)]
    shapes = [np.shape(part) for part in fixed if isinstance(part, ARRAYS)]
    entries = np.arange(math.prod(np.broadcast_shapes(*shapes))).reshape(np.broadcast_shapes(*shapes))
    zeros = [np.zeros(part.shape, np.intp) if isinstance(part, Traced) else part for part in fixed]
    total = recorder.constant(np.asarray(np.arange(x.size).reshape(x.shape)[tuple(zeros)], np.int64))
    for i in moving:
        axis = axis_of(parts, i, x.ndim)
        part = fixed[i]
        check_range(part, x.shape[axis], axis)
        # Which entry moves which pick: the axis made as long as there are entries, and full of its own numbers.
        long = (*x.shape[:axis], entries.size, *x.shape[axis + 1 :])
        ruler = np.broadcast_to(
            np.arange(entries.size).reshape([entries.size if d == axis else 1 for d in range(x.ndim)]), long
        )
        which = recorder.constant(np.asarray(ruler[(*zeros[:i], entries, *zeros[i + 1 :])], np.int64))
        # Computed in float64, which is exact: an index is far below 2^53.
        at = recorder.converted(part, DTYPES[FLOAT64])
        n, step = float(x.shape[axis]), float(math.prod(x.shape[axis + 1 :]))
        negative = recorder.binary("less", at, recorder.number(0.0, FLOAT64))
        at = recorder.binary("add", at, recorder.binary("mul", negative, recorder.number(n, FLOAT64)))
        at = recorder.binary("mul", at, recorder.number(step, FLOAT64))
        moved = recorder.new(which.shape, FLOAT64)
        source = recorder.solid(at.broadcast_to(entries.shape))
        if moved.size:
            recorder.add("gather", FLOAT64, (moved.size, 1), [source, which, moved])
        total = recorder.binary("add", recorder.floats(total), moved)
    return recorder.converted(total, DTYPES[INT64], copy=False)


def known(part: Any) -> Any:
    """A part of an index as NumPy takes it, if its numbers are known."""
    if not isinstance(part, Traced):
        return part
    value = part.value
    if value is not None:
        return value.astype(np.bool_) if part.boolean else value
    if part.kind != INT64:
        raise NotRecordable("an array of truth values as an index (how much it picks is known only in the run)")
    return part


def axis_of(parts: tuple[Any, ...], i: int, ndim: int) -> int:
    """Which axis the part number i of an index belongs to."""
    used = [0 if p is None else np.ndim(p) if getattr(p, "dtype", None) == np.bool_ else 1 for p in parts]
    before = [k for k in range(i) if parts[k] is Ellipsis]
    if before:
        return ndim - sum(used[i:])
    return sum(used[:i])


def check_range(number: Traced, n: int, axis: int) -> None:
    """An index out of range stops the program as it would stop NumPy."""

    def error(values: np.ndarray[Any, Any]) -> Exception:
        bad = values[(values < -n) | (values >= n)].reshape(-1)[0]
        return IndexError(f"index {bad} is out of bounds for axis {axis} with size {n}")

    number.recorder.check(number, -n, n - 1, error)
