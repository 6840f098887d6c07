"""What would make this network train better? Proposed, tried out on copies, kept only if it helps."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...data.samples import pairs, require_fits
from ...engine.modes import enable_grad, no_grad
from ...engine.tensor import Tensor
from ...nn import Module, dtype_of
from ...ops.losses import loss_of
from ...optim import SGD
from ...starts import lsuv_
from ...training import initialize, train
from ...words import Phrase, phrase
from ..diagnosing import diagnose
from ..fronts.copies import as_array
from ..fronts.own_modules import Loss
from ..judging import HEALTHY
from ..records import BETTER, Judged, Recommended, Trial
from ..showing.text import as_text, recommendation_view
from .redesign import activated, normalized, residual

# Starts that are tried, all from the same seed.
STARTS = ("he", "xavier", "lecun", "orthogonal", "critical", "lsuv")
RATES = (3.0, 1 / 3)  # steps of the search for a learning rate, as factors
MOST_RATES = 4
CLIP = 1.0
# What the samples of one trial, drawn at once so that all trials see the same, may be.
MOST_NUMBERS = 10**9

Array = np.ndarray[Any, Any]


def better(after: float, before: float) -> bool:
    """Whether one loss is lower than another by enough, or finite where the other is not."""
    if not math.isfinite(before):
        return math.isfinite(after)
    return after < before - BETTER * abs(before)


@dataclass(frozen=True)
class Setup:
    """A network at its start, and how it is trained.

    Attributes
    ----------
    model
        At its start.
    lr
        The learning rate of plain gradient descent.
    clip
        The largest norm of all gradients together; None: any.
    """

    model: Module
    lr: float
    clip: float | None = None


class Recommendation(Recommended):
    """What to change, tried out; `print` shows it."""

    __doc__ = Recommended.__doc__

    def text(self, language: str = "en") -> str:
        """What `print` shows, in one of `words.LANGUAGES`."""
        return as_text(recommendation_view(self, language))

    def __rich__(self) -> Any:
        return recommendation_view(self)

    def __str__(self) -> str:
        return self.text()


def recommend(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "cross_entropy",
    *,
    lr: float = 0.1,
    steps: int = 100,
    batch_size: int = 64,
    rng: np.random.Generator | int | None = 0,
    on_trial: Callable[[Phrase], object] | None = None,
) -> Recommendation:
    """Propose a start, a learning rate, clipping, normalization, residual connections or another activation.

    Every proposal is tried on a copy: trained for some steps from the same random numbers and on the same batches as
    the best so far, and kept only if its loss is at least 5 % lower afterwards. The model itself is not changed.

    Parameters
    ----------
    model
        What does not train. Its own start is the first candidate.
    x, y
        Training data; the loss is judged on a fifth of them that is not trained on.
    loss
        The name of a loss out of `tgi.nn.LOSSES`, or a function from predictions and targets to their mean loss.
    lr
        The learning rate of plain gradient descent so far.
    steps, batch_size
        How long each trial trains.
    rng
        For starts and batches.
    on_trial
        Called before each trial with the change, a phrase that `print` and `str` say in English.

    Raises
    ------
    TypeError, ValueError
        As in `diagnose`; or there are fewer than 10 samples, or so many steps that their samples do not fit.
    """
    if steps < 1 or batch_size < 1:
        raise ValueError(f"recommend: expected at least 1 step and 1 sample a batch, got {steps} and {batch_size}")
    x, y = pairs("recommend", x, y, least=10)
    for what, values in (("x", x), ("y", y)):
        require_fits("recommend", what, values, dtype_of(model))
    numbers = steps * min(batch_size, len(x)) * (x.size // len(x))
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"recommend: {steps} steps of {min(batch_size, len(x))} samples are {numbers:.3g} numbers, more than the "
            f"{MOST_NUMBERS:.3g} that fit; take fewer steps"
        )
    function = loss_of(loss)
    bench = Bench.over(x, y, function, steps, batch_size, np.random.default_rng(rng))
    before = diagnose(model, *bench.probe, function, lr)
    best, best_loss, trials = Setup(copy.deepcopy(model), lr), bench.loss_after(Setup(model, lr)), []
    first_loss = best_loss
    tried: list[tuple[Phrase, Setup]] = []
    for proposals in (starts, rates, clipping, normalization, connections, activations, rates):
        for change, setup in proposals(best, before, bench, best_loss):
            if (change, best) in tried:
                continue
            tried.append((change, best))
            if on_trial is not None:
                on_trial(change)
            try:
                after = bench.loss_after(setup)
            except (TypeError, ValueError):  # what these batches do not allow, such as statistics of one sample
                after = math.nan
            kept = better(after, best_loss)
            trials.append(Trial(change, best_loss, after, kept))
            if kept:
                best, best_loss = setup, after
    return Recommendation(
        setup=Setup(copy.deepcopy(best.model).train(), best.lr, best.clip),
        trials=tuple(trials),
        before=before,
        after=diagnose(best.model, *bench.probe, function, best.lr),
        loss_before=first_loss,
        loss_after=best_loss,
        steps=steps,
    )


@dataclass(frozen=True)
class Bench:
    """Data and a way to find out how well a setup trains."""

    x: Any
    y: Any
    held_x: Any
    held_y: Any
    loss: Loss
    steps: int
    batch_size: int
    seeds: tuple[int, int]
    known: dict[Any, tuple[Module, float]] = field(default_factory=dict)

    @staticmethod
    def over(x: Array, y: Array, loss: Loss, steps: int, batch_size: int, rng: np.random.Generator) -> Bench:
        """A fifth of the samples is held out."""
        order = rng.permutation(len(x))
        held = order[: max(len(x) // 5, 2)]
        rest = order[len(held) :]
        seeds = int(rng.integers(2**31)), int(rng.integers(2**31))
        return Bench(x[rest], y[rest], x[held], y[held], loss, steps, batch_size, seeds)

    @property
    def probe(self) -> tuple[Any, Any]:
        """A batch for diagnoses."""
        return self.x[:512], self.y[:512]

    @staticmethod
    def in_dtype_of(model: Module, x: Any) -> Tensor:
        """Samples in the dtype of the model's parameters."""
        return Tensor(x, dtype_of(model, np.dtype(np.float32)))

    def loss_after(self, setup: Setup) -> float:
        """The loss on what was held out after training a copy; NaN if that breaks down. Each setup is tried once."""
        key = id(setup.model), setup.lr, setup.clip
        if key not in self.known:
            # The model is kept, so that its identity stays its own.
            self.known[key] = setup.model, self._loss_after(setup)
        return self.known[key][1]

    def _loss_after(self, setup: Setup) -> float:
        model = copy.deepcopy(setup.model)
        held = self.in_dtype_of(model, self.held_x)
        kind = held.dtype
        size = min(self.batch_size, len(self.x))
        epochs = max(1, math.ceil(self.steps * size / len(self.x)))
        rng = np.random.default_rng(self.seeds[1])
        # As many samples as the steps need, drawn with the same seed for every setup.
        order = np.concatenate([rng.permutation(len(self.x)) for _ in range(epochs)])[: self.steps * size]
        with np.errstate(all="ignore"), enable_grad():
            train(
                model.train(),
                self.x[order].astype(kind),
                as_array(self.y, kind)[order],
                self.loss,
                lambda parameters: SGD(parameters, setup.lr),
                epochs=1,
                batch_size=size,
                clip=setup.clip,
                rng=0,
            )
            with no_grad():
                found = self.loss(model.eval()(held), as_array(self.held_y, kind)).item()
        return found if math.isfinite(found) else math.nan


