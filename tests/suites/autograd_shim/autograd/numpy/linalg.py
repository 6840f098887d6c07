"""NumPy's `linalg`, and two helpers that autograd's has besides."""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from .wrapping import in_lists


def __getattr__(name: str) -> Any:
    return in_lists(getattr(_numpy.linalg, name))


def T(x: Any) -> Any:
    return _numpy.swapaxes(x, -1, -2)


def _dot(x: Any, y: Any) -> Any:
    return _numpy.matmul(x, y)
