"""An experiment as a script that repeats it exactly and stands on the public names of the package alone."""

from __future__ import annotations

from dataclasses import asdict
from string import Template
from typing import Any

from ...version import __version__
from ..experiment.build import configs
from ..experiment.experiment import Experiment, Run
from ..messages.config import Config

FIRST = "A"  # what the page calls the first run

SCRIPT = Template('''"""An experiment of the Lab of tinygrad_init $version: this gives the same losses, bit for bit."""

import itertools

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import nn

STEPS = $steps
DATA, WEIGHTS, BIASES, BATCHES = range(4)  # what a generator of random numbers is for
EDITS = $edits  # step, run, layer, unit, input (None: the bias), value

$data


def network(features, widths, outputs, activations, normalization, residual):
    """Linear maps and activations in turn."""
    sizes, layers = [features, *widths], []
    for fan_in, width, activation in zip(sizes[:-1], widths, activations):
        layer = [nn.Linear(fan_in, width, dtype="float64")]
        if normalization == "batch":
            layer.append(nn.BatchNorm(width, momentum=1.0, dtype="float64"))
        elif normalization == "layer":
            layer.append(nn.LayerNorm(width, dtype="float64"))
        layer.append(nn.Activation(activation))
        layers += [nn.Residual(nn.Sequential(*layer))] if residual and fan_in == width else layer
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, dtype="float64"))


def start(model, starts, seed):
    """Fill every weight and bias; each has a generator of its own."""
    for i, ((linear, activation), (name, sigma_w, sigma_b, constant)) in enumerate(zip(nn.linear_maps(model), starts)):
        rng = np.random.default_rng([seed, WEIGHTS, i])
        if name == "normal":
            tgi.init.normal_(linear.weight, rng, std=sigma_w / linear.weight.shape[1] ** 0.5)
        elif name == "constant":
            tgi.init.constant_(linear.weight, constant)
        else:
            tgi.init.INITIALIZERS[name](linear.weight, rng, activation.name if activation else "linear")
        rng = np.random.default_rng([seed, BIASES, i])
        if name == "torch":  # whose biases are random as well
            bound = linear.weight.shape[1] ** -0.5
            tgi.init.uniform_(linear.bias, rng, -bound, bound)
        else:
            tgi.init.normal_(linear.bias, rng, std=sigma_b)


def batches(x, target, batch, seed):
    """The samples of every step; all of them for 0."""
    for epoch in itertools.count():
        if batch == 0:
            yield x, target
            continue
        order = np.random.default_rng([seed, BATCHES, epoch]).permutation(len(x))
        for first in range(0, len(x), batch):
            chosen = order[first : first + batch]
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


def train(run, model, x, target, loss_of, optimizer, penalty, batch, clip, seed):
    """The loss of the batch of every step, before its update; the model is trained."""
    edit(model, run, 0)

    @tgi.capture
    def learn(xs, ys):
        loss = loss_of(model(xs), ys)
        optimizer.zero_grad()
        whole = loss + penalty([linear.weight for linear, _ in nn.linear_maps(model)]) if penalty else loss
        whole.backward()
        if clip:
            tgi.optim.clip_grad_norm_(optimizer.parameters, clip)
        optimizer.step()
        return loss

    losses = []
    for step, (xs, ys) in zip(range(1, STEPS + 1), batches(x, target, batch, seed)):
        losses.append(learn(xs, ys).item())
        edit(model, run, step)
    return losses


if __name__ == "__main__":
$runs''')

MAKE = Template('''def $name():
    """Inputs and targets to learn from, then those that are held out: about from -1 to 1, in random order."""
    rng = np.random.default_rng([$seed, DATA])
    $data
    $classes
    target = $target
    return x[:$trained], target[:$trained], x[$trained:], target[$trained:]''')

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
ONE_RUN = Template("""    x, target, test_x, test_target = $data()
    model = network(x.shape[1], $widths, $outputs, $activations, $normalization, $residual)
    start(model, $starts, $seed)
    losses = train(
        $run, model, x, target, tgi.$loss,
        optimizer=$optimizer, penalty=$penalty, batch=$batch, clip=$clip, seed=$seed,
    )
    print($label, "after", STEPS, "steps: loss", tgi.$loss(model(x), target).item())""")
