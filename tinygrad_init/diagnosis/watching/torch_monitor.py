"""A monitor for anyone's loop in PyTorch: what goes wrong, in which step, which module, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..fronts.torch_links import as_array
from ..fronts.torch_losses import Loss, cost_at, loss_of, takes_whole
from ..fronts.torch_twin import unwrapped
from ..measures.guess import best_constant_loss
from .base_monitor import IN_A_ROW, BaseMonitor, finite
from .events import Event, Moment
from .symptoms import SOON, Seen, symptoms
from .torch_symptoms import CLIPPED, NORMALIZATIONS, Habits, is_constant, torch_symptoms
from .torch_tap import GradientTap
from .torch_watch import TorchWatch

# The samples that are looked at, and the share of the time that looks may take.
PROBED, BUDGET = 64, 0.015
# The share that may go into asking, step by step, whether a large gradient is a number; a small one takes some 5 µs.
ASKING = 0.005
# So many losses without a step of the optimizer are parts of a larger batch; more, and it never steps.
PARTS = 32
# PyTorch's usual start leaves a fifth of a layer's units silent, in deep networks more than half, and they train.
DYING = 0.75
# The first steps, in which gradients are looked at whatever that costs: enough to tell that clipping always clips.
FIRST = CLIPPED
# Of the first few parameters one is looked at in each step that has no more numbers than this.
FEW, CHEAP = 8, 1 << 14
# The best constant is looked for among so many numbers at most.
GUESSED = 1 << 20


class TorchMonitor(BaseMonitor):
    """Looks at a PyTorch model while somebody's loop trains it: `tgi.torch.watch`.

    The model itself is never run, and neither it nor the optimizer is changed: looks are taken at a copy that follows
    it. While it is watched there is a hook at the optimizer, at one parameter and at one normalization of batches;
    afterwards, also after an exception, there is none.

    Parameters
    ----------
    model
        What is trained.
    optimizer
        What trains it; several, if there are.
    x, y, loss
        A probe batch, the samples first, of which up to 64 are used, and the loss by name or as a function from
        predictions and targets to one number, as in `tgi.torch.diagnose`. Without them there is what parameters,
        gradients and losses tell.
    every
        Look after every so many steps. Without it looks are taken before the first, after the steps 10, 100, ..., and
        whenever all together cost no more than `budget` of the time that has passed.
    budget
        The share of the time that looks may take, 0.015 unless given.
    capacity
        How many moments of the timeline are kept.
    on_event
        Called with every new event, such as `print`.
    on_moment
        Called with every moment that was looked at, also with those that the timeline does not keep.

    Attributes
    ----------
    timeline
        Moments, the first always among them.
    events
        What has begun and what is over, in order; those that are no `fault` are notes.

    Raises
    ------
    TypeError
        The model is no module, the optimizer none, or the model cannot be copied.
    ValueError
        Of `x`, `y` and `loss` some are missing, or x and y differ in length.

    Examples
    --------
    >>> with tgi.torch.watch(model, optimizer, x[:128], y[:128], "cross_entropy", on_event=print) as monitor:
    ...     for batch in loader:
    ...         ...
    ...         optimizer.step()
    ...         monitor.step(loss)
    """

    watch: TorchWatch

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | Sequence[Optimizer],
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
        if not isinstance(model, nn.Module):
            raise TypeError(f"watch: expected a PyTorch module, got {type(model).__name__}")
        optimizers = tuple(optimizer) if isinstance(optimizer, list | tuple) else (optimizer,)
        for one in optimizers:
            if not isinstance(one, Optimizer):
                raise TypeError(f"watch: expected an optimizer, got {type(one).__name__}")
        optimizers = tuple(map(bare, optimizers))
        given = [name for name, value in (("x", x), ("y", y), ("loss", loss)) if value is not None]
        if 0 < len(given) < 3:
            raise ValueError(f"watch: expected x, y and loss, or none of them; got {' and '.join(given)} alone")
        if given:
            x, y = chosen(x, y)
        self.model = unwrapped(model)
        function = None if loss is None else loss_of(loss)
        watch = TorchWatch(self.model, optimizers, x, y, function)
        super().__init__(watch, every, budget, capacity, on_event, on_moment)
        self.habits, self.tap = Habits(), GradientTap()
        self.sentinel: nn.Parameter | None = None  # to which every gradient that is no number comes
        self.normalization: str | None = None  # whose batches are counted
        self.handles: list[Any] = []
        self.parts: list[float] = []  # losses since the optimizer has stepped
        self.stepped = self.looking = False
        self.asked = 0.0  # seconds, by all questions to the sentinel
        self._guessing: float | None = None

    def __enter__(self) -> TorchMonitor:
        learned = [p for p in self.watch.learned.values() if p.is_floating_point()]
        taken = self.watch.held
        self.tap.attach([p for p in learned if id(p) in taken])
        first = [p for p in learned[:FEW] if p.numel() <= CHEAP] or learned
        self.sentinel = min(first[:2], key=lambda p: p.numel(), default=None)
        self.handles = [one.register_step_pre_hook(self.before_update) for one in self.watch.optimizers]
        for name, module in self.model.named_modules():
            if isinstance(module, NORMALIZATIONS):
                self.normalization = name
                self.handles.append(module.register_forward_pre_hook(self.count_batch))
                break
        try:
            self.start()
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.leave()
        if kind is None:
            self.end()

    def leave(self) -> None:
        """Take all hooks away."""
        self.tap.detach()
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def step(self, loss: float | Tensor, epoch: int | None = None) -> None:
        """After a step of the optimizer that had this loss; after parts of a larger batch, their losses are averaged.

        Without the number of the epoch every step is taken to see the same samples.
        """
        if not self.handles:
            raise RuntimeError("watch: a training is watched inside `with tgi.torch.watch(...) as monitor:`")
        value = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
        self.watch.losses += 1
        self.parts.append(value)
        if not self.stepped:
            if math.isfinite(value) and (self.watch.steps or self.watch.losses <= PARTS):
                return
            self.plan(gather=True)
        mean = sum(self.parts) / len(self.parts)
        self.parts, self.stepped = [], False
        self.add(mean, epoch)

    def before_update(self, optimizer: Any, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
        """An optimizer is about to step; if it is to call a closure for its gradients, they are there after that."""
        named = "closure" in kwargs
        closure = kwargs["closure"] if named else args[1] if len(args) > 1 else None
        if closure is None:
            self.before_step()
            return None
        called = False

        def heard() -> Any:
            nonlocal called
            if called:  # by an optimizer that looks for the length of its step
                listens, self.tap.listens = self.tap.listens, False
                again = closure()
                self.tap.listens = listens
                return again
            called, found = True, closure()
            self.before_step()
            return found

        return (args, {**kwargs, "closure": heard}) if named else ((args[0], heard, *args[2:]), kwargs)

    def before_step(self) -> None:
        """Gradients are as an optimizer sees them."""
        if not self.stepped:
            self.stepped = True
            self.watch.steps += 1
            self.habits.rated(self.watch.rate, self.steps + 1)
            self.plan()
            self.check()
            # Whether gradients are compared with what backward brings in the next step.
            self.tap.listens = self.watch.steps < FIRST or self.following > 0 or self.every is not None
        if self.looking or self.following or self.watch.steps <= FIRST:
            began = perf_counter()
            self.watch.gather()
            self.tap.compare()
            self.habits.measured(self.watch.gradient_norm, self.tap.scale, self.tap.limited)
            if self.looking:
                self.habits.modes(self.model)
            self.spent += perf_counter() - began
        else:
            self.tap.skip()

    def plan(self, gather: bool = False) -> None:
        """Whether to look after this step; that is settled before it, since gradients may be gone afterwards."""
        self.looking = self.planned(perf_counter(), self.steps + 1)
        if gather and self.looking:
            self.watch.gather()
            self.habits.modes(self.model)

    def check(self) -> None:
        """Whether a gradient is no number, before the parameters are so; where asking does not wait for a device."""
        found = None if self.sentinel is None else self.sentinel.grad
        if found is None or found.is_cuda or found.is_sparse or self.watch.examined is not None:
            return
        began = perf_counter()
        often = found.numel() > CHEAP and self.began is not None and self.asked > ASKING * (began - self.began)
        if often and self.every is None and self.watch.steps > FIRST:
            return
        if not math.isfinite(float(found.sum())):
            self.watch.examine()
            self.quiet = 0.0
        self.asked += perf_counter() - began

    def count_batch(self, module: nn.Module, args: Any) -> None:
        """A normalization of batches is about to see one."""
        if module.training and args:
            self.habits.batches += 1
            self.habits.singles += len(args[0]) == 1

    def due(self, now: float, loss: float) -> bool:
        """Whether to look after this step."""
        broken = not math.isfinite(loss) or self.watch.examined is not None
        return not self.broken if broken else self.looking

    def look_at_gradients(self) -> None:
        """How large they were, and at first the probe's own."""
        self.largest = max(self.largest, finite(self.watch.gradient_norm))
        if self.steepest == 0 and self.watch.samples:
            self.probe_gradient()

    def find(self, seen: Seen) -> list[Event]:
        """Everything that is so at this moment, with the names of modules."""
        step, watch, layers = seen.moment.step, self.watch, seen.moment.layers
        loss = seen.moment.loss
        if step > 0 and (not math.isfinite(loss) or watch.examined is not None):
            layer, said = watch.origin(layers, loss)
            return [Event("not finite", step, layer, said, module=watch.culprit(loss)[0])]
        if seen.fresh and watch.probe is not None:
            constant = is_constant(watch.output, watch.probe.y)
            since = self.habits.collapsed
            self.habits.collapsed = None if not constant else step if since is None else since
        exact = self.tap.rows >= IN_A_ROW
        seen = replace(seen, exact=exact, added=self.tap.times if exact else 0.0, dying=DYING)
        found = [event for event in symptoms(seen) if not (event.word == "vanishing" and self.asleep(seen))]
        if not any(event.word == "unmoved" and event.layer is None for event in found):
            found += torch_symptoms(seen, watch, self.habits, self.normalization)
        return [
            event if event.layer is None else replace(event, module=layers[event.layer - 1].name) for event in found
        ]

    def asleep(self, seen: Seen) -> bool:
        """Whether the first layer waits for another to leave a start at zero."""
        return seen.moment.step < SOON and seen.moment.layers[0].gradient_rms == 0

    def guessing(self) -> float:
        """The loss of the best prediction that does not look at the input.

        Without a probe batch, or where the loss takes all that the model returns, the first loss.
        """
        if self._guessing is None:
            probe, output = self.watch.probe, self.watch.output
            if probe is None or output is None or takes_whole(probe.loss, self.watch.returned, probe.y):
                return self.trend.first
            shape = tuple(output.shape)
            count = max(1, min(len(probe.y), GUESSED // max(1, math.prod(shape[1:]))))
            targets = probe.y[:count]
            wanted = as_array(targets)
            loss = cost_at(probe.loss, targets, output)
            numbers = wanted.astype(np.float64) if wanted.dtype.kind == "f" else wanted
            with torch.random.fork_rng(devices=[]):
                self._guessing = best_constant_loss(loss, numbers, (count, *shape[1:]))
        return self._guessing


def bare(optimizer: Optimizer) -> Optimizer:
    """The optimizer inside those of libraries that wrap one, whose steps are not always its steps."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer) and inner is not optimizer:
        optimizer = inner
    return optimizer


def chosen(x: Any, y: Any) -> tuple[Any, Any]:
    """Up to 64 samples of a batch, evenly, since data are often sorted by class."""
    parts = list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, tuple) else [x]
    lengths = {len(part) for part in (*parts, y)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"watch: expected as many samples in x as in y, and at least one; got {sorted(lengths)}")
    rows = np.unique(np.linspace(0, len(y) - 1, PROBED).astype(int))

    def some(values: Any) -> Any:
        return (
            values[torch.from_numpy(rows).to(values.device)] if isinstance(values, Tensor) else np.asarray(values)[rows]
        )

    if isinstance(x, dict):
        return {name: some(value) for name, value in x.items()}, some(y)
    return (tuple(some(value) for value in x) if isinstance(x, tuple) else some(x)), some(y)
