"""The changes that a recommendation may make, and which of them are tried together."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...activations import activation
from ...data import StandardScaler
from ...engine.tensor import Tensor
from ...nn import LOSSES, Module, dtype_of, linear_maps
from ...optim import Adam
from ...rehearsal import trainable
from ...starts import fixup_, lsuv_
from ...training import initialize
from ...words import phrase
from ..findings.fit import output
from ..measures.fit import OF_NUMBERS
from ..records import Measured
from .redesign import activated, normalized, residual, without_output_activation
from .setup import Change, Setup

Array = np.ndarray[Any, Any]

# Activations that are tried in place of the given one, each with the start that is named for it.
ACTIVATIONS = ("relu", "tanh", "leaky_relu", "gelu")
CLIP = 1.0
# Inputs or targets whose spread or distance from 0 lies within these are left as they are.
SMALL, LARGE = 0.3, 3.0


def edited(model: Module, edit: Callable[[Module], object]) -> Module:
    """A copy of a model that something has been done to."""
    found = copy.deepcopy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a start that does not quite suit: the trial shows it
        edit(found)
    return found


def start(name: str) -> Change:
    """Every weight filled anew by an initializer, "lsuv" or "fixup"."""

    def apply(setup: Setup, seed: int, x: Array) -> Setup:
        def fill(model: Module) -> object:
            if name == "lsuv":
                return lsuv_(model, Tensor(setup.inputs(x[:256]), dtype_of(model)), seed)
            if name == "fixup":
                return fixup_(model, seed)
            initialize(model, name, seed)
            return model

        return replace(setup, model=edited(setup.model, fill))

    code = f'tgi.initialize(model, "{name}", {{seed}})'
    if name == "lsuv":
        code = "tgi.starts.lsuv_(model, tgi.tensor(x[:256], next(model.parameters()).dtype), {seed})"
    if name == "fixup":
        code = "tgi.starts.fixup_(model, {seed})"
    return Change(phrase("change.start", name=name), apply, code)


def redesigned(key: str, function: Callable[..., Module | None], *arguments: Any) -> Change:
    """Something done to the design, by a function of `redesign` that the model is known to allow."""

    def apply(setup: Setup, seed: int, x: Array) -> Setup:
        more = (setup.inputs(x[:2]),) if function is residual else arguments
        model = function(setup.model, *more)
        return setup if model is None else replace(setup, model=model)

    numbers = {"name": arguments[0]} if arguments else {}
    written = "".join(f", {one!r}" for one in arguments) if function is not residual else ", x[:2]"
    code = f"model = tgi.diagnosis.redesign.{function.__name__}(model{written})"
    return Change(phrase(key, **numbers), apply, code)


def inputs_scaled(x: Array) -> Change:
    """Inputs brought to mean 0 and spread 1: each feature, or images as a whole."""
    scaler = StandardScaler().fit(x if x.ndim == 2 else x.reshape(-1, 1))
    way = "x" if x.ndim == 2 else "x.reshape(-1, 1)"
    back = "" if x.ndim == 2 else ".reshape(x.shape)"
    code = f"x = tgi.data.StandardScaler().fit({way}).transform({way}){back}"
    return Change(phrase("change.inputs"), lambda setup, seed, x: replace(setup, x_scaler=scaler), code)


def targets_scaled(y: Array) -> Change:
    """Targets brought to mean 0 and spread 1."""
    columns = y.reshape(len(y), -1)
    scaler = StandardScaler().fit(columns)
    code = "y = tgi.data.StandardScaler().fit(y.reshape(len(y), -1)).transform(y.reshape(len(y), -1)).reshape(y.shape)"
    return Change(phrase("change.targets"), lambda setup, seed, x: replace(setup, y_scaler=scaler), code)


def clipped() -> Change:
    """Gradients that are too long are shortened."""
    return Change(phrase("change.clipping", norm=CLIP), lambda setup, seed, x: replace(setup, clip=CLIP))


def adam(setup: Setup) -> Change | None:
    """Adam in place of the given optimizer; None if that is one like it."""
    kind = type(setup.optimizer(trainable(setup.model)))
    if issubclass(kind, Adam):
        return None
    return Change(phrase("change.optimizer", name="Adam"), lambda setup, seed, x: replace(setup, make=Adam))


def rate(lr: float) -> Change:
    """Another learning rate."""
    return Change(phrase("change.learning rate", lr=lr), lambda setup, seed, x: replace(setup, lr=lr))


def unscaled(values: Array) -> bool:
    """Whether numbers are far from 0 for their spread, or spread far more or less than 1."""
    if values.dtype.kind not in "fiub" or len(values) < 2:
        return False
    columns = values.reshape(len(values), -1).astype(np.float64)
    spread, mean = columns.std(axis=0), columns.mean(axis=0)
    moving = spread > 0
    if not moving.any():
        return False
    typical = float(np.median(spread[moving]))
    wide = float(spread.max()) > LARGE * max(typical, 1e-300)
    return wide or not SMALL <= typical <= LARGE or bool(np.any(np.abs(mean[moving]) > spread[moving]))


def together(given: Setup, before: Measured, x: Array, y: Array) -> Iterator[tuple[Change, ...]]:
    """Changes that are tried together, the fewest first.

    What stands between the network and its task (scales, an activation at the output that the loss does not want) is
    mended in all but the first; on top of that starts, activations, normalization and residual connections.
    """
    yield ()
    mended: tuple[Change, ...] = ()
    if unscaled(x):
        mended += (inputs_scaled(x),)
    if isinstance(given.loss, str) and given.loss in OF_NUMBERS and unscaled(y):
        mended += (targets_scaled(y),)
    if any(True for _ in output(before)) and without_output_activation(given.model) is not None:
        mended += (redesigned("change.output", without_output_activation),)
    if mended:
        yield mended
    records = [activation(phi) for _, phi in linear_maps(given.model) if phi is not None]
    own = records[0].start if records else "xavier"
    blocks = any(hasattr(module, "branch") for _, module in given.model.named_modules())
    for name in dict.fromkeys([own, "orthogonal", "lsuv", *(["fixup"] if blocks else [])]):
        yield (*mended, start(name))
    for name in ACTIVATIONS:
        if activated(given.model, name) is not None:
            yield (*mended, redesigned("change.activation", activated, name), start(activation(name).start))
    if normalized(given.model) is not None:
        batch = redesigned("change.normalization", normalized)
        yield (*mended, start(own), batch)
        if activated(given.model, "relu") is not None:
            yield (*mended, redesigned("change.activation", activated, "relu"), start("he"), batch)
    if residual(given.model, x[:2]) is not None:
        around = redesigned("change.connections", residual)
        yield (*mended, around, start("fixup"))
        if normalized(given.model) is not None:
            yield (*mended, start(own), redesigned("change.normalization", normalized), around)
    yield (*mended, clipped())


def by_name(loss: Any) -> Any:
    """The name of a loss that has one, else the function."""
    return next((name for name, known in LOSSES.items() if known is loss), loss)