HELD_OUT = Template("""    model.eval()  # batch normalization then has the statistics of the last pass, over all
    print("  held out:", tgi.$loss(model(test_x), test_target).item())""")


def script(experiment: Experiment) -> str:
    """A script that builds the same data and networks and takes the same steps."""
    names: dict[int, str] = {}  # of the functions that make data, which runs may share
    makers, parts = [], []
    for number, (run, config) in enumerate(zip(experiment.runs, configs(experiment.config), strict=True)):
        name = names.get(id(run.samples))
        if name is None:
            name = names[id(run.samples)] = f"data_{len(names) + 1}"
            makers.append(maker(name, run, config))
        parts.append(lines_of(number, name, run, config))
    return SCRIPT.substitute(
        version=__version__,
        steps=experiment.step,
        edits=[tuple(asdict(each).values()) for each in experiment.config.edits],
        data="\n\n\n".join(makers),
        runs="\n\n".join(parts) + "\n",
    )


def maker(name: str, run: Run, config: Config) -> str:
    """The function that makes the data of a run."""
    samples = run.samples
    real = "y.reshape(-1, 1).astype(np.float64)" if samples.outputs == 1 else "np.eye(classes)[y]"
    return MAKE.substitute(
        name=name,
        seed=config.seed if config.data.seed is None else config.data.seed,
        data=data_lines(config).replace("\n", "\n    "),
        classes=f"classes = {samples.classes}" if samples.classes else "# Numbers are to be learned, not classes.",
        target="y" if config.loss in ("cross_entropy", "hinge") else real,
        trained=len(samples.x),
    )


def lines_of(number: int, data: str, run: Run, config: Config) -> str:
    """What one run does."""
    optimizers = {
        "sgd": f"tgi.optim.SGD(model.parameters(), {config.lr!r})",
        "momentum": f"tgi.optim.SGD(model.parameters(), {config.lr!r}, momentum=0.9)",
        "nesterov": f"tgi.optim.SGD(model.parameters(), {config.lr!r}, momentum=0.9, nesterov=True)",
        "adam": f"tgi.optim.Adam(model.parameters(), {config.lr!r})",
        "adamw": f"tgi.optim.AdamW(model.parameters(), {config.lr!r})",
    }
    rate = config.regularization_rate
    penalties = {
        "l1": f"lambda weights: {rate!r} * sum(tgi.ops.abs(w).sum() for w in weights)",
        "l2": f"lambda weights: {rate!r} * sum((w * w).sum() / 2 for w in weights)",
    }
    starts: list[tuple[Any, ...]] = [tuple(asdict(each).values()) for each in config.starts]
    one_for_all = len(config.activations) == 1
    text = ONE_RUN.substitute(
        data=data,
        widths=list(config.layers),
        outputs=run.samples.outputs,
        activations=f"{list(config.activations)!r}" + (f" * {len(config.layers)}" if one_for_all else ""),
        normalization=repr(config.normalization),
        residual=config.residual,
        starts=repr(starts) + (f" * {len(config.layers) + 1}" if len(starts) == 1 else ""),
        seed=config.seed,
        run=number,
        loss=config.loss,
        optimizer=optimizers[config.optimizer],
        penalty=penalties[config.regularization] if config.regularization != "none" and rate else None,
        batch=config.batch,
        clip=repr(config.clip),
        label=repr(run.label or FIRST),
    )
    return text + ("\n" + HELD_OUT.substitute(loss=config.loss) if len(run.samples.test.x) else "")


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
