"""A run as files: losses as CSV, everything as JSON, and a script that repeats it exactly."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from string import Template
from typing import Any

from ...version import __version__
from ..experiment.build import configs
from ..experiment.experiment import Experiment
from ..experiment.given_model import NOT_OWN
from ..looking.measure import Watched
from ..messages.config import Config
from ..messages.frames import Export
from ..messages.message_schema import Invalid
from ..messages.wire import plain

MOST_PARAMETERS = 50_000
FIRST = "A"  # what the page calls the first run


def export(experiment: Experiment, watched: list[Watched], what: str) -> Export:
    """A file: "csv", "json" or "python"."""
    makers = {"csv": as_csv, "json": as_json, "python": as_python}
    ending = {"csv": "csv", "json": "json", "python": "py"}[what]
    return Export("export", what, f"lab.{ending}", makers[what](experiment, watched))


def as_csv(experiment: Experiment, watched: list[Watched]) -> str:
    """The loss of every run's batch, step by step (every stride-th step, where they are many)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # A spreadsheet takes what begins with = + - @ for a formula.
    labels = [each.run.label or FIRST for each in watched]
    writer.writerow(["step", *(f"'{label}" if label[0] in "=+-@\t\r" else label for label in labels)])
    columns = [each.run.losses for each in watched]
    for i, row in enumerate(zip(*columns, strict=True)):
        if i * experiment.stride < experiment.step:
            writer.writerow([i * experiment.stride, *(repr(loss) for loss in row)])
    return text.getvalue()


