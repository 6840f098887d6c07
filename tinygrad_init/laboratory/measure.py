"""What a frame shows of every run.

What changes with every step is read off one captured forward and backward pass over a probe, at most 256 samples; what
takes longer (the verdict, the five answers, theory, factors) comes from `diagnose` on the same samples, and is as old
as `report_step` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._engine.backward import grad
from .._engine.modes import no_grad
from .._engine.tensor import Tensor
from ..diagnosis import Report, classes, diagnose
from ..diagnosis.chain import as_array
from ..diagnosis.experiment import accuracy
from ..diagnosis.signal import rms
from ..diagnosis.slopes import FLAT, MOSTLY, flat_on_both_sides, slopes_at
from ..nn import Activation, Call, Linear, Module, linear_maps, observe
from ..ops.losses import LOSSES
from ..program import capture
from .experiment import Experiment, Run
from .frames import AnswerOf, Edges, LayerNow, Map, RunNow, StrongEdge, VerdictOf
from .samples import Samples

Array = np.ndarray[Any, Any]

PROBE = 256
GRID, GRID_OF_LARGE, REACH = 40, 24, 1.2
LARGE = 50_000  # parameters, beyond which the map is coarser: it would take as long as everything else
COARSE, MOST_MAPS = 14, 64  # the map of every unit, where there are so few
PARTS = 8  # of the grid: small enough for products on one thread, as other pages have the other processors
MOST_EDGES = 2500  # of a network that is sent whole
MOST_STRONG, STRONGEST = 400, 16  # of a larger network, and of a layer of it
MOST_LOSSES, MOST_TESTS = 400, 4096


@dataclass(frozen=True)
class LayerLook:
    """A linear map on the probe: its input of shape (samples, inputs), z and a of shape (samples, units), what went
    into the activation, ∂C/∂z and ∂C/∂W."""

    x: Array
    z: Array
    a: Array
    into: Array
    dz: Array
    dw: Array


@dataclass(frozen=True)
class Look:
    """A run on the probe, at one step."""

    loss: float
    output: Array
    layers: tuple[LayerLook, ...]


def paired(calls: list[Call], maps: Sequence[tuple[Any, Any]]) -> list[tuple[Call, Call | None]]:
    """The calls of linear maps, each with that of its activation."""
    known = {id(call.module): call for call in calls}
    return [(known[id(linear)], None if after is None else known[id(after)]) for linear, after in maps]


class Watched:
    """A run with what is needed to look at it.

    Attributes
    ----------
    run
        What is looked at.
    report, report_step, report_look
        The last diagnosis, when it was made, and what was seen then.
    test_losses
        Of the samples that are held out, by the step, whenever a frame was made.
    """

    def __init__(self, run: Run, samples: Samples) -> None:
        self.run, self.samples = run, samples
        self.x, self.y, self.target = samples.x[:PROBE], samples.y[:PROBE], samples.target[:PROBE]
        self.report: Report | None = None
        self.report_step: int | None = None
        self.report_look: Look | None = None
        self.test_losses: dict[int, float] = {}
        maps: list[Any] = linear_maps(run.model)
        self.linears: list[Linear] = [linear for linear, _ in maps]
        self.activations: list[Activation | None] = [activation for _, activation in maps]
        self._look: Callable[[Array, Array], Any] = capture(self._looker())
        self._predict: Callable[[Array], Any] = capture(self._predictor())
        self._test: Callable[[Array, Array], Any] = capture(self._tester())

    def _looker(self) -> Callable[[Array, Array], Any]:
        model, loss, weights = self.run.model, LOSSES[self.run.config.loss], [each.weight for each in self.linears]
        maps = list(zip(self.linears, self.activations, strict=True))

        def look(x: Any, y: Any) -> Any:
            with observe() as calls:
                output = model(x)
            cost = loss(output, y)
            found = paired(calls, maps)
            z = [linear.output for linear, _ in found]
            gradients = grad(cost, [*z, *weights])
            # An activation of x: what goes in and what comes out; the last layer has none.
            ends = [(z[-1], z[-1]) if call is None else (call.inputs[0], call.output) for _, call in found]
            return cost, output, [linear.inputs[0] for linear, _ in found], z, ends, gradients

        return look

    def _predictor(self) -> Callable[[Array], Any]:
        model = self.run.model

        def output(x: Any) -> Any:
            with no_grad():
                return model(x)

        return output

    def _tester(self) -> Callable[[Array, Array], Any]:
        model, loss = self.run.model, LOSSES[self.run.config.loss]

        def test(x: Any, y: Any) -> Any:
            with no_grad():
                output = model(x)
                return loss(output, y), output

        return test

    def test(self, step: int) -> tuple[float, float | None] | None:
        """Loss and accuracy on the samples that are held out; None if there are none."""
        held = self.samples.test
        if not len(held.x):
            return None
        with np.errstate(all="ignore"), self.evaluating():
            loss, output = self._test(held.x, held.target)
        self.test_losses[step] = loss.item()
        if len(self.test_losses) > MOST_TESTS:
            self.test_losses = dict(sorted(self.test_losses.items())[::2])
        return loss.item(), self.accuracy(output.numpy(), held.y)

    def accuracy(self, output: Array, y: Array) -> float | None:
        """The share of samples that are classified rightly; None for a regression."""
        return accuracy(output, y) if self.samples.classes else None

    def look(self) -> Look:
        """Forward and backward over the probe; parameters and their gradients stay as they are."""
        with np.errstate(all="ignore"):
            cost, output, inputs, z, ends, gradients = self._look(self.x, self.target)
        depth, count = len(z), len(self.x)
        layers = tuple(
            LayerLook(as_array(x), at.numpy(), a.numpy(), into.numpy(), dz.numpy() * count, dw.numpy())
            for x, at, (into, a), dz, dw in zip(inputs, z, ends, gradients[:depth], gradients[depth:], strict=True)
        )
        return Look(cost.item(), output.numpy(), layers)

    def diagnose(self, step: int) -> None:
        """The whole report; takes from some hundredths of a second to some seconds."""
        loss, lr = self.run.config.loss, self.run.config.lr
        self.report = diagnose(self.run.model, self.x, self.target, loss, lr, trained=step > 0)
        self.report_step, self.report_look = step, self.look()

    def now(self, step: int, stride: int, look: Look) -> RunNow:
        """The run in a frame, without detail."""
        report, test = self.report, self.test(step)
        verdict = None if report is None else VerdictOf(**vars(report.verdict))
        answers = () if report is None else tuple(AnswerOf(a.question, a.good, a.sentence) for a in report.answers)
        return RunNow(
            loss=look.loss,
            accuracy=self.accuracy(look.output, self.y),
            test_loss=None if test is None else test[0],
            test_accuracy=None if test is None else test[1],
            test_losses=few([at for at in sorted(self.test_losses.items()) if at[0] <= step]),
            losses=thinned(self.run.losses, stride, step, look.loss if self.run.config.batch == 0 else None),
            verdict=verdict,
            answers=answers,
            report_step=self.report_step,
            layers=self.layers(look),
            edges=self.edges(look),
            map=self.map(),
            unit_maps=self.unit_maps(),
            detail=None,
        )

    def layers(self, look: Look) -> tuple[LayerNow, ...]:
        """Statistics of every layer, as `diagnosis.Layer` has them."""
        theory: dict[str, Any] = {} if self.report is None else {p.what: p for p in self.report.predictions}

        def expected(what: str, i: int) -> tuple[float, float, float] | None:
            found = theory.get(what)
            return None if found is None else (found.low[i], found.expected[i], found.high[i])

        found = []
        for i, (layer, linear, activation) in enumerate(zip(look.layers, self.linears, self.activations, strict=True)):
            saturated, dead = (0.0, 0.0) if activation is None else self.flat(activation, layer.into)
            arrays = [linear.weight.numpy()] if linear.bias is None else [linear.weight.numpy(), linear.bias.numpy()]
            finite = all(np.isfinite(part).all() for part in (layer.z, layer.a, layer.dz, layer.dw))
            found.append(
                LayerNow(
                    dw=decimal_log(rms(layer.dw) * math.sqrt(layer.dw.size)),
                    z=rms(layer.z),
                    a=rms(layer.a),
                    dz=rms(layer.dz),
                    saturated=saturated,
                    dead=dead,
                    not_finite=0.0 if finite else share_not_finite(layer),
                    distinct=len(classes(arrays)),
                    units=linear.out_features,
                    theory_z=expected("z", i),
                    theory_dz=expected("dz", i),
                )
            )
        return tuple(found)

    def flat(self, activation: Activation, into: Array) -> tuple[float, float]:
        """The shares of saturated and of dead units."""
        with np.errstate(all="ignore"):
            slopes = slopes_at(activation, into)
        dead = float(np.mean(np.all(slopes == 0, axis=0)))
        return float(np.mean(np.mean(slopes < FLAT, axis=0) >= MOSTLY)) if flat_on_both_sides(activation) else 0.0, dead

    def edges(self, look: Look) -> tuple[Edges, ...]:
        """Weights and their gradients; of a large network only the strongest of each layer."""
        pairs = [(linear.weight.numpy(), layer.dw) for linear, layer in zip(self.linears, look.layers, strict=True)]
        if sum(weight.size for weight, _ in pairs) <= MOST_EDGES:
            return tuple(Edges(rows(weight), rows(gradient), None) for weight, gradient in pairs)
        most = min(STRONGEST, MOST_STRONG // len(pairs))
        return tuple(Edges(None, None, strongest(weight, gradient, most)) for weight, gradient in pairs)

    @cached_property
    def size(self) -> int:
        """How many points the map has in each direction."""
        return GRID if sum(parameter.size for parameter in self.run.parameters) <= LARGE else GRID_OF_LARGE

    @cached_property
    def grid(self) -> Array:
        """The points of the map as the network sees them, row by row from below."""
        return self.samples.seen(grid(self.size))

    def map(self) -> Map | None:
        """What the network says over the plane; None for data with more features."""
        if self.samples.plane is None:
            return None
        with np.errstate(all="ignore"), self.evaluating():
            output = np.concatenate([self._predict(part).numpy() for part in np.split(self.grid, PARTS)])
            kind, low, high, values = decision(output, self.run.config.loss, self.samples.classes)
        return Map(kind, self.size, low, high, as_bytes(values, low, high))

    def evaluating(self) -> Any:
        """A context in which batch normalization uses the statistics of what was last looked at."""
        return evaluation(self.run.model) if self.run.config.normalization == "batch" else no_grad()

    def unit_map(self, layer: int, unit: int) -> Map | None:
        """What a unit says over the plane."""
        if self.samples.plane is None:
            return None
        return map_of_unit(self.outputs_over(self.grid)[layer][:, unit], self.size)

    def unit_maps(self) -> tuple[tuple[Map, ...], ...]:
        """What every hidden unit says, layer by layer and coarsely; nothing where there are many."""
        units = sum(linear.out_features for linear in self.linears[:-1])
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
        with np.errstate(all="ignore"), self.evaluating(), no_grad():
            found = [self._outputs(part) for part in parts]
        return [np.concatenate(layer) for layer in zip(*found, strict=True)]

    def _outputs(self, points: Array) -> list[Array]:
        with observe() as calls:
            self.run.model(Tensor(points, np.float64))
        found = paired(calls, linear_maps(self.run.model))
        return [(linear if activation is None else activation).output.numpy() for linear, activation in found]


class evaluation:
    """A context in which a model is in evaluation mode."""

    def __init__(self, model: Module) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.model.eval()

    def __exit__(self, *exception: object) -> None:
        self.model.train()


def watch(experiment: Experiment) -> list[Watched]:
    """All runs of an experiment, to be looked at."""
    return [Watched(run, experiment.samples) for run in experiment.runs]


def grid(size: int) -> Array:
    """Points of the plane, row by row from below."""
    axis = np.linspace(-REACH, REACH, size)
    return np.stack([np.tile(axis, size), np.repeat(axis, size)], 1)


def map_of_unit(values: Array, size: int) -> Map:
    """What one unit says at the points of a grid."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return Map("unit", size, low, high, as_bytes(values, low, high))


