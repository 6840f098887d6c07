"""Indexing of stand-ins for arrays: slices are views, arrays of integers gather and scatter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .instructions import DTYPES, FLOAT64, INT64
from .traced import NotRecordable, Traced, is_integer

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
    at = flat_index(x, parts)
    out = x.recorder.new(at.shape, x.kind, x.boolean)
    if out.size:
        x.recorder.add("gather", x.kind, (out.size,), [source, x.recorder.solid(at), out])
    return out


def address(array: np.ndarray[Any, Any]) -> int:
    """Where an array begins."""
    return int(array.__array_interface__["data"][0])


def put(x: Traced, index: Any, value: Any) -> None:
    """`x[index] = value`."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, ARRAYS) for part in parts):
        raise NotRecordable("assignment at an array of indices")
    x.recorder.write(pick(x, index), value if isinstance(value, Traced) else np.asarray(value, DTYPES[x.kind]))


def add_at(x: Traced, index: Any, value: Any) -> None:
    """`np.add.at(x, index, value)` for an x of zeros."""
    parts = index if isinstance(index, tuple) else (index,)
    at = flat_index(x, parts)
    source = x.recorder.solid(x.recorder.operand(value).broadcast_to(at.shape))
    if not x.whole:
        raise NotRecordable("np.add.at to an array with gaps")
    x.recorder.add("scatter", x.kind, (at.size, x.size), [source, x.recorder.solid(at), x])


def flat_index(x: Traced, parts: tuple[Any, ...]) -> Traced:
    """The numbers of the elements that an index with arrays picks, counted in C order."""
    recorder = x.recorder
    fixed = all(not isinstance(part, Traced) or part.value is not None for part in parts)
    if fixed:
        plain = tuple(part.value if isinstance(part, Traced) else part for part in parts)
        numbers = np.arange(x.size).reshape(x.shape)[plain]
        return recorder.constant(np.asarray(numbers, np.int64))
    if not all(isinstance(part, ARRAYS) and is_integer(part) for part in parts):
        raise NotRecordable("an index that mixes arrays of the program with something else, or is boolean")
    # Computed in float64, which is exact: an index is far below 2^53.
    total = recorder.number(0.0, FLOAT64)
    for axis, part in enumerate(parts):
        n, step = x.shape[axis], math.prod(x.shape[axis + 1 :])
        number = recorder.operand(part)
        check_range(number, n, axis)
        at = recorder.converted(number, DTYPES[FLOAT64])
        negative = recorder.binary("less", at, recorder.number(0.0, FLOAT64))
        at = recorder.binary("add", at, recorder.binary("mul", negative, recorder.number(float(n), FLOAT64)))
        total = recorder.binary("add", total, recorder.binary("mul", at, recorder.number(float(step), FLOAT64)))
    rest = x.shape[len(parts) :]
    if rest:
        inner = recorder.constant(np.arange(math.prod(rest), dtype=np.float64).reshape(rest))
        total = recorder.binary("add", total.reshape(*total.shape, *[1] * len(rest)), inner)
    return recorder.converted(total, DTYPES[INT64])


def check_range(number: Traced, n: int, axis: int) -> None:
    """An index out of range stops the program as it would stop NumPy."""

    def error(values: np.ndarray[Any, Any]) -> Exception:
        bad = values[(values < -n) | (values >= n)].reshape(-1)[0]
        return IndexError(f"index {bad} is out of bounds for axis {axis} with size {n}")

    number.recorder.check(number, -n, n - 1, error)


