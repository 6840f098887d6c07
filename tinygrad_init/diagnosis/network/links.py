"""Links: the steps of a network as arrays, names and roles, and how cotangents and tangents go through each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...layering import ACTIVATION, OTHER, RESIDUAL, WEIGHTS
from .cotangents import Cotangent

__all__ = ["ACTIVATION", "OTHER", "RESIDUAL", "SUM", "WEIGHTS", "Link", "Parameter"]

Array = np.ndarray[Any, Any]

# What a link is labelled that does nothing but add its inputs up.
SUM = "add"


@dataclass(frozen=True)
class Parameter:
    """A parameter by its name in the model; one that several links share has one name."""

    name: str
    values: Array


def units_first(weights: Array) -> Array:
    """The weights of a linear map, or what has their shape, with a row for each unit: those of a dense layer."""
    return weights.reshape(len(weights), -1)


@dataclass(eq=False)
class Link:
    """One step of a network with what went in and what came out.

    What a front end supplies are the fields; all functions among them are of plain arrays, and those that go through
    the link are linear and go through it as it was on this batch.

    Attributes
    ----------
    name
        The full name of the module in the model.
    role
        "weights", "activation", "residual" or "other".
    label
        What it is called in words: an activation by its function's name, others by their class.
    inputs, output
        Arrays, the samples first. A chain's links have one input, `x`; where tensors are put together there are
        several, and none where only parameters are. What is constant is no input but part of the link.
    vjp
        From ∂C/∂output to the ∂C/∂input of every input. A residual link needs none: it has its branch and shortcut.
    vjp_to
        From the name of a parameter and ∂C/∂output to ∂C by that parameter.
    jvp
        From a change of every input to that of the output.
    rerun
        From other inputs to the link on those, as if nothing had happened in between: chance draws the same again.
    sources
        Where each input comes from: another link, or the name of an input of the network, or of what is constant.
    weight, bias
        Of a linear map, of shape (units, inputs) or (channels, channels, *window).
    parameters
        All that it has, weight and bias among them.
    unit_axis
        Which axis of a linear map's output are its units: the last, or the channels of a convolution.
    by_unit
        From the weight, or what has its shape, to a row for each unit (output channel).
    activation
        Of an activation, its record (see `activations.ActivationRecord`).
    elementwise
        Whether each number of the output depends on one of each input alone, those that broadcasting puts in its place,
        though it is no activation: dropout, sums and products of tensors.
    over_time
        Whether a linear map is one step's use of a weight that all steps of a network over time share.
    draws
        Whether it draws at random what it multiplies by (dropout).
    mixes_samples
        Whether a sample's output depends on the other samples (batch normalization in training).
    branch, shortcut
        Of a residual block, the links beside x and those that x itself goes through (empty: nothing).
    """

    name: str
    role: str
    label: str
    inputs: tuple[Array, ...]
    output: Array
    vjp: Callable[[Array], tuple[Array, ...]] | None = None
    vjp_to: Callable[[str, Array], Array] | None = None
    jvp: Callable[[tuple[Array, ...]], Array] | None = None
    rerun: Callable[[tuple[Array, ...]], Link] | None = None
    sources: tuple[Link | str, ...] = ()
    weight: Parameter | None = None
    bias: Parameter | None = None
    parameters: tuple[Parameter, ...] = ()
    unit_axis: int = -1
    by_unit: Callable[[Array], Array] = units_first
    activation: Any = None
    elementwise: bool = False
    over_time: bool = False
    draws: bool = False
    mixes_samples: bool = False
    branch: tuple[Link, ...] = ()
    shortcut: tuple[Link, ...] = ()

    @property
    def x(self) -> Array:
        """The input, of which a link of a chain has one; the first where there are several."""
        return self.inputs[0]

    @property
    def matrix(self) -> Parameter:
        """The weight of a linear map."""
        assert self.weight is not None, f"{self.name} is no linear map"
        return self.weight

    def pull(self, cotangent: Cotangent) -> tuple[Cotangent, ...]:
        """From ∂C/∂output to ∂C by every input."""
        if self.role == RESIDUAL:
            ways = (pull_through(self.branch, cotangent), pull_through(self.shortcut, cotangent))
            return (Cotangent.total(list(ways)),)
        assert self.vjp is not None
        found = self.vjp(cotangent.unit.reshape(self.output.shape))
        return tuple(Cotangent.of(values, cotangent.log10) for values in found)

    def pull_plain(self, cotangent: Array) -> tuple[Array, ...]:
        """The same of arrays as they are, in the link's dtype."""
        if self.role == RESIDUAL:
            found = []
            for links in (self.branch, self.shortcut):
                part = cotangent
                for link in reversed(links):
                    (part,) = link.pull_plain(part)
                found.append(part)
            return (found[0] + found[1],)
        assert self.vjp is not None
        return self.vjp(cotangent)

    def pull_to(self, parameter: Parameter, cotangent: Cotangent) -> Cotangent:
        """From ∂C/∂output to ∂C by one of its parameters, as far as it comes through this link."""
        assert self.vjp_to is not None
        found = self.vjp_to(parameter.name, cotangent.unit.reshape(self.output.shape))
        return Cotangent.of(found, cotangent.log10)

    def push(self, *tangents: Array) -> Array:
        """From a small change of the inputs to that of the output."""
        if self.role == RESIDUAL:
            return push_through(self.branch, tangents[0]) + push_through(self.shortcut, tangents[0])
        assert self.jvp is not None
        return self.jvp(tangents)

    def again(self, *inputs: Array) -> Link:
        """The same link on other inputs."""
        assert self.rerun is not None
        return self.rerun(inputs)

    def rows(self, values: Array) -> Array:
        """Numbers of the linear map's output, one column a unit, a row for each sample (and position)."""
        return np.moveaxis(values, self.unit_axis, -1).reshape(-1, values.shape[self.unit_axis])


def pull_through(links: tuple[Link, ...], cotangent: Cotangent) -> Cotangent:
    """From the cotangent of a chain's output to that of its input."""
    for link in reversed(links):
        (cotangent,) = link.pull(cotangent)
    return cotangent


def push_through(links: tuple[Link, ...], tangent: Array) -> Array:
    """From a small change of a chain's input to that of its output."""
    for link in links:
        tangent = link.push(tangent)
    return tangent


def flat(links: tuple[Link, ...]) -> Iterator[Link]:
    """Links and those of branches inside them."""
    for link in links:
        yield from flat(link.branch)
        yield from flat(link.shortcut)
        yield link
