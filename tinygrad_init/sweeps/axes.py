"""The axes of a sweep: what each may be, lists of values and ranges of them, as people write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..init import INITIALIZERS, start_name
from ..naming import known_name
from ..nn.stacks import NORMALIZATIONS
from ..ops.activations import activation_name
from ..update_rules import optimizer_name

NORMAL = "normal"  # the start that has a sigma_w of its own
DEEPEST, WIDEST = 1000, 10_000
MOST_VALUES = 100_000  # of one axis

Value = Any


@dataclass(frozen=True)
class Range:
    """Numbers from one to another.

    Parameters
    ----------
    low, high
        Both belong to it.
    count
        How many a grid takes of it, evenly spread; a random design takes any.
    log
        Whether "evenly" means equal ratios instead of equal distances.

    Raises
    ------
    ValueError
        The ends are not in order, not finite, or not positive with `log`; or there are no values in it.
    """

    low: float
    high: float
    count: int | None = None
    log: bool = False

    def __post_init__(self) -> None:
        good = all(isinstance(end, int | float) and math.isfinite(end) for end in (self.low, self.high))
        if not (good and self.low <= self.high and (self.low > 0 or not self.log)):
            positive = "positive " if self.log else ""
            raise ValueError(f"expected a range from a {positive}number up to another, got {self.low} to {self.high}")
        if self.count is not None and not (whole(self.count) and 1 <= self.count <= MOST_VALUES):
            raise ValueError(f"expected a range of 1 to {MOST_VALUES} values, got {self.count}")

    def values(self) -> list[float]:
        """What a grid takes."""
        if self.count is None:
            raise ValueError("expected a count: how many values of the range a grid takes")
        spread = np.geomspace if self.log else np.linspace
        # Twelve digits, so that a value is the one that people would have written.
        return [float(f"{value:.12g}") for value in spread(self.low, self.high, self.count)]

    def draw(self, rng: np.random.Generator) -> float:
        """One number of it."""
        if self.log:
            return float(f"{math.exp(rng.uniform(math.log(self.low), math.log(self.high))):.12g}")
        return float(f"{rng.uniform(self.low, self.high):.12g}")


@dataclass(frozen=True)
class Axis:
    """One thing that may differ from run to run.

    Attributes
    ----------
    read
        From what was written to the value, or a `ValueError` that says what was expected.
    default
        Where it is not an axis of the sweep.
    kind
        "number", "whole" or "name".
    """

    read: Callable[[Any], Value]
    default: Value
    kind: str = "name"


def whole(value: Any) -> bool:
    """Whether it is a whole number, and not a truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def whole_from(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, float | np.floating) and math.isfinite(value) and float(value).is_integer():
            value = int(value)
        if not whole(value) or not least <= value <= most:
            raise ValueError(f"expected a whole number from {least} to {most}, got {value!r}")
        return int(value)

    return read


def number(positive: bool) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not (real and math.isfinite(value) and (value > 0 if positive else value >= 0)):
            wanted = "a positive number" if positive else "a positive number or 0"
            raise ValueError(f"expected {wanted}, got {value!r}")
        return float(value)

    return read


def truth(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"expected true or false, got {value!r}")
    return bool(value)


def named(look_up: Callable[[str], str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        try:
            return look_up(value)
        except TypeError as error:
            raise ValueError(str(error)) from None

    return read


def start(value: str) -> str:
    if value == NORMAL:
        return NORMAL
    try:
        return start_name(value)
    except ValueError as error:
        raise ValueError(f"{error}; or {NORMAL}, which takes sigma_w") from None


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected the name of a data set or a file, got {value!r}")
    return value


# In the order in which a grid runs through them: the last changes first. What makes another program comes first.
AXES: dict[str, Axis] = {
    "data": Axis(text, "circles"),
    "activation": Axis(named(activation_name), "relu"),
    "depth": Axis(whole_from(1, DEEPEST), 3, "whole"),
    "width": Axis(whole_from(1, WIDEST), 16, "whole"),
    "normalization": Axis(named(lambda name: known_name("a normalization", name, NORMALIZATIONS)), "none"),
    "residual": Axis(truth, False),
    "optimizer": Axis(named(optimizer_name), "sgd"),
    "batch": Axis(whole_from(1, 10**6), 64, "whole"),
    "start": Axis(named(start), "xavier"),
    "sigma_w": Axis(number(positive=False), None, "number"),
    "sigma_b": Axis(number(positive=False), 0.0, "number"),
    "rate": Axis(number(positive=True), None, "number"),
    "seed": Axis(whole_from(0, 2**63 - 1), 0, "whole"),
}
# Axes that make a program; runs that differ in others share it.
OF_A_PROGRAM = ("data", "activation", "depth", "width", "normalization", "residual", "optimizer", "batch")
STARTS = (*INITIALIZERS, NORMAL)


def read_axes(given: Mapping[str, Any]) -> dict[str, tuple[Value, ...] | Range]:
    """Every axis with its values, in the order of `AXES`.

    Parameters
    ----------
    given
        For each axis a value, some, a `Range` or a table with its fields ("from", "to", "count", "log").

    Raises
    ------
    ValueError
        There is no such axis, it is empty, or a value is not one of it.
    """
    given = {known_name("an axis of a sweep", name, AXES): value for name, value in given.items()}
    found: dict[str, tuple[Value, ...] | Range] = {}
    for name, axis in AXES.items():
        if name not in given:
            continue
        try:
            found[name] = read_axis(axis, given[name])
        except ValueError as error:
            raise ValueError(f"sweep: {name}: {error}") from None
    if "sigma_w" in found:
        starts = found.setdefault("start", (NORMAL,))
        if isinstance(starts, tuple) and NORMAL not in starts:
            raise ValueError(f"sweep: sigma_w belongs to the start {NORMAL!r}, got {', '.join(starts)}")
    elif NORMAL in found.get("start", ()):  # type: ignore[operator] # names are no range
        raise ValueError(f"sweep: the start {NORMAL!r} needs sigma_w, √(fan_in · Var w)")
    return {name: found.get(name, (axis.default,)) for name, axis in AXES.items()}


def read_axis(axis: Axis, given: Any) -> tuple[Value, ...] | Range:
    """The values of one axis."""
    if isinstance(given, Mapping):
        if not {"from", "to"} <= given.keys() <= {"from", "to", "count", "log"}:
            raise ValueError(f"expected a range with from, to, and perhaps count and log; got {', '.join(given)}")
        given = Range(given["from"], given["to"], given.get("count"), bool(given.get("log", False)))
    if isinstance(given, Range):
        if axis.kind == "name":
            raise ValueError("expected names, got a range of numbers")
        for end in (given.low, given.high):
            axis.read(round(end) if axis.kind == "whole" else end)
        if given.count is None:
            return given
        given = [round(value) if axis.kind == "whole" else value for value in given.values()]
    values = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not values:
        raise ValueError("expected at least one value, got none")
    if len(values) > MOST_VALUES:
        raise ValueError(f"expected up to {MOST_VALUES} values, got {len(values)}")
    return tuple(dict.fromkeys(axis.read(value) for value in values))
