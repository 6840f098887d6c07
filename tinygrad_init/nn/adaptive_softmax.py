"""A softmax over many classes in which rare ones cost less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.storage import operand
from ..engine.tensor import Tensor
from ..init.drawing import generator_of
from ..ops.shape import put_add, whole
from .containers import ModuleList, Sequential
from .convolution import Rng
from .layers import Linear
from .module import Module


class Scored(NamedTuple):
    """The log-probability of each target, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of frequent classes by one linear map, of rarer ones by narrower maps, a cluster each.

    Grave et al. 2017. Classes are numbered by falling frequency. The head has the frequent classes and one number a
    cluster; log P(class) = log P(cluster) + log P(class | cluster).

    Parameters
    ----------
    in_features, n_classes
        How many inputs and classes there are.
    cutoffs
        Rising numbers of classes: where each cluster begins.
    div_value
        Cluster i has in_features / div_valueⁱ inputs.
    head_bias
        Whether the head has a bias.
    device, dtype, rng
        As in `Linear`.

    Raises
    ------
    ValueError
        The cutoffs do not rise, or lie outside of 1 to n_classes - 1.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        name = type(self).__name__
        ends = [whole(name, "cutoffs", n) for n in cutoffs]
        self.in_features, self.n_classes = whole(name, "in_features", in_features), whole(name, "n_classes", n_classes)
        if not ends or ends != sorted(set(ends)) or ends[0] < 1 or ends[-1] >= n_classes:
            raise ValueError(f"{name}: expected cutoffs that rise from at least 1 to below {n_classes}, got {ends}")
        self.ends, self.div_value, self.head_bias = [*ends, self.n_classes], div_value, head_bias
        self.shortlist_size, self.n_clusters = ends[0], len(ends)
        self.head_size = self.shortlist_size + self.n_clusters
        generator = generator_of(rng)
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype, rng=generator)
        self.tail = ModuleList()
        for i, (start, end) in enumerate(zip(self.cutoffs, self.cutoffs[1:], strict=False), 1):
            hidden = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, False, device, dtype, rng=generator),
                    Linear(hidden, end - start, False, device, dtype, rng=generator),
                )
            )

    @property
    def cutoffs(self) -> list[int]:
        """Where clusters end; the last one with the last class."""
        return self.ends

    def forward(self, input: Any, target: Any) -> Scored:
        """The log-probability of each sample's target, and the loss.

        Raises
        ------
        ValueError
            Shapes do not fit, or a target is no class.
        """
        (x,) = coerce(type(self).__name__, (input,))
        classes = operand(target)
        if x.ndim not in (1, 2) or classes.shape != x.shape[:-1] or x.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__}: expected an input (samples, {self.in_features}) and a target for each sample, "
                f"got shapes {x.shape} and {classes.shape}"
            )
        if x.ndim == 1:
            found = self.forward(x.reshape(1, -1), classes.reshape(1))
            return Scored(found.output.reshape(()), found.loss)
        if mode.trace is not None:  # which samples are in which cluster is known only in the run
            output = ops.gather(self.log_prob(x), 1, target.reshape(-1, 1)).reshape(-1)
            return Scored(output, -output.mean())
        if classes.size and not (classes.min() >= 0 and classes.max() < self.n_classes):
            raise ValueError(
                f"{type(self).__name__}: expected targets from 0 to {self.n_classes - 1}, got {classes.min()} to "
                f"{classes.max()}"
            )
        cluster = np.searchsorted(self.cutoffs, classes, side="right")
        first = np.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        output = ops.gather(ops.log_softmax(self.head(x), 1), 1, first.reshape(-1, 1)).reshape(-1)
        for i, part in enumerate(self.tail):
            rows = np.flatnonzero(cluster == i + 1)
            if rows.size:
                own = (classes[rows] - self.cutoffs[i]).reshape(-1, 1)
                inside = ops.gather(ops.log_softmax(part(x[rows]), 1), 1, own).reshape(-1)
                output = output + put_add(inside, output.shape, (rows,))
        return Scored(output, -output.mean())

    def log_prob(self, input: Any) -> Tensor:
        """The log-probabilities of all classes, (samples, n_classes)."""
        head = ops.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, part in enumerate(self.tail):
            at = self.shortlist_size + i
            parts.append(ops.log_softmax(part(input), 1) + head[:, at : at + 1])
        return ops.concatenate(parts, axis=1)

    def predict(self, input: Any) -> Any:
        """The most probable class of each sample."""
        return ops.argmax(self.log_prob(input), 1)
