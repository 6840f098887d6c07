"""Models that are converted: PyTorch's and this package's, each with the shape of its input."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import tinygrad_init as tgi


class LeNet(nn.Module):
    """Modules, functions and a view, as tutorials write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5, padding=2), nn.Conv2d(4, 6, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(6 * 25, 20), nn.Linear(20, 12), nn.Linear(12, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), (2, 2))
        x = x.view(x.size(0), -1)
        x = F.dropout(F.relu(self.fc1(x)), 0.0, training=self.training)
        return self.fc3(self.fc2(x).relu())


class Block(nn.Module):
    """A residual block that adds in place."""

    def __init__(self, width: int, wider: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, wider, 3, stride, 1, bias=False), nn.BatchNorm2d(wider)
        self.conv2, self.bn2 = nn.Conv2d(wider, wider, 3, padding=1, bias=False), nn.BatchNorm2d(wider)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or width != wider:
            self.shortcut = nn.Sequential(nn.Conv2d(width, wider, 1, stride, bias=False), nn.BatchNorm2d(wider))

    def forward(self, x: Any) -> Any:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.shortcut(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.layers = nn.ModuleList([Block(4, 4, 1), Block(4, 8, 2)])
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.fc(torch.flatten(self.pool(x), 1))


class PreNorm(nn.Module):
    """x + f(norm(x)) twice, written out; and sums inside of sums."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.up, self.down = nn.LayerNorm(6), nn.Linear(6, 9), nn.Linear(9, 6)
        self.inner, self.norm2, self.out = nn.Linear(6, 6), nn.LayerNorm(6, bias=False), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        x = x + self.down(F.gelu(self.up(self.norm1(x))))
        inside = self.inner(x)
        x = torch.add(self.norm2(inside + torch.sin(inside)), x)
        return self.out(x)


class Positions(nn.Module):
    """Averages over positions, and a reshape."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 5, 3), nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(F.elu(self.conv(x), 0.7).mean(dim=(2, 3)).reshape(-1, 5))


def mlp(phi: Callable[[], nn.Module], *sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [phi(), nn.Linear(before, after)]
    return nn.Sequential(*layers[1:])


def autoencoder() -> nn.Sequential:
    encoder = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 6, 3, 2, 1), nn.BatchNorm2d(6))
    decoder = nn.Sequential(
        nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 2, 4, 2, 1, groups=2, bias=False),
        nn.Sigmoid(),
    )
    return nn.Sequential(encoder, nn.Tanh(), decoder)


THEIRS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "relu": (lambda: mlp(nn.ReLU, 5, 8, 8, 3), (7, 5)),
    "tanh": (lambda: mlp(nn.Tanh, 5, 8, 8, 8, 3), (7, 5)),
    "gelu": (lambda: mlp(nn.GELU, 5, 8, 3), (7, 5)),
    "prelu": (lambda: mlp(lambda: nn.PReLU(8), 5, 8, 8, 3), (7, 5)),
    "batch_norm": (
        lambda: nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8, momentum=None), nn.SELU(), nn.Linear(8, 3)), (9, 5)
    ),
    "layer_norm": (lambda: nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8, 1e-3), nn.SiLU(), nn.Linear(8, 3)), (7, 5)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 6, 3, padding="same", dilation=2, bias=False),
            nn.BatchNorm2d(6, 1e-3, 0.3),
            nn.PReLU(6),
            nn.AvgPool2d(2, 1, 1),
            nn.Conv2d(6, 6, 3, (2, 1), (1, 0), groups=3),
            nn.Mish(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6, 3),
        ),
        (5, 2, 7, 6),
    ),
    "lenet": (LeNet, (3, 1, 28, 28)),
    "resnet": (ResNet, (4, 3, 8, 8)),
    "pre_norm": (PreNorm, (5, 6)),
    "positions": (Positions, (4, 2, 6, 5)),
    "autoencoder": (autoencoder, (3, 1, 8, 8)),
    "conv1d": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4), nn.Softplus(), nn.MaxPool1d(2),
            nn.Conv1d(4, 4, 3, 1, "same"), nn.Hardtanh(), nn.AvgPool1d(3, 2, 1), nn.ConvTranspose1d(4, 3, 3, 2, 1, 1),
            nn.Hardsigmoid(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(3, 2),
        ),
        (4, 2, 12),
    ),
    "no_affine": (
        lambda: nn.Sequential(
            nn.Linear(5, 6), nn.BatchNorm1d(6, affine=False), nn.Softsign(),
            nn.Linear(6, 6), nn.BatchNorm1d(6, track_running_stats=False), nn.Identity(),
            nn.LayerNorm(6, elementwise_affine=False), nn.ELU(0.5), nn.Linear(6, 2),
        ),
        (6, 5),
    ),
}  # fmt: skip


def own_resnet() -> Any:
    def branch(width: int, wider: int) -> Any:
        return tgi.nn.Sequential(
            tgi.nn.Conv2d(width, wider, 3, padding=1), tgi.nn.BatchNorm2d(wider), tgi.nn.ReLU(),
            tgi.nn.Conv2d(wider, wider, 3, padding=1), tgi.nn.BatchNorm(wider),
        )  # fmt: skip

    return tgi.nn.Sequential(
        tgi.nn.Residual(branch(2, 2)),
        tgi.nn.Residual(branch(2, 4), tgi.nn.Conv2d(2, 4, 1)),
        tgi.nn.GlobalAvgPool(),
        tgi.nn.Linear(4, 3),
    )


OURS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    **{
        name: (lambda name=name: tgi.nn.MLP([4, 6, 6, 2], name, rng=1), (5, 4))
        for name in [*tgi.nn.ACTIVATIONS, "prelu"]
    },
    "resnet": (own_resnet, (3, 2, 5, 5)),
    "slopes of the last axis": (
        lambda: tgi.nn.Sequential(tgi.nn.Linear(4, 6), tgi.nn.PReLU(6, 0.1, axis=-1)), (2, 3, 4)
    ),
    "slopes of channels": (lambda: tgi.nn.Sequential(tgi.nn.Conv1d(2, 3, 3), tgi.nn.PReLU(3, 0.4, axis=1)), (2, 2, 7)),
    "transposed": (
        lambda: tgi.nn.Sequential(
            tgi.nn.ConvTranspose2d(4, 2, 3, (2, 1), 1, (1, 0), 2, dilation=2), tgi.nn.MaxPool2d(3, 2, 1),
            tgi.nn.GlobalAvgPool(keepdims=True), tgi.nn.Flatten(),
        ),
        (2, 4, 5, 5),
    ),
    "conv1d": (
        lambda: tgi.nn.Sequential(
            tgi.nn.Conv1d(2, 4, 3, 2, 1, groups=2), tgi.nn.BatchNorm1d(4, momentum=None), tgi.nn.AvgPool1d(2),
            tgi.nn.ConvTranspose1d(4, 3, 3, bias=False), tgi.nn.LayerNorm((3, 5), bias=False), tgi.nn.Dropout(0.0),
        ),
        (3, 2, 12),
    ),
}  # fmt: skip
