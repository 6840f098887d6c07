"""Rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .elementwise import where
from .registry import Array
from .selection import places
from .shape import getitem
from .targets import require_between


def embedding(indices: Any, weight: Tensor, padding_index: int | None = None) -> Tensor:
    """The rows of a table whose numbers are given.

    Parameters
    ----------
    indices
        Whole numbers of any shape.
    weight
        Of shape (rows, features).
    padding_index
        A row into which no gradient flows.

    Returns
    -------
    Tensor
        Of the shape of the indices with one more axis, the features.

    Raises
    ------
    ValueError
        A number is that of no row.
    TypeError
        They are no whole numbers.
    """
    (weight,) = coerce("embedding", (weight,))
    if weight.ndim != 2:
        raise ValueError(f"embedding: expected a weight of shape (rows, features), got {weight.shape}")
    numbers, rows = places("embedding", indices), weight.shape[0]

    def error(found: Array) -> ValueError:
        return ValueError(f"embedding: expected numbers from 0 to {rows - 1}, got {found.min()} to {found.max()}")

    require_between(numbers, 0, rows - 1, error)
    found = getitem(weight, numbers)
    if padding_index is None:
        return found
    return where((numbers == padding_index)[..., None], found.detach(), found)
