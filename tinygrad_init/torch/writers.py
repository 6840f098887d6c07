"""What a monitor tells, written where a training's numbers already are: TensorBoard, Weights & Biases."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any, TypeAlias

from ..diagnosis.watching.events import Event, Moment

# Takes what `on_event` and `on_moment` are called with.
Writer: TypeAlias = Callable[[Event | Moment], None]
EVENT, STEP = "tgi/event", "tgi/step"


def numbers_of(moment: Moment) -> dict[str, float]:
    """The numbers of a moment by names such as "tgi.gradient_rms/0", without those that are not there.

    Each layer's rms of ∂C/∂W, W and z, the share of its units that are dead, and how much of it is saturated.
    """
    found = {"tgi/loss": moment.loss}
    for number, layer in enumerate(moment.layers, 1):
        name = layer.name or str(number)
        found |= {
            f"tgi.gradient_rms/{name}": layer.gradient_rms,
            f"tgi.weight_rms/{name}": layer.weight_rms,
            f"tgi.z_rms/{name}": layer.z_rms,
        }
        if not math.isnan(layer.z_rms):  # without a probe nobody has seen the units
            found[f"tgi.dead/{name}"] = len(layer.dead) / layer.units
            found[f"tgi.saturated/{name}"] = layer.saturated
    return {name: value for name, value in found.items() if not math.isnan(value)}


def to_tensorboard(writer: Any) -> Writer:
    """Write events as text and moments as scalars.

    Parameters
    ----------
    writer
        A `torch.utils.tensorboard.SummaryWriter`; it is not closed.

    Raises
    ------
    TypeError
        It is none.

    Examples
    --------
    >>> write = tgi.torch.to_tensorboard(SummaryWriter())
    >>> with tgi.torch.watch(model, optimizer, on_event=write, on_moment=write) as monitor:
    """
    if not (hasattr(writer, "add_text") and hasattr(writer, "add_scalar")):
        raise TypeError(f"to_tensorboard: expected a SummaryWriter, got {type(writer).__name__}")

    def write(told: Event | Moment) -> None:
        if isinstance(told, Event):
            writer.add_text(EVENT, str(told), told.step)
            return
        for name, value in numbers_of(told).items():
            writer.add_scalar(name, value, told.step)

    return write


def to_wandb(run: Any = None) -> Writer:
    """Write events as text and moments as numbers, over the steps of the training as their axis.

    Parameters
    ----------
    run
        What `wandb.init` returns; that which is active when something is to be written unless given. Each event and
        moment is a row of its own, so that rows of yours are to be logged without `step=`, or they may come too late.

    Raises
    ------
    TypeError
        It is no run.
    RuntimeError
        When something is to be written: there is none.
    ImportError
        There is none given, and wandb is not installed.
    """
    if run is not None and not (hasattr(run, "log") and hasattr(run, "define_metric")):
        raise TypeError(f"to_wandb: expected a run of wandb, got {type(run).__name__}")
    module = None if run is not None else imported("wandb")
    prepared: list[Any] = []

    def ready() -> Any:
        found = run if module is None else module.run
        if found is None:
            raise RuntimeError("to_wandb: expected an active run; call wandb.init() before the training")
        if found not in prepared:
            prepared[:] = [found]
            found.define_metric(STEP, hidden=True)
            found.define_metric("tgi*", step_metric=STEP)
        return found

    def write(told: Event | Moment) -> None:
        numbers: dict[str, Any] = {EVENT: str(told)} if isinstance(told, Event) else dict(numbers_of(told))
        ready().log({**numbers, STEP: told.step})

    return write


def imported(name: str) -> Any:
    """Weights & Biases."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"to_wandb needs Weights & Biases: pip install {name}") from None
