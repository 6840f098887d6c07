"""PyTorch modules for what `nn` has and PyTorch has not: `to_torch` makes them, `from_torch` reads them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """x + branch(x), or shortcut(x) + branch(x); as `tgi.nn.Residual`."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x: Any) -> Any:
        kept = x if self.shortcut is None else self.shortcut(x)
        return kept + self.branch(x)


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalization of an input of any number of axes, (samples, num_features, ...); as `tgi.nn.BatchNorm`."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(
                f"expected an input of shape (samples, {self.num_features}, ...), got {tuple(input.shape)}"
            )


class LastAxisPReLU(nn.PReLU):
    """`nn.PReLU` with a slope for each place of the last axis, not of axis 1."""

    def forward(self, input: Tensor) -> Tensor:
        return torch.where(input > 0, input, self.weight * input)


class GlobalAvgPool(nn.Module):
    """The mean of each channel, (samples, channels, ...) to (samples, channels); as `tgi.nn.GlobalAvgPool`."""

    def __init__(self, keepdims: bool = False) -> None:
        super().__init__()
        self.keepdims = keepdims

    def forward(self, x: Tensor) -> Tensor:
        means = x.flatten(2).mean(2)
        return means.reshape(*means.shape, *(1,) * (x.ndim - 2)) if self.keepdims else means


class Erf(nn.Module):
    """erf(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.erf(x)


class Sin(nn.Module):
    """sin(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


class _Loss(nn.Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def reduced(self, values: Tensor) -> Tensor:
        return values if self.reduction == "none" else values.mean() if self.reduction == "mean" else values.sum()


class HalfSquaredError(_Loss):
    """½ Σ (a - y)² over the outputs of each sample; as `tgi.nn.HalfSquaredError`."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        squares = 0.5 * (prediction - target) ** 2
        return self.reduced(squares.flatten(1).sum(1) if squares.ndim > 1 else squares)


class HingeLoss(_Loss):
    """Margins of signs, or of classes (Weston and Watkins 1999); as `tgi.nn.HingeLoss`."""

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        if target.shape == scores.shape:
            return self.reduced(F.relu(1.0 - target * scores))
        right = target[:, None]
        margins = F.relu(1.0 + scores - scores.gather(1, right)).scatter(1, right, 0.0)
        return self.reduced(margins.sum(1))
