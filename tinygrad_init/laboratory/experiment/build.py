"""What a config describes: networks at their starts, update rules, batches (`samples` has the data).

Every random number comes from a generator of its own, seeded by the config's seed, by what it is for, and by the number
of the layer or epoch. So all runs of an experiment see the same data and batches, and where two starts are normal, they
are the same standard normal numbers times another spread. `export` writes the same lines as a script.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ... import ops
from ...engine.tensor import Tensor
from ...init import INITIALIZERS, constant_, normal_, uniform_
from ...init.scaling import fan
from ...nn import Activation, Module, Sequential, linear_maps
from ...nn.stacks import stack
from ...ops.losses import LOSSES
from ...optim import SGD, Adam, AdamW, Optimizer
from ...words import Phrase, phrase
from ..messages.config import GIVEN, Config, Edit, Start, Variant
from ..messages.message_schema import Invalid
from .samples import Samples, check_data, counts, inputs_of, outputs_of
from .samples import samples as samples  # one of what `experiment.Source` asks for

Array = np.ndarray[Any, Any]

# What a generator is for: the second number of its seed; 0 is that of the data.
WEIGHTS, BIASES, BATCHES = range(1, 4)
# Numbers that a step keeps: samples at a time, times units, times runs.
MOST_NUMBERS = 4_000_000

_WARNINGS = threading.Lock()  # Python's filters of warnings belong to all threads


def check(config: Config) -> None:
    """What the limits of single fields do not say.

    Raises
    ------
    Invalid
        Lists do not fit each other, or the experiment is too large.
    """
    runs = configs(config)
    for i, run in enumerate(runs):
        try:
            check_run(run)
        except Invalid as error:
            if i == 0:
                raise
            field = error.field.replace("config", f"config.variants[{i - 1}]", 1)
            raise Invalid(field, error.why.key.removeprefix("refusal."), **error.why.numbers) from None
        if (run.data.name == "digits") != (config.data.name == "digits"):
            raise Invalid(f"config.variants[{i - 1}].data.name", "apart", first=config.data.name, got=run.data.name)
    for i, edit in enumerate(config.edits):
        check_edit(config, edit, f"config.edits[{i}]")
    if numbers(config) > MOST_NUMBERS:
        _, at_once = sizes(config)
        raise Invalid(
            "config.batch",
            "too_much",
            samples=at_once,
            units=sum(sum(run.layers) for run in runs),
            runs=len(runs),
            batch=max(1, at_once * MOST_NUMBERS // numbers(config)),
        )


def check_run(run: Config) -> None:
    """What the limits of single fields do not say of one run.

    Raises
    ------
    Invalid
        Names the field, as if the run were the first.
    """
    check_data(run)
    if any(start.name == GIVEN for start in run.starts):
        raise Invalid("config.starts", "no_model", start=GIVEN)
    hidden = len(run.layers)
    if len(run.activations) not in (1, hidden):
        raise Invalid("config.activations", "one_or", expected=hidden, got=len(run.activations))
    if len(run.starts) not in (1, hidden + 1):
        raise Invalid("config.starts", "one_or", expected=hidden + 1, got=len(run.starts))
    if run.normalization == "batch":
        check_batch(*sizes(run))


def check_batch(total: int, at_once: int) -> None:
    """That no batch has a single sample, of which batch normalization can make nothing.

    Raises
    ------
    Invalid
        One has.
    """
    if at_once == 1 or total % at_once == 1:
        raise Invalid("config.batch", "alone", batch=at_once)


def check_edit(config: Config, edit: Edit, where: str) -> None:
    """That there is such a weight.

    Raises
    ------
    Invalid
        Names what is too large.
    """
    runs = configs(config)
    run = runs[min(edit.run, len(runs) - 1)]
    widths = [inputs_of(run), *run.layers, outputs_of(run)]
    limits = {"run": len(runs), "layer": len(widths) - 1}
    if edit.layer < limits["layer"]:
        limits |= {"input": widths[edit.layer], "unit": widths[edit.layer + 1]}
    for name, many in limits.items():
        if (getattr(edit, name) or 0) >= many:
            raise Invalid(f"{where}.{name}", "up_to", most=many - 1, got=getattr(edit, name))


def sizes(config: Config) -> tuple[int, int]:
    """How many samples are trained on, and how many a step takes."""
    total, _ = counts(config)
    return total, min(config.batch or total, total)


def numbers(config: Config) -> int:
    """A measure of the memory that an experiment needs: preactivations that a step keeps, in all runs."""
    return sum(sizes(run)[1] * (sum(run.layers) + 1) for run in configs(config))


def configs(config: Config) -> list[Config]:
    """The config of each run: the first, and with what each variant changes."""

    def changed(variant: Variant) -> dict[str, Any]:
        found = {name: value for name, value in vars(variant).items() if name != "label" and value is not None}
        if found.get("activations") == ():
            del found["activations"]
        return found

    return [config, *(replace(config, **changed(variant)) for variant in config.variants)]


def network(config: Config, features: int, outputs: int) -> Sequential:
    """The network of a config (of one run) before its start."""
    names = config.activations * len(config.layers) if len(config.activations) == 1 else config.activations
    return stack(
        [features, *config.layers, outputs],
        names,
        normalization=config.normalization,
        residual=config.residual,
        # Running statistics are those of the last batch: what the map is drawn with is then what was looked at.
        momentum=1.0,
        dtype="float64",
    )


def start(config: Config, samples: Samples) -> tuple[Module, list[Phrase]]:
    """The network of a config (of one run) at its start, and what the library has to say about it."""
    model = network(config, samples.x.shape[1], samples.outputs)
    return model, initialize(linear_maps(model), config)


def trained(model: Module) -> list[Tensor]:
    """The parameters that are trained: all."""
    return list(model.parameters())


def loss(config: Config) -> Callable[[Tensor, Any], Tensor]:
    """From predictions and targets to the mean loss."""
    return LOSSES[config.loss]


def initialize(maps: Sequence[tuple[Module, Module | None]], config: Config) -> list[Phrase]:
    """Fill weights and biases of linear maps as the config says, by their activations; returns warnings about it."""
    starts = config.starts * len(maps) if len(config.starts) == 1 else config.starts
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i, ((linear, activation), chosen) in enumerate(zip(maps, starts, strict=True)):
            name = activation.name if isinstance(activation, Activation) else "linear"
            if chosen.name == GIVEN:
                continue
            weight, bias = vars(linear)["weight"], vars(linear).get("bias")
            fill(weight, chosen, np.random.default_rng([config.seed, WEIGHTS, i]), name)
            if bias is not None:
                fill_bias(bias, weight, chosen, np.random.default_rng([config.seed, BIASES, i]))
    notes = {str(warning.message): warning.message for warning in caught}
    return [getattr(note, "said", None) or phrase("as_it_was", text=text) for text, note in notes.items()]


def fill(weight: Tensor, chosen: Start, rng: np.random.Generator, activation: str) -> None:
    """Fill one weight."""
    if chosen.name == "normal":
        normal_(weight, rng, std=chosen.sigma_w / fan(weight, "fan_in") ** 0.5)
    elif chosen.name == "constant":
        constant_(weight, chosen.constant)
    else:
        INITIALIZERS[chosen.name](weight, rng, activation)


def fill_bias(bias: Tensor, weight: Tensor, chosen: Start, rng: np.random.Generator) -> None:
    """Fill one bias; PyTorch's start has its own."""
    if chosen.name == "torch":
        bound = fan(weight, "fan_in") ** -0.5
        uniform_(bias, rng, -bound, bound)
    else:
        normal_(bias, rng, std=chosen.sigma_b)


