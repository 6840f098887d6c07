"""Small trainings in PyTorch, half of them healthy, the others with a fault that is planted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

import tinygrad_init as tgi

from .torch_models import Convolutional, Recurrent, Transformer, Words, autoencoder, mlp, residual

DIGITS = tgi.data.digits()
ROWS = torch.from_numpy(DIGITS.x).float() / 16
LABELS = torch.from_numpy(DIGITS.y).long()
Batch = tuple[Tensor, Tensor]


@dataclass
class Training:
    """A model and somebody's loop.

    Attributes
    ----------
    model, optimizer
        What is trained, and by what.
    loss
        From predictions and targets to one number.
    inputs
        What the model is called with, of rows of digits.
    regression
        Whether it learns its inputs instead of the labels.
    batch
        Samples a step.
    change
        What is done to the batch of a step.
    after_backward, after_step
        What is done then, after so many steps.
    backward, zeroes, steps
        Whether the loop calls them.
    parts
        Batches a step.
    """

    model: nn.Module
    optimizer: Any
    loss: Callable[[Any, Any], Tensor] = F.cross_entropy
    inputs: Callable[[Tensor], Tensor] = lambda rows: rows
    regression: bool = False
    batch: int = 32
    change: Callable[[Tensor, int], Tensor] = lambda x, step: x
    after_backward: Callable[[int], object] = lambda step: None
    after_step: Callable[[int], object] = lambda step: None
    backward: bool = True
    zeroes: bool = True
    steps: bool = True
    parts: int = 1
    losses: list[float] = field(default_factory=list)

    def batches(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(1)
        while True:
            order = torch.randperm(len(ROWS), generator=generator)
            for start in range(0, len(order) - self.batch + 1, self.batch):
                yield self.pair(order[start : start + self.batch])

    def pair(self, rows: Any) -> Batch:
        return self.inputs(ROWS[rows]), ROWS[rows] if self.regression else LABELS[rows]

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        return self.optimizer if isinstance(self.optimizer, tuple) else (self.optimizer,)

    def run(self, steps: int, monitor: Any = None) -> Training:
        batches = self.batches()
        for step in range(steps):
            cost = torch.zeros(())
            for _ in range(self.parts):
                x, y = next(batches)
                cost = self.loss(self.model(self.change(x, step)), y) / self.parts
                if self.backward:
                    cost.backward()
            self.after_backward(step)
            if self.steps:
                for one in self.optimizers:
                    one.step()
            if self.zeroes:  # right after the step, as many do: a monitor does not find them any more
                for one in self.optimizers:
                    one.zero_grad(set_to_none=step % 2 == 0)
            self.after_step(step)
            self.losses.append(cost.item() * self.parts)
            if monitor is not None:
                monitor.step(self.losses[-1])
        return self

    def watched(self, steps: int, probe: bool = True, **options: Any) -> Any:
        x, y = self.pair(slice(0, 512))
        given = (x, y, self.loss) if probe else ()
        with tgi.torch.watch(self.model, self.optimizer, *given, **options) as monitor:
            self.run(steps, monitor)
        return monitor


def images(rows: Tensor) -> Tensor:
    return rows.reshape(-1, 1, 8, 8)


def sequences(rows: Tensor) -> Tensor:
    return rows.reshape(-1, 8, 8)


def tokens(rows: Tensor) -> Tensor:
    return (rows[:, ::4] * 16).long()


def sgd(model: nn.Module, lr: float = 0.05, **options: Any) -> Optimizer:
    return torch.optim.SGD(model.parameters(), lr, **{"momentum": 0.9, **options})


def adam(model: nn.Module, lr: float = 2e-3) -> Optimizer:
    return torch.optim.Adam(model.parameters(), lr)


def scheduled(training: Training, kind: Any, **options: Any) -> Training:
    schedule = kind(training.optimizer, **options)
    training.after_step = lambda step: schedule.step()
    return training


def sparse() -> nn.Module:
    model = mlp(width=96)
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.bias.fill_(-0.05)
            layer.weight.mul_(1.5)
    return model


def with_warmup() -> Training:
    model = Transformer()
    training = Training(model, torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.05), inputs=sequences)
    return scheduled(training, torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: min(1.0, step / 20))


def with_two_optimizers() -> Training:
    model = mlp()
    body = torch.optim.SGD(model[:2].parameters(), 0.05, 0.9)
    return Training(model, (body, torch.optim.Adam(model[2:].parameters(), 2e-3)))


def clipping(model: nn.Module, norm: float) -> Callable[[int], object]:
    return lambda step: nn.utils.clip_grad_norm_(model.parameters(), norm)


def recurrent_with_clipping() -> Training:
    model = Recurrent(nn.GRU)
    return Training(model, adam(model, 5e-3), inputs=sequences, after_backward=clipping(model, 1.0))


def with_weight_norm() -> Training:
    model = mlp(nn.SiLU)
    for i in (0, 2):
        nn.utils.parametrizations.weight_norm(model[i])
    return Training(model, adam(model))


def of(model: nn.Module, optimizer: Callable[..., Optimizer] = sgd, **options: Any) -> Training:
    return Training(model, optimizer(model), **options)


HEALTHY: dict[str, Callable[[], Training]] = {
    "mlp": lambda: of(mlp()),
    "convolutional": lambda: of(Convolutional(), adam, inputs=images),
    "residual": lambda: of(residual(), inputs=images),
    "lstm": lambda: of(Recurrent(), lambda m: adam(m, 5e-3), inputs=sequences),
    "transformer": with_warmup,
    "decay": lambda: of(mlp(nn.GELU), lambda m: torch.optim.AdamW(m.parameters(), 3e-3, weight_decay=0.1)),
    "sparse": lambda: of(sparse()),
    "autoencoder": lambda: of(autoencoder(), adam, loss=F.mse_loss, regression=True),
    "full batch": lambda: of(mlp(nn.Tanh), lambda m: sgd(m, 0.2), batch=1797),
    "parts": lambda: of(mlp(nn.ELU), parts=4, batch=16),
    "gru": recurrent_with_clipping,
    "embedding": lambda: of(Words(), adam, inputs=tokens),
    "group norm": lambda: of(Convolutional(lambda c: nn.GroupNorm(4, c), F.silu), adam, inputs=images),
    "weight norm": with_weight_norm,
    "dropout": lambda: of(mlp(nn.ReLU, lambda: nn.Dropout(0.3)), adam),
    "two optimizers": with_two_optimizers,
    # At a third of this rate it learns nothing for its first hundred steps, which is told as a plateau, and over.
    "batches of one": lambda: of(mlp(nn.Tanh), lambda m: sgd(m, 0.03, momentum=0.0), batch=1),
}


def of_a_copy() -> Training:
    model = mlp()
    return Training(model, sgd(copy.deepcopy(model)))


def with_a_new_head() -> Training:
    model = mlp()
    optimizer = sgd(model)
    model[-1] = nn.Linear(48, 10)
    return Training(model, optimizer)


def with_a_later_layer() -> Training:
    model = mlp()
    optimizer = sgd(model)
    model.append(nn.Linear(10, 10))
    return Training(model, optimizer)


def with_a_detached_body() -> Training:
    class Detached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.out = nn.Linear(64, 48), nn.Linear(48, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.relu(self.body(x)).detach())

    return of(Detached())


def with_a_root() -> Training:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.out = nn.Linear(64, 48), nn.Linear(48, 10)

        def forward(self, x: Tensor) -> Tensor:
            kept = torch.ones(48).index_fill(0, torch.tensor([3]), 0.0)
            return self.out(torch.sqrt((self.body(x) * kept) ** 2))  # of slope ∞ · 0 at 0

    return of(Root())


def always_clipped() -> Training:
    model = mlp()
    return Training(model, sgd(model, 0.2), after_backward=clipping(model, 0.01))


def in_evaluation(model: nn.Module, *modules: str, **options: Any) -> Training:
    model.train()
    for name in modules:
        model.get_submodule(name).eval()
    return of(model, **options)


def without_a_number(x: Tensor, step: int) -> Tensor:
    return x.index_fill(0, torch.tensor([0]), torch.nan) if step == 25 else x


def decaying() -> Training:
    return of(mlp(), lambda m: torch.optim.SGD(m.parameters(), 0.05, weight_decay=1.5))


def dead() -> Training:
    model = mlp()
    with torch.no_grad():
        model[2].bias.fill_(-20.0)
    return of(model)


def saturated() -> Training:
    model = mlp(nn.Tanh)
    with torch.no_grad():
        for i in (0, 2):
            model[i].weight.mul_(60)
    return of(model, lambda m: sgd(m, 1e-4))


def vanishing() -> Training:
    layers = [part for _ in range(7) for part in (nn.Linear(32, 32), nn.Sigmoid())]
    return of(nn.Sequential(nn.Linear(64, 32), nn.Sigmoid(), *layers, nn.Linear(32, 10)))


def frozen_rate() -> Training:
    return of(mlp(), lambda m: sgd(m, 0.0))


FAULTY: dict[str, tuple[Callable[[], Training], str, str]] = {
    "of a copy": (of_a_copy, "unmoved", "none of this model's parameters"),
    "new head": (with_a_new_head, "unoptimized", "it holds 2 tensors that are not this model's"),
    "later layer": (with_a_later_layer, "unoptimized", "5.weight, 5.bias have gradients"),
    "detached": (with_a_detached_body, "unused", "body.weight, body.bias"),
    "no backward": (lambda: of(mlp(), backward=False), "unmoved", "is backward() called?"),
    "no step": (lambda: of(mlp(), steps=False), "unmoved", "has not taken a step"),
    "no rate": (frozen_rate, "unmoved", "the learning rate is 0"),
    "no zero_grad": (lambda: of(mlp(), zeroes=False), "accumulating", "is zero_grad() called?"),
    "always clipped": (always_clipped, "clipped", "norm was 0.01"),
    "annealed": (
        lambda: scheduled(of(mlp()), torch.optim.lr_scheduler.PolynomialLR, total_iters=20),
        "annealed", "since step 21",
    ),
    "too large": (
        lambda: of(autoencoder(), lambda m: sgd(m, 1e3), loss=F.mse_loss, regression=True), "not finite", "the loss is",
    ),
    "missing number": (lambda: of(mlp(), change=without_a_number), "not finite", "it is this batch"),
    "missing number, normalized": (
        lambda: of(Convolutional(), change=without_a_number, inputs=images), "not finite", "norm1.running_mean",
    ),
    "root": (with_a_root, "not finite", "∂C/∂body.bias is infinite or NaN, while the loss is"),
    "normalization in evaluation": (
        lambda: in_evaluation(Convolutional(), "norm1", "norm2", inputs=images), "evaluating", "normalize nothing",
    ),
    "dropout in evaluation": (
        lambda: in_evaluation(mlp(nn.ReLU, lambda: nn.Dropout(0.3)), ""), "evaluating", "matters to 2, 5",
    ),
    "batches of one": (lambda: of(Convolutional(), adam, inputs=images, batch=1), "single", "one sample each"),
    "decay": (decaying, "shrinking", "the weight decay outweighs the gradient"),
    "dead": (dead, "dead", "48 of 48 units were born dead"),
    "collapsed": (dead, "collapsed", "predictions are class"),
    "saturated": (saturated, "saturated", "of its units"),
    "vanishing": (vanishing, "vanishing", "at the first"),
}  # fmt: skip
# What is seen by a probe batch alone.
PROBED = {"dead", "collapsed", "saturated"}
