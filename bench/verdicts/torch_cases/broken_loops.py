"""Broken by the loop: optimizer, schedule, modes, what is called and what is not."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .architectures import Blocks, Recalling
from .broken_starts import DETACHED, NAN, adam, classified, sgd
from .case import Case, Training
from .settings import Setting, dense, linears

TOO_LARGE = r"overshoot|too (large|high)|diverg|oscillat|steps are large|reduce the learning rate"


def of_a_copy(s: Setting, mended: bool) -> Training:
    model = s.network()
    return classified(s, model, s.optimizer(model if mended else copy.deepcopy(model)))


def of_the_head_alone(s: Setting, mended: bool) -> Training:
    """A list of parameters that was written for an earlier model."""
    model = s.network()
    names = linears(model)
    held = model.parameters() if mended else model.get_submodule(names[-1]).parameters()
    return classified(s, model, torch.optim.SGD(held, 0.05), names=names[:-1])


def decay(s: Setting, mended: bool) -> Training:
    model = s.network()
    if s.fitting:
        optimizer: Any = torch.optim.SGD(model.parameters(), 0.05, weight_decay=1e-4 if mended else 1.5)
    else:
        optimizer = torch.optim.Adam(model.parameters(), 3e-3, weight_decay=1e-5 if mended else 0.5)
    return classified(s, model, optimizer)


def zero_grad(s: Setting, mended: bool) -> Training:
    return classified(s, s.network(), zeroes=mended)


def no_step(s: Setting, mended: bool) -> Training:
    return classified(s, s.network(), steps=mended)


def no_backward(s: Setting, mended: bool) -> Training:
    return classified(s, s.network(), backward=mended)


def in_evaluation(s: Setting, mended: bool) -> Training:
    model = Blocks(8, s.of(2, 3), s.classes, False).train(mended)
    return Training(model, sgd(model), s.images, s.labels)


def batches_of_one(s: Setting, mended: bool) -> Training:
    model = Blocks(8, s.of(2, 3), s.classes, False)
    return Training(model, adam(model), s.images, s.labels, batch=32 if mended else 1)


def rate_too_large(s: Setting, mended: bool) -> Training:
    model = s.network()
    rates = s.of((0.05, 3.0), (2e-3, 0.5))
    return classified(s, model, s.of(sgd, adam)(model, rates[not mended]))


def rate_too_small(s: Setting, mended: bool) -> Training:
    model = s.network(s.of(nn.ReLU, nn.Tanh))
    rates = s.of((0.05, 1e-6), (2e-3, 1e-7))
    return classified(s, model, s.of(sgd, adam)(model, rates[not mended]))


def schedule(s: Setting, mended: bool) -> Training:
    """Its length was meant in epochs, and is counted in steps."""
    training = classified(s, s.network())
    length = 10 * s.steps if mended else 12
    linear = torch.optim.lr_scheduler.LambdaLR(training.optimizer, lambda step: max(0.0, 1 - step / length))
    training.after_step = lambda step: linear.step()
    return training


def always_clipped(s: Setting, mended: bool) -> Training:
    model = s.network()
    training = classified(s, model, torch.optim.SGD(model.parameters(), 0.1))
    norm = 5.0 if mended else s.of(1e-3, 2e-3)
    training.after_backward = lambda step: nn.utils.clip_grad_norm_(model.parameters(), norm)
    return training


def summed(s: Setting, mended: bool) -> Training:
    model = s.network(s.of(nn.Tanh, nn.ReLU))

    def loss(predictions: Any, y: Tensor) -> Tensor:
        return F.cross_entropy(predictions, y, reduction="mean" if mended else "sum")

    return classified(s, model, sgd(model, s.of(0.1, 0.03)), loss=loss, batch=s.of(128, 256))


def clipped_by_value(s: Setting, mended: bool) -> Training:
    """Each number of the gradient, far too small."""
    model = Recalling(nn.GRU, s.side, 32, s.classes)
    training = Training(model, sgd(model, 0.1), s.sequences, s.labels)
    training.after_backward = lambda step: nn.utils.clip_grad_value_(model.parameters(), 1.0 if mended else 1e-6)
    return training


def evaluated_in_between(s: Setting, mended: bool) -> Training:
    """A model that is trained on in evaluation mode after it was evaluated."""
    width = s.of(64, 96)
    layers = [part for i in (s.features, width) for part in (nn.Linear(i, width), nn.BatchNorm1d(width), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(width, s.classes))
    training = classified(s, model)

    def evaluate(step: int) -> None:
        if step == s.of(5, 3) and not mended:
            model.eval()

    training.after_step = evaluate
    return training


def momentum(s: Setting, mended: bool) -> Training:
    model = s.network()
    return classified(s, model, torch.optim.SGD(model.parameters(), s.of(0.1, 0.02), momentum=0.9 if mended else 0.999))


def one_bad_batch(s: Setting, mended: bool) -> Training:
    training = classified(s, dense(s.features, s.of((48,), (64, 64)), nn.ReLU, s.classes))
    training.optimizer = s.optimizer(training.model)
    where = torch.tensor([0])

    def change(x: Tensor, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        return (x.index_fill(0, where, torch.nan) if step == s.of(15, 33) and not mended else x), y

    training.change, training.names = change, ("batch", "input", "inputs", "data")
    return training


CASES = [
    Case("optimizer of a copy", of_a_copy, r"none of this model|copy|unmoved|optimizer.*(not|n't|miss)|not change"),
    Case(
        "optimizer of the head alone", of_the_head_alone,
        DETACHED + r"|unoptimized|optimizer.*(not|miss)|frozen",
    ),
    Case("decay drowns the gradient", decay, r"decay|shrink"),
    Case("zero_grad forgotten", zero_grad, r"accumulat|zero_grad|add(s|ed)? up"),
    Case("step forgotten", no_step, r"step\(\)|not taken a step|unmoved|(not|never) (change|update|move)"),
    Case("backward forgotten", no_backward, r"backward|no gradient"),
    Case("BatchNorm in evaluation", in_evaluation, r"evaluat|eval\b|running"),
    Case("BatchNorm of one sample", batches_of_one, r"one sample|single|batch.?size|batch of 1|tiny batch|small batch"),
    Case("rate too large", rate_too_large, TOO_LARGE),
    Case("rate too small", rate_too_small, r"creep|too (small|low)|larger learning rate|increase the learning rate"),
    Case("schedule ends early", schedule, r"anneal|schedule|learning rate is 0|lr .*(0|zero)"),
    Case("always clipped", always_clipped, r"\bclip"),
    Case("clipped to nothing by value", clipped_by_value, r"\bclip"),
    Case("sum instead of mean", summed, TOO_LARGE + r"|reduction|\bsum\b"),
    Case("evaluation mode after step 5", evaluated_in_between, r"evaluat|eval\b|running"),
    Case("momentum of 0.999", momentum, TOO_LARGE + r"|momentum is|less momentum"),
    Case("one bad batch", one_bad_batch, NAN),
]  # fmt: skip
