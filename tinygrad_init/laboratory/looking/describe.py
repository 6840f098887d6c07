"""What an experiment consists of, for the page to lay out: hello and state."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...activations import FLAT, activation
from ...data import REGRESSIONS
from ...nn import ACTIVATIONS
from ...nn.stacks import NORMALIZATIONS
from ...version import __version__
from ...words import LANGUAGES, Phrase, templates
from ..experiment.experiment import Experiment, Run
from ..experiment.samples import Samples
from ..messages import config
from ..messages.config import LAYERS, MOST_STEPS, SAMPLES, VARIANTS, WIDTH
from ..messages.frames import Curve, Hello, Images, LayerOf, Limits, Points, RunOf, State, said
from .pictures import COARSE, columns, grid, map_of_unit, picture_size

REACH, CURVE_POINTS = 6.0, 121
EXAMPLES = 3  # of each class that are shown


def hello(own: bool = False) -> Hello:
    """What there is to choose from; for somebody's own model its weights as they came are a start."""
    return Hello(
        type="hello",
        version=__version__,
        own=own,
        activations=tuple(ACTIVATIONS),
        starts=tuple(start for start in config.STARTS if own or start != config.GIVEN),
        data=config.DATA,
        regressions=tuple(REGRESSIONS),
        features=config.FEATURES,
        losses=config.LOSSES,
        optimizers=config.OPTIMIZERS,
        normalizations=NORMALIZATIONS,
        regularizations=config.REGULARIZATIONS,
        limits=Limits(LAYERS, WIDTH, SAMPLES, VARIANTS, MOST_STEPS),
        words={language: templates(language) for language in LANGUAGES},
    )


def state_of(experiment: Experiment) -> State:
    """What was built."""
    runs = tuple(run_of(run, columns(run, run.samples), experiment.samples) for run in experiment.runs)
    names = dict.fromkeys(layer.activation for run in runs for layer in run.layers if layer.activation in ACTIVATIONS)
    return State(
        type="state",
        config=experiment.config,
        parameters=sum(run.parameters for run in runs),
        points=points_of(experiment.samples),
        images=images_of(experiment.samples),
        classes=experiment.samples.classes,
        features=experiment.samples.features,
        inputs=tuple(map_of_unit(values, COARSE) for values in experiment.samples.seen(grid(COARSE)).T)
        if experiment.samples.features
        else (),
        epochs_of=experiment.epoch_steps,
        runs=runs,
        phi={name: curve(name) for name in names},
        notes=tuple(said(note) for note in unique(note for run in experiment.runs for note in run.notes)),
    )


def unique(notes: Iterable[Phrase]) -> list[Phrase]:
    """Each sentence once."""
    return list({str(note): note for note in notes}.values())


def run_of(run: Run, units: list[int], first: Samples | None = None) -> RunOf:
    """The layers of a run; `units` are those of every column of its picture, `first` the samples of the first run."""
    names = {id(module): name for name, module in run.model.named_modules()}
    layers = []
    for i, layer in enumerate(run.layers):
        # Between two units there may be several weights, as in a convolution, or several positions.
        single = layer.linear.weight.shape == (units[i + 1], units[i])
        layers.append(LayerOf(names[id(layer.linear)], units[i + 1], units[i], layer.name, single))
    points = None if run.samples is first else points_of(run.samples)
    return RunOf(run.label, sum(p.size for p in run.parameters), tuple(layers), run.samples.classes, points)


def images_of(samples: Samples) -> Images | None:
    """Some samples of every class, if they are square pictures of numbers from -1 to 1, as digits are."""
    size = picture_size(samples)
    if not size:
        return None
    chosen = np.concatenate([np.flatnonzero(samples.y == label)[:EXAMPLES] for label in range(samples.classes)])
    values = np.rint(255 * (np.clip(samples.x[chosen], -1, 1) + 1) / 2).astype(np.uint8)
    return Images(size, values.tobytes(), tuple(samples.y[chosen].tolist()))


def points_of(samples: Samples) -> Points | None:
    """The samples, if they lie in a plane; those that are held out come last."""
    if samples.plane is None or samples.test.plane is None:
        return None
    x, y = np.concatenate([samples.plane, samples.test.plane]).T.tolist()
    said = np.concatenate([samples.y, samples.test.y])
    if samples.classes:
        return Points(tuple(x), tuple(y), tuple(said.tolist()), (), 0.0, 0.0, len(samples.test.y))
    numbers = said.reshape(len(said), -1)[:, 0].tolist()
    return Points(tuple(x), tuple(y), (), tuple(numbers), *samples.scale, len(samples.test.y))


def curve(name: str) -> Curve:
    """φ and φ' from -6 to 6."""
    phi = activation(name)
    z = np.linspace(-REACH, REACH, CURVE_POINTS)
    value, slope = phi.value(z), phi.slope(z)
    return Curve(tuple(z.tolist()), tuple(value.tolist()), tuple(slope.tolist()), FLAT * phi.steepest)
