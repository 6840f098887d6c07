"""One run: a network at its start, diagnosed, trained, and told whether that worked.

Runs whose networks have one shape share a program: the captured step of a rehearsal, whose parameters are filled anew.
What comes out is the same, bit for bit, whatever was run before and wherever.
"""

from __future__ import annotations

import math
import platform
import socket
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..diagnosis import diagnose
from ..engine.tensor import Tensor
from ..init import INITIALIZERS, Initializer, normal_
from ..init.scaling import fan
from ..nn import Module, linear_maps
from ..nn.stacks import stack
from ..ops.losses import loss_of
from ..rehearsal import Rehearsal
from ..training import initialize
from ..update_rules import OPTIMIZERS
from ..version import __version__
from .axes import NORMAL
from .plan import SCHEMA, Task, program_of
from .samples import Samples

Row = dict[str, Any]

# What a generator is for: the second number of its seed.
WEIGHTS, BIASES = range(2)
LOOKED_AT = 128  # samples of a diagnosis
LAST = 20  # losses that the final one is the mean of
POINTS = 50  # of a loss curve that are kept
MOST_PROGRAMS = 16  # that a worker keeps
# A network has trained whose loss is at most this share of guessing; it is stuck above the second one, and above so
# many times the larger of guessing and its first loss it has diverged.
TRAINED, STUCK, DIVERGED = 0.5, 0.95, 2.0

MACHINE = f"{socket.gethostname()} {platform.machine()} {platform.system()}"
_WARNINGS = threading.Lock()  # Python's filters of warnings belong to all threads


class Programs(threading.local):
    """The rehearsals of a thread, by what they are programs of; the one that was not used for longest goes."""

    def __init__(self) -> None:
        self.known: OrderedDict[Any, Rehearsal] = OrderedDict()

    def of(self, task: Task, data: Samples) -> Rehearsal:
        """A rehearsal for a task, of an old one's memory if there was such a network before."""
        key = program_of(task), data.digest
        if key not in self.known:
            self.known[key] = rehearsal(task, data)
            if len(self.known) > MOST_PROGRAMS:
                self.known.popitem(last=False)
        self.known.move_to_end(key)
        return self.known[key]


PROGRAMS = Programs()


def rehearsal(task: Task, data: Samples) -> Rehearsal:
    """The network of a task before its start, and its step."""
    depth = task["depth"]
    model = stack(
        [data.x.shape[1], *[task["width"]] * depth, data.outputs],
        [task["activation"]] * depth,
        normalization=task["normalization"],
        residual=task["residual"],
        dtype="float32",
    )
    rule = OPTIMIZERS[task["optimizer"]].at(task["rate"])
    return Rehearsal(model, data.x, data.y, loss_of(data.loss), rule, batch_size=task["batch"], owner="sweep")


def fill(model: Module, task: Task) -> None:
    """Fill all weights and biases as a task says."""
    seed, sigma_w = task["seed"], task["sigma_w"]

    def normal(weight: Tensor, rng: Any, activation: Any) -> Tensor:
        return normal_(weight, rng, std=sigma_w / math.sqrt(fan(weight, "fan_in")))

    initializer: Initializer = normal if task["start"] == NORMAL else INITIALIZERS[task["start"]]
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a start that does not quite suit: that is what is measured
        initialize(model, initializer, np.random.default_rng([seed, WEIGHTS]))
    if task["sigma_b"]:
        rng = np.random.default_rng([seed, BIASES])
        for linear, _ in linear_maps(model):
            normal_(vars(linear)["bias"], rng, std=task["sigma_b"])


def run(name: str, task: Task, data: Samples, looked_at: bool) -> Row:
    """The row of a task in the results; what goes wrong in the run itself is its outcome, "error"."""
    began = time.perf_counter()
    row = failed(name, task, "") | {"guess": data.guess}
    try:
        row |= trained(task, data, looked_at)
    except (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        row["why"] = f"{type(error).__name__}: {error}"
    return row | {"seconds": round(time.perf_counter() - began, 6)}


def failed(name: str, task: Task, why: str) -> Row:
    """The row of a run of which nothing has come."""
    about = {"name": name, "schema": SCHEMA, "version": __version__, "machine": MACHINE}
    return {**about, **task, "guess": None, **NOTHING, "why": why, "seconds": 0.0}


NOTHING: Row = {
    "verdict": None,
    "verdict_key": None,
    "fault": None,
    "outcome": "error",
    "trained": False,
    "why": "",
    "first_loss": None,
    "final_loss": None,
    "steps_taken": 0,
    "loss_steps": [],
    "losses": [],
}


def trained(task: Task, data: Samples, looked_at: bool) -> Row:
    """Verdict and outcome of a task."""
    found = PROGRAMS.of(task, data)
    found.seed = task["seed"]
    found.restart(task["rate"])
    fill(found.model, task)
    row = dict(NOTHING)
    if looked_at:
        with np.errstate(all="ignore"):
            some = slice(LOOKED_AT)
            verdict = diagnose(found.model, data.x[some], data.y[some], data.loss, task["rate"]).verdict
        row |= {"verdict": verdict.word, "verdict_key": verdict.key, "fault": verdict.fault}
    found.advance(task["steps"])
    return row | outcome(found.losses, data.guess)


def outcome(losses: list[float], guess: float) -> Row:
    """What became of a training, by the losses of its steps."""
    final = float(np.mean(losses[-LAST:]))
    kept = sorted({round(at) for at in np.linspace(0, len(losses) - 1, POINTS)})
    if not math.isfinite(losses[-1]):
        word, why = "diverged", f"the loss is not finite at step {len(losses)}"
        final = losses[-1]
    else:
        shares = f"{final:.3g}, {final / guess if guess else math.inf:.3g} of guessing ({guess:.3g})"
        if final <= TRAINED * guess:
            word, why = "trained", f"the loss fell to {shares}"
        elif final > DIVERGED * max(guess, losses[0]):
            word, why = "diverged", f"the loss grew from {losses[0]:.3g} to {shares}"
        elif final >= STUCK * guess:
            word, why = "stuck", f"the loss went from {losses[0]:.3g} to {shares}"
        else:
            word, why = "slow", f"the loss fell from {losses[0]:.3g}, but only to {shares}"
    return {
        "outcome": word,
        "trained": word == "trained",
        "why": why,
        "first_loss": finite(losses[0]),
        "final_loss": finite(final),
        "steps_taken": len(losses),
        "loss_steps": [at + 1 for at in kept],
        "losses": [finite(losses[at]) for at in kept],
    }


def finite(value: float) -> float | None:
    """A number that JSON knows, or None; seven digits, as losses are of float32."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


def run_all(tasks: Mapping[str, Task], data: Mapping[str, Samples], looked_at: bool) -> list[Row]:
    """The rows of some tasks: what an executor's worker is asked for."""
    return [run(name, task, data[task["data"]], looked_at) for name, task in tasks.items()]
