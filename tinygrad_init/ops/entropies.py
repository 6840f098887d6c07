"""Products with logarithms that are 0 where their factor is: the terms of entropies and likelihoods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.methods import METHODS
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .elementwise import gated, log, log1p, where
from .registry import Array, operation


def xlogy(x: Any, y: Any) -> Tensor:
    """x·ln y, and 0 where x is 0, whatever y is (unless NaN)."""
    x, y = coerce("xlogy", (x, y))
    nothing = (x == 0) & ~(y != y)
    return where(nothing, 0.0, x * log(where(nothing, 1.0, y)))


def xlog1py(x: Any, y: Any) -> Tensor:
    """x·ln(1 + y), and 0 where x is 0, whatever y is (unless NaN)."""
    x, y = coerce("xlog1py", (x, y))
    nothing = (x == 0) & ~(y != y)
    return where(nothing, 0.0, x * log1p(where(nothing, 0.0, y)))


@operation(
    lambda g, x: gated(g, where(x >= 0, -log(where(x < 0, 1.0, x)) - 1.0, np.nan)),
    formula="-x·ln x, 0 at 0, -∞ below",
    kind="unary",
    domain=(0.2, 3.0),
)
def entr(x: Array, /) -> Array:
    """-x·ln x, which is 0 at 0 and -∞ below: the terms of an entropy."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x))), x.dtype)


METHODS.update(xlogy=xlogy, xlog1py=xlog1py)