def optimizer(config: Config, parameters: list[Tensor]) -> Optimizer:
    """The update rule, with what it remembers at its start, so that it can be put back."""
    rules: dict[str, Callable[[], Optimizer]] = {
        "sgd": lambda: SGD(parameters, config.lr),
        "momentum": lambda: SGD(parameters, config.lr, momentum=0.9),
        "nesterov": lambda: SGD(parameters, config.lr, momentum=0.9, nesterov=True),
        "adam": lambda: Adam(parameters, config.lr),
        "adamw": lambda: AdamW(parameters, config.lr),
    }
    found = rules[config.optimizer]()
    for group in found.param_groups:
        for parameter in group["params"]:
            found.remembered(parameter, group)
    return found


def penalty(config: Config, weights: list[Tensor]) -> Callable[[], Tensor] | None:
    """What the regularization adds to the loss: rate · Σ|w| or rate · Σw²/2 over all weights, not biases."""
    if config.regularization == "none" or config.regularization_rate == 0:
        return None
    of = {"l1": lambda w: ops.abs(w).sum(), "l2": lambda w: (w * w).sum() / 2}[config.regularization]
    return lambda: config.regularization_rate * sum(map(of, weights))


def order_of(config: Config, total: int, epoch: int) -> Array:
    """The order of the samples in an epoch."""
    return np.random.default_rng([config.seed, BATCHES, epoch]).permutation(total)


def steps_an_epoch(config: Config, total: int) -> int:
    """How many batches there are."""
    return 1 if config.batch == 0 else -(-total // config.batch)
