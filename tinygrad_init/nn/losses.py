"""Losses as modules: a loss function with its reduction chosen beforehand."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..ops.losses import LOSSES, loss_name
from .module import Module


class Loss(Module):
    """A loss function by its name (`tgi.ops.losses.LOSSES`).

    Parameters
    ----------
    name
        "half_squared_error", "mse", "cross_entropy", "binary_cross_entropy" or "hinge", or the same in other libraries.
    reduction
        "mean", "sum" or "none".
    """

    def __init__(self, name: str, reduction: str = "mean") -> None:
        self.name, self.reduction = loss_name(name), reduction

    def forward(self, prediction: Tensor, target: Any) -> Tensor:
        return LOSSES[self.name](prediction, target, self.reduction)

    def extra_repr(self) -> str:
        return f"{self.name}, reduction={self.reduction}"


class HalfSquaredError(Loss):
    """½ Σ (a - y)², averaged over the samples: the article's loss, whose derivative by a is a - y."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("half_squared_error", reduction)


class MSELoss(Loss):
    """(a - y)², averaged over all elements."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("mse", reduction)


class CrossEntropyLoss(Loss):
    """-ln softmax(logits) at the target class."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("cross_entropy", reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("binary_cross_entropy", reduction)


class HingeLoss(Loss):
    """Margins of signs or of classes."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("hinge", reduction)
