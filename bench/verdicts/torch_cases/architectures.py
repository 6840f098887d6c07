"""Models of the cases, as people write them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions beside an identity, or beside a projection where that is wanted."""

    def __init__(self, inputs: int, width: int, stride: int, silent: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        if silent:
            nn.init.zeros_(self.bn2.weight)
        self.down = nn.Conv2d(inputs, width, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(branch)) + self.down(x), inplace=True)


class Blocks(nn.Module):
    """A small residual network."""

    def __init__(self, width: int, blocks: int, classes: int, silent: bool) -> None:
        super().__init__()
        self.enter, self.bn = nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        parts = [Block(width, width, 1, silent) for _ in range(blocks - 1)]
        self.blocks = nn.Sequential(*parts, Block(width, 2 * width, 2, silent))
        self.out = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.enter(x)), inplace=True)
        return self.out(self.blocks(x).mean((2, 3)))


class Shared(nn.Module):
    """One convolution, used at full size and at half of it."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.enter, self.both = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.both(F.relu(self.enter(x))))
        x = F.relu(self.both(F.max_pool2d(x, 2)))
        return self.out(F.adaptive_avg_pool2d(x, 2).flatten(1))


class Recalling(nn.Module):
    """Cells, and a layer after the last of their outputs."""

    def __init__(self, kind: Callable[..., nn.Module], inputs: int, width: int, classes: int, **options: Any) -> None:
        super().__init__()
        self.cells, self.out = kind(inputs, width, batch_first=True, **options), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.cells(x)[0][:, -1])


class Steps(nn.Module):
    """A recurrent network whose loop is written by hand: h ← φ(W x + R h)."""

    def __init__(self, inputs: int, width: int, classes: int, phi: Callable[[Tensor], Tensor], radius: float) -> None:
        super().__init__()
        self.enter, self.again = nn.Linear(inputs, width), nn.Linear(width, width, bias=False)
        self.out, self.phi = nn.Linear(width, classes), phi
        nn.init.orthogonal_(self.again.weight, radius)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), self.again.in_features)
        for at in range(x.shape[1]):
            h = self.phi(self.enter(x[:, at]) + self.again(h))
        return self.out(h)


class Attention(nn.Module):
    """One head, with or without its scale."""

    def __init__(self, width: int, scaled: bool, mask: Callable[[int], Tensor] | None) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.merge, self.mask = nn.Linear(width, width), mask
        self.scale = 1 / math.sqrt(width) if scaled else 1.0

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(-1, -2) * self.scale
        if self.mask is not None:
            scores = scores + self.mask(x.shape[1])
        return self.merge(scores.softmax(-1) @ self.value(x))


class Attending(nn.Module):
    """Attention over the rows of an image, by a head that is written by hand."""

    def __init__(self, side: int, width: int, classes: int, scaled: bool, blocks: int) -> None:
        super().__init__()
        self.enter, self.places = nn.Linear(side, width), nn.Parameter(0.1 * torch.randn(side, width))
        self.heads = nn.ModuleList([Attention(width, scaled, None) for _ in range(blocks)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(blocks)])
        self.out = nn.Linear(width, classes)
        for head in self.heads:
            for part in (head.query, head.key):  # of size 1 each, as the scale takes for granted
                nn.init.normal_(part.weight, 0, width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x) + self.places
        for head, norm in zip(self.heads, self.norms, strict=True):
            x = x + head(norm(x))
        return self.out(x.mean(1))


def causal(length: int) -> Tensor:
    """-∞ where a place would look at a later one."""
    return torch.full((length, length), -math.inf).triu(1)


class Language(nn.Module):
    """A small transformer of tokens, normalized before each branch."""

    def __init__(self, words: int, width: int, blocks: int, length: int, mask: Callable[[int], Tensor] | None) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.1, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, blocks, enable_nested_tensor=False)
        self.norm, self.out, self.mask = nn.LayerNorm(width), nn.Linear(width, words), mask

    def forward(self, x: Tensor) -> Tensor:
        mask = None if self.mask is None else self.mask(x.shape[1])
        return self.out(self.norm(self.blocks(self.table(x) + self.places.weight, mask=mask)))


class Tied(nn.Module):
    """An embedding whose table also makes the logits."""

    def __init__(self, words: int, width: int, size: float) -> None:
        super().__init__()
        self.table, self.inner, self.norm = nn.Embedding(words, width), nn.Linear(width, width), nn.LayerNorm(width)
        self.out = nn.Linear(width, words, bias=False)
        nn.init.normal_(self.table.weight, 0, size)
        self.out.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.table(x)
        return self.out(self.norm(x + F.gelu(self.inner(x))))


def of_tokens(logits: Tensor, y: Tensor) -> Tensor:
    """Cross entropy of every token."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


class Autoencoder(nn.Module):
    def __init__(self, features: int, width: int, code: int, phi: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(features, width), phi(), nn.Linear(width, code))
        self.decoder = nn.Sequential(nn.Linear(code, width), phi(), nn.Linear(width, features))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class Variational(nn.Module):
    def __init__(self, features: int, width: int, code: int) -> None:
        super().__init__()
        self.encoder, self.mean, self.log_variance = (
            nn.Linear(features, width), nn.Linear(width, code), nn.Linear(width, code),
        )  # fmt: skip
        self.decoder, self.out = nn.Linear(code, width), nn.Linear(width, features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.encoder(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.out(F.relu(self.decoder(z))), mean, log_variance


def variational_loss(returned: Any, y: Tensor) -> Tensor:
    """Of what is made, and of the code's distance from a standard normal."""
    made, mean, log_variance = returned
    return F.mse_loss(made, y) - 0.005 * (1 + log_variance - mean**2 - log_variance.exp()).mean()


class Pair(nn.Module):
    """One body, a class and a number."""

    def __init__(self, features: int, width: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.kind, self.number = nn.Linear(width, classes), nn.Linear(width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        return self.kind(x), self.number(x)


class Between(nn.Module):
    """Something that somebody puts between two parts, such as a function of theirs."""

    def __init__(self, before: nn.Module, function: Callable[[Tensor], Tensor], after: nn.Module | None = None) -> None:
        super().__init__()
        self.before, self.after = before, after or nn.Identity()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.function(self.before(x)))


class Function(nn.Module):
    """A function as a module of its own name."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
