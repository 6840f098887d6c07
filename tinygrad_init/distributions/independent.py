"""Several draws counted as one."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..ops.reductions import sum as total
from .distribution import Distribution, Sizes


class Independent(Distribution):
    """A distribution whose last axes are one event: probabilities are multiplied along them.

    Parameters
    ----------
    base_distribution
        Of independent numbers.
    reinterpreted_batch_ndims
        How many of the last axes.
    """

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int) -> None:
        shape, axes = base_distribution.batch_shape, reinterpreted_batch_ndims
        if not 0 <= axes <= len(shape):
            raise ValueError(f"Independent: expected from 0 to {len(shape)} axes of shape {shape}, got {axes}")
        self.base_dist, self.axes = base_distribution, tuple(range(-axes, 0))
        self.batch_shape = shape[: len(shape) - axes]
        self.event_shape = (*shape[len(shape) - axes :], *base_distribution.event_shape)

    @property
    def mean(self) -> Tensor:
        found: Tensor = self.base_dist.mean  # type: ignore[attr-defined]
        return found

    def sample(self, sample_shape: Sizes = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def _summed(self, x: Tensor) -> Tensor:
        return total(x, axis=self.axes) if self.axes else x
