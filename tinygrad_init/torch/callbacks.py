"""A monitor as a callback of trainers: of Lightning, and of transformers.

The classes are made when they are asked for, since they are a framework's own: none is imported unless it is used.
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from ..diagnosis.fronts.torch_losses import Loss
from ..diagnosis.watching.events import Event, Moment
from ..diagnosis.watching.torch_monitor import BUDGET, TorchMonitor
from .writers import EVENT, numbers_of

# Lightning goes by two names.
LIGHTNING = ("lightning.pytorch", "pytorch_lightning")


class Bridge:
    """A monitor that somebody's trainer starts, steps and ends. What is given is what `tgi.torch.watch` takes.

    Attributes
    ----------
    monitor
        That of the training that goes on, or of the last one; None before the first.
    """

    def __init__(
        self,
        x: Any = None,
        y: Any = None,
        loss: str | Loss | None = None,
        *,
        every: int | None = None,
        budget: float = BUDGET,
        capacity: int = 512,
        on_event: Callable[[Event], object] | None = None,
        on_moment: Callable[[Moment], object] | None = None,
    ) -> None:
        super().__init__()
        self.probe = x, y, loss
        self.options: dict[str, Any] = {"every": every, "budget": budget, "capacity": capacity}
        self.on_event, self.on_moment = on_event, on_moment
        self.monitor: TorchMonitor | None = None

    @property
    def events(self) -> list[Event]:
        """What the monitor has told."""
        return [] if self.monitor is None else self.monitor.events

    @property
    def timeline(self) -> list[Moment]:
        """The moments that the monitor has kept."""
        return [] if self.monitor is None else self.monitor.timeline

    def begin(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        event: Callable[[Event], object],
        moment: Callable[[Moment], object],
    ) -> None:
        """Watch a training; the trainer's own logger is told first, then who was given."""
        self.leave()
        self.monitor = TorchMonitor(
            model, list(optimizers), *self.probe, **self.options,
            on_event=in_turn(event, self.on_event), on_moment=in_turn(moment, self.on_moment),
        )  # fmt: skip
        self.monitor.__enter__()

    def step(self, loss: float | Tensor, epoch: int) -> None:
        """After a step that had this loss."""
        if self.monitor is not None and self.monitor.handles:
            self.monitor.step(loss, epoch)

    def finish(self) -> None:
        """The training has come to its end."""
        if self.monitor is not None and self.monitor.handles:
            self.monitor.__exit__(None, None, None)

    def leave(self) -> None:
        """Take all hooks away, wherever the training is."""
        if self.monitor is not None:
            self.monitor.leave()


def in_turn(first: Callable[[Any], object], then: Callable[[Any], object] | None) -> Callable[[Any], None]:
    """Both functions, one after the other."""

    def both(told: Any) -> None:
        first(told)
        if then is not None:
            then(told)

    return both


def lightning_callback() -> type:
    """The class for the Lightning that is in use, or else is installed.

    Raises
    ------
    ImportError
        There is none.
    """
    used = [home for home in LIGHTNING if sys.modules.get(home) is not None]
    for home in used or LIGHTNING:
        try:
            used = used or [importlib.import_module(home).__name__]
        except ImportError:
            continue
    if not used:
        raise ImportError("LightningCallback needs Lightning: pip install 'tinygrad_init[lightning]'")
    return lightning_class(*(sys.modules[home].Callback for home in used))