def decision(output: Array, loss: str, classes: int) -> tuple[Any, float, float, Array]:
    """What outputs mean, as one number a sample: its kind, the ends of its scale, the numbers."""
    if classes > 2:
        return "class", 0.0, float(classes - 1), output.argmax(1).astype(np.float64)
    score = output[:, 0] if output.shape[1] == 1 else output[:, 1] - output[:, 0]
    if loss in ("cross_entropy", "binary_cross_entropy"):
        return "probability", 0.0, 1.0, 1 / (1 + np.exp(-score))
    return "score", -1.0, 1.0, score


def as_bytes(values: Array, low: float, high: float) -> bytes:
    """Numbers on a scale as bytes; what is no number lies in the middle."""
    span = high - low or 1.0
    scaled = np.nan_to_num(np.clip((values - low) / span, 0, 1), nan=0.5)
    return np.rint(255 * scaled).astype(np.uint8).tobytes()


def strongest(weight: Array, gradient: Array, most: int) -> tuple[StrongEdge, ...]:
    """The edges with the largest weights and those with the largest gradients."""
    chosen: dict[int, None] = {}
    for matrix in (weight, gradient):
        size = np.nan_to_num(np.abs(matrix.reshape(-1)), nan=0.0, posinf=np.finfo(float).max)
        count = min(most, size.size)
        chosen.update(dict.fromkeys(np.argpartition(-size, count - 1)[:count].tolist()))
    inputs = weight.shape[1]
    return tuple(
        StrongEdge(i % inputs, i // inputs, float(weight.flat[i]), float(gradient.flat[i])) for i in sorted(chosen)
    )


def rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    """A matrix as tuples."""
    return tuple(tuple(row) for row in matrix.tolist())


def thinned(losses: Any, stride: int, step: int, current: float | None) -> tuple[tuple[int, float], ...]:
    """At most 400 points of a curve of losses up to a step, and the loss at the step itself if it is known."""
    known = min(-(-step // stride), len(losses))
    found = [(i * stride, losses[i]) for i in range(0, known, max(1, -(-known // (MOST_LOSSES - 1))))]
    return tuple(found if current is None and found else [*found, (step, math.nan if current is None else current)])


def few(curve: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """At most 400 points of a curve, the last one among them."""
    return tuple(curve[:: -max(1, -(-len(curve) // MOST_LOSSES))][::-1])


def decimal_log(value: float) -> float:
    """log10; -inf of 0, NaN of what is not finite."""
    return -math.inf if value == 0 else math.log10(value) if math.isfinite(value) else math.nan


def share_not_finite(layer: LayerLook) -> float:
    """The largest share of numbers that are infinite or NaN, of z, a, ∂C/∂z and ∂C/∂W."""
    return max(float(np.mean(~np.isfinite(part))) for part in (layer.z, layer.a, layer.dz, layer.dw))
