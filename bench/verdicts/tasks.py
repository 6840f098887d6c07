"""The grids: every network that is diagnosed and trained, as a dict of plain values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

Task = dict[str, Any]

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "selu", "leaky_relu", "softsign")
GOOD, BAD = ("xavier", "he", "orthogonal"), ("zeros", "constant", "small", "large")
OPTIMIZERS: tuple[Task, ...] = (
    {"optimizer": "sgd", "lr": 0.1},
    {"optimizer": "sgd", "lr": 1.0},
    {"optimizer": "sgd", "lr": 0.01},
    {"optimizer": "momentum", "lr": 0.05},
    {"optimizer": "adam", "lr": 1e-3},
    {"optimizer": "adam", "lr": 1e-2},
)
# What is built around the layers.
DESIGNS: tuple[Task, ...] = (
    {"normalization": False, "residual": False},
    {"normalization": True, "residual": False},
    {"normalization": False, "residual": True},
)
# Where thresholds are found, and where they are reported: other depths, widths and seeds, one data set in common; and
# one that nobody looks at before what is told is settled.
GRIDS: dict[str, dict[str, Any]] = {
    "thresholds": {"data": ("digits", "spirals"), "depth": (2, 5, 12, 30), "width": (32, 64), "seed": (0, 1)},
    "reporting": {"data": ("moons", "digits"), "depth": (3, 8, 20, 50), "width": (48, 100), "seed": (10, 11, 12)},
    "fresh": {"data": ("moons", "digits"), "depth": (1, 4, 15, 35), "width": (40, 80), "seed": (20, 21, 22)},
}
# How many networks of a grid are drawn.
SMALL, FULL = 300, 6000
# Steps of training for each data set.
HORIZON = {"digits": 250, "spirals": 1500, "moons": 400}
BATCH = 64


def tasks(grid: str, count: int) -> list[Task]:
    """So many networks of a grid, drawn once for all: a larger number takes in the smaller ones.

    Bad starts are most of the combinations and few of the questions, so that half of the draws are of good ones.
    """
    axes = GRIDS[grid]
    rng = np.random.default_rng(axes["seed"][0])
    whole = list(itertools.product(ACTIVATIONS, axes["data"], axes["depth"], axes["width"], OPTIMIZERS, DESIGNS))
    found: dict[str, Task] = {}
    while len(found) < count:
        activation, data, depth, width, optimizer, design = whole[rng.integers(len(whole))]
        start = GOOD[rng.integers(len(GOOD))] if rng.random() < 0.5 else BAD[rng.integers(len(BAD))]
        seed = int(axes["seed"][rng.integers(len(axes["seed"]))])
        task = {"activation": activation, "start": start, "seed": seed, "data": data, "depth": depth, "width": width}
        task |= optimizer | design
        found.setdefault(name_of(task), task)
    return list(found.values())


def name_of(task: Task) -> str:
    """What tells a task from the others."""
    return " ".join(f"{key}={task[key]}" for key in sorted(task))
