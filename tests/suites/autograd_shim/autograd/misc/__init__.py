"""Nested containers as one array, and functions whose graph does not change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tinygrad_init as tgi
from tinygrad_init.trees import filled, leaves_of

from .. import numpy as np
from ..values import plain, tensors


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers in a row, and what puts such a row back into the form of the value."""
    parts = leaves_of(value)
    shapes = [np.shape(x) for x in parts]
    ends = np.cumsum([0, *[np.size(x) for x in parts]]).tolist()

    def unflatten(row: Any) -> Any:
        found = [np.reshape(row[i:j], shape) for (i, j), shape in zip(pairwise(ends), shapes, strict=True)]
        return filled(value, [x[()] if np.ndim(x) == 0 else x for x in found])

    return (np.concatenate([np.ravel(x) for x in parts]) if parts else np.array([])), unflatten


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A captured program of the function, some of its arguments given once and for all."""
    step = tgi.capture(lambda *others: fun(*args, *others, **kwargs))
    return lambda *others: plain(step(*tensors(others)))
