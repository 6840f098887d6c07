"""What a sweep runs: a grid or random points of its axes, each a task with a name that its settings decide."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..update_rules import OPTIMIZERS
from .axes import AXES, NORMAL, OF_A_PROGRAM, Range, read_axes, whole_from

Task = dict[str, Any]

SCHEMA = 1  # of plans, journals and parts
MOST_RUNS = 1_000_000
PATIENCE = 10_000  # draws in a row that give no new point: there are no more


@dataclass(frozen=True)
class Plan:
    """A sweep before it is run; made by `plan_of`.

    Attributes
    ----------
    axes
        For each axis its values, or the range that is drawn from.
    steps
        Of each training.
    random
        How many points are drawn; None for all of the grid.
    draws
        The seed of those.
    diagnose
        Whether each network is diagnosed at its start.
    data
        For each file of `axes["data"]` the digest of what is in it.
    tasks
        For each data set what is to be learned of it, "classification" or "regression", for rates that are not said.
    """

    axes: Mapping[str, tuple[Any, ...] | Range]
    steps: int
    random: int | None
    draws: int
    diagnose: bool
    data: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)

    def runs(self) -> dict[str, Task]:
        """All tasks by their names, each once, those that share a program side by side."""
        points = self.grid() if self.random is None else self.drawn(self.random)
        found = {self.name_of(task): task for task in map(self.settled, points)}
        return dict(sorted(found.items(), key=lambda item: program_of(item[1]))) if self.random else found

    def grid(self) -> Iterator[Task]:
        """Every combination."""
        values = [axis for axis in self.axes.values() if not isinstance(axis, Range)]
        for point in itertools.product(*values):
            yield dict(zip(self.axes, point, strict=True))

    def drawn(self, count: int) -> Iterator[Task]:
        """So many points, or as many as there are; a larger number takes in the smaller ones."""
        rng = np.random.default_rng(self.draws)
        known: set[str] = set()
        idle = 0
        while len(known) < count and idle < PATIENCE:
            point = {name: drawn_from(name, axis, rng) for name, axis in self.axes.items()}
            name = self.name_of(self.settled(point))
            idle = 0 if name not in known else idle + 1
            if not idle:
                known.add(name)
                yield point

    def settled(self, point: Task) -> Task:
        """A point without what makes no difference to it, with the rate that it has if none was said."""
        task = {**point, "steps": self.steps}
        if task["start"] != NORMAL:
            task["sigma_w"] = None
        if task["rate"] is None:
            task["rate"] = OPTIMIZERS[task["optimizer"]].lr_for(self.tasks[task["data"]])
        return task

    def name_of(self, task: Task) -> str:
        """The name of a task: 80 bits of the hash of its settings, with the contents of its file if it has one."""
        data = self.data.get(task["data"], task["data"])
        settings = {**task, "data": data, "diagnose": self.diagnose, "schema": SCHEMA}
        plain = json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(plain.encode()).hexdigest()[:20]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        plain = {name: asdict(axis) if isinstance(axis, Range) else list(axis) for name, axis in self.axes.items()}
        return {**{name: getattr(self, name) for name in FIELDS}, "schema": SCHEMA, "axes": plain}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> Plan:
        """The same plan again.

        Raises
        ------
        ValueError
            It is none, or one of another schema.
        """
        if plain.get("schema") != SCHEMA:
            raise ValueError(f"a sweep of schema {plain.get('schema')!r}; this version knows {SCHEMA}")
        try:
            axes = {
                name: Range(**axis) if isinstance(axis, dict) else tuple(axis) for name, axis in plain["axes"].items()
            }
            if list(axes) != list(AXES):
                raise ValueError(f"expected the axes {', '.join(AXES)}, got {', '.join(axes)}")
            return Plan(axes, **{name: plain[name] for name in FIELDS})
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no plan of a sweep ({type(error).__name__}: {error})") from None


FIELDS = ("steps", "random", "draws", "diagnose", "data", "tasks")


def drawn_from(name: str, axis: tuple[Any, ...] | Range, rng: np.random.Generator) -> Any:
    """A value of an axis."""
    if isinstance(axis, Range):
        value = axis.draw(rng)
        return AXES[name].read(round(value) if AXES[name].kind == "whole" else value)
    return axis[int(rng.integers(len(axis)))]


def program_of(task: Task) -> tuple[str, ...]:
    """What a run needs a program of its own for."""
    return tuple(str(task[name]) for name in OF_A_PROGRAM)


def axes_of(given: Mapping[str, Any], random: int | None) -> dict[str, tuple[Any, ...] | Range]:
    """The axes as read, with what the design asks of them.

    Raises
    ------
    ValueError
        See `read_axes`; or a grid has a range without a count, or too many points.
    """
    axes = read_axes(given)
    if random is not None:
        whole_from(1, MOST_RUNS)(random)
        return axes
    for name, axis in axes.items():
        if isinstance(axis, Range):
            raise ValueError(f"sweep: {name}: expected a count, how many values of the range a grid takes")
    if (many := math.prod(len(axis) for axis in axes.values() if not isinstance(axis, Range))) > MOST_RUNS:
        raise ValueError(f"sweep: expected up to {MOST_RUNS} runs, got a grid of {many}")
    return axes
