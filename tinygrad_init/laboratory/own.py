"""Experiments with somebody's own model and data: what takes the place of `build` in a notebook."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._engine.tensor import Tensor
from ..diagnosis.chain import as_array
from ..diagnosis.diagnosing import loss_of
from ..diagnosis.experiment import targets
from ..nn import Module, dtype_of, linear_maps, observe, undisturbed
from . import build
from .config import GIVEN, Config
from .samples import DATA, Part, Samples
from .shapes import Invalid

Array = np.ndarray[Any, Any]
Loss = Callable[[Tensor, Any], Tensor]


@dataclass(frozen=True)
class OwnSamples(Samples):
    """Samples of data that are somebody's own; `middle` and `half` lead from the page's square to their plane."""

    middle: Array
    half: float

    def seen(self, plane: Array) -> Array:
        """Points of the square as the network sees them."""
        return (plane * self.half + self.middle).astype(self.x.dtype)


class Own:
    """A model, data, and a loss.

    Parameters
    ----------
    model
        Any module whose linear maps are called once each, in the order in which they are defined. It is copied.
    x, y
        All samples, and what belongs to them as `loss` wants it.
    loss
        The name of a loss, or a function from predictions and targets to their mean loss.

    Raises
    ------
    TypeError
        The model is no module, or its linear maps are not called once each in their order.
    ValueError
        There are fewer than 2 samples, x and y differ in length, there is no linear map, or no loss of that name.
    """

    def __init__(self, model: Module, x: Any, y: Any, loss: str | Loss) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"lab: expected a module, got {type(model).__name__}")
        self.model, self.name = copy.deepcopy(model), loss if isinstance(loss, str) else ""
        self.loss_function = loss_of(loss)
        dtype = dtype_of(model, np.dtype(np.float64))
        self.x, self.y = as_array(x, dtype), as_array(y, dtype)
        if self.x.ndim < 2 or len(self.x) < 2 or len(self.x) != len(self.y):
            raise ValueError(
                f"lab: expected x of shape (samples, features, ...) and a y for each of at least 2 samples, got shapes "
                f"{self.x.shape} and {self.y.shape}"
            )
        self.outputs = check_model(self.model, self.x[:2])
        numbered = self.y.dtype.kind in "iu" and self.y.ndim == 1
        self.classes = int(self.y.max()) + 1 if numbered else self.y.shape[1] if one_hot(self.y) else 0

    def check(self, config: Config) -> None:
        """Refuse what does not fit the model.

        Raises
        ------
        Invalid
            Names the field.
        """
        maps = linear_maps(self.model)
        for i, run in enumerate(build.configs(config)):
            where = "config" if i == 0 else f"config.variants[{i - 1}]"
            if len(run.starts) not in (1, len(maps)):
                raise Invalid(f"{where}.starts", f"expected 1 or {len(maps)}, got {len(run.starts)}")
        for i, edit in enumerate(config.edits):
            where = f"config.edits[{i}]"
            if edit.run > len(config.variants) or edit.layer >= len(maps):
                raise Invalid(where, "expected a run and a layer that are there")
            weight, bias = (vars(maps[edit.layer][0]).get(name) for name in ("weight", "bias"))
            shape = () if weight is None else weight.shape if edit.input is not None else bias.shape if bias else ()
            place = (edit.unit,) if edit.input is None else (edit.unit, edit.input)
            if len(shape) != len(place) or any(at >= many for at, many in zip(place, shape, strict=True)):
                raise Invalid(where, f"expected a place in a weight or bias of shape {shape}, got {place}")

    def numbers(self, config: Config) -> int:
        """A measure of the memory that an experiment needs: it is that of the notebook."""
        return 0

    def samples(self, config: Config) -> Samples:
        """The samples, of which a share is held out, in random order."""
        seed = config.seed if config.data.seed is None else config.data.seed
        order = np.random.default_rng([seed, DATA]).permutation(len(self.x))
        x, y = self.x[order], self.y[order]
        labels = y.argmax(1) if self.classes and y.ndim == 2 else y
        target = y
        if self.name and y.dtype.kind in "iu" and y.ndim == 1:
            target = targets(y, self.name, self.outputs, x.dtype)
        middle, half, plane = in_the_plane(x)
        kept = len(x) - min(round(config.data.test * len(x)), len(x) - 2)

        def part(which: slice) -> Part:
            return Part(None if plane is None else plane[which], x[which], flat(labels[which]), target[which])

        features = ("x", "y") if plane is not None else ()
        return OwnSamples(
            **vars(part(slice(kept))), test=part(slice(kept, None)), classes=self.classes, features=features,
            middle=middle, half=half,
        )  # fmt: skip

    def start(self, config: Config, samples: Samples) -> tuple[Module, list[str]]:
        """A copy of the model, as it came or from a start of the library."""
        model = copy.deepcopy(self.model)
        return model, build.initialize(model, config)

    def loss(self, config: Config) -> Loss:
        """The loss."""
        return self.loss_function

    def begin(self) -> dict[str, Any]:
        """What a config has to say for the model as it came; how it is built, only the model knows."""
        return {"starts": [{"name": GIVEN}], "layers": [], "loss": self.name or "half_squared_error"}


def check_model(model: Module, x: Array) -> int:
    """How many outputs a model has.

    Raises
    ------
    TypeError, ValueError
        It has no linear maps, or does not call them once each, in their order.
    """
    maps = [linear for linear, _ in linear_maps(model)]
    if not maps:
        raise ValueError(f"lab: expected a model with linear maps, got {type(model).__name__} without any")
    with undisturbed(model), observe() as calls:
        output = model(Tensor(x, x.dtype))
    activations = {id(after) for _, after in linear_maps(model) if after is not None}
    called = [call.module for call in calls if any(call.module is linear for linear in maps)]
    if [id(module) for module in called] != [id(linear) for linear in maps]:
        raise TypeError("lab: expected each linear map to be called once, in the order in which they are defined")
    if len(activations & {id(call.module) for call in calls}) < len(activations):
        raise TypeError("lab: expected each activation of the model to be called")
    if output.ndim != 2:
        raise TypeError(f"lab: expected an output of shape (samples, outputs), got {output.shape}")
    return int(output.shape[1])


def one_hot(y: Array) -> bool:
    """Whether every row is one 1 among zeros."""
    return y.ndim == 2 and y.shape[1] > 1 and bool(np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all())


def flat(y: Array) -> Array:
    """One number for each sample, for the page's marks."""
    return y if y.ndim == 1 else np.array([row.flat[0] for row in y], y.dtype)


def in_the_plane(x: Array) -> tuple[Array, float, Array | None]:
    """The middle of points in the plane, half their extent, and where they lie in the page's square; else None."""
    if x.shape[1:] != (2,) or not np.isfinite(x).all():
        return np.zeros(2), 1.0, None
    low, high = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
    middle, half = (low + high) / 2, float(max(high - low)) / 2
    if not (half > 0 and math.isfinite(half)):
        return np.zeros(2), 1.0, None
    return middle, half, (x - middle) / half
