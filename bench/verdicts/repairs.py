"""What becomes of a network when its user trains what `recommend` hands back, beside what becomes of it as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

import tinygrad_init as tgi

from .scores import WAY, way_of
from .tasks import Task, name_of
from .trial import Result, build, data, optimizer, right, train

# Seeds of recommendation and training.
SEEDS = (0, 1, 2)
# What tells a network from the others.
TOLD = ("activation", "start", "seed", "data", "depth", "width", "optimizer", "lr", "normalization", "residual")
# A network that trains may not be worse by more than this.
WORSE = 0.02


def repair(task: Task) -> Result:
    """The accuracy on samples held out, of the network as it is and as recommended, trained for the task's horizon.

    `task["repair"]` is the seed of both.
    """
    x, y, held_x, held_y, classes = data(task["data"])
    seed = {**task, "seed": task["seed"] + 1000 * task["repair"]}
    model, rule = build(seed), partial(optimizer, task)
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        found = tgi.recommend(model, x, y, "cross_entropy", optimizer=rule, budget=60, rng=task["repair"])
        recommended = time.perf_counter()
        train(model, seed, rule, [])
        setup = found.setup
        train(setup.model, seed, setup.optimizer, [], clip=setup.clip, scaled=setup.inputs(x))
        outputs = tgi.predict(model.eval(), held_x), setup.predict(held_x)
    return {
        **task,
        "changes": [change.what.spoken() for change in setup.changes],
        "guess": float(np.bincount(held_y, minlength=classes).max() / len(held_y)),
        "given": right(outputs[0], held_y),
        "repaired": right(outputs[1], held_y),
        "seconds": round(recommended - began, 2),
    }


def view(results: Sequence[Result], best: dict[str, float]) -> RenderableType:
    """Of networks that fail the share that then trains; of those that train what it costs them.

    Parameters
    ----------
    best
        The best accuracy that any network of the grid has reached, by data set.
    """
    table = Table("as it is", "networks", "runs", "train after", "worse by > 0.02 in the mean")
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(name_of({key: result[key] for key in TOLD}), []).append(result)
    kinds: dict[str, list[list[Result]]] = {"fails": [], "trains": []}
    for runs in groups.values():
        given = float(np.mean([way_of(run, "given", best) for run in runs]))
        kinds["trains" if given >= WAY else "fails"].append(runs)
    for kind, networks in kinds.items():
        runs = [run for one in networks for run in one]
        after = sum(way_of(run, "repaired", best) >= WAY for run in runs)
        worse = sum(np.mean([run["given"] - run["repaired"] for run in one]) > WORSE for one in networks)
        table.add_row(
            kind, str(len(networks)), str(len(runs)), f"{after} of {len(runs)}", f"{worse} of {len(networks)}"
        )
    seconds: Any = np.median([result["seconds"] for result in results]) if results else float("nan")
    return Group(table, Text(f"A recommendation took {seconds:.1f} s in the median."))
