"""Tensors put beside each other, and every combination of their elements."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import as_tensors
from ..engine.storage import operand
from .rearranging import array_split
from .shape import _reshape, broadcast_to, concatenate, getitem, put_add, stack
from .slicing import atleast_1d, atleast_2d, atleast_3d
from .spelling import refuse

__all__ = [
    "block_diag", "cartesian_prod", "column_stack", "combinations", "dsplit", "dstack", "hsplit", "meshgrid",
    "row_stack", "vsplit",
]  # fmt: skip


def column_stack(tensors: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix, matrices beside each other."""
    found = as_tensors("column_stack", tuple(tensors))
    return concatenate([x if x.ndim > 1 else _reshape(x, (x.size, 1)) for x in found], 1)


def row_stack(tensors: Sequence[Any]) -> Any:
    """Vectors as the rows of a matrix, matrices below each other."""
    return concatenate([atleast_2d(x) for x in as_tensors("row_stack", tuple(tensors))], 0)


def dstack(tensors: Sequence[Any]) -> Any:
    """Joined along the third axis, vectors as (1, n, 1) and matrices as (m, n, 1)."""
    return concatenate([atleast_3d(x) for x in as_tensors("dstack", tuple(tensors))], 2)


def _split(name: str, x: Any, sections: Any, axis: int, least: int) -> list[Any]:
    (x,) = as_tensors(name, (x,))
    if x.ndim < least:
        raise ValueError(f"{name}: expected at least {least} axes, got shape {x.shape}")
    if isinstance(sections, int) and x.shape[axis] % max(sections, 1):
        raise ValueError(f"{name}: {x.shape[axis]} along axis {axis} do not divide into {sections} equal parts")
    return array_split(x, sections if isinstance(sections, int) else [int(i) for i in sections], axis)


def hsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Equal parts along the second axis, a vector along its only one, or parts cut at places."""
    return _split("hsplit", x, sections, 0 if operand(x).ndim == 1 else 1, 1)


def vsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Equal parts along the first axis, or parts cut at places."""
    return _split("vsplit", x, sections, 0, 2)


def dsplit(x: Any, sections: int | Sequence[int]) -> list[Any]:
    """Equal parts along the third axis, or parts cut at places."""
    return _split("dsplit", x, sections, 2, 3)


def block_diag(*tensors: Any) -> Any:
    """A matrix with matrices along its diagonal and zeros beside them; numbers and vectors are rows."""
    found = [atleast_2d(x) for x in as_tensors("block_diag", tensors)]
    if any(x.ndim != 2 for x in found):
        raise ValueError(f"block_diag: expected matrices, got shapes {[x.shape for x in found]}")
    shape = tuple(int(n) for n in np.sum([x.shape for x in found], axis=0))
    total, row, column = None, 0, 0
    for x in found:
        at = (slice(row, row + x.shape[0]), slice(column, column + x.shape[1]))
        placed = put_add(x, shape, at)
        total = placed if total is None else total + placed
        row, column = row + x.shape[0], column + x.shape[1]
    return total


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Any, ...]:
    """Vectors spread over a grid, each along its own axis.

    Parameters
    ----------
    indexing
        "ij": the first along the first axis, which is PyTorch's default; "xy": along the second, which is NumPy's.

    Raises
    ------
    TypeError
        It is not said, and there are two vectors or more.
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    found = [atleast_1d(x) for x in as_tensors("meshgrid", tuple(given))]
    if indexing is None and len(found) > 1:
        raise refuse("meshgrid(x, y)", 'meshgrid(x, y, indexing="xy")', 'meshgrid(x, y, indexing="ij")')
    if indexing not in (None, "ij", "xy"):
        raise ValueError(f"meshgrid: expected indexing 'ij' or 'xy', got {indexing!r}")
    if any(x.ndim != 1 for x in found):
        raise ValueError(f"meshgrid: expected vectors, got shapes {[x.shape for x in found]}")
    order = list(range(len(found)))
    if indexing == "xy" and len(found) > 1:
        order[:2] = 1, 0
    shape = [0] * len(found)
    for x, at in zip(found, order, strict=True):
        shape[at] = x.shape[0]
    return tuple(
        broadcast_to(_reshape(x, tuple(-1 if i == at else 1 for i in range(len(found)))), tuple(shape))
        for x, at in zip(found, order, strict=True)
    )


def cartesian_prod(*tensors: Any) -> Any:
    """Every choice of one element of each vector, as rows in the order of the vectors."""
    found = as_tensors("cartesian_prod", tensors)
    if len(found) == 1:
        return found[0]
    grids = meshgrid(*found, indexing="ij")
    return stack([_reshape(grid, (grid.size,)) for grid in grids], 1)


def combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Every choice of r elements of a vector, as rows, in order."""
    (x,) = as_tensors("combinations", (x,))
    if x.ndim != 1:
        raise ValueError(f"combinations: expected a vector, got shape {x.shape}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return getitem(x, (np.array(list(choose(range(len(x)), r)), np.int64).reshape(-1, r),))


METHODS.update(hsplit=hsplit, vsplit=vsplit, dsplit=dsplit)
