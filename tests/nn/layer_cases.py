"""Layers, each with the shape of what goes in, for tests that go through all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_init import nn

F64 = {"dtype": "float64", "rng": 0}
NORM = {"dtype": "float64"}
IMAGE, SIGNAL, ROWS = (2, 4, 5, 6), (2, 4, 7), (3, 4)

# Inputs lie apart, so that no finite difference passes a kink or changes which is the largest.
ELEMENTWISE = {
    **{name: (getattr(nn, name), ROWS) for name in ("ReLU6", "Hardswish", "LogSigmoid", "Tanhshrink", "Hardsigmoid")},
    "CELU": (lambda: nn.CELU(1.5), ROWS),
    "Hardshrink": (lambda: nn.Hardshrink(0.52), ROWS),
    "Softshrink": (lambda: nn.Softshrink(0.52), ROWS),
    "Threshold": (lambda: nn.Threshold(0.21, 2.0), ROWS),
    "Hardtanh": (lambda: nn.Hardtanh(-1.03, 0.51), ROWS),
    "Softplus": (lambda: nn.Softplus(2.0, 1.53), ROWS),
    "GELU": (lambda: nn.GELU("tanh"), ROWS),
    "PReLU": (lambda: nn.PReLU(4, dtype="float64"), IMAGE),
}
OTHERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "GLU": (lambda: nn.GLU(1), ROWS),
    "Softmax": (lambda: nn.Softmax(1), ROWS),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), ROWS),
    "Softmin": (lambda: nn.Softmin(0), ROWS),
    "Softmax2d": (nn.Softmax2d, IMAGE),
    "ConstantPad1d": (lambda: nn.ConstantPad1d((2, -1), 1.5), SIGNAL),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, 1)), IMAGE),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 0, 3)), IMAGE),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d((1, 3)), SIGNAL),
    "CircularPad2d": (lambda: nn.CircularPad2d(2), IMAGE),
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), 2, 1, dilation=2, ceil_mode=True), IMAGE),
    "MaxPool1d of one sample": (lambda: nn.MaxPool1d(2), SIGNAL[1:]),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
    "AvgPool2d by number": (lambda: nn.AvgPool2d(2, divisor_override=3), IMAGE),
    "AvgPool3d": (lambda: nn.AvgPool3d(2), (1, 2, 3, 4, 4)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), SIGNAL),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((5, 2)), IMAGE),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 4)), IMAGE),
    "Conv1d in a circle": (lambda: nn.Conv1d(4, 2, 3, padding=1, padding_mode="circular", **F64), SIGNAL),
    "Conv2d mirrored": (lambda: nn.Conv2d(4, 2, (3, 2), padding="same", padding_mode="reflect", **F64), IMAGE),
    "Conv2d of one sample": (lambda: nn.Conv2d(4, 2, 3, **F64), IMAGE[1:]),
    "Conv3d": (lambda: nn.Conv3d(2, 2, 2, **F64), (1, 2, 3, 3, 3)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 2, 2, 2, **F64), (1, 2, 2, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4, bias=False, **NORM), ROWS),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True, **NORM), SIGNAL),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, track_running_stats=True, **NORM), IMAGE),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4, **NORM), IMAGE),
    "LayerNorm": (lambda: nn.LayerNorm((5, 6), bias=False, **NORM), IMAGE),
    "RMSNorm": (lambda: nn.RMSNorm(4, **NORM), ROWS),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3, 0.5), IMAGE),
    "Flatten": (lambda: nn.Flatten(1, 2), IMAGE),
    "Unflatten": (lambda: nn.Unflatten(1, (2, -1)), ROWS),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), (1, 2, 4, 6)),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), IMAGE),
    "Upsample": (lambda: nn.Upsample(scale_factor=1.7), IMAGE),
    "Upsample by lines": (lambda: nn.Upsample((7, 3), mode="bilinear", align_corners=False), IMAGE),
    "Upsample by curves": (lambda: nn.Upsample((7, 3), mode="bicubic"), IMAGE),
    "Unfold": (lambda: nn.Unfold((2, 3), padding=1, stride=2), IMAGE),
    "Fold": (lambda: nn.Fold((4, 3), 2), (1, 8, 6)),
    "UpsamplingBilinear2d": (lambda: nn.UpsamplingBilinear2d(scale_factor=2), IMAGE),
    "RNN": (lambda: nn.RNN(4, 3, 2, "tanh", bidirectional=True, **F64), (3, 2, 4)),
    "GRU": (lambda: nn.GRU(4, 3, batch_first=True, **F64), (2, 3, 4)),
    "LSTM": (lambda: nn.LSTM(4, 3, 2, proj_size=2, **F64), (3, 2, 4)),
    "RNNCell": (lambda: nn.RNNCell(4, 3, **F64), ROWS),
    "GRUCell": (lambda: nn.GRUCell(4, 3, **F64), ROWS),
    "LSTMCell": (lambda: nn.LSTMCell(4, 3, **F64), ROWS),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 6, 0.0, "gelu", norm_first=True, **F64),
                                (3, 2, 4)),
}  # fmt: skip
LAYERS = {**ELEMENTWISE, **OTHERS}


def numbers(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Numbers between -2 and 2 that lie apart from each other and from 0."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(np.linspace(-1.97, 2.0, count)).reshape(shape)


def first(out: Any) -> Any:
    """What counts of a result of several parts."""
    return out[0] if isinstance(out, tuple) else out
