"""The two halves: data, usual networks and sizes, so that no case of one is a case of the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

import tinygrad_init as tgi

Phi = Callable[[], nn.Module]
HALVES = ("fitting", "reporting")
SAMPLES = 1200


@dataclass(frozen=True)
class Setting:
    """What the cases of a half are made of.

    Attributes
    ----------
    half, seed, steps
        Which half, the seed of weights and batches, and how long it is trained.
    rows, labels, classes
        Features of size 1, (N, features), and their classes.
    side
        Rows are images of so many pixels along a side.
    tokens, words
        Sequences of (N, length) with a rule from one token to the next, and how many tokens there are.
    """

    half: str
    seed: int
    steps: int
    rows: Tensor
    labels: Tensor
    classes: int
    side: int
    tokens: Tensor
    words: int

    @property
    def fitting(self) -> bool:
        """Whether it is the half that thresholds are found in."""
        return self.half == HALVES[0]

    def of(self, fitting: Any, reporting: Any) -> Any:
        """One thing in one half and another in the other."""
        return fitting if self.fitting else reporting

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return self.rows.shape[1]

    @property
    def images(self) -> Tensor:
        """The rows as (N, 1, side, side)."""
        return self.rows.reshape(-1, 1, self.side, self.side)

    @property
    def sequences(self) -> Tensor:
        """The rows as (N, side, side)."""
        return self.rows.reshape(-1, self.side, self.side)

    @property
    def next(self) -> tuple[Tensor, Tensor]:
        """Tokens, and what comes after each."""
        return self.tokens[:, :-1], self.tokens[:, 1:]

    @property
    def numbers(self) -> Tensor:
        """Targets of a regression on the rows, (N, 1), of mean 0 and size 1: a smooth function that is not linear."""
        generator = torch.Generator().manual_seed(self.of(3, 4))
        ways = torch.randn(self.features, 3, generator=generator) / self.features**0.5
        z = self.rows @ ways
        y = torch.sin(self.of(2.0, 1.5) * z[:, :1]) + z[:, 1:2] * z[:, 2:]
        return (y - y.mean()) / y.std()

    def network(self, phi: Phi = nn.ReLU, outputs: int | None = None) -> nn.Module:
        """A usual network: dense layers in a row in one half, convolutions with layers after them in the other."""
        outputs = outputs or self.classes
        return dense(self.features, (48, 48), phi, outputs) if self.fitting else Seeing(self.side, 8, phi, outputs)

    def deep(self, phi: Phi, depth: int) -> nn.Sequential:
        """Dense layers, so many of them hidden."""
        return dense(self.features, (self.of(40, 56),) * depth, phi, self.classes)

    def optimizer(self, model: nn.Module) -> Optimizer:
        """A usual optimizer for it."""
        if self.fitting:
            return torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        return torch.optim.Adam(model.parameters(), 2e-3)


class Seeing(nn.Module):
    """Convolutions and dense layers, on rows that are images; functions of `F` in between are those of the user."""

    def __init__(self, side: int, width: int, phi: Phi, outputs: int) -> None:
        super().__init__()
        self.side = side
        self.enter, self.middle = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 2 * width, 3, padding=1)
        self.wide, self.out = nn.Linear(2 * width * (side // 2) ** 2, 40), nn.Linear(40, outputs)
        self.phi = phi()

    def forward(self, x: Tensor) -> Tensor:
        x = self.phi(self.enter(x.reshape(-1, 1, self.side, self.side)))
        x = self.phi(self.middle(F.avg_pool2d(x, 2)))
        return self.out(self.phi(self.wide(x.flatten(1))))


def dense(inputs: int, widths: tuple[int, ...], phi: Phi, outputs: int) -> nn.Sequential:
    """Linear maps with an activation after each but the last."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), phi()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def linears(model: nn.Module) -> tuple[str, ...]:
    """The names of the modules with weight matrices, in their order."""
    return tuple(name for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d))


def setting(half: str, seed: int, steps: int) -> Setting:
    """Of a half."""
    rows, labels, side = digits() if half == HALVES[0] else shapes()
    words = 32 if half == HALVES[0] else 24
    return Setting(half, seed, steps, rows, labels, int(labels.max()) + 1, side, text(half), words)


@cache
def digits() -> tuple[Tensor, Tensor, int]:
    """Handwritten digits of 8 by 8 pixels."""
    found = tgi.data.digits()
    generator = torch.Generator().manual_seed(0)
    some = torch.randperm(len(found.x), generator=generator)[:SAMPLES]
    rows = torch.from_numpy(found.x).float()[some]
    return (rows - rows.mean()) / rows.std(), torch.from_numpy(found.y).long()[some], 8


@cache
def shapes() -> tuple[Tensor, Tensor, int]:
    """Bars, crosses and frames somewhere in a noisy image of 10 by 10 pixels, of six kinds."""
    generator = torch.Generator().manual_seed(1)
    kinds = torch.zeros(6, 6, 6)
    line = torch.arange(6)
    kinds[0, 2:4], kinds[1, :, 2:4] = 1, 1
    kinds[2, line, line], kinds[3, line, 5 - line] = 1.5, 1.5
    kinds[4, 2], kinds[4, :, 3] = 1, 1
    kinds[5, (0, 5)], kinds[5, :, (0, 5)] = 1, 1
    labels = torch.randint(0, 6, (SAMPLES,), generator=generator)
    images = 0.25 * torch.randn(SAMPLES, 10, 10, generator=generator)
    for image, label, (down, right) in zip(
        images, labels, torch.randint(0, 3, (SAMPLES, 2), generator=generator).tolist(), strict=True
    ):
        image[down : down + 6, right : right + 6] += kinds[label]
    return (images.reshape(SAMPLES, -1) - images.mean()) / images.std(), labels, 10


@cache
def text(half: str) -> Tensor:
    """Sequences that count up, or multiply, nine times out of ten, and go anywhere else."""
    generator = torch.Generator().manual_seed(2)
    words, length = (32, 16) if half == HALVES[0] else (24, 20)
    found = torch.randint(0, words, (SAMPLES, length + 1), generator=generator)
    stays = torch.rand(SAMPLES, length, generator=generator) < 0.9
    for i in range(length):
        after = found[:, i] + 1 if half == HALVES[0] else 5 * found[:, i] + 7
        found[:, i + 1] = torch.where(stays[:, i], after % words, found[:, i + 1])
    return found
