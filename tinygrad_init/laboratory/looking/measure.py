"""What a frame shows of every run.

What changes with every step is read off one captured forward and backward pass over a probe, at most 256 samples (and,
where there are more, a forward pass over all for loss and accuracy); what takes longer (the verdict, the six answers,
notes, theory, factors) comes from a diagnosis on the probe, and is as old as `report_step` says. Whether data, output,
loss and targets fit is measured once, of all samples: no step changes it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...activations import activation
from ...diagnosis import Report, classes
from ...diagnosis import run as run_network
from ...diagnosis.diagnosing import examine
from ...diagnosis.fronts.copies import as_array
from ...diagnosis.fronts.module_links import by_unit, rows_of
from ...diagnosis.measures.fit import fit
from ...diagnosis.measures.layers import flat_units
from ...diagnosis.measures.signal import rms
from ...diagnosis.measures.slopes import share_of_steepest
from ...diagnosis.records import Fit
from ...diagnosis.trials.comparison import accuracy
from ...engine.gradients import grad
from ...engine.modes import no_grad
from ...nn import Module, observe, undisturbed
from ...training import captured
from ..experiment.evaluation import evaluation
from ..experiment.experiment import Experiment, Run
from ..messages.frames import LayerNow, RunNow
from .pictures import Pictures
from .structure import passed
from .telling import Told, told

Array = np.ndarray[Any, Any]

PROBE = 256
UNITS_SECONDS = 0.5  # between two looks at the units of a large network while it plays
LARGE = 20_000  # parameters
MOST_DEAD = 64  # units of a layer that are named
MOST_LOSSES, MOST_TESTS = 400, 4096


@dataclass(frozen=True)
class LayerLook:
    """A linear map on the probe.

    Its input; z, what went into the activation, and a, of shape (samples, units), of a convolution with a row for each
    position; ∂C/∂z of the loss of a single sample; ∂C/∂W of shape (units, inputs).
    """

    x: Array
    z: Array
    into: Array
    a: Array
    dz: Array
    dw: Array


@dataclass(frozen=True)
class UnitsLook:
    """Of a layer: the share of saturated units, which are dead, how many differ (None: nobody can say)."""

    saturated: float
    dead: tuple[int, ...]
    distinct: int | None


@dataclass(frozen=True)
class Look:
    """A run at one step: loss and accuracy (None: a regression) on all samples, the layers on the probe."""

    loss: float
    accuracy: float | None
    layers: tuple[LayerLook, ...]


class Watched:
    """A run with what is needed to look at it.

    Attributes
    ----------
    run
        What is looked at.
    report, report_step, report_look
        The last diagnosis, when it was made, and what was seen then.
    layer_of
        The number of the layer to which a linear map or activation belongs, by its name.
    test_losses
        Of the samples that are held out, by the step, whenever a frame was made.
    """

    def __init__(self, run: Run) -> None:
        samples = run.samples
        self.run, self.samples = run, samples
        self.x, self.y, self.target = samples.x[:PROBE], samples.y[:PROBE], samples.target[:PROBE]
        self.report: Report | None = None
        self.report_step: int | None = None
        self.report_look: Look | None = None
        self.told = Told()
        self.confusion: tuple[tuple[int, ...], ...] | None = None
        self.units: list[UnitsLook] = []
        self.next_units = 0.0  # when they are looked at again while frames follow each other
        self.large = run_is_large(run)
        self.test_losses: dict[int, float] = {}
        self._fit: Fit | None = None
        self.linears: list[Any] = [layer.linear for layer in run.layers]
        self.activations: list[Any] = [layer.activation for layer in run.layers]
        self.pictures = Pictures(run, samples)
        names = {id(module): name for name, module in run.model.named_modules()}
        pairs = enumerate(zip(self.linears, self.activations, strict=True))
        self.layer_of = {names[id(part)]: i for i, pair in pairs for part in pair if id(part) in names}
        parameters = {id(parameter): name for name, parameter in run.model.named_parameters()}
        self.weight_names = [parameters[id(linear.weight)] for linear in self.linears]
        # Whether a look, of which nobody should know, would change what later passes do.
        self.careful = bool(run.generators or run.buffers)
        self._look: Callable[[Array, Array], Any] = captured(self._looker())
        self._test: Callable[[Array, Array], Any] = captured(self._tester())

    def _looker(self) -> Callable[[Array, Array], Any]:
        model, loss, weights = self.run.model, self.run.loss, [each.weight for each in self.linears]

        def look(x: Any, y: Any) -> Any:
            with observe() as calls:
                output = model(x)
            cost = loss(output, y)
            found = list(passed(calls, self.run.layers))
            gradients = grad(cost, [*(one.z for one in found), *weights])
            return cost, output, [(one.x, one.z, one.into, one.a) for one in found], gradients

        return look

    def _tester(self) -> Callable[[Array, Array], Any]:
        model, loss = self.run.model, self.run.loss

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
        with np.errstate(all="ignore"), evaluation(self.run.model):
            loss, output = self._test(held.x, held.target)
        self.test_losses[step] = loss.item()
        self.confusion = self.confused(output.numpy(), held.y)
        if len(self.test_losses) > MOST_TESTS:
            self.test_losses = dict(sorted(self.test_losses.items())[::2])
        return loss.item(), self.accuracy(output.numpy(), held.y)

    def confused(self, output: Array, y: Array) -> tuple[tuple[int, ...], ...] | None:
        """What each class is taken for; None where there are two, or none."""
        classes = self.samples.classes
        if classes <= 2 or output.ndim != 2 or output.shape[1] != classes:
            return None
        counts = np.zeros((classes, classes), np.intp)
        np.add.at(counts, (y, output.argmax(1)), 1)
        return tuple(map(tuple, counts.tolist()))

    def accuracy(self, output: Array, y: Array) -> float | None:
        """The share of samples that are classified rightly; None for a regression."""
        return accuracy(output, y) if self.samples.classes else None

    def look(self) -> Look:
        """Forward and backward over the probe; parameters and their gradients stay as they are."""
        model, samples = self.run.model, self.samples
        with np.errstate(all="ignore"), undisturbed(model) if self.careful else nullcontext():
            cost, output, found, gradients = self._look(self.x, self.target)
            if len(samples.x) > PROBE:
                cost, output = self._test(samples.x, samples.target)
        if not len(samples.test.x):
            seen = samples.y if len(output) == len(samples.y) else self.y
            self.confusion = self.confused(output.numpy(), seen)
        layers = tuple(
            LayerLook(
                x=as_array(x),
                z=rows_of(linear, z.numpy()),
                into=rows_of(linear, into.numpy()),
                a=rows_of(linear, a.numpy()),
                dz=rows_of(linear, gradients[i].numpy()) * len(self.x),
                dw=by_unit(linear, gradients[len(found) + i].numpy()),
            )
            for i, (linear, (x, z, into, a)) in enumerate(zip(self.linears, found, strict=True))
        )
        return Look(cost.item(), self.accuracy(output.numpy(), samples.y), layers)

    def diagnose(self, step: int) -> None:
        """The whole report; takes from some hundredths of a second to some seconds."""
        self.report_step = step
        if not self.run.unexplained:
            run = self.run
            self.report = examine(
                run.model, self.x, self.target, run.loss, run.config.lr, trained=step > 0, asked=self.fit()
            )
            self.report_look = self.look()
            self.told = told(self.report, run.config)

    def fit(self) -> Fit:
        """How data, output, loss and targets fit: of all samples, once.

        Of a network that has diverged less can be told: it is measured again with the next report.
        """
        if self._fit is not None:
            return self._fit
        network = run_network(self.run.model, self.x, self.target, self.run.loss)
        found = fit(network, self.samples.x, self.samples.target)
        if math.isfinite(network.loss):
            self._fit = found
        return found

    def now(self, step: int, stride: int, look: Look, hurried: bool = False) -> RunNow:
        """The run in a frame, without detail; `hurried` where another will follow at once.

        What changes little and takes long is then as old as half a second in large networks.
        """
        self.pictures.hurried = hurried and self.large
        test = self.test(step)
        return RunNow(
            loss=look.loss,
            accuracy=look.accuracy,
            test_loss=None if test is None else test[0],
            test_accuracy=None if test is None else test[1],
            test_losses=few([at for at in sorted(self.test_losses.items()) if at[0] <= step]),
            losses=thinned(self.run.losses, stride, step, look.loss if self.run.config.batch == 0 else None),
            verdict=self.told.verdict,
            answers=self.told.answers,
            notes=self.told.notes,
            report_step=self.report_step,
            layers=self.layers(look, hurried and self.large),
            edges=self.pictures.edges([layer.dw for layer in look.layers]),
            map=self.pictures.map(),
            unit_maps=self.pictures.unit_maps(),
            confusion=self.confusion,
            detail=None,
        )

    def layers(self, look: Look, hurried: bool = False) -> tuple[LayerNow, ...]:
        """Statistics of every layer, as `diagnosis.Layer` has them."""
        if not hurried or time.monotonic() >= self.next_units:
            began = time.monotonic()
            self.units = [
                self.units_of(*each) for each in zip(look.layers, self.linears, self.activations, strict=True)
            ]
            now = time.monotonic()
            self.next_units = now + max(UNITS_SECONDS, 10 * (now - began))
        theory: dict[str, Any] = {} if self.report is None else {p.what: p for p in self.report.predictions}

        def expected(what: str, i: int) -> tuple[float, float, float] | None:
            found = theory.get(what)
            return None if found is None else (found.low[i], found.expected[i], found.high[i])

        found = []
        for i, (layer, units) in enumerate(zip(look.layers, self.units, strict=True)):
            dw, z, a, dz = map(rms, (layer.dw, layer.z, layer.a, layer.dz))
            finite = all(map(math.isfinite, (dw, z, a, dz)))
            found.append(
                LayerNow(
                    dw=decimal_log(dw * math.sqrt(layer.dw.size)),
                    z=z,
                    a=a,
                    dz=dz,
                    saturated=units.saturated,
                    dead=len(units.dead) / len(layer.dw),
                    dead_units=units.dead[:MOST_DEAD],
                    not_finite=0.0 if finite else share_not_finite(layer),
                    distinct=units.distinct,
                    units=len(layer.dw),
                    theory_z=expected("z", i),
                    theory_dz=expected("dz", i),
                )
            )
        return tuple(found)

    def units_of(self, layer: LayerLook, linear: Any, phi: Module | None) -> UnitsLook:
        """Which units of a layer do something of their own."""
        saturated, dead = (0.0, ()) if phi is None else self.flat(phi, layer.into)
        arrays = [by_unit(linear, linear.weight.numpy())]
        arrays += [] if linear.bias is None else [linear.bias.numpy()]
        # Of numbers that are not finite it cannot be said whether they are the same.
        known = all(np.isfinite(array).all() for array in arrays)
        return UnitsLook(saturated, dead, len(classes(arrays)) if known else None)

    def flat(self, module: Module, into: Array) -> tuple[float, tuple[int, ...]]:
        """The share of saturated units, and which are dead."""
        record = activation(module)
        with np.errstate(all="ignore"):
            return flat_units(record, share_of_steepest(record, into), into)


def run_is_large(run: Run) -> bool:
    """Whether looking at a run takes long."""
    return sum(parameter.size for parameter in run.parameters) > LARGE


def watch(experiment: Experiment) -> list[Watched]:
    """All runs of an experiment, to be looked at."""
    return [Watched(run) for run in experiment.runs]


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
