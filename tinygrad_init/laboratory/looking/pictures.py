"""Pictures of a run: its output and its units over the plane, and its edges."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...diagnosis.fronts.module_links import by_unit
from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import dtype_of, observe
from ...training import captured
from ..experiment.evaluation import evaluation
from ..experiment.experiment import Run
from ..experiment.samples import Samples
from ..messages.frames import Edges, Map
from .structure import passed

Array = np.ndarray[Any, Any]

GRID, GRID_OF_LARGE, REACH = 40, 24, 1.2
LARGE = 50_000  # parameters, beyond which the map is coarser: it would take as long as everything else
COARSE, MOST_MAPS = 14, 64  # the map of every unit, where there are so few
MAP_SECONDS = 0.25  # between two maps of the output, in a hurry
LEAST_SIDE = 4  # of what is taken for a picture
PARTS = 8  # of the grid: small enough for products on one thread, as other pages have the other processors
MOST_EDGES = 2500  # of a network that is sent whole
MOST_STRONG, STRONGEST = 400, 16  # of a larger network, and of a layer of it
STRONG_EDGE = np.dtype([("source", "<u2"), ("target", "<u2"), ("weight", "<f4"), ("gradient", "<f4")])


class Pictures:
    """What is drawn of a run.

    Attributes
    ----------
    columns
        How many units the picture of the network has in each column, the features first.
    predict
        From a part of the grid to the network's outputs there, as a program.
    hurried
        Whether another picture follows at once, so that what changes slowly need not be found anew for this one.
    """

    def __init__(self, run: Run, samples: Samples) -> None:
        self.run, self.samples = run, samples
        self.linears: list[Any] = [layer.linear for layer in run.layers]
        self.columns = columns(run, samples)
        self.hurried = False
        self.chosen: list[Array] = []  # which edges of a large network were strongest when that was looked at
        self.turn = 0
        self.last_map: Map | None = None
        self.next_map = 0.0  # when it is drawn anew, in a hurry
        model = run.model

        def output(x: Any) -> Any:
            with no_grad():
                return model(x)

        self.predict: Callable[[Array], Any] = captured(output)

    def edges(self, gradients: Sequence[Array]) -> tuple[Edges, ...]:
        """Weights and their gradients, which have a row for each unit; of a large network only the strongest."""
        weights = [by_unit(linear, linear.weight.numpy()) for linear in self.linears]
        pairs = [
            (between(weight, inputs), between(gradient, inputs))
            for weight, gradient, inputs in zip(weights, gradients, self.columns, strict=False)
        ]
        if sum(weight.size for weight, _ in pairs) <= MOST_EDGES:
            return tuple(Edges(rows(weight), rows(gradient), None) for weight, gradient in pairs)
        most = max(1, min(STRONGEST, MOST_STRONG // len(pairs)))
        if self.hurried and self.chosen:
            # Which ones they are changes slowly: one layer is looked at anew with every picture.
            self.turn = (self.turn + 1) % len(pairs)
            self.chosen[self.turn] = strongest(*pairs[self.turn], most)
        else:
            self.chosen = [strongest(weight, gradient, most) for weight, gradient in pairs]
        return tuple(Edges(None, None, packed(*pair, which)) for pair, which in zip(pairs, self.chosen, strict=True))

    @cached_property
    def size(self) -> int:
        """How many points the map has in each direction."""
        return GRID if sum(parameter.size for parameter in self.run.parameters) <= LARGE else GRID_OF_LARGE

    @cached_property
    def grid(self) -> Array:
        """The points of the map as the network sees them, row by row from below."""
        return self.samples.seen(grid(self.size))

    def map(self) -> Map | None:
        """What the network says over the plane; None for data of more dimensions, or with several numbers to learn."""
        samples = self.samples
        if samples.plane is None or (samples.classes == 0 and samples.outputs > 1):
            return None
        began = time.monotonic()
        if self.hurried and self.last_map is not None and began < self.next_map:
            return self.last_map
        with np.errstate(all="ignore"), evaluation(self.run.model):
            output = np.concatenate([self.predict(part).numpy() for part in np.split(self.grid, PARTS)])
            kind, low, high, values = decision(output, samples)
        self.last_map = Map(kind, self.size, low, high, as_bytes(values, low, high))
        now = time.monotonic()
        self.next_map = now + max(MAP_SECONDS, 5 * (now - began))
        return self.last_map

    def unit_map(self, layer: int, unit: int) -> Map | None:
        """What a unit says over the plane."""
        if self.samples.plane is None:
            return None
        return map_of_unit(self.outputs_over(self.grid)[layer][:, unit], self.size)

    def unit_maps(self) -> tuple[tuple[Map, ...], ...]:
        """What every hidden unit says, layer by layer and coarsely; nothing where there are many.

        Of pictures the weights of the first layer are pictures, too.
        """
        units = sum(self.columns[1:-1])
        size = picture_size(self.samples)
        if size and self.linears[0].weight.shape[1:] == (size * size,):
            weights = by_unit(self.linears[0], self.linears[0].weight.numpy()).reshape(-1, size, size)[:, ::-1]
            return (tuple(map_of_unit(weight.reshape(-1), size) for weight in weights[:MOST_MAPS]),)
        if self.samples.plane is None or units > MOST_MAPS:
            return ()
        hidden = self.outputs_over(self.coarse_grid)[:-1]
        return tuple(tuple(map_of_unit(values, COARSE) for values in output.T) for output in hidden)

    @cached_property
    def coarse_grid(self) -> Array:
        """The points of the small maps."""
        return self.samples.seen(grid(COARSE))

    def outputs_over(self, points: Array) -> list[Array]:
        """What comes out of every layer, of shape (points, units)."""
        parts = np.array_split(points, max(1, len(points) * PARTS // GRID**2))
        with np.errstate(all="ignore"), evaluation(self.run.model):
            found = [self._outputs(part) for part in parts]
        return [np.concatenate(layer) for layer in zip(*found, strict=True)]

    def _outputs(self, points: Array) -> list[Array]:
        with observe() as calls:
            self.run.model(Tensor(points, dtype_of(self.run.model, np.float64)))
        return [one.a.numpy() for one in passed(calls, self.run.layers)]


def picture_size(samples: Samples) -> int:
    """The side of samples that are square pictures; 0 if they are none."""
    if samples.plane is not None or not samples.classes or samples.x.ndim != 2:
        return 0
    side = math.isqrt(samples.x.shape[1])
    return side if side >= LEAST_SIDE and side * side == samples.x.shape[1] else 0


def columns(run: Run, samples: Samples) -> list[int]:
    """The units of every column of the picture: features (or channels), then the units of every layer."""
    weights = [by_unit(layer.linear, layer.linear.weight.numpy()) for layer in run.layers]
    return [samples.x.shape[1], *(len(weight) for weight in weights)]


def between(weights: Array, inputs: int) -> Array:
    """The edges between two columns, of shape (units, inputs).

    Where several weights lie between two units, as those of a convolution's window do, the edge is their norm with the
    sign of their sum; where no such picture is possible, there are no edges.
    """
    if weights.shape[1] == inputs:
        return weights
    if weights.shape[1] % inputs:
        return np.zeros((len(weights), inputs))
    parts = weights.reshape(len(weights), inputs, -1)
    found: Array = np.sqrt(np.sum(parts * parts, axis=2)) * np.where(parts.sum(axis=2) < 0, -1, 1)
    return found


def grid(size: int) -> Array:
    """Points of the plane, row by row from below."""
    axis = np.linspace(-REACH, REACH, size)
    return np.stack([np.tile(axis, size), np.repeat(axis, size)], 1)


def map_of_unit(values: Array, size: int) -> Map:
    """What one unit says at the points of a grid."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return Map("unit", size, low, high, as_bytes(values, low, high))