@cache
def lightning_class(*bases: Any) -> type:
    """A callback of these classes."""

    class LightningCallback(Bridge, *bases):  # type: ignore[misc]
        """Watches a training of Lightning's `Trainer`; takes what `tgi.torch.watch` does after the optimizer.

        Events are lines of Lightning's log, and with the numbers of every moment go to the trainer's loggers. The loss
        is what `training_step` returns, or its "loss". In a distributed training the first process is watched.

        Examples
        --------
        >>> lightning.Trainer(callbacks=[tgi.torch.LightningCallback(x[:64], y[:64], "cross_entropy")])
        """

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.is_global_zero:
                return
            console = logging.getLogger(type(trainer).__module__)

            def tell(event: Event) -> None:
                console.log(logging.WARNING if event.fault and not event.over else logging.INFO, str(event))
                for logger in trainer.loggers:
                    logger.log_metrics({f"{EVENT}/{event.word}": float(not event.over)}, step=trainer.global_step)
                    write = getattr(logger.experiment, "add_text", None)  # TensorBoard's
                    if write is not None:
                        write(EVENT, str(event), trainer.global_step)

            def note(moment: Moment) -> None:
                for logger in trainer.loggers:
                    logger.log_metrics(numbers_of(moment), step=trainer.global_step)

            self.begin(pl_module, trainer.optimizers, tell, note)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
            if isinstance(loss, Tensor):
                # Where gradients are accumulated, Lightning divides the losses.
                parts = trainer.accumulate_grad_batches if pl_module.automatic_optimization else 1
                self.step(loss.detach() * parts, trainer.current_epoch)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if self.monitor is not None and trainer.global_step and not self.monitor.steps:
                warn("LightningCallback: expected training_step to return the loss; without it nothing was watched")
            self.finish()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.leave()

        def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
            self.leave()

    return LightningCallback


def trainer_callback() -> type:
    """The class for transformers.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        base = importlib.import_module("transformers").TrainerCallback
    except ImportError:
        raise ImportError("TrainerCallback needs transformers: pip install 'tinygrad_init[transformers]'") from None
    return trainer_class(base)


@cache
def trainer_class(base: Any) -> type:
    """A callback of this class."""
    console = importlib.import_module("transformers.utils.logging").get_logger("transformers.trainer")

    class TrainerCallback(Bridge, base):  # type: ignore[misc]
        """Watches a training of transformers' `Trainer`; takes what `tgi.torch.watch` does after the optimizer.

        Events are lines of transformers' log and rows of `trainer.state.log_history`. The loss is what the model
        returns. In a distributed training the first process is watched. The trainer does not tell its callbacks of
        exceptions: used as a context, the callback takes its hooks away after those, too; else the next training does.

        Examples
        --------
        >>> with tgi.torch.TrainerCallback() as watching:
        ...     Trainer(model, arguments, train_dataset=data, callbacks=[watching]).train()
        """

        listening: Any = None
        epoch, summed = 0, False

        def on_train_begin(
            self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any
        ) -> None:
            if not state.is_world_process_zero:
                return
            self.parts: list[Tensor] = []  # the losses of the batches since the last step

            def tell(event: Event) -> None:
                console.log(logging.WARNING if event.fault and not event.over else logging.INFO, str(event))
                state.log_history.append({EVENT: str(event), "epoch": state.epoch, "step": state.global_step})

            self.begin(model, [optimizer], tell, lambda moment: None)
            self.listening = model.register_forward_hook(self.hear, with_kwargs=True)

        def hear(self, model: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            """The model returns; in a batch of training with its loss."""
            loss = output.get("loss") if isinstance(output, Mapping) else output[0] if output else None
            if model.training and isinstance(loss, Tensor) and loss.requires_grad:
                # A loss that is divided by the number of targets of all batches of a step is but a share of it.
                self.summed = kwargs.get("num_items_in_batch") is not None
                self.parts.append(loss.detach().mean())

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.epoch = int(state.epoch or 0)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.listening is None or not self.parts:
                return
            total = sum(self.parts, self.parts[0].new_zeros(()))
            self.step(total if self.summed else total / len(self.parts), self.epoch)
            self.parts.clear()

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.monitor is not None and state.global_step and not self.monitor.steps:
                warn("TrainerCallback: expected a model that returns its loss; without it nothing was watched")
            self.finish()
            self.leave()

        def leave(self) -> None:
            super().leave()
            if self.listening is not None:
                self.listening.remove()
                self.listening = None

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exception: Any) -> None:
            self.leave()

    return TrainerCallback


def warn(said: str) -> None:
    """A trainer goes on, whatever its callbacks miss."""
    warnings.warn(said, stacklevel=3)
