"""Every way to fill a tensor, and what an audit must call it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import init

Fill = Callable[[Any], Any]


def truncated(std: float, cut: float) -> Fill:
    """N(0, std²) cut off at so many std."""
    return lambda w: init.trunc_normal_(w, std=std, a=-cut * std, b=cut * std)


def he_truncated(w: Any) -> Any:
    """As Keras and JAX have "he_normal": the std is that after the cut."""
    return truncated(math.sqrt(2 / w[0].numel()) / 0.87962566103423978, 2.0)(w)


# Each with its names; another name of the same distribution, for a shape, counts as well.
STARTS: dict[str, tuple[Fill, str]] = {
    "uniform_": (init.uniform_, "uniform_0_1"),
    "uniform_ around 0": (lambda w: init.uniform_(w, -0.137, 0.137), "uniform"),
    "normal_": (init.normal_, "normal"),
    "normal_ of another std": (lambda w: init.normal_(w, 0.0, 0.31), "normal"),
    "normal_ of GPT-2": (lambda w: init.normal_(w, 0.0, 0.02), "gpt2"),
    "trunc_normal_": (init.trunc_normal_, "truncated_normal"),
    "trunc_normal_ far out": (lambda w: init.trunc_normal_(w, std=0.02), "gpt2"),
    "trunc_normal_ at 2 std": (truncated(0.02, 2.0), "gpt2_truncated"),
    "trunc_normal_ at 3 std": (truncated(0.02, 3.0), "gpt2_truncated"),
    "constant_": (lambda w: init.constant_(w, 0.3), "constant"),
    "ones_": (init.ones_, "constant"),
    "zeros_": (init.zeros_, "zeros"),
    "eye_": (lambda w: init.eye_(w) if w.ndim == 2 else init.dirac_(w), "identity"),
    "xavier_uniform_": (init.xavier_uniform_, "xavier_uniform"),
    "xavier_normal_": (init.xavier_normal_, "xavier_normal"),
    "xavier_normal_ for tanh": (lambda w: init.xavier_normal_(w, 5 / 3), "xavier_normal"),
    "kaiming_uniform_": (init.kaiming_uniform_, "he_uniform"),
    "kaiming_uniform_ of Linear": (lambda w: init.kaiming_uniform_(w, math.sqrt(5)), "torch_default"),
    "kaiming_normal_": (init.kaiming_normal_, "he_normal"),
    "kaiming_normal_ by fan_out": (lambda w: init.kaiming_normal_(w, mode="fan_out"), "he_normal"),
    "kaiming_normal_ of linear units": (lambda w: init.kaiming_normal_(w, nonlinearity="linear"), "lecun_normal"),
    "orthogonal_": (init.orthogonal_, "orthogonal"),
    "orthogonal_ for relu": (lambda w: init.orthogonal_(w, math.sqrt(2)), "orthogonal"),
    "sparse_": (lambda w: init.sparse_(w.view(len(w), -1), 0.1).view(w.shape), "sparse"),
    "He's, truncated": (he_truncated, "he_truncated"),
}
# Fans differ by so much that the starts' standard deviations do, by many sampling errors.
SHAPES = ((192, 64), (48, 784), (400, 100), (64, 3, 7, 7), (32, 24, 3, 3), (1024, 256))
GENERATED = torch.float32, torch.bfloat16, torch.float16
