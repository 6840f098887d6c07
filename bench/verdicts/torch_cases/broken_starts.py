"""Broken by the model itself: its start, its activations, what goes between its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .architectures import Attending, Between, Recalling, Steps, Tied, of_tokens
from .case import Case, Training
from .settings import Setting, dense, linears

BLOCKED = r"vanish|fad(es|ing)|lost|too small"
LOUD = r"explod|loud|too large|too high|overflow|grows? from|over-?confident|initial loss"


def adam(model: nn.Module, lr: float = 2e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr)


def sgd(model: nn.Module, lr: float = 0.05) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr, momentum=0.9)


def classified(s: Setting, model: nn.Module, optimizer: Any = None, **options: Any) -> Training:
    """A training on the rows and their classes."""
    return Training(model, optimizer or s.optimizer(model), s.rows, s.labels, **options)


@torch.no_grad()
def changed(model: nn.Module, change: Callable[[Any], object], *names: str) -> nn.Module:
    """The model after something was done to some modules, all with weight matrices unless they are named."""
    for name in names or linears(model):
        change(model.get_submodule(name))
    return model


def with_activation(model: nn.Module, name: str) -> tuple[str, ...]:
    """A layer and what comes after it: the one or the other may be called dead."""
    return (name, str(int(name) + 1) if isinstance(model, nn.Sequential) else "phi")


def sigmoids(s: Setting, mended: bool) -> Training:
    model = s.deep(nn.ReLU if mended else nn.Sigmoid, s.of(8, 11))
    if mended:
        changed(model, lambda m: nn.init.kaiming_normal_(m.weight, nonlinearity="relu"))
    return classified(s, model, sgd(model, s.of(0.02, 0.01)), names=linears(model)[:-1])


def too_large_a_start(s: Setting, mended: bool) -> Training:
    model = s.deep(nn.ReLU, s.of(4, 6))
    by = 1.0 if mended else s.of(12.0, 10.0)
    changed(model, lambda m: m.weight.mul_(by))
    return classified(s, model, sgd(model, 0.02) if s.fitting else adam(model))


def born_dead(s: Setting, mended: bool) -> Training:
    model = s.network()
    name = linears(model)[s.of(1, 2)]
    if not mended:
        changed(model, lambda m: m.bias.fill_(s.of(-20.0, -40.0)), name)
    return classified(s, model, names=with_activation(model, name))


def killed(s: Setting, mended: bool) -> Training:
    """The steps of the first few batches push the biases of a layer far down."""
    model = s.network()
    name = linears(model)[0]
    training = classified(s, model, names=with_activation(model, name))

    def push(step: int) -> None:
        if step == 8 and not mended:
            changed(model, lambda m: m.bias.sub_(30.0), name)

    training.after_step = push
    return training


def constant(s: Setting, mended: bool) -> Training:
    model = s.network(s.of(nn.Tanh, nn.ReLU))
    names = linears(model)[:-1]
    if not mended:
        changed(model, lambda m: (m.weight.fill_(s.of(0.05, 0.02)), m.bias.zero_()), *names)
    return classified(s, model, names=names)


def zeros(s: Setting, mended: bool) -> Training:
    model = s.network(s.of(nn.ReLU, nn.Tanh))
    if not mended:
        changed(model, lambda m: (m.weight.zero_(), m.bias.zero_()))
    return classified(s, model, names=linears(model))


def tied_and_loud(s: Setting, mended: bool) -> Training:
    """The start of `nn.Embedding`, which is for tables and not for logits."""
    width = s.of(192, 256)
    model = Tied(s.words, width, width**-0.5 if mended else 1.0)
    return Training(model, adam(model), *s.next, of_tokens, names=("table", "out"))


def attention(s: Setting, mended: bool) -> Training:
    width = s.of(192, 256)
    model = Attending(s.side, width, s.classes, mended, s.of(2, 3))
    names = tuple(f"heads.{i}{part}" for i in range(len(model.heads)) for part in ("", ".query", ".key"))
    return Training(model, adam(model, 1e-3), s.sequences, s.labels, names=names)


def saturated(s: Setting, mended: bool) -> Training:
    model = s.network(nn.Tanh)
    name = linears(model)[1]
    if not mended:
        changed(model, lambda m: m.weight.mul_(s.of(60.0, 80.0)), name)
    return classified(s, model, sgd(model, 0.01), names=with_activation(model, name))


def no_activation(s: Setting, mended: bool) -> Training:
    """Of a regression that no linear function explains."""
    model = dense(s.features, (48, 48), nn.Tanh if mended else nn.Identity, 1)
    y = s.rows[:, : s.of(20, 30)].square().mean(1, keepdim=True)
    return Training(model, adam(model, 3e-3), s.rows, (y - y.mean()) / y.std(), F.mse_loss)


def too_much_dropout(s: Setting, mended: bool) -> Training:
    rate = 0.2 if mended else s.of(0.95, 0.97)
    layers = [part for i in (s.features, 64) for part in (nn.Linear(i, 64), nn.ReLU(), nn.Dropout(rate))]
    model = nn.Sequential(*layers, nn.Linear(64, s.classes))
    return classified(s, model, adam(model, 3e-3))


def detached(s: Setting, mended: bool) -> Training:
    before = nn.Sequential(nn.Linear(s.features, 48), nn.ReLU())
    model = Between(before, lambda h: h if mended else h.detach(), nn.Linear(48, s.classes))
    return classified(s, model, adam(model), names=("before.0", "before"))


def detached_in_place(s: Setting, mended: bool) -> Training:
    before = dense(s.features, (48,), nn.ReLU, 48)

    def forward(h: Tensor) -> Tensor:
        h = torch.relu(h)
        return h if mended else h.detach_()

    model = Between(before, forward, nn.Linear(48, s.classes))
    return classified(s, model, sgd(model), names=("before.0", "before.2", "before"))


def with_a_forgotten_layer(s: Setting, mended: bool) -> Training:
    """A layer that is made and never called."""
    model = Between(s.network(), lambda z: z)
    if not mended:
        model.register_module("forgotten", nn.Linear(48, 48))
    return classified(s, model, names=("forgotten",))


def long_memory(s: Setting, steps: int) -> tuple[Tensor, Tensor]:
    """Noise of so many steps, and what the first of them said."""
    generator = torch.Generator().manual_seed(5)
    y = torch.randint(0, 2, (320,), generator=generator)
    x = 0.3 * torch.randn(320, steps, 4, generator=generator)
    x[:, 0, 0] = 2.0 * y - 1.0
    return x, y


def gru(s: Setting, mended: bool) -> Training:
    """Mended, it is shown the beginning alone."""
    x, y = long_memory(s, 200)
    model = Recalling(nn.GRU, 4, 24, 2)
    return Training(model, adam(model, 5e-3), x[:, :10] if mended else x, y, batch=16, names=("cells",))


def forget_gate(s: Setting, mended: bool) -> Training:
    width = s.of(24, 32)
    model = Recalling(nn.LSTM, 4, width, 2)
    with torch.no_grad():
        model.cells.bias_hh_l0[width : 2 * width].fill_(4.0 if mended else -5.0)
    return Training(model, adam(model, 5e-3), *long_memory(s, s.of(40, 60)), batch=16, names=("cells",))


def recurrent_radius(s: Setting, mended: bool) -> Training:
    x, y = long_memory(s, s.of(60, 80))
    model = Steps(4, 24, 2, torch.relu if s.fitting else nn.ELU(), 1.0 if mended else s.of(1.6, 1.5))
    return Training(model, adam(model, 5e-3), x, y, batch=16, names=("again",))


def norm_of_nothing(s: Setting, mended: bool) -> Training:
    """√ of a sum of squares, which has the slope ∞ at 0: where a sample is all zeros from some step on."""
    body = nn.Linear(s.features, 40, bias=False)
    floor = 1e-6 if mended else 0.0

    def forward(h: Tensor) -> Tensor:
        return h + torch.sqrt(h.square().mean(1, keepdim=True) + floor)

    model = Between(body, forward, nn.Linear(40, s.classes))
    training = classified(s, model, adam(model), names=("before",))
    training.change = lambda x, y, step: (x.index_fill(0, torch.tensor([2]), 0.0) if step >= 20 else x, y)
    return training


def logarithm(s: Setting, mended: bool) -> Training:
    """log of brightness, of which some is 0 from some step on."""
    floor = 1e-3 if mended else 0.0
    logs = lambda x: torch.log(x + floor)  # noqa: E731
    model = Between(nn.Identity(), logs, dense(s.features, (48,), nn.ReLU, s.classes))
    bright = s.rows - s.rows.min() + 0.2
    training = Training(model, adam(model), bright, s.labels, names=("function", "batch", "after.0"))
    training.change = lambda x, y, step: (x.index_fill(0, torch.tensor([3]), 0.0) if step >= 24 else x, y)
    return training


def division(s: Setting, mended: bool) -> Training:
    """Each sample divided by its own spread, which is 0 of one that is the same all over."""

    class Scale(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + (1e-3 if mended else 0.0))

    model = nn.Sequential(Scale(), *dense(s.features, (48,), s.of(nn.ReLU, nn.GELU), s.classes))
    training = classified(s, model, names=("0", "batch", "1"))
    training.change = lambda x, y, step: (x.index_fill(0, torch.tensor([1]), 1.0) if step >= 30 else x, y)
    return training


NAN = r"not finite|\bnan\b|\binf\b|infinit|non-?finite"
DETACHED = r"no gradient|without gradient|unused|detach|unmoved|not change|disconnected|not used|zero gradient|zombie"
CASES = [
    Case("sigmoids in a row", sigmoids, BLOCKED),
    Case("too large a start", too_large_a_start, LOUD),
    Case("born dead", born_dead, r"dead|never activ|inactive|dormant|slope 0|clos(es|ed)"),
    Case("killed in step 8", killed, r"dead|never activ|inactive|dormant|slope 0|clos(es|ed)"),
    Case("all the same start", constant, r"symmetr|identical|the same|constant init|rank collapse"),
    Case("all zero start", zeros, r"symmetr|identical|stuck|asleep|exactly 0|all.zero|zero.(weight|init)"),
    Case("tied embedding of size 1", tied_and_loud, LOUD),
    Case("attention without its scale", attention, r"saturat|attention|softmax|one-hot|entropy"),
    Case("saturated tanh", saturated, r"saturat|flat part"),
    Case("no activation", no_activation, r"linear (map|network|function)|activation|linear$"),
    Case("dropout of nearly all", too_much_dropout, r"dropout"),
    Case("detached", detached, DETACHED),
    Case("detached in place", detached_in_place, DETACHED),
    Case("a layer never called", with_a_forgotten_layer, DETACHED),
    Case("GRU over 200 steps", gru, BLOCKED + r"|forget|remember"),
    Case("forget gate closed", forget_gate, BLOCKED + r"|forget|remember|saturat"),
    Case("recurrent radius", recurrent_radius, LOUD + "|radius"),
    Case("root of 0", norm_of_nothing, NAN),
    Case("logarithm of 0", logarithm, NAN),
    Case("division by 0", division, NAN),
]