def decision(output: Array, samples: Samples) -> tuple[Any, float, float, Array]:
    """What outputs mean, as one number a sample: its kind, the ends of its scale, the numbers."""
    if samples.classes == 0:
        return "number", *samples.scale, output[:, 0]
    if samples.classes > 2:
        return "class", 0.0, float(samples.classes - 1), output.argmax(1).astype(np.float64)
    score = output[:, 0] if output.shape[1] == 1 else output[:, 1] - output[:, 0]
    if samples.probabilities:
        return "probability", 0.0, 1.0, 1 / (1 + np.exp(-score))
    return "score", -1.0, 1.0, score


def as_bytes(values: Array, low: float, high: float) -> bytes:
    """Numbers on a scale as bytes; what is no number lies in the middle."""
    span = high - low or 1.0
    scaled = np.nan_to_num(np.clip((values - low) / span, 0, 1), nan=0.5)
    return np.rint(255 * scaled).astype(np.uint8).tobytes()


def strongest(weight: Array, gradient: Array, most: int) -> Array:
    """Where the largest weights and the largest gradients stand, as flat indices, ascending."""
    chosen = []
    for matrix in (weight, gradient):
        size = np.nan_to_num(np.abs(matrix.reshape(-1)), nan=0.0, posinf=np.finfo(matrix.dtype).max)
        count = min(most, size.size)
        chosen.append(np.argpartition(-size, count - 1)[:count])
    return np.unique(np.concatenate(chosen))


def packed(weight: Array, gradient: Array, which: Array) -> bytes:
    """Some edges as bytes: in a large network most of a frame would else be the digits of their numbers."""
    found = np.empty(len(which), STRONG_EDGE)
    found["target"], found["source"] = np.divmod(which, weight.shape[1])
    most = np.finfo(np.float32).max
    found["weight"] = np.clip(weight.reshape(-1)[which], -most, most)
    found["gradient"] = np.clip(gradient.reshape(-1)[which], -most, most)
    return found.tobytes()


def rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    """A matrix as tuples."""
    return tuple(tuple(row) for row in matrix.tolist())
