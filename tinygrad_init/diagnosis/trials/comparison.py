"""The experiment behind `tinygrad-init diagnose`: the same network and data from different starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ...data import Dataset, StandardScaler, split
from ...data.samples import require_fits
from ...nn import MLP
from ...ops.losses import LOSSES
from ...training import Progress, initialize, predict, train
from ...update_rules import OPTIMIZERS
from ..diagnosing import diagnose
from ..judging import judge
from ..measures.fit import OF_NUMBERS
from ..records import Compared, Judged, Settings, Start
from ..report import Report
from ..showing.plain import VERSION, fields, plain

Array = np.ndarray[Any, Any]

STARTS = ("zeros", "constant", "small", "large", "xavier", "he")
HELD_OUT = 0.2
MOST_WEIGHTS = 10**9


class Comparison(Compared):
    """What was compared, and its form as JSON."""

    def to_json(self) -> str:
        """As text; numbers that JSON does not know become "nan", "inf", "-inf"."""
        found = {"version": VERSION, **fields(self)}
        found["starts"] = [
            {**fields(start), "before": reported(start.before), "after": reported(start.after)} for start in self.starts
        ]
        return json.dumps(plain(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def reported(judged: Judged) -> dict[str, Any]:
    """A report as plain dicts."""
    assert isinstance(judged, Report)
    return judged.to_dict()


def default_sizes(dataset: Dataset, loss: str) -> tuple[int, ...]:
    """Three hidden layers of 64 between what the data has and what the loss wants."""
    return dataset.x.shape[1], 64, 64, 64, _outputs(dataset, loss)


def _outputs(dataset: Dataset, loss: str) -> int:
    single = not dataset.classes or (loss == "binary_cross_entropy_with_logits" and len(dataset.classes) == 2)
    return 1 if single else len(dataset.classes)


def default_loss(dataset: Dataset) -> str:
    """The loss that is usual for classes, or for numbers."""
    return "cross_entropy" if dataset.classes else "mse"


def check_loss(dataset: Dataset, loss: str) -> None:
    """Refuse a loss that does not fit the task.

    Raises
    ------
    ValueError
        Says which losses fit.
    """
    if not dataset.classes and loss not in OF_NUMBERS:
        raise ValueError(
            f"loss: {loss} is for classes, but {dataset.name} is a regression; {' and '.join(OF_NUMBERS)} fit"
        )


def check_sizes(sizes: Sequence[int], dataset: Dataset, loss: str) -> None:
    """Refuse a network that does not fit the data.

    Raises
    ------
    ValueError
        Says which size was expected.
    """
    features, outputs = dataset.x.shape[1], _outputs(dataset, loss)
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise ValueError(f"sizes: expected at least an input and an output size, all positive, got {list(sizes)}")
    if (weights := sum(a * b for a, b in pairwise(sizes))) > MOST_WEIGHTS:
        raise ValueError(f"sizes: {weights:.3g} weights are more than the {MOST_WEIGHTS:.3g} that fit")
    if sizes[0] != features:
        raise ValueError(f"sizes: {dataset.name} has {features} features, but the first size is {sizes[0]}")
    if sizes[-1] != outputs:
        on = f"{len(dataset.classes)} classes" if dataset.classes else "a regression"
        needs = "1 output" if outputs == 1 else f"{outputs} outputs"
        raise ValueError(f"sizes: {loss} on {on} needs {needs}, but the last size is {sizes[-1]}")


def targets(y: Array, loss: str, outputs: int, dtype: Any) -> Array:
    """Targets as a loss wants them: class numbers as they are, one output a class that is 1 or 0, or one output."""
    if loss in ("cross_entropy", "hinge"):
        return y
    if outputs == 1:
        return y.reshape(-1, 1).astype(dtype)
    return np.eye(outputs, dtype=dtype)[y]


def accuracy(output: Array, y: Array) -> float:
    """Share of samples whose largest output (or whose single output's sign) names the right class."""
    found = (output[:, 0] > 0).astype(y.dtype) if output.shape[1] == 1 else output.argmax(1)
    return float(np.mean(found == y)) if len(y) else float("nan")


def r_squared(output: Array, y: Array) -> float:
    """1 - Σ (y - ŷ)² / Σ (y - mean y)²: the share of the variance that is predicted; NaN where there is none."""
    with np.errstate(all="ignore"):
        error = np.sum((y - output[:, 0].astype(np.float64)) ** 2)
        return float(1 - error / np.sum((y - np.mean(y)) ** 2)) if len(y) and np.ptp(y) > 0 else float("nan")


def compare_starts(
    dataset: Dataset,
    settings: Settings,
    starts: Sequence[str],
    on_step: Callable[[str, Progress], None] | None = None,
) -> tuple[Comparison, Iterator[Start]]:
    """Train the same network from each start.

    Returns
    -------
    comparison, results
        The comparison, still empty, and an iterator that runs one start after the other and adds each: who stops in
        between has what was finished.

    Raises
    ------
    ValueError
        The loss does not fit the task, or targets do not fit into the network's dtype.
    """
    check_loss(dataset, settings.loss)
    comparison = Comparison(settings)
    dtype = np.dtype(settings.dtype)
    # Independent streams for what must not be correlated; the data set's own noise has the seed's.
    splitting, starting, batching = np.random.SeedSequence(settings.seed).spawn(3)
    share = HELD_OUT if len(dataset.x) >= 10 else 0.0
    train_x, train_y, test_x, test_y = split(dataset.x, dataset.y, share, np.random.default_rng(splitting))
    if not len(test_x):
        test_x, test_y = train_x, train_y
    scaler = StandardScaler().fit(train_x)
    train_x, test_x = scaler.transform(train_x).astype(dtype), scaler.transform(test_x).astype(dtype)
    if settings.scaled_targets:
        of_targets = StandardScaler().fit(train_y[:, None])
        train_y, test_y = (of_targets.transform(y[:, None])[:, 0] for y in (train_y, test_y))
    require_fits(dataset.name, "y", train_y, dtype)
    train_target = targets(train_y, settings.loss, settings.sizes[-1], dtype)

    def results() -> Iterator[Start]:
        for start in starts:
            rngs = np.random.default_rng(starting), np.random.default_rng(batching)
            result = run_start(start, settings, train_x, train_target, test_x, test_y, *rngs, on_step)
            comparison.starts.append(result)
            yield result

    return comparison, results()


def run_start(
    start: str,
    settings: Settings,
    train_x: Array,
    train_target: Array,
    test_x: Array,
    test_y: Array,
    start_rng: np.random.Generator,
    batch_rng: np.random.Generator,
    on_step: Callable[[str, Progress], None] | None,
) -> Start:
    """Measure a start, train from it, measure again, judge. Every start sees the same batches."""
    loss, rule = LOSSES[settings.loss], OPTIMIZERS[settings.optimizer].at(settings.lr)
    model = MLP(settings.sizes, settings.activation, rng=0, dtype=settings.dtype)
    initialize(model, start, start_rng)
    probe = slice(0, min(len(train_x), 512))
    before = diagnose(model, train_x[probe], train_target[probe], loss, settings.lr, optimizer=rule)
    losses = train(
        model,
        train_x,
        train_target,
        loss,
        rule,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        rng=batch_rng,
        on_step=None if on_step is None else lambda progress: on_step(start, progress),
    )
    after = diagnose(model, train_x[probe], train_target[probe], loss, settings.lr, trained=True)
    output, verdict = predict(model, test_x), judge(before, after, losses)
    scores = (accuracy(output, test_y), None) if settings.classes else (None, r_squared(output, test_y))
    return Start(start, verdict, before, after, tuple(losses), *scores)
