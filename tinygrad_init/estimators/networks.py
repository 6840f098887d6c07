"""Networks as estimators want them: what they are built of, and where they start."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import theory
from ..activations import activation
from ..engine.tensor import Tensor
from ..nn import Activation, BatchNorm, LayerNorm, Linear, Module, Residual, Sequential
from ..starts import critical, fixup_, lsuv_
from ..training import initialize

Array = np.ndarray[Any, Any]

# A start under which theory has the gradient change by this factor between the ends of the hidden layers is given up
# for the edge of chaos: it is the factor from which on the diagnosis speaks of vanishing and exploding gradients.
FAR = 30.0
# σ_w² of the starts that activations are named with.
VARIANCES = {"he": 2.0, "xavier": 1.0, "lecun": 1.0}


class Design(NamedTuple):
    """What a network is built of.

    Attributes
    ----------
    sizes
        Of the input, of each hidden layer, and of the output.
    activation
        The name of the hidden layers' activation.
    normalization
        "batch" or "layer", between each hidden linear map and its activation; or None.
    residual
        Whether the input of each hidden layer is added to its output where they have one size.
    dtype
        The name of the parameters' dtype.
    """

    sizes: tuple[int, ...]
    activation: str
    normalization: str | None
    residual: bool
    dtype: str

    def build(self) -> Sequential:
        """The network; its numbers are yet to be filled in.

        Raises
        ------
        ValueError
            There should be residual connections, and no two hidden layers in a row have one size.
        """
        dtype = np.dtype(self.dtype)
        modules: list[Module] = []
        *hidden, (last, outputs) = pairwise(self.sizes)
        for i, (before, units) in enumerate(hidden):
            layer: list[Module] = [Linear(before, units, dtype=dtype, rng=0)]
            if self.normalization is not None:
                layer.append((BatchNorm if self.normalization == "batch" else LayerNorm)(units, dtype=dtype))
            layer.append(Activation(self.activation))
            around = self.residual and i > 0 and before == units
            modules += [Residual(Sequential(*layer))] if around else layer
        if self.residual and not any(isinstance(module, Residual) for module in modules):
            raise ValueError(
                "residual=True: expected two hidden layers of one size in a row, such as hidden_layer_sizes=(64, 64); "
                f"got {self.sizes[1:-1]}"
            )
        return Sequential(*modules, Linear(last, outputs, dtype=dtype, rng=0))

    def start(self, name: str) -> tuple[str, str]:
        """Which start it is, and why: `name`, or what "auto" stands for."""
        if name != "auto":
            return name, "as asked for"
        depth = len(self.sizes) - 2
        if self.residual and self.normalization is None:
            return "fixup", "residual branches without normalization would double the variance at every block"
        known = activation(self.activation).start
        if depth == 0:
            return "xavier", "there is no hidden layer"
        layers = f"{depth} layer{'s' * (depth > 1)}"
        if known not in VARIANCES:
            return known, f"{self.activation} has no start of its own: the edge of chaos, by mean-field theory"
        way = gradient_factor(self.activation, VARIANCES[known], depth)
        if self.normalization is None and not 1 / FAR <= way <= FAR:
            why = f"under {known} gradients would change by a factor of {way:.2g} through {layers} of {self.activation}"
            return "critical", f"{why}: the edge of chaos instead, by mean-field theory"
        return known, f"suits {self.activation}: gradients change by a factor of {way:.2g} through {layers}"

    def fill(self, model: Sequential, name: str, chosen: bool, rng: np.random.Generator, x: Array) -> None:
        """Give the network its start.

        Parameters
        ----------
        model
            What `build` has made.
        name
            Of the start, not "auto".
        chosen
            Whether "auto" has stood for it.
        rng
            Where the numbers come from.
        x
            Samples, which only "lsuv" looks at.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a start that is second best: `explain` tells which one it is
            if name == "lsuv":
                lsuv_(model, Tensor(x, x.dtype), rng)
            elif name == "fixup":
                fixup_(model, rng)
            elif name == "critical" and len(model) > 1:
                # The point is one of hidden layers; what follows the last of them is linear.
                critical(Sequential(*model[:-1]), rng, self.activation)
                initialize(model[-1], "lecun", rng)
            else:
                initialize(model, name, rng)
                if chosen and name in VARIANCES:
                    # No activation has changed the size of what the first layer gets, nor is one to follow the last.
                    for linear in {id(end): end for end in (model[0], model[-1])}.values():
                        initialize(linear, "lecun", rng)


@lru_cache(maxsize=256)
def gradient_factor(phi: str, variance: float, depth: int) -> float:
    """By what factor the gradient changes through so many layers, with weights of variance `variance`/fan_in.

    The square root of the product of χ = σ_w² E φ'(z)², with z as it becomes from layer to layer (Schoenholz et al.
    2017, eq. 7), from inputs of size 1.
    """
    field, q, way = theory.MeanField(phi, math.sqrt(variance)), variance, 1.0
    for _ in range(depth):
        way *= float(field.chi(q))
        q = float(field.q_map(q))
    return math.sqrt(way)
