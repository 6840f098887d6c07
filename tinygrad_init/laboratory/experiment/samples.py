"""The samples of an experiment: drawn, scaled, some of them held out, and as the features that the network sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import data as sets
from ...diagnosis.trials.comparison import targets
from ..messages.config import Config
from ..messages.message_schema import Invalid

Array = np.ndarray[Any, Any]

DATA = 0  # what this generator of random numbers is for; those of `build` have other numbers
DIGITS, DIGIT_CLASSES = 1797, 10

GENERATED: dict[str, Callable[[int, float, np.random.Generator], sets.Dataset]] = {
    "circles": sets.circles,
    "moons": sets.moons,
    "xor": sets.xor,
    "spirals": sets.spirals,
    "checkerboard": sets.checkerboard,
    # Two clouds on a circle of radius 2, so that noise 0 still leaves clouds.
    "gaussians": lambda samples, noise, rng: sets.blobs(samples, 0.3 + 2 * noise, rng, centers=2),
    **sets.REGRESSIONS,
}

# What a network may see of a point of the plane.
FEATURES: dict[str, Callable[[Array, Array], Array]] = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "x2": lambda x, y: x * x,
    "y2": lambda x, y: y * y,
    "xy": lambda x, y: x * y,
    "sin_x": lambda x, y: np.sin(2 * np.pi * x),
    "sin_y": lambda x, y: np.sin(2 * np.pi * y),
}


@dataclass(frozen=True)
class Part:
    """Some samples.

    Attributes
    ----------
    plane
        Where they lie, of shape (samples, 2); None for data of other dimensions.
    x
        What the network sees, of shape (samples, features).
    y
        Class numbers, or the numbers of a regression.
    target
        The same in the form that the loss wants.
    """

    plane: Array | None
    x: Array
    y: Array
    target: Array


@dataclass(frozen=True)
class Samples(Part):
    """Those that are trained on.

    Attributes
    ----------
    test
        Those that are held out, perhaps none.
    classes
        How many there are; 0 for a regression.
    features
        What the network sees of a point of the plane; () for other data.
    probabilities
        Whether the loss takes outputs as logits of probabilities.
    """

    test: Part
    classes: int
    features: tuple[str, ...]
    probabilities: bool

    @property
    def outputs(self) -> int:
        """How many outputs a network needs."""
        return self.target.shape[1] if self.target.ndim == 2 else self.classes

    @property
    def scale(self) -> tuple[float, float]:
        """The ends of the scale of a regression's numbers; around 0 if they have both signs."""
        low, high = float(self.target.min()), float(self.target.max())
        most = max(abs(low), abs(high))
        return (-most, most) if low < 0 < high else (low, high)

    def seen(self, plane: Array) -> Array:
        """Points of the plane as the network sees them."""
        return as_features(plane, self.features)


def as_features(plane: Array, names: Sequence[str]) -> Array:
    """Points of shape (points, 2) as their features, of shape (points, features)."""
    return np.stack([FEATURES[name](plane[:, 0], plane[:, 1]) for name in names], 1)


def samples(config: Config) -> Samples:
    """The data in random order, scaled to about [-1, 1].

    Raises
    ------
    Invalid
        There are too few points, or all have one class.
    """
    data = config.data
    rng = np.random.default_rng([config.seed if data.seed is None else data.seed, DATA])
    if data.name == "points":
        x, y = own_points(data.points)
    elif data.name == "digits":
        found = sets.digits()
        x, y = found.x / 8 - 1, found.y
    else:
        found = GENERATED[data.name](data.samples, data.noise, rng)
        x, y = scaled(found.x), found.y
    order = rng.permutation(len(x))[: data.samples if data.name == "digits" else None]
    x, y = x[order], y[order]
    plane = x if x.shape[1] == 2 else None
    seen = x if plane is None else as_features(plane, config.features)
    outputs = outputs_of(config)
    target = y.reshape(-1, 1) if data.name in sets.REGRESSIONS else targets(y, config.loss, outputs, np.float64)
    trained, _ = counts(config)

    def part(which: slice) -> Part:
        return Part(None if plane is None else plane[which], seen[which], y[which], target[which])

    names = () if plane is None else config.features
    return Samples(
        **vars(part(slice(trained))),
        test=part(slice(trained, None)),
        classes=classes_of(config),
        features=names,
        probabilities=config.loss in ("cross_entropy", "binary_cross_entropy_with_logits"),
    )


def counts(config: Config) -> tuple[int, int]:
    """How many samples are trained on, and how many are held out."""
    data = config.data
    total = len(data.points) if data.name == "points" else data.samples
    if data.name == "digits":
        total = min(total, DIGITS)
    held = min(round(data.test * total), total - 2)
    return total - held, held


def classes_of(config: Config) -> int:
    """How many classes the data have; 0 for a regression."""
    if config.data.name in sets.REGRESSIONS:
        return 0
    if config.data.name == "points":
        return 1 + max(label for _, _, label in config.data.points)
    return DIGIT_CLASSES if config.data.name == "digits" else 2


def outputs_of(config: Config) -> int:
    """How many outputs the network has."""
    classes = classes_of(config)
    return 1 if classes == 0 or (classes == 2 and config.loss == "binary_cross_entropy_with_logits") else classes


def inputs_of(config: Config) -> int:
    """How many inputs the network has."""
    return sets.digits().x.shape[1] if config.data.name == "digits" else len(config.features)


def own_points(points: Sequence[tuple[float, float, int]]) -> tuple[Array, Array]:
    """Points as they are; scaled only if they lie outside of what the page shows."""
    if len(points) < 2:
        raise Invalid("config.data.points", "points", got=len(points))
    x = np.array([point[:2] for point in points], np.float64)
    y = np.array([point[2] for point in points], np.intp)
    if y.max() == 0:
        raise Invalid("config.data.points", "classes")
    return (scaled(x) if np.abs(x).max() > 1.2 else x), y


def scaled(x: Array) -> Array:
    """Moved and scaled by one factor, so that the largest coordinate is 1 in size."""
    x = x - (x.max(0) + x.min(0)) / 2
    top = np.abs(x).max()
    return x / top if top > 0 else x  # all in one place


def check_data(config: Config) -> None:
    """What the limits of single fields do not say of the data.

    Raises
    ------
    Invalid
        Names the field.
    """
    if config.data.name == "points":
        own_points(config.data.points)
    if len(set(config.features)) < len(config.features):
        raise Invalid("config.features", "features")
    if config.data.name in sets.REGRESSIONS and config.loss != "half_squared_error":
        raise Invalid("config.loss", "regression", data=config.data.name)