def as_json(experiment: Experiment, watched: list[Watched]) -> str:
    """Config, losses, every layer's statistics, and the parameters if they are not too many; with all digits."""
    runs = []
    for each in watched:
        now = each.now(experiment.step, experiment.stride, each.look())
        count = sum(parameter.size for parameter in each.run.parameters)
        known = range(len(each.run.losses[: -(-experiment.step // experiment.stride)]))
        runs.append(
            {
                "label": each.run.label,
                "loss": now.loss,
                "accuracy": now.accuracy,
                "test_loss": now.test_loss,
                "test_accuracy": now.test_accuracy,
                "layers": now.layers,
                "losses": [(i * experiment.stride, each.run.losses[i]) for i in known],
                "parameters": {name: array.tolist() for name, array in each.run.model.state_dict().items()}
                if count <= MOST_PARAMETERS
                else None,
            }
        )
    config = plain(experiment.config, None)
    if experiment.own:  # how model, data and loss are made, only their owner knows
        config = {name: value for name, value in config.items() if name not in NOT_OWN}
    found = {"version": __version__, "config": config, "step": experiment.step, "runs": runs}
    return json.dumps(plain(found, None), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


SCRIPT = Template('''"""An experiment of the Lab of tinygrad_init $version: this gives the same losses, bit for bit."""

import itertools

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import nn

SEED, STEPS = $seed, $steps
BATCH, CLIP = $batch, $clip  # 0: all samples, no clipping
DATA, WEIGHTS, BIASES, BATCHES = range(4)  # what a generator of random numbers is for
EDITS = $edits  # step, run, layer, unit, input (None: the bias), value

# The data, about from -1 to 1, in random order.
rng = np.random.default_rng([$data_seed, DATA])
$data
$classes
target = $target
trained = $trained  # the others are held out
test_x, test_target, x, target = x[trained:], target[trained:], x[:trained], target[:trained]


def network(widths, activations):
    """Linear maps and activations in turn."""
    sizes, layers = [x.shape[1], *widths], []
    for fan_in, width, activation in zip(sizes[:-1], widths, activations):
        layer = [nn.Linear(fan_in, width, dtype="float64")$normalization, nn.Activation(activation)]
        layers += $block
    return nn.Sequential(*layers, nn.Linear(sizes[-1], $outputs, dtype="float64"))


def start(model, starts):
    """Fill every weight and bias; each has a generator of its own."""
    for i, ((linear, activation), (name, sigma_w, sigma_b, constant)) in enumerate(zip(nn.linear_maps(model), starts)):
        rng = np.random.default_rng([SEED, WEIGHTS, i])
        if name == "normal":
            tgi.init.normal_(linear.weight, rng, std=sigma_w / linear.weight.shape[1] ** 0.5)
        elif name == "constant":
            tgi.init.constant_(linear.weight, constant)
        else:
            tgi.init.INITIALIZERS[name](linear.weight, rng, activation.name if activation else "linear")
        rng = np.random.default_rng([SEED, BIASES, i])
        if name == "torch":  # whose biases are random as well
            bound = linear.weight.shape[1] ** -0.5
            tgi.init.uniform_(linear.bias, rng, -bound, bound)
        else:
            tgi.init.normal_(linear.bias, rng, std=sigma_b)


def batches():
    """The samples of every step."""
    for epoch in itertools.count():
        if BATCH == 0:
            yield x, target
            continue
        order = np.random.default_rng([SEED, BATCHES, epoch]).permutation(len(x))
        for first in range(0, len(x), BATCH):
            chosen = order[first : first + BATCH]
            yield x[chosen], target[chosen]


def edit(model, run, step):
    """What was set by hand at a step."""
    for at, number, layer, unit, source, value in EDITS:
        if (at, number) == (step, run):
            linear, _ = nn.linear_maps(model)[layer]
            parameter = linear.bias if source is None else linear.weight
            values = parameter.numpy().copy()
            values[unit if source is None else (unit, source)] = value
            with tgi.no_grad():
                parameter.copy_(values)


def train(run, widths, activations, starts):
    """The network after all steps, and the loss of the batch of every step, before its update."""
    model = network(widths, activations)
    start(model, starts)
    edit(model, run, 0)
    optimizer = $optimizer

    @tgi.capture
    def learn(xs, ys):
        loss = tgi.$loss(model(xs), ys)
        optimizer.zero_grad()
        $backward
        if CLIP:
            tgi.optim.clip_grad_norm_(optimizer.parameters, CLIP)
        optimizer.step()
        return loss

    losses = []
    for step, (xs, ys) in zip(range(1, STEPS + 1), batches()):
        losses.append(learn(xs, ys).item())
        edit(model, run, step)
    return model, losses


if __name__ == "__main__":
    runs = [
$runs
    ]
    for run, (label, widths, activations, starts) in enumerate(runs):
        model, losses = train(run, widths, activations, starts)
        print(f"{label}, after {STEPS} steps: loss", tgi.$loss(model(x), target).item())
        if len(test_x):
            model.eval()  # batch normalization then has the statistics of the last pass, over all samples
            print("  held out:", tgi.$loss(model(test_x), test_target).item())
''')

DRAWN = """found = $make
x = found.x - (found.x.max(0) + found.x.min(0)) / 2
x = x / np.abs(x).max()
order = rng.permutation(len(x))
x, y = x[order], found.y[order]$seen"""
DIGITS = """found = tgi.data.digits()
order = rng.permutation(len(found.x))[:$samples]
x, y = (found.x / 8 - 1)[order], found.y[order]"""
POINTS = """points = np.array($points)
x, y = points[:, :2], points[:, 2].astype(np.intp)
if np.abs(x).max() > 1.2:
    x = x - (x.max(0) + x.min(0)) / 2
    x = x / np.abs(x).max()
order = rng.permutation(len(x))
x, y = x[order], y[order]$seen"""
# What a network may see of a point (p, q); `samples.FEATURES` computes the same.
FORMULAS = {
    "x": "p",
    "y": "q",
    "x2": "p * p",
    "y2": "q * q",
    "xy": "p * q",
    "sin_x": "np.sin(2 * np.pi * p)",
    "sin_y": "np.sin(2 * np.pi * q)",
}


def as_python(experiment: Experiment, watched: list[Watched]) -> str:
    """A script that builds the same data and networks and takes the same steps.

    Raises
    ------
    Invalid
        The model is somebody's own.
    """
    if experiment.own:
        raise Invalid("what", "own_script")
    config, samples = experiment.config, experiment.samples
    real = "y.reshape(-1, 1).astype(np.float64)" if samples.outputs == 1 else "np.eye(classes)[y]"
    rate = config.regularization_rate
    penalties = {
        "l1": f"{rate!r} * sum(tgi.ops.abs(w).sum() for w in weights)",
        "l2": f"{rate!r} * sum((w * w).sum() / 2 for w in weights)",
    }
    backward = "loss.backward()"
    if config.regularization != "none" and rate:
        weights = "weights = [linear.weight for linear, _ in nn.linear_maps(model)]"
        backward = f"{weights}\n        (loss + {penalties[config.regularization]}).backward()"
    normalizations = {
        "none": "",
        "batch": ', nn.BatchNorm(width, momentum=1.0, dtype="float64")',
        "layer": ', nn.LayerNorm(width, dtype="float64")',
    }
    optimizers = {
        "sgd": f"tgi.optim.SGD(model.parameters(), {config.lr!r})",
        "momentum": f"tgi.optim.SGD(model.parameters(), {config.lr!r}, momentum=0.9)",
        "nesterov": f"tgi.optim.SGD(model.parameters(), {config.lr!r}, momentum=0.9, nesterov=True)",
        "adam": f"tgi.optim.Adam(model.parameters(), {config.lr!r})",
        "adamw": f"tgi.optim.AdamW(model.parameters(), {config.lr!r})",
    }
    return SCRIPT.substitute(
        version=__version__,
        seed=config.seed,
        steps=experiment.step,
        batch=config.batch,
        clip=repr(config.clip),
        data=data_lines(config),
        data_seed="SEED" if config.data.seed is None else config.data.seed,
        edits=[tuple(asdict(each).values()) for each in config.edits],
        trained=len(samples.x),
        backward=backward,
        classes=f"classes = {samples.classes}" if samples.classes else "# Numbers are to be learned, not classes.",
        target="y" if config.loss in ("cross_entropy", "hinge") else real,
        normalization=normalizations[config.normalization],
        block="[nn.Residual(nn.Sequential(*layer))] if fan_in == width else layer" if config.residual else "layer",
        outputs=samples.outputs,
        optimizer=optimizers[config.optimizer],
        loss=config.loss,
        runs=run_lines(config),
    )


def data_lines(config: Config) -> str:
    """How the data are made."""
    data = config.data
    columns = ", ".join(FORMULAS[name] for name in config.features)
    seen = "" if config.features == ("x", "y") else f"\np, q = x.T\nx = np.stack([{columns}], 1)"
    if data.name == "points":
        return Template(POINTS).substitute(points=[list(point) for point in data.points], seen=seen)
    if data.name == "digits":
        return Template(DIGITS).substitute(samples=data.samples)
    arguments = f"{data.samples}, {data.noise!r}, rng"
    if data.name == "gaussians":
        arguments = f"{data.samples}, 0.3 + 2 * {data.noise!r}, rng, centers=2"
    name = {"gaussians": "blobs"}.get(data.name, data.name)
    return Template(DRAWN).substitute(make=f"tgi.data.{name}({arguments})", seen=seen)


def run_lines(config: Config) -> str:
    """Activations and starts of every run."""
    lines = []
    labels = [FIRST, *(variant.label for variant in config.variants)]
    for label, run in zip(labels, configs(config), strict=True):
        starts: list[tuple[Any, ...]] = [tuple(asdict(each).values()) for each in run.starts]
        activations = repr(list(run.activations))
        if len(run.activations) == 1:
            activations += f" * {len(run.layers)}"
        many = repr(starts) + (f" * {len(run.layers) + 1}" if len(starts) == 1 else "")
        lines.append(f"        ({label!r}, {list(run.layers)}, {activations}, {many}),")
    return "\n".join(lines)