Proposals = Iterator[tuple[Phrase, Setup]]


def starts(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """The initializers that could suit, each from the same random numbers."""
    for name in STARTS:
        model = copy.deepcopy(best.model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a start that does not quite suit: the trial shows it
            if name == "lsuv":
                lsuv_(model, bench.in_dtype_of(model, bench.x[:256]), bench.seeds[0])
            else:
                initialize(model, name, bench.seeds[0])
        yield phrase("change.start", name=name), replace(best, model=model)


def rates(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """Learning rates, larger or smaller as long as that helps."""
    for factor in RATES:
        lr, last = best.lr, loss
        for _ in range(MOST_RATES):
            setup = replace(best, lr=lr * factor)
            after = bench.loss_after(setup)
            if not better(after, last):
                break
            lr, last = setup.lr, after
        if lr != best.lr:
            yield phrase("change.learning rate", lr=lr, before=before.lr), replace(best, lr=lr)
            return
    lr = best.lr * RATES[0]
    yield phrase("change.learning rate", lr=lr, before=before.lr), replace(best, lr=lr)


def clipping(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """Gradient clipping, at the same rate."""
    if best.clip is None:
        yield phrase("change.clipping", norm=CLIP), replace(best, clip=CLIP)


def normalization(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """Batch normalization between linear maps and activations."""
    model = normalized(best.model)
    if model is not None:
        yield phrase("change.normalization"), replace(best, model=model)


def connections(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """Residual connections around layers that keep the shape."""
    model = residual(best.model, bench.x[:2])
    if model is not None:
        yield phrase("change.connections"), replace(best, model=model)


def activations(best: Setup, before: Judged, bench: Bench, loss: float) -> Proposals:
    """Another activation with the start that suits it, if the given one was found wanting."""
    if before.verdict.word == HEALTHY:
        return
    for name, start in (("relu", "he"), ("tanh", "xavier")):
        model = activated(best.model, name)
        if model is not None:
            initialize(model, start, bench.seeds[0])
            yield phrase("change.activation", name=name, start=start), replace(best, model=model)
