"""One task: a network is built, diagnosed at its start, trained for its horizon, and looked at on samples held out."""

from __future__ import annotations

import math
import time
import warnings
from functools import cache, partial
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import StandardScaler, load, split
from tinygrad_init.nn.stacks import stack

from .tasks import BATCH, HORIZON, Task

Array = np.ndarray[Any, Any]
Result = dict[str, Any]


@cache
def data(name: str) -> tuple[Array, Array, Array, Array, int]:
    """Standardized samples to train on and to hold out, and how many classes there are."""
    found = load(name, rng=0)
    x, y, held_x, held_y = split(found.x, found.y, 0.3, 0)
    scaler = StandardScaler().fit(x)
    x, held_x = (scaler.transform(part).astype(np.float32) for part in (x, held_x))
    return x, y, held_x, held_y, len(found.classes)


def build(task: Task) -> nn.Module:
    """The network at its start."""
    x, *_, classes = data(task["data"])
    model = stack(
        [x.shape[1], *[task["width"]] * task["depth"], classes],
        [task["activation"]] * task["depth"],
        normalization="batch" if task["normalization"] else "none",
        residual=task["residual"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a start that does not quite suit: that is what is measured
        tgi.initialize(model, task["start"], task["seed"])
    return model


def optimizer(task: Task, parameters: Any) -> optim.Optimizer:
    """The update rule."""
    if task["optimizer"] == "adam":
        return optim.Adam(parameters, task["lr"])
    return optim.SGD(parameters, task["lr"], momentum=0.9 if task["optimizer"] == "momentum" else 0.0)


def run(task: Task) -> Result:
    """What was said of the task's network, and what became of it.

    Returns
    -------
    dict
        The task, with `word`, `key`, `fault` and `notes` of the diagnosis, `guess` (the share of the largest class),
        `accuracy` on samples held out after training, `loss` of the last steps (None if not finite), `events` that a
        monitor told of and that were not over at the end, and seconds.
    """
    x, y, held_x, held_y, classes = data(task["data"])
    model = build(task)
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        rule = partial(optimizer, task)
        report = tgi.diagnose(model, x[:512], y[:512], lr=task["lr"], optimizer=rule)
        verdict = report.verdict
        diagnosed = time.perf_counter()
        losses: list[float] = []
        monitor = tgi.diagnosis.Monitor(model, x, y, "cross_entropy")
        train(model, task, rule, losses, monitor)
        output = tgi.predict(model.eval(), held_x)
    trained = time.perf_counter()
    loss = float(np.mean(losses[-20:]))
    return {
        **task,
        "word": verdict.word,
        "key": verdict.key,
        "fault": verdict.fault,
        "notes": [note.key for note in report.notes],
        "guess": float(np.bincount(held_y, minlength=classes).max() / len(held_y)),
        "accuracy": right(output, held_y),
        "loss": loss if math.isfinite(loss) else None,
        "events": sorted({word for word, _ in monitor.active}),
        "seconds": [round(diagnosed - began, 4), round(trained - diagnosed, 4)],
    }


def train(model: nn.Module, task: Task, rule: Any, losses: list[float], monitor: Any = None, **options: Any) -> None:
    """Train a model for the horizon of the task's data, on batches that only the task's seed decides."""
    x, y, *_ = data(task["data"])
    rng = np.random.default_rng(task["seed"])
    size, steps = min(BATCH, len(x)), HORIZON[task["data"]]
    epochs = math.ceil(steps * size / len(x))
    order = np.concatenate([rng.permutation(len(x)) for _ in range(epochs)])[: steps * size]
    tgi.train(
        model, options.pop("scaled", x)[order], y[order], "cross_entropy", rule, epochs=1, batch_size=size, rng=0,
        on_step=lambda progress: losses.append(progress.loss), monitor=monitor, **options,
    )  # fmt: skip


def right(output: Array, y: Array) -> float:
    """The share of right classes; none if numbers are not finite."""
    return float(np.mean(output.argmax(1) == y)) if np.isfinite(output).all() else 0.0
