"""Assertions for tests of a model; they work on copies and say what is wrong in the words of the diagnosis."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..diagnosis.fronts.torch_losses import Loss, cost_of, loss_of, one_number
from ..diagnosis.fronts.torch_modules import as_tensor, called, dtype_of, named_inputs
from ..diagnosis.fronts.torch_signals import Signals
from ..diagnosis.fronts.torch_steps import Rule, copied
from ..diagnosis.fronts.torch_twin import Twin, unwrapped
from ..diagnosis.torch_diagnosing import diagnose
from ..diagnosis.watching.torch_monitor import DYING, TorchMonitor
from ..diagnosis.watching.torch_symptoms import some
from ..words import phrase

# The steps' rule unless one is given.
RATE = 1e-3
# A model trains if its loss falls by this share, and overfits a batch if no more than so much of it is left.
FALLEN, LEFT = 0.05, 0.1
# After so many steps a start with zeros passes gradients on to all parameters.
PASSES = 3

Batch = tuple[Any, Any]


def assert_trains(
    model: nn.Module,
    batch: Batch,
    loss: str | Loss = "cross_entropy",
    steps: int = 50,
    optimizer: Rule | None = None,
) -> None:
    """A copy of the model lowers the loss of a batch by a twentieth in so many steps.

    Parameters
    ----------
    model
        Any module.
    batch
        What goes in (as in `diagnose`), and the targets.
    loss
        As in `diagnose`.
    steps
        Of the optimizer, each with the whole batch.
    optimizer
        The model's own, a function that makes one, or the rate of plain gradient descent; Adam with a rate of 0.001
        unless given.

    Raises
    ------
    AssertionError
        It does not; the message says what a monitor and `diagnose` have found.
    """
    first, last, monitor = trained(model, batch, loss, steps, optimizer)
    if not last <= first - FALLEN * abs(first):
        raise AssertionError(why("does not train", model, batch, loss, steps, first, last, monitor))


def assert_overfits_one_batch(
    model: nn.Module,
    batch: Batch,
    loss: str | Loss = "cross_entropy",
    steps: int = 300,
    optimizer: Rule | None = None,
    left: float = LEFT,
) -> None:
    """A copy of the model learns a batch by heart: no more than `left` of its first loss is left.

    Parameters
    ----------
    model, batch, loss, steps, optimizer
        As in `assert_trains`.
    left
        A share of the first loss.

    Raises
    ------
    AssertionError
        It does not; the message says what a monitor and `diagnose` have found.
    """
    first, last, monitor = trained(model, batch, loss, steps, optimizer)
    if not last <= left * abs(first):
        raise AssertionError(why("does not overfit one batch", model, batch, loss, steps, first, last, monitor))


def assert_all_parameters_get_gradients(
    model: nn.Module, batch: Batch, loss: str | Loss = "cross_entropy", optimizer: Rule | None = None
) -> None:
    """Every parameter that is not frozen has a gradient other than 0 in one of three steps.

    In one of three, since what starts at zero, such as the last normalization of a residual branch, passes no gradient
    on in the first.

    Raises
    ------
    AssertionError
        Some have none, and are named.
    """
    model, rule = copied(unwrapped(model), rule_of(optimizer), "assert_all_parameters_get_gradients")
    function = loss_of(loss)
    x, inputs, y = parts_of(model, batch)
    missing = {name for name, p in model.named_parameters() if p.requires_grad}
    never = set(missing)
    with torch.random.fork_rng(devices=[]):
        for _ in range(PASSES):
            model.zero_grad()
            one_number(cost_of(function, called(model, x, inputs), y)).backward()  # type: ignore[no-untyped-call]
            for name, parameter in model.named_parameters():
                if parameter.grad is not None:
                    never.discard(name)
                    if bool((parameter.grad != 0).any()):
                        missing.discard(name)
            rule.step()
    order = [name for name, _ in model.named_parameters()]
    parts = []
    if never:
        parts.append(str(phrase("event.unused", names=some([n for n in order if n in never]), steps=PASSES)))
    if zero := [name for name in order if name in missing - never]:
        parts.append(f"{', '.join(map(str, some(zero)))}: {phrase('event.unmoved.flat')}")
    if parts:
        raise AssertionError(f"{type(model).__name__}: {'; '.join(parts)}")


def assert_no_dead_units(model: nn.Module, batch: Any, share: float = DYING) -> None:
    """In no layer that share of the units or more has slope 0 on the whole batch.

    Parameters
    ----------
    model
        Any module.
    batch
        What goes in, or that and the targets, of which nothing depends.
    share
        Half unless given, since a usual start leaves some units silent; with 0 no unit may be.

    Raises
    ------
    AssertionError
        There is such a layer.
    """
    x = batch[0] if isinstance(batch, tuple) and len(batch) == 2 else batch
    twin = Twin(unwrapped(model), x, [], torch.nn.functional.mse_loss)  # nobody asks for a loss
    signals = Signals(twin.twin)
    with twin.ready(), signals:
        twin.returned()
    found = [layer for layer in signals.layers.values() if layer.dead and len(layer.dead) >= share * layer.units]
    if found:
        said = [f"{one.name}: {phrase('event.dead', dead=len(one.dead), units=one.units)}" for one in found]
        raise AssertionError(f"{type(model).__name__}: {phrase('word.dead')}: {'; '.join(said)}")


def rule_of(optimizer: Rule | None) -> Rule:
    """What makes an optimizer, if none is given."""
    return (lambda parameters: torch.optim.Adam(parameters, RATE)) if optimizer is None else optimizer


def parts_of(model: nn.Module, batch: Batch) -> tuple[Any, dict[str, Any], Tensor]:
    """What goes in as it was given and by name, and the targets."""
    if not (isinstance(batch, tuple | list) and len(batch) == 2):
        raise TypeError(f"expected a batch (x, y), got {type(batch).__name__}")
    kind, place = dtype_of(model), next((p.device for p in model.parameters()), torch.device("cpu"))
    x, y = batch
    inputs = {name: value.to(place) for name, value in named_inputs(x, kind).items()}
    return x, inputs, as_tensor(y, kind).to(place)


def trained(
    model: nn.Module, batch: Batch, loss: str | Loss, steps: int, optimizer: Rule | None
) -> tuple[float, float, TorchMonitor]:
    """The first and the last loss of a copy that is trained, and the monitor that has looked on."""
    model, rule = copied(unwrapped(model), rule_of(optimizer), "assert_trains")
    function, losses = loss_of(loss), list[float]()
    x, inputs, y = parts_of(model, batch)
    with (
        torch.random.fork_rng(devices=[]),
        TorchMonitor(model, rule, x, batch[1], function, every=max(1, steps // 20)) as monitor,
    ):
        for _ in range(steps):
            rule.zero_grad()
            cost = one_number(cost_of(function, called(model, x, inputs), y))
            cost.backward()  # type: ignore[no-untyped-call]
            rule.step()
            losses.append(cost.item())
            monitor.step(losses[-1])
            if not math.isfinite(losses[-1]):
                break
    return losses[0], losses[-1], monitor


def why(
    what: str,
    model: nn.Module,
    batch: Batch,
    loss: str | Loss,
    steps: int,
    first: float,
    last: float,
    monitor: TorchMonitor,
) -> str:
    """The message: the losses, what has happened, and the verdict on the start."""
    lines = [f"{type(model).__name__} {what}: the loss is {first:.3g} at first and {last:.3g} after {steps} steps"]
    lines += [str(event) for event in monitor.events if event.fault and not event.over]
    try:
        report = diagnose(model, *batch, loss)
    except (TypeError, ValueError):  # what cannot be opened is not diagnosed
        return "\n".join(lines)
    return "\n".join([*lines, f"diagnose: {report.verdict.word}: {report.verdict.reason}"])
