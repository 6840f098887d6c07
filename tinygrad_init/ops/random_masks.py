"""Dropout: noise that every call draws anew."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from .registry import Array, operation

Rng = np.random.Generator | int | None


@operation(
    None,
    formula="1 / (1 - p) with probability 1 - p, else 0, for each element of x",
    exempt="random, and constant in x: its mean, variance and repetition are tested by themselves",
)
def _dropout_mask(x: Array, /, p: float, rng: Rng) -> Array:
    x = np.asarray(x)  # a stand-in of a captured program does not become an array: the program then calls this
    # Here, so that a program does with a seed what calls do: each begins with it anew.
    kept = np.random.default_rng(rng).random(x.shape, np.float32) >= p
    return kept * x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0)


def dropout(x: Any, p: float, rng: Rng = None) -> Tensor:
    """Elements are 0 with probability p, and 1 / (1 - p) times as large otherwise (Srivastava et al. 2014, inverted).

    Parameters
    ----------
    x
        Of any shape; the result's mean is the same.
    p
        From 0 to 1.
    rng
        What the choice is drawn from: a generator, a seed (the same choice at each call), or None for a choice that is
        random. A captured program draws at each run.

    Raises
    ------
    ValueError
        `p` does not lie between 0 and 1.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: expected p from 0 to 1, got {p}")
    (x,) = coerce("dropout", (x,))
    if mode.trace is None or not isinstance(rng, np.random.Generator):
        return x * _dropout_mask(x.detach(), p, rng)
    # While a function is captured, operations without kernels are tried out: what that draws is put back, so that the
    # first run draws what a call of the function would.
    before = rng.bit_generator.state
    mask = _dropout_mask(x.detach(), p, rng)
    rng.bit_generator.state = before
    return x * mask
