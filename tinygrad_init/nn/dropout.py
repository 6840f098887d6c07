"""Dropout as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..engine.tensor import Tensor
from .module import Module


class Dropout(Module):
    """In training, elements are 0 with probability p and 1 / (1 - p) times as large otherwise; else nothing happens.

    Srivastava et al. 2014, in the inverted form: what is used later needs no other scale.

    Parameters
    ----------
    p
        From 0 to 1.
    rng
        Where the choice comes from; a seed or a generator. Without it the choice is random. Each call draws anew, and
        so does each run of a captured program: the same numbers, in the same order.
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | int | None = None) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"Dropout: expected p from 0 to 1, got {p}")
        self.p, self.rng = p, np.random.default_rng(rng)

    def forward(self, x: Any) -> Tensor | Any:
        return ops.dropout(x, self.p, self.rng) if self.training and self.p > 0.0 else x

    def extra_repr(self) -> str:
        return str(self.p)
