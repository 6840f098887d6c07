"""Trainings that go well, though something about them looks wrong to whoever does not look closely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .architectures import (
    Autoencoder,
    Blocks,
    Language,
    Pair,
    Recalling,
    Shared,
    Tied,
    Variational,
    causal,
    of_tokens,
    variational_loss,
)
from .case import Case, Training
from .settings import Setting, dense, linears


def residual(s: Setting, silent: bool) -> Training:
    model = Blocks(s.of(8, 12), s.of(2, 3), s.classes, silent)
    return Training(model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), s.images, s.labels)


def shared(s: Setting) -> Training:
    model = Shared(s.of(8, 12), s.classes)
    return Training(model, torch.optim.Adam(model.parameters(), s.of(4e-3, 3e-3)), s.images, s.labels)


def with_biases_before_normalization(s: Setting) -> Training:
    width = s.of(48, 64)
    layers = [
        part
        for i in (s.features, width)
        for part in (nn.Linear(i, width), nn.BatchNorm1d(width), s.of(nn.ReLU, nn.SiLU)())
    ]
    model = nn.Sequential(*layers, nn.Linear(width, s.classes))
    return Training(model, s.optimizer(model), s.rows, s.labels)


def sparse(s: Setting) -> Training:
    model = dense(s.features, s.of((96, 96), (128, 64, 64)), nn.ReLU, s.classes)
    with torch.no_grad():
        for name in linears(model)[:-1]:
            layer: Any = model.get_submodule(name)
            layer.weight.mul_(1.7)
            layer.bias.fill_(s.of(-0.3, -0.25))
    return Training(model, torch.optim.Adam(model.parameters(), 2e-3), s.rows, s.labels)


def with_decay(s: Setting) -> Training:
    model = s.network(s.of(nn.GELU, nn.ReLU))
    return Training(model, torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=s.of(0.1, 0.2)), s.rows, s.labels)


def deep(s: Setting) -> Training:
    model = s.deep(s.of(nn.ReLU, nn.Tanh), s.of(5, 7))
    return Training(model, torch.optim.Adam(model.parameters(), s.of(2e-3, 1e-3)), s.rows, s.labels)


def with_dropout(s: Setting) -> Training:
    layers = [part for i in (s.features, 96) for part in (nn.Linear(i, 96), nn.ReLU(), nn.Dropout(s.of(0.3, 0.5)))]
    model = nn.Sequential(*layers, nn.Linear(96, s.classes))
    return Training(model, torch.optim.Adam(model.parameters(), 3e-3), s.rows, s.labels)


def tied(s: Setting) -> Training:
    model = Tied(s.words, s.of(48, 64), s.of(0.02, 0.05))
    return Training(model, torch.optim.Adam(model.parameters(), 5e-3), *s.next, of_tokens)


def adversaries(s: Setting) -> Training:
    """A discriminator; half of its samples are made by a generator that learns as it does."""
    judge = dense(s.features, s.of((64,), (64, 32)), lambda: nn.LeakyReLU(0.2), 1)
    maker = dense(16, (64,), nn.ReLU, s.features)
    learns = torch.optim.Adam(maker.parameters(), 1e-3, betas=(0.5, 0.9))
    noise = torch.Generator().manual_seed(s.seed)
    half = len(s.rows) // 2
    x, y = s.rows.clone(), torch.ones(len(s.rows), 1)
    order = torch.randperm(len(x), generator=noise)[:half]
    y[order] = 0.0
    with torch.no_grad():
        x[order] = maker(torch.randn(half, 16, generator=noise))

    def change(x: Tensor, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return torch.where(y == 1, x, maker(torch.randn(len(x), 16, generator=noise))), y

    def fool(step: int) -> None:
        learns.zero_grad()
        made = judge(maker(torch.randn(32, 16, generator=noise)))
        F.binary_cross_entropy_with_logits(made, torch.ones_like(made)).backward()
        learns.step()
        judge.zero_grad()

    own = torch.optim.Adam(judge.parameters(), 1e-3, betas=(0.5, 0.9))
    return Training(judge, own, x, y, F.binary_cross_entropy_with_logits, change=change, after_step=fool)


def large_batch(s: Setting) -> Training:
    model = s.network(nn.Tanh)
    return Training(
        model, torch.optim.SGD(model.parameters(), s.of(0.2, 0.1), momentum=0.9), s.rows, s.labels, batch=len(s.rows)
    )


def tiny_batch(s: Setting) -> Training:
    model = s.network(s.of(nn.Tanh, nn.ReLU))
    return Training(model, torch.optim.SGD(model.parameters(), s.of(0.02, 0.05)), s.rows, s.labels, batch=2)


def lstm(s: Setting) -> Training:
    model = Recalling(nn.LSTM, s.side, s.of(32, 40), s.classes)
    return Training(model, torch.optim.Adam(model.parameters(), 5e-3), s.sequences, s.labels)


def transformer(s: Setting) -> Training:
    model = Language(s.words, s.of(32, 48), s.of(2, 3), s.tokens.shape[1] - 1, causal)
    training = Training(model, torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.05), *s.next, of_tokens)
    warm = torch.optim.lr_scheduler.LambdaLR(training.optimizer, lambda step: min(1.0, (step + 1) / 20))
    training.after_step = lambda step: warm.step()
    return training


def variational(s: Setting) -> Training:
    model = Variational(s.features, s.of(64, 80), s.of(8, 12))
    return Training(model, torch.optim.Adam(model.parameters(), 3e-3), s.rows, s.rows, variational_loss)


def autoencoder(s: Setting) -> Training:
    model = Autoencoder(s.features, s.of(48, 64), s.of(12, 16), s.of(nn.GELU, nn.ReLU))
    return Training(model, torch.optim.Adam(model.parameters(), 3e-3), s.rows, s.rows, F.mse_loss)


def in_parts(s: Setting) -> Training:
    model = s.network(nn.ELU)
    return Training(model, s.optimizer(model), s.rows, s.labels, batch=16, parts=4)


def clipped_sometimes(s: Setting) -> Training:
    model = Recalling(nn.GRU, s.side, s.of(32, 40), s.classes)
    training = Training(model, torch.optim.Adam(model.parameters(), 5e-3), s.sequences, s.labels)
    training.after_backward = lambda step: nn.utils.clip_grad_norm_(model.parameters(), s.of(1.0, 0.7))
    return training


def annealed(s: Setting) -> Training:
    model = s.network()
    training = Training(model, s.optimizer(model), s.rows, s.labels)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(training.optimizer, s.steps)
    training.after_step = lambda step: schedule.step()
    return training


def two_losses(s: Setting) -> Training:
    model = Pair(s.features, s.of(48, 64), s.classes)
    y = torch.cat([s.labels[:, None].float(), s.numbers], 1)

    def loss(returned: Any, y: Tensor) -> Tensor:
        classes, number = returned
        return F.cross_entropy(classes, y[:, 0].long()) + s.of(0.3, 0.5) * F.mse_loss(number, y[:, 1:])

    return Training(model, torch.optim.Adam(model.parameters(), 3e-3), s.rows, y, loss)


def frozen_on_purpose(s: Setting) -> Training:
    model = dense(s.features, s.of((192,), (256, 128)), nn.ReLU, s.classes)
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return Training(model, torch.optim.Adam(learned, 3e-3), s.rows, s.labels)


def group_normalized(s: Setting) -> Training:
    width = s.of(8, 16)
    model = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.GroupNorm(4, width), nn.SiLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.SiLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, s.classes),
    )  # fmt: skip
    return Training(model, torch.optim.Adam(model.parameters(), 4e-3), s.images, s.labels)


def of(name: str, make: Callable[[Setting], Training]) -> Case:
    return Case(name, lambda s, mended: make(s))


CASES = [
    of("residual blocks, ReLU in place", lambda s: residual(s, False)),
    of("residual blocks, branches 0 at first", lambda s: residual(s, True)),
    of("a module used at two widths", shared),
    of("biases before BatchNorm", with_biases_before_normalization),
    of("sparse ReLU", sparse),
    of("AdamW with decay", with_decay),
    of("PyTorch's start, deep", deep),
    of("dropout", with_dropout),
    of("tied embedding", tied),
    of("adversaries", adversaries),
    of("large batch", large_batch),
    of("tiny batch", tiny_batch),
    of("LSTM", lstm),
    of("transformer, pre-norm", transformer),
    of("variational autoencoder", variational),
    of("autoencoder", autoencoder),
    of("gradients accumulated", in_parts),
    of("clipped", clipped_sometimes),
    of("cosine schedule", annealed),
    of("two losses", two_losses),
    of("frozen on purpose", frozen_on_purpose),
    of("GroupNorm", group_normalized),
]
