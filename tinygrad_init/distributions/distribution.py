"""What all distributions have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..engine.operands import coerce
from ..engine.storage import Storage
from ..engine.tensor import Tensor
from ..ops.drawing import generator_of
from ..ops.shape import broadcast_to

Sizes = Sequence[int]


class Distribution:
    """Probabilities of numbers; parameters may be tensors on the way to a gradient.

    `batch_shape` is the shape of the parameters, `event_shape` that of one draw.
    """

    batch_shape: tuple[int, ...] = ()
    event_shape: tuple[int, ...] = ()

    def sample(self, sample_shape: Sizes = ()) -> Any:
        """Draws of shape (*sample_shape, *batch_shape, *event_shape), without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        """Draws as functions of the parameters, through which gradients go (Kingma and Welling 2014, sec. 2.4).

        Raises
        ------
        NotImplementedError
            The distribution is of whole numbers, which have no derivative.
        """
        raise NotImplementedError(
            f"{type(self).__name__}.rsample: draws have no derivative; write sample(), and a loss of log_prob"
        )

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability, or of its density, of each value."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_prob")

    def cdf(self, value: Any) -> Tensor:
        """The probability that a number is at most each value."""
        raise NotImplementedError(f"{type(self).__name__} does not define cdf")

    def icdf(self, value: Any) -> Tensor:
        """The numbers at most which a draw is with given probabilities: the inverse of `cdf`."""
        raise NotImplementedError(f"{type(self).__name__} does not define icdf")

    def entropy(self) -> Tensor:
        """-E[log p], in nats."""
        raise NotImplementedError(f"{type(self).__name__} does not define entropy")

    def _shape(self, sample_shape: Sizes) -> tuple[int, ...]:
        if not isinstance(sample_shape, Sequence) or isinstance(sample_shape, str):
            raise TypeError(f"{type(self).__name__}: expected the shape of draws, such as (3,), got {sample_shape!r}")
        return (*sample_shape, *self.batch_shape, *self.event_shape)


def drawn(shape: tuple[int, ...], dtype: Any, draw: Callable[..., Any]) -> Tensor:
    """Draws of the default generator, from a function of it and a shape."""
    return Tensor(np.asarray(draw(generator_of(None), shape), dtype), dtype)


def parameters(name: str, *given: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape and dtype."""
    found = coerce(name, given if any(isinstance(x, Storage) for x in given) else tuple(map(Tensor, given)))
    try:
        shape = np.broadcast_shapes(*(x.shape for x in found))
    except ValueError:
        shapes = " and ".join(str(x.shape) for x in found)
        raise ValueError(f"{name}: parameters of shapes {shapes} do not broadcast") from None
    return tuple(x if x.shape == shape else broadcast_to(x, shape) for x in found)


def numbers(value: Any, like: Tensor) -> Any:
    """Values as they are given, but lists of numbers as a tensor with the dtype of a parameter."""
    return Tensor(value, like.dtype) if isinstance(value, list | tuple | str) else value


def either(name: str, probs: Any, logits: Any) -> tuple[Any, bool]:
    """The one of two parameters that is given, as a tensor, and whether it is the logits.

    Raises
    ------
    ValueError
        Both are given, or neither.
    """
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: expected either probs or logits, got {'neither' if probs is None else 'both'}")
    return parameters(name, logits if probs is None else probs)[0], probs is None


def limits(x: Tensor) -> tuple[float, float]:
    """The numbers next to 0 and 1, in the dtype of a tensor, between which probabilities have finite logarithms."""
    eps = float(np.finfo(x.dtype).eps)
    return eps, 1.0 - eps


def require(name: str, what: str, tensor: Tensor, holds: Any) -> None:
    """Raise unless all numbers of a parameter are what they must be.

    Raises
    ------
    ValueError
        One is not.
    """
    with np.errstate(invalid="ignore"):
        bad = np.asarray(tensor.detach().numpy())[~np.asarray(holds)]
    if bad.size:
        raise ValueError(f"{name}: expected {what}, got {bad.ravel()[0]}")
