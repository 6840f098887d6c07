"""What can be wrong with a training of PyTorch alone: what the optimizer holds, modes, schedules, clipping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ...words import Phrase, phrase
from .events import Event
from .loss_trend import SMOOTHED
from .symptoms import LEARNED, SOON, Seen
from .torch_watch import TorchWatch

# So many names are said, the others counted.
NAMED = 3
# A learning rate below this share of its highest is as good as none; after so many steps, and this share of all, that
# is no end of a schedule any more.
NO_RATE, RATELESS, RATELESS_SHARE = 1e-6, 10, 0.05
# Norms that agree to this share, in so many steps and in half of all that were looked at, were clipped; gradients that
# are shorter by less than this were not.
EQUAL, CLIPPED, SHORTER = 1e-4, 8, 0.999
# Outputs hardly depend on inputs where the distance between the classes is so many times what it varies by.
CONSTANT = 4.0
# What is so for so many steps is no passing state: at first many networks name one class.
LASTING = 50
# Gradients that are cut to less than this share of what they were move nothing, if the loss does not fall either.
CUT = 0.1
NORMALIZATIONS = nn.modules.batchnorm._BatchNorm


@dataclass
class Habits:
    """What a loop does, step by step.

    Attributes
    ----------
    highest, rate, since
        The highest learning rate so far, the last one, and the step since which it is as good as none.
    norm, scale, clipped
        Of the gradients that were looked at last, by what they were multiplied before the step, and in how many steps
        the norm was the same, after something made them shorter.
    batches, singles
        How many batches a normalization of batches has seen in training, and how many of them had one sample.
    idle
        The modules that are in evaluation mode and would do something else in training.
    evaluating
        Whether the whole model is.
    collapsed
        The step since which all predictions are one class, whatever goes in.
    gathered
        How often gradients were looked at.
    """

    highest: float = 0.0
    rate: float = 0.0
    since: int | None = None
    norm: float = 0.0
    scale: float = 1.0
    clipped: int = 0
    batches: int = 0
    singles: int = 0
    idle: dict[str, nn.Module] = field(default_factory=dict)
    evaluating: bool = False
    collapsed: int | None = None
    gathered: int = 0

    def rated(self, rate: float, step: int) -> None:
        """The learning rate of one more step."""
        self.rate = rate
        if rate > self.highest:
            self.highest = rate
        if rate <= NO_RATE * self.highest and self.highest > 0:
            self.since = step if self.since is None else self.since
        else:
            self.since = None

    def measured(self, norm: float, scale: float, limited: bool = False) -> None:
        """The norm of the gradients of one more step, after they were multiplied by something, or limited each."""
        self.gathered += 1
        same = self.clipped == 0 or limited or abs(norm - self.norm) <= EQUAL * norm
        self.norm, self.scale, self.clipped = norm, scale, (self.clipped if same else 0) + 1 if scale < SHORTER else 0

    def modes(self, model: nn.Module) -> None:
        """The modes of all modules, as they are now."""
        self.evaluating = not model.training
        self.idle = {name: m for name, m in model.named_modules() if not m.training and differs(m)}


def torch_symptoms(seen: Seen, watch: TorchWatch, habits: Habits, normalization: str | None) -> Iterator[Event]:
    """Everything of this kind that is so at this moment; `normalization` is the module whose batches were counted."""
    step = seen.moment.step
    taken, own = watch.held, {id(p) for p in watch.parameters.values()}
    forgotten = [name for name, p in watch.learned.items() if id(p) not in taken and name in watch.had_gradient]
    if forgotten and taken & own:
        count = len(taken - own)
        strangers = phrase("event.unoptimized.strangers", count=count) if count else None
        yield seen.event("unoptimized", None, phrase("event.unoptimized", names=some(forgotten), strangers=strangers))
    unused = [name for name, p in watch.learned.items() if id(p) in taken and name not in watch.had_gradient]
    unused = [name for name in unused if not watch.has_moved(name, watch.parameters[name])]
    if unused and watch.had_gradient and step >= SOON and habits.gathered >= SOON:
        yield seen.event("unused", None, phrase("event.unused", names=some(unused), steps=step))
    if habits.since is not None and step - habits.since >= max(RATELESS, RATELESS_SHARE * step):
        numbers = {"rate": habits.rate, "since": habits.since, "highest": habits.highest}
        yield seen.event("annealed", None, phrase("event.annealed", **numbers))
    if habits.clipped >= max(CLIPPED, habits.gathered / 2):
        numbers = {"norm": habits.norm, "steps": habits.clipped}
        if habits.scale < CUT and step >= SMOOTHED and seen.trend.mean > LEARNED * seen.guessing():
            yield seen.event("clipped", None, phrase("event.clipped.away", share=habits.scale, **numbers))
        else:
            yield note(seen, "clipped", phrase("event.clipped", **numbers))
    yield from of_modes(seen, habits)
    if normalization is not None and habits.batches >= SOON and habits.singles > habits.batches / 2:
        yield Event("single", step, None, phrase("event.single"), module=normalization)
    lasting = habits.collapsed is not None and step - habits.collapsed >= LASTING
    if lasting and watch.probe is not None and watch.output is not None and seen.trend.mean > LEARNED * seen.guessing():
        label, classes = int(watch.output[0].argmax()), len(torch.unique(watch.probe.y))
        numbers = {"samples": watch.samples, "label": label, "classes": classes}
        yield seen.event("collapsed", None, phrase("event.collapsed", **numbers))


def of_modes(seen: Seen, habits: Habits) -> Iterator[Event]:
    """Modules that do in training what they are to do in use."""
    fresh = [name for name, module in habits.idle.items() if isinstance(module, NORMALIZATIONS) and is_fresh(module)]
    normal = [name for name, module in habits.idle.items() if isinstance(module, NORMALIZATIONS)]
    if fresh:
        yield seen.event("evaluating", None, phrase("event.evaluating.fresh", names=some(fresh)))
    elif habits.evaluating and habits.idle:
        yield note(seen, "evaluating", phrase("event.evaluating", names=some(list(habits.idle))))
    elif normal:
        yield note(seen, "evaluating", phrase("event.evaluating.normalization", names=some(normal)))


def note(seen: Seen, word: str, said: Phrase) -> Event:
    """Something that is worth to know and no fault."""
    return Event(word, seen.moment.step, None, said, fault=False)


def some(names: list[str]) -> tuple[Any, ...]:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return tuple(names) if more <= 0 else (*names[:NAMED], phrase("event.more", count=more))


def differs(module: nn.Module) -> bool:
    """Whether a module is another thing in training."""
    if isinstance(module, NORMALIZATIONS):
        return module.track_running_stats and module.running_mean is not None
    chance = module.p if isinstance(module, nn.modules.dropout._DropoutNd) else getattr(module, "dropout", 0.0)
    return isinstance(chance, float) and chance > 0


def is_fresh(module: Any) -> bool:
    """Whether a normalization of batches has never seen one."""
    mean, spread = module.running_mean, module.running_var
    return mean is not None and not bool(mean.any()) and bool((spread == 1).all())


def is_constant(output: Tensor | None, targets: Tensor) -> bool:
    """Whether scores of classes name one class for all samples, far from the next, whatever the inputs are."""
    if output is None or output.ndim != 2 or output.shape[1] < 2 or targets.shape != output.shape[:1]:
        return False
    if targets.is_floating_point() or len(output) < 2 or not bool((targets != targets[0]).any()):
        return False
    scores = output.detach().float()
    label = scores[0].argmax()
    others = scores.clone()
    others[:, label] = -torch.inf
    ahead = scores[:, label] - others.amax(1)
    return bool((ahead > 0).all()) and float(ahead.mean()) > CONSTANT * float(ahead.std())
