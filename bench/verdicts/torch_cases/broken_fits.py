"""Broken because data, output, loss and targets do not fit each other."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .architectures import Between, Language, causal, of_tokens
from .broken_starts import adam, classified, sgd
from .case import Case, Training
from .settings import Setting, dense

LABELS = r"label|target|misfit|memori[sz]|of others|noisy"


def softmax_first(s: Setting, mended: bool) -> Training:
    model = s.network() if mended else Between(s.network(), lambda z: z.softmax(-1))
    return classified(s, model, adam(model, 3e-3))


def softmax_twice(s: Setting, mended: bool) -> Training:
    """Probabilities in the model, and their log softmax in the loss of somebody's own."""
    model = s.network() if mended else nn.Sequential(s.network(), nn.Softmax(-1))

    def loss(predictions: Any, y: Tensor) -> Tensor:
        return F.nll_loss(torch.log(predictions.softmax(-1)), y)

    return classified(s, model, adam(model, 3e-3), loss=loss)


def sigmoid_first(s: Setting, mended: bool) -> Training:
    model = s.network(outputs=1) if mended else nn.Sequential(s.network(outputs=1), nn.Sigmoid())
    y = (s.labels[:, None] < s.of(2, 1)).float()
    return Training(model, adam(model, 3e-3), s.rows, y, F.binary_cross_entropy_with_logits)


def relu_at_the_end(s: Setting, mended: bool) -> Training:
    model = s.network(nn.Tanh, 1) if mended else Between(s.network(nn.Tanh, 1), F.relu)
    return Training(model, adam(model, 3e-3), s.rows, s.numbers, F.mse_loss)


def row_and_column(s: Setting, mended: bool) -> Training:
    model = s.network(nn.Tanh, 1)
    return Training(model, adam(model, 3e-3), s.rows, s.numbers if mended else s.numbers[:, 0], F.mse_loss)


def unscaled_inputs(s: Setting, mended: bool) -> Training:
    x = s.rows if mended else s.of(200 * s.rows + 500, 3000 * s.rows)
    model = dense(s.features, (48, 48), s.of(nn.Tanh, nn.ReLU), s.classes)
    return Training(model, sgd(model, 0.02), x, s.labels)


def one_large_feature(s: Setting, mended: bool) -> Training:
    x = s.rows.clone()
    generator = torch.Generator().manual_seed(6)
    x[:, 5] = torch.randn(len(x), generator=generator) * (1 if mended else s.of(1e4, 3e3))
    model = dense(s.features, (48, 32), s.of(nn.ReLU, nn.Tanh), s.classes)
    return Training(model, adam(model), x, s.labels)


def unscaled_targets(s: Setting, mended: bool) -> Training:
    y = s.numbers if mended else s.of(5000 * s.numbers + 20000, 300 * s.numbers - 4000)
    model = dense(s.features, (48, 48), nn.ReLU, 1)
    return Training(model, adam(model, 3e-3), s.rows, y, F.mse_loss)


def constant_targets(s: Setting, mended: bool) -> Training:
    y = s.labels if mended else torch.full_like(s.labels, 2)
    if s.fitting:
        model = s.network()
        return Training(model, s.optimizer(model), s.rows, y)
    model = s.network(outputs=1)
    numbers = s.numbers if mended else torch.full_like(s.numbers, 0.7)
    return Training(model, adam(model), s.rows, numbers, F.mse_loss)


def shuffled(s: Setting, mended: bool) -> Training:
    order = torch.randperm(len(s.labels), generator=torch.Generator().manual_seed(7))
    model = dense(s.features, (96, 96), nn.ReLU, s.classes)
    return Training(model, adam(model, 3e-3), s.rows, s.labels if mended else s.labels[order])


def shifted(s: Setting, mended: bool) -> Training:
    model = s.network()
    return Training(model, adam(model, 3e-3), s.rows, s.labels if mended else s.labels.roll(s.of(1, -1)))


def mask_missing(s: Setting, mended: bool) -> Training:
    x, y = s.next
    model = Language(s.words, s.of(48, 64), 2, x.shape[1], causal if mended else None)
    return Training(model, adam(model, 3e-3), x, y, of_tokens)


def shift_missing(s: Setting, mended: bool) -> Training:
    x, y = s.next
    model = Language(s.words, s.of(48, 32), 2, x.shape[1], causal)
    return Training(model, adam(model, 3e-3), x, y if mended else x, of_tokens)


def number_missing(s: Setting, mended: bool) -> Training:
    x = s.rows.clone()
    if not mended:
        x[s.of(17, 40), 3] = torch.nan
    model = s.network()
    names = ("batch", "input", "inputs", "data", "sample", "tensor")
    return Training(model, s.optimizer(model), x, s.labels, names=names)


def same_inputs(s: Setting, mended: bool) -> Training:
    """Every sample is the first one: an index that does not move."""
    x = s.rows if mended else s.rows[:1].expand_as(s.rows).clone()
    model = s.network()
    return Training(model, s.optimizer(model), x, s.labels)


def tanh_at_the_end(s: Setting, mended: bool) -> Training:
    """Of targets that lie far outside of its range."""
    model = nn.Sequential(dense(s.features, (48,), nn.Tanh, 1), nn.Tanh() if not mended else nn.Identity())
    return Training(model, adam(model, 3e-3), s.rows, s.of(3.0, 5.0) * s.numbers, F.mse_loss)


UNSCALED = r"unscaled|(not|un).?(normali[sz]|scal|centr)|normali[sz]ation"
CONSTANT = r"all (samples|targets|labels)|constant (target|label)|(one|single|dominant) class|imbalance"
SOFTMAX = r"softmax|logits|probabilit|between 0 and 1|\[0, ?1\]"
CASES = [
    Case("softmax before cross entropy", softmax_first, SOFTMAX),
    Case("softmax twice", softmax_twice, SOFTMAX),
    Case("sigmoid before a loss of logits", sigmoid_first, r"sigmoid|logits|probabilit|between 0 and 1"),
    Case("ReLU at the end of a regression", relu_at_the_end, r"\brelu|bounded|cut off|lies between|output range"),
    Case("tanh for targets outside of it", tanh_at_the_end, r"\btanh|bounded|lies between|output range"),
    Case("targets in a row", row_and_column, r"broadcast|each with each|shape|in a row|stretched"),
    Case("unscaled inputs", unscaled_inputs, UNSCALED + r"|input.*(large|scale|range|mean)"),
    Case("one large feature", one_large_feature, r"unscaled|features differ|scale|normali[sz]|extreme"),
    Case("unscaled targets", unscaled_targets, r"target.*(large|far|scale|mean|range|extreme)|unscaled"),
    Case("constant targets", constant_targets, CONSTANT),
    Case("shuffled labels", shuffled, LABELS),
    Case("labels shifted by one", shifted, LABELS),
    Case("causal mask missing", mask_missing, r"causal|mask|future|leak|later (token|place|position)"),
    Case("causal shift missing", shift_missing, r"shift|copy|copies|leak|its own input|identity"),
    Case("a number missing in the data", number_missing, r"not finite|\bnan\b|infinit|missing|non-?finite"),
    Case("all inputs the same", same_inputs, r"same input|input.*(same|identical|constant)|constant input|flat"),
]  # fmt: skip
