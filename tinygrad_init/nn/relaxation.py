"""Choices drawn at random that a gradient goes through."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init.drawing import Generator
from ..ops.drawing import rand


def gumbel_softmax(
    logits: Any,
    tau: float = 1.0,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    rng: Generator | None = None,
) -> Tensor:
    """softmax((logits + Gumbel noise) / tau): with a small tau nearly one-hot, drawn with the logits' probabilities.

    Jang et al. 2017; Maddison et al. 2017.

    Parameters
    ----------
    tau
        The temperature, above 0.
    hard
        Whether the result is one-hot, with the gradient of the soft one.
    eps
        As in PyTorch, without effect.
    dim
        The axis of the classes.
    rng
        What noise is drawn from: a generator, a seed, or None for the default one.

    Raises
    ------
    ValueError
        tau is not above 0.
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: expected tau above 0, got {tau}")
    (x,) = coerce("gumbel_softmax", (logits,))
    exponential = ops.clip(-ops.log1p(-rand(*x.shape, dtype=x.dtype, rng=rng)), np.finfo(x.dtype).tiny, np.inf)
    soft = ops.softmax((x - ops.log(exponential)) / tau, dim)
    if not hard:
        return soft
    chosen = ops.one_hot(ops.argmax(soft.detach(), dim), x.shape[dim], dtype=x.dtype)
    return ops.moveaxis(chosen, -1, dim) - soft.detach() + soft
