"""Small models in PyTorch of many kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mlp(*between: Callable[[], nn.Module], width: int = 48) -> nn.Sequential:
    phi = between or (nn.ReLU,)
    layers = [nn.Linear(64, width), *(f() for f in phi), nn.Linear(width, width), *(f() for f in phi)]
    return nn.Sequential(*layers, nn.Linear(width, 10))


class Convolutional(nn.Module):
    def __init__(self, normalize: Callable[[int], nn.Module] = nn.BatchNorm2d, phi: Any = None) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.norm1, self.norm2 = normalize(8), normalize(16)
        self.out = nn.Linear(16, 10)
        self.phi = phi or (lambda x: F.relu(x, inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.phi(self.norm1(self.one(x))), 2)
        return self.out(self.phi(self.norm2(self.two(x))).mean((2, 3)))


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)  # the branch is 0 at first

    def forward(self, x: Tensor) -> Tensor:
        branch = F.relu(self.norm1(self.one(x)), inplace=True)
        return F.relu(x + self.norm2(self.two(branch)), inplace=True)


def residual() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), Block(12), Block(12), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 10)
    )


class Recurrent(nn.Module):
    def __init__(self, kind: Any = nn.LSTM) -> None:
        super().__init__()
        self.cell, self.out = kind(8, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.cell(x)[0][:, -1])


class Transformer(nn.Module):
    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter, self.places = nn.Linear(8, 32), nn.Parameter(0.1 * torch.randn(8, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layers(self.enter(x) + self.places).mean(1))


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.hidden, self.out = nn.Embedding(17, 24), nn.Linear(16 * 24, 48), nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(self.table(x).flatten(1))))


def autoencoder() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 12), nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 64)
    )
