"""The categorical distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.discrete import discrete, plain_array
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..ops.activations import log_softmax
from ..ops.drawing import generator_of
from ..ops.elementwise import clip, exp, log
from ..ops.reductions import sum as total
from ..ops.selection import gather
from ..ops.shape import broadcast_to, squeeze
from .distribution import Distribution, Sizes, either, limits, require


class Categorical(Distribution):
    """A number of a class.

    Parameters
    ----------
    probs, logits
        One of them, with the classes along the last axis: weights of at least 0, or logarithms of such.

    Raises
    ------
    ValueError
        Both are given or neither, or a weight is negative, or all of a row are 0.
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given, are_logits = either("Categorical", probs, logits)
        if given.ndim < 1:
            raise ValueError("Categorical: expected the classes along an axis, got a number")
        if are_logits:
            self.logits = log_softmax(given, axis=-1)
            self.probs = exp(self.logits)
        else:
            numbers = given.detach().numpy()
            whole = numbers.sum(-1, keepdims=True)
            require("Categorical", "weights of at least 0, not all of them 0", given, (numbers >= 0) & (whole > 0))
            self.probs = given / total(given, axis=-1, keepdims=True)
            self.logits = log(clip(self.probs, *limits(given)))
        self.batch_shape = given.shape[:-1]

    def sample(self, sample_shape: Sizes = ()) -> Any:
        p = np.asarray(self.probs.detach().numpy(), np.float64)
        u = generator_of(None).random((*self._shape(sample_shape), 1))
        steps = np.cumsum(p, axis=-1)
        # Where rounding leaves the sum below u, the last class that has a weight.
        last = p.shape[-1] - 1 - np.argmax(p[..., ::-1] > 0, axis=-1)
        return discrete(np.minimum(np.sum(u >= steps, axis=-1), last))

    def log_prob(self, value: Any) -> Tensor:
        chosen = np.asarray(plain_array(operand(value))).astype(np.int64)
        shape = np.broadcast_shapes(chosen.shape, self.batch_shape)
        table = broadcast_to(self.logits, (*shape, self.logits.shape[-1]))
        return squeeze(gather(table, -1, np.broadcast_to(chosen, shape)[..., None]), -1)

    def entropy(self) -> Tensor:
        floor = float(np.finfo(self.logits.dtype).min)
        return -total(clip(self.logits, floor, None) * self.probs, axis=-1)
