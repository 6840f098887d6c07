"""What a config describes: data, networks at their starts, update rules, batches.

Every random number comes from a generator of its own, seeded by the config's seed, by what it is for, and by the number
of the layer or epoch. So all runs of an experiment see the same data and batches, and where two starts are normal, they
are the same standard normal numbers times another spread. `export` writes the same lines as a script.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from .. import data as sets
from .._engine.tensor import Tensor
from ..diagnosis.experiment import targets
from ..init import INITIALIZERS, constant_, normal_
from ..nn import Activation, BatchNorm, LayerNorm, Linear, Module, Residual, Sequential, linear_maps
from ..optim import SGD, Adam, Optimizer
from .config import Config, Start
from .shapes import Invalid

Array = np.ndarray[Any, Any]

# What a generator is for: the second number of its seed.
DATA, WEIGHTS, BIASES, BATCHES = range(4)
# Numbers that a step keeps: samples at a time, times units, times runs.
MOST_NUMBERS = 4_000_000

GENERATED: dict[str, Callable[[int, float, np.random.Generator], sets.Dataset]] = {
    "circles": sets.circles,
    "moons": sets.moons,
    "xor": sets.xor,
    "spirals": sets.spirals,
    "checkerboard": sets.checkerboard,
    # Two clouds on a circle of radius 2, so that noise 0 still leaves clouds.
    "gaussians": lambda samples, noise, rng: sets.blobs(samples, 0.3 + 2 * noise, rng, centers=2),
}
_WARNINGS = threading.Lock()  # Python's filters of warnings belong to all threads


@dataclass(frozen=True)
class Samples:
    """Inputs of shape (samples, features), class numbers, and targets in the form that the loss wants."""

    x: Array
    y: Array
    target: Array
    classes: int

    @property
    def outputs(self) -> int:
        """How many outputs a network needs."""
        return 1 if self.target.ndim == 2 and self.target.shape[1] == 1 else self.classes


def samples(config: Config) -> Samples:
    """The data in random order, scaled to about [-1, 1].

    Raises
    ------
    Invalid
        There are too few points, or all have one class.
    """
    rng = np.random.default_rng([config.seed, DATA])
    name = config.data.name
    if name == "points":
        x, y = own_points(config.data.points)
    elif name == "digits":
        found = sets.digits()
        x, y = found.x / 8 - 1, found.y
    else:
        found = GENERATED[name](config.data.samples, config.data.noise, rng)
        x, y = found.x, found.y
        x = x - (x.max(0) + x.min(0)) / 2
        x = x / np.abs(x).max()
    order = rng.permutation(len(x))[: config.data.samples if name == "digits" else None]
    x, y = x[order], y[order]
    classes = 10 if name == "digits" else int(y.max()) + 1
    outputs = 1 if config.loss == "binary_cross_entropy" and classes == 2 else classes
    return Samples(x, y, targets(y, config.loss, outputs, np.float64), classes)


def own_points(points: Sequence[tuple[float, float, int]]) -> tuple[Array, Array]:
    """Points as they are; scaled only if they lie outside of what the page shows."""
    if len(points) < 2:
        raise Invalid("config.data.points", f"expected at least 2 points, got {len(points)}")
    x = np.array([point[:2] for point in points], np.float64)
    y = np.array([point[2] for point in points], np.intp)
    if y.max() == 0:
        raise Invalid("config.data.points", "expected points of at least two classes, got only class 0")
    if np.abs(x).max() > 1.2:
        x = x - (x.max(0) + x.min(0)) / 2
        x = x / np.abs(x).max()
    return x, y


def check(config: Config) -> None:
    """What the limits of single fields do not say.

    Raises
    ------
    Invalid
        Lists do not fit each other, or the experiment is too large.
    """
    if config.data.name == "points":
        own_points(config.data.points)
    for i, run in enumerate(configs(config)):
        where = "config" if i == 0 else f"config.variants[{i - 1}]"
        hidden = len(config.layers)
        if len(run.activations) not in (1, hidden):
            raise Invalid(f"{where}.activations", f"expected 1 or {hidden}, got {len(run.activations)}")
        if len(run.starts) not in (1, hidden + 1):
            raise Invalid(f"{where}.starts", f"expected 1 or {hidden + 1}, got {len(run.starts)}")
    total, at_once = sizes(config)
    if config.normalization == "batch" and (at_once == 1 or total % at_once == 1):
        raise Invalid("config.batch", f"batch normalization needs 2 samples, but a batch of {at_once} leaves 1 alone")
    if numbers(config) > MOST_NUMBERS:
        raise Invalid(
            "config.batch",
            f"{at_once} samples at a time through {sum(config.layers)} units in {1 + len(config.variants)} runs is too "
            f"much; a batch of {max(1, at_once * MOST_NUMBERS // numbers(config))} would do",
        )


def sizes(config: Config) -> tuple[int, int]:
    """How many samples there are, and how many a step takes."""
    total = len(config.data.points) if config.data.name == "points" else config.data.samples
    return total, min(config.batch or total, total)


def numbers(config: Config) -> int:
    """A measure of the memory that an experiment needs: preactivations that a step keeps, in all runs."""
    return sizes(config)[1] * (sum(config.layers) + 1) * (1 + len(config.variants))


def configs(config: Config) -> list[Config]:
    """The config of each run: the first, and with what each variant changes."""
    changed = [
        replace(config, activations=variant.activations or config.activations, starts=variant.starts or config.starts)
        for variant in config.variants
    ]
    return [config, *changed]


def network(config: Config, features: int, outputs: int) -> Sequential:
    """The network of a config (of one run) before its start."""
    widths = [features, *config.layers]
    names = config.activations * len(config.layers) if len(config.activations) == 1 else config.activations
    layers: list[Module] = []
    for (fan_in, width), name in zip(pairwise(widths), names, strict=True):
        layer: list[Module] = [Linear(fan_in, width, rng=0, dtype="float64")]
        if config.normalization == "batch":
            # Running statistics are those of the last batch: what the map is drawn with is then what was looked at.
            layer.append(BatchNorm(width, momentum=1.0, dtype="float64"))
        elif config.normalization == "layer":
            layer.append(LayerNorm(width, dtype="float64"))
        layer.append(Activation(name))
        layers += [Residual(Sequential(*layer))] if config.residual and fan_in == width else layer
    return Sequential(*layers, Linear(widths[-1], outputs, rng=0, dtype="float64"))


def start(model: Module, config: Config) -> list[str]:
    """Fill weights and biases as the config says; returns what the library has to say about it."""
    maps = linear_maps(model)
    starts = config.starts * len(maps) if len(config.starts) == 1 else config.starts
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i, ((linear, activation), chosen) in enumerate(zip(maps, starts, strict=True)):
            name = activation.name if isinstance(activation, Activation) else "linear"
            weight, bias = vars(linear)["weight"], vars(linear)["bias"]
            fill(weight, chosen, np.random.default_rng([config.seed, WEIGHTS, i]), name)
            normal_(bias, np.random.default_rng([config.seed, BIASES, i]), std=chosen.sigma_b)
    return list(dict.fromkeys(str(warning.message) for warning in caught))


def fill(weight: Tensor, chosen: Start, rng: np.random.Generator, activation: str) -> None:
    """Fill one weight."""
    if chosen.name == "normal":
        normal_(weight, rng, std=chosen.sigma_w / weight.shape[1] ** 0.5)
    elif chosen.name == "constant":
        constant_(weight, chosen.constant)
    else:
        INITIALIZERS[chosen.name](weight, rng, activation)


def optimizer(config: Config, parameters: list[Tensor]) -> Optimizer:
    """The update rule, with what it remembers at its start, so that it can be put back."""
    rules: dict[str, Callable[[], Optimizer]] = {
        "sgd": lambda: SGD(parameters, config.lr),
        "momentum": lambda: SGD(parameters, config.lr, momentum=0.9),
        "nesterov": lambda: SGD(parameters, config.lr, momentum=0.9, nesterov=True),
        "adam": lambda: Adam(parameters, config.lr),
    }
    found = rules[config.optimizer]()
    for i, parameter in enumerate(found.parameters):
        found.state[i] = found.start(parameter)
    return found


def order_of(config: Config, total: int, epoch: int) -> Array:
    """The order of the samples in an epoch."""
    return np.random.default_rng([config.seed, BATCHES, epoch]).permutation(total)


def steps_an_epoch(config: Config, total: int) -> int:
    """How many batches there are."""
    return 1 if config.batch == 0 else -(-total // config.batch)
