"""Experiments with somebody's own model and data: what takes the place of `build` in a notebook."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data.samples import pairs, require_fits
from ...diagnosis.fronts.copies import as_array
from ...diagnosis.trials.comparison import targets
from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import BatchNorm, Module, dtype_of, undisturbed
from ...ops.losses import loss_name, loss_of
from ...training import Loss
from ...words import Phrase
from ..looking.structure import Layer, layers_of
from ..messages.config import GIVEN, Config
from ..messages.message_schema import Invalid
from . import build
from .samples import DATA, Part, Samples

Array = np.ndarray[Any, Any]

TRIED = 256  # samples with which the loss is computed once, to see whether it can be
# Parts of a config that describe a network and its data: a model of somebody's own has its own.
NOT_OWN = ("features", "layers", "activations", "loss", "normalization", "residual")
OF_CLASSES = ("cross_entropy", "hinge", "binary_cross_entropy_with_logits")


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
        Any module that calls each of its linear maps once. It is copied.
    x
        All samples, the first axis theirs.
    y
        What belongs to them as `loss` wants it. Class numbers also serve losses that want a 1 among zeros, and numbers
        of shape (samples,) a single output.
    loss
        The name of a loss, or a function from predictions and targets to their mean loss.

    Raises
    ------
    TypeError
        The model is no module, does not call its linear maps once each, or has no output of shape (samples, outputs);
        or x and y are not made of real numbers.
    ValueError
        There are fewer than 2 samples, x and y differ in length, there is no linear map, no loss of that name, or the
        loss cannot be computed from the model's outputs and these targets.
    """

    def __init__(self, model: Module, x: Any, y: Any, loss: str | Loss) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"lab: expected a module, got {type(model).__name__}")
        self.model, name = copy.deepcopy(model), loss_name(loss) if isinstance(loss, str) else ""
        self.function = loss_of(loss)
        self.frozen = {name for name, parameter in self.model.named_parameters() if not parameter.requires_grad}
        for parameter in self.model.parameters():
            parameter.requires_grad = True  # its gradient is looked at all the same
        dtype = dtype_of(model, np.dtype(np.float64))
        x, y = pairs("lab", x, y, least=2)
        for what, values in (("x", x), ("y", y)):
            require_fits("lab", what, values, dtype)
        self.x, y = as_array(x, dtype), as_array(y, dtype)
        if self.x.dtype.kind in "iub":
            self.x = self.x.astype(dtype)  # such as an image's pixels
        if self.x.ndim < 2:
            raise ValueError(f"lab: expected x of shape (samples, features, ...), got shape {self.x.shape}")
        if not np.isfinite(self.x).all():
            raise ValueError("lab: expected finite numbers in x, got infinities or NaN")
        self.layers: list[Layer] = layers_of(self.model, self.x[:2])
        with undisturbed(self.model), no_grad():
            output = self.model(Tensor(self.x[:TRIED], dtype))
        if output.ndim != 2:
            raise TypeError(f"lab: expected an output of shape (samples, outputs), got {output.shape}")
        self.classes = classes_of(y, output.shape[1], name)
        self.labels = y.argmax(1) if self.classes and y.ndim == 2 else y
        self.target = target_of(y, output.shape[1], name)
        self.probabilities = name in ("cross_entropy", "binary_cross_entropy_with_logits")
        self.try_loss(output)

    def try_loss(self, output: Tensor) -> None:
        """Compute the loss once, so that what does not fit is said where it was given."""
        target = self.target[:TRIED]
        try:
            with no_grad():
                cost = self.function(output, target)
            fits = isinstance(cost, Tensor) and cost.size == 1
            problem = "" if fits else "it is no tensor of one number"
        except Exception as error:  # of whatever kind a function of somebody else's may raise
            problem = f"{type(error).__name__}: {error}"
        if problem:
            raise ValueError(
                f"lab: no loss of outputs of shape {output.shape} and targets of shape {target.shape}; {problem}"
            )

    def check(self, config: Config) -> None:
        """Refuse what does not fit the model.

        Raises
        ------
        Invalid
            Names the field.
        """
        for i, run in enumerate(build.configs(config)):
            where = "config" if i == 0 else f"config.variants[{i - 1}]"
            if len(run.starts) not in (1, len(self.layers)):
                raise Invalid(f"{where}.starts", "one_or", expected=len(self.layers), got=len(run.starts))
        for i, edit in enumerate(config.edits):
            where = f"config.edits[{i}]"
            if edit.run > len(config.variants) or edit.layer >= len(self.layers):
                raise Invalid(where, "place")
            linear = self.layers[edit.layer].linear
            parameter = linear.bias if edit.input is None else linear.weight
            shape = () if parameter is None else parameter.shape
            place = (edit.unit,) if edit.input is None else (edit.unit, edit.input)
            if len(shape) != len(place) or any(at >= many for at, many in zip(place, shape, strict=True)):
                raise Invalid(where, "in_shape", shape=str(shape), got=str(place))
        if any(isinstance(module, BatchNorm) for _, module in self.model.named_modules()):
            total = len(self.x) - self.held(config)
            build.check_batch(total, min(config.batch or total, total))

    def held(self, config: Config) -> int:
        """How many samples are held out."""
        return min(round(config.data.test * len(self.x)), len(self.x) - 2)

    def numbers(self, config: Config) -> int:
        """A measure of the memory that an experiment needs: it is that of the notebook."""
        return 0

    def samples(self, config: Config) -> Samples:
        """The samples, of which a share is held out, in random order."""
        seed = config.seed if config.data.seed is None else config.data.seed
        order = np.random.default_rng([seed, DATA]).permutation(len(self.x))
        x, labels, target = self.x[order], self.labels[order], self.target[order]
        middle, half, plane = in_the_plane(x)
        kept = len(x) - self.held(config)

        def part(which: slice) -> Part:
            return Part(None if plane is None else plane[which], x[which], labels[which], target[which])

        return OwnSamples(
            **vars(part(slice(kept))),
            test=part(slice(kept, None)),
            classes=self.classes,
            features=() if plane is None else ("x", "y"),
            probabilities=self.probabilities,
            middle=middle,
            half=half,
        )

    def start(self, config: Config, samples: Samples) -> tuple[Module, list[Phrase]]:
        """A copy of the model, as it came or from a start of the library."""
        model = copy.deepcopy(self.model)
        layers = layers_of(model, self.x[:2])
        return model, build.initialize([(layer.linear, layer.activation) for layer in layers], config)

    def trained(self, model: Module) -> list[Tensor]:
        """The parameters that are trained: those that were not frozen."""
        return [parameter for name, parameter in model.named_parameters() if name not in self.frozen]

    def loss(self, config: Config) -> Loss:
        """The loss."""
        return self.function

    def begin(self) -> dict[str, Any]:
        """What the page begins with: the model as it came, trained on all samples."""
        return {"starts": [{"name": GIVEN}], "layers": [], "data": {"test": 0.0}, "seed": 0}


