"""Losses as modules: a loss function with its reduction chosen beforehand."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..ops.binary_losses import binary_cross_entropy, binary_cross_entropy_with_logits
from ..ops.losses import LOSSES, cross_entropy, loss_name
from .module import Module
from .pytorch_order import as_buffer, refuse_old


class Loss(Module):
    """A loss function by its name (`tgi.ops.losses.LOSSES`).

    Parameters
    ----------
    name
        "half_squared_error", "mse", "cross_entropy", "binary_cross_entropy_with_logits" or "hinge", or the same
        in other libraries.
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
    """(a - y)², averaged over all elements. `size_average` and `reduce`, which PyTorch has given up, are refused."""

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        refuse_old("MSELoss", size_average, reduce)
        super().__init__("mse", reduction)


class CrossEntropyLoss(Loss):
    """-ln softmax(logits) at the target class; parameters as in `tgi.cross_entropy`."""

    def __init__(
        self,
        weight: Any = None,
        size_average: None = None,
        ignore_index: int | None = -100,
        reduce: None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        refuse_old("CrossEntropyLoss", size_average, reduce)
        super().__init__("cross_entropy", reduction)
        self.weight = as_buffer("CrossEntropyLoss", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Any) -> Tensor:
        if self.weight is None and self.ignore_index == -100 and not self.label_smoothing:
            return super().forward(input, target)
        return cross_entropy(
            input, target, self.reduction, weight=self.weight, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits; parameters as in `tgi.binary_cross_entropy_with_logits`."""

    def __init__(
        self,
        weight: Any = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        refuse_old("BCEWithLogitsLoss", size_average, reduce)
        super().__init__("binary_cross_entropy_with_logits", reduction)
        self.weight = as_buffer("BCEWithLogitsLoss", weight)
        self.pos_weight = as_buffer("BCEWithLogitsLoss", pos_weight)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return binary_cross_entropy_with_logits(
            input, target, self.reduction, weight=self.weight, pos_weight=self.pos_weight
        )


class BCELoss(Module):
    """Binary cross-entropy of probabilities; parameters as in `tgi.binary_cross_entropy`."""

    def __init__(
        self, weight: Any = None, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        refuse_old("BCELoss", size_average, reduce)
        self.weight, self.reduction = as_buffer("BCELoss", weight), reduction

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return binary_cross_entropy(input, target, self.reduction, weight=self.weight)


class HingeLoss(Loss):
    """Margins of signs or of classes."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("hinge", reduction)