def classes_of(y: Array, outputs: int, loss: str) -> int:
    """How many classes there are; 0 if numbers are to be learned.

    Raises
    ------
    ValueError
        A loss of classes has class numbers that the outputs do not have.
    """
    if y.dtype.kind in "iub" and y.ndim == 1:
        most = 2 if outputs == 1 else outputs
        if y.min() >= 0 and y.max() < most and (outputs > 1 or loss == "binary_cross_entropy_with_logits"):
            return most
        if loss in OF_CLASSES:
            raise ValueError(
                f"lab: expected class numbers from 0 to {most - 1} for {outputs} outputs, got {y.min()} to {y.max()}"
            )
        return 0
    one_hot = y.ndim == 2 and y.shape[1] == outputs > 1 and np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all()
    return outputs if one_hot else 0


def target_of(y: Array, outputs: int, loss: str) -> Array:
    """Targets in the form that a loss out of `tgi.nn.LOSSES` wants; as they are for a function."""
    if not loss or y.ndim != 1:
        return y
    if y.dtype.kind in "iub" and classes_of(y, outputs, loss):
        return targets(y, loss, outputs, np.float64)
    return y.reshape(-1, 1).astype(np.float64) if outputs == 1 else y


def in_the_plane(x: Array) -> tuple[Array, float, Array | None]:
    """The middle of points in the plane, half their extent, and where they lie in the page's square; else None."""
    if x.shape[1:] != (2,) or not np.isfinite(x).all():
        return np.zeros(2), 1.0, None
    low, high = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
    middle, half = (low + high) / 2, float(max(high - low)) / 2
    if not (half > 0 and math.isfinite(half)):
        return np.zeros(2), 1.0, None
    return middle, half, (x - middle) / half
