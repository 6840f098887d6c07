"""A network on a batch, as data: arrays, names and roles, and how cotangents and tangents go through each link.

Whatever makes such a record of somebody's model (`fronts`) knows the framework; whatever measures it does not.

Backward, a cotangent is kept as a logarithm of its size and numbers of size 1: it neither underflows nor overflows,
so that a gradient of 10^-400 is known as well as one of 10^-4.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..layering import ACTIVATION, OTHER, RESIDUAL, WEIGHTS, Step, activation_after

__all__ = ["ACTIVATION", "OTHER", "RESIDUAL", "WEIGHTS", "Cotangent", "Link", "Network", "Parameter", "pull_through"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Cotangent:
    """∂C by some numbers: `unit` times 10^`log10`; the largest of `unit` is 1 in size, or all are 0."""

    unit: Array
    log10: float = 0.0

    @staticmethod
    def of(values: Array, log10: float = 0.0) -> Cotangent:
        """Numbers times 10^`log10`."""
        values = np.asarray(values, np.float64)
        top = float(np.max(np.abs(values), initial=0.0))
        if top == 0 or not math.isfinite(top):
            return Cotangent(values, log10)
        return Cotangent(values / top, log10 + math.log10(top))

    @staticmethod
    def total(parts: list[Cotangent]) -> Cotangent:
        """The sum of cotangents of the same numbers, of whatever sizes."""
        if len(parts) == 1:
            return parts[0]
        shift = max(part.log10 for part in parts)
        return Cotangent.of(sum(part.unit * 10 ** (part.log10 - shift) for part in parts), shift)  # type: ignore[arg-type]

    @property
    def norm(self) -> float:
        """log10 of the Euclidean norm; -inf of nothing but zeros, NaN where a number is not finite."""
        found = float(np.sqrt(np.sum(self.unit * self.unit)))
        if found == 0:
            return -math.inf
        return self.log10 + math.log10(found) if math.isfinite(found) else math.nan

    @property
    def is_zero(self) -> bool:
        """Whether all numbers are exactly 0."""
        return not self.unit.any()

    def numbers(self) -> Array:
        """The numbers as they are: infinite or 0 where they are too large or too small for a float."""
        half = power_of_ten(self.log10 / 2)  # one factor alone could be too large for a product that is not
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.where(self.unit == 0, 0.0, self.unit * half * half)


def power_of_ten(exponent: float) -> float:
    """10^exponent; infinity where that is too large for a float, of which Python would make an error."""
    try:
        return 10.0**exponent
    except OverflowError:
        return math.inf


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
        Arrays, the samples first. A chain's links have one input, `x`.
    vjp
        From ∂C/∂output to the ∂C/∂input of every input. A residual link needs none: it has its branch and shortcut.
    vjp_to
        From the name of a parameter and ∂C/∂output to ∂C by that parameter.
    jvp
        From a change of every input to that of the output.
    rerun
        From other inputs to the link on those, as if nothing had happened in between: chance draws the same again.
    sources
        Where each input comes from: another link, or the name of an input of the network.
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
        Whether each number of the output depends on one of the input alone, though it is no activation (dropout).
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
    mixes_samples: bool = False
    branch: tuple[Link, ...] = ()
    shortcut: tuple[Link, ...] = ()

    @property
    def x(self) -> Array:
        """The input, of which a link of a chain has one."""
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


@dataclass(eq=False)
class Network:
    """A network run on a batch.

    Attributes
    ----------
    description
        The network in a line, "64-64-10 relu".
    inputs
        What went in, by name ("x").
    links
        In the order in which they run: each after those that it takes its inputs from. Those of residual blocks'
        branches are inside them.
    parameters
        All of them by name.
    gradients
        ∂C by every parameter, by name, as the framework itself finds them in one ordinary backward pass; one that
        several links share has one for all of them. Empty (or those of the last step) without a loss.
    loss
        The loss as a number; NaN without one.
    start
        ∂C/∂output.
    loss_of
        From predictions to the loss and its cotangent, on the same targets.
    rerun
        From the keywords of `again` to the network run on those instead.
    loss_name
        The name of a loss that is known; "" for one of somebody's own.
    """

    description: str
    inputs: dict[str, Array]
    links: tuple[Link, ...]
    parameters: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    loss: float = math.nan
    start: Cotangent | None = None
    loss_of: Callable[[Array], tuple[float, Array]] | None = None
    rerun: Callable[..., Network] | None = None
    loss_name: str = ""

    @property
    def output(self) -> Array:
        """The predictions."""
        return self.links[-1].output

    @property
    def from_loss(self) -> Cotangent:
        """∂C/∂output of a network that was run with a loss."""
        if self.start is None:
            raise ValueError("expected a network that was run with a loss")
        return self.start

    def again(self, x: Any = None, y: Any = None, parameters: dict[str, Array] | None = None, **how: Any) -> Network:
        """The same network with other inputs, targets or parameters; what is not given stays.

        Parameters
        ----------
        x, y
            A batch.
        parameters
            By name; those that are missing stay.
        how
            `dtype`: in which to compute; `evaluating=True`: not as in training; `backward=False`: without the loss.
        """
        assert self.rerun is not None
        return self.rerun(x=x, y=y, parameters=parameters, **how)

    def flat(self) -> Iterator[Link]:
        """All links in the order in which they run, those of branches before their block."""
        return flat(self.links)

    def linears(self) -> list[Link]:
        """The links with weights."""
        return [link for link in self.flat() if link.role == WEIGHTS]

    @cached_property
    def places(self) -> dict[Link, tuple[tuple[Link, ...], int]]:
        """Every link's own chain (the whole one, or that of a branch) and its place in it."""
        found: dict[Link, tuple[tuple[Link, ...], int]] = {}
        waiting = [self.links]
        while waiting:
            links = waiting.pop()
            found.update((link, (links, i)) for i, link in enumerate(links))
            waiting += [inner for link in links for inner in (link.branch, link.shortcut) if inner]
        return found

    def after(self, link: Link) -> tuple[Link, ...]:
        """The links after one in its own chain."""
        row, i = self.places[link]
        return row[i + 1 :]

    def activation_after(self, link: Link) -> Link | None:
        """The activation that a linear map's output goes through."""
        shape = link.output.shape
        return activation_after(Step(later, later.role, later.x.shape == shape) for later in self.after(link))

    def layers(self) -> list[tuple[Link, Link | None]]:
        """Every linear map with the activation after it."""
        return [(link, self.activation_after(link)) for link in self.linears()]

    def dense_layers(self) -> list[tuple[Link, Link | None]] | None:
        """The same, if the network is nothing but dense layers, each with at most one activation after it."""
        found = self.layers()
        if not all(link.matrix.values.ndim == 2 and link.x.ndim == 2 for link, _ in found):
            return None
        return found if [part for layer in found for part in layer if part] == list(self.links) else None

    @cached_property
    def uses(self) -> Counter[str]:
        """How many links use a weight, by its name."""
        return Counter(link.matrix.name for link in self.linears())

    @property
    def work(self) -> float:
        """Multiplications by weights that a sample takes, each position of a convolution counted."""
        found = 0.0
        for link in self.linears():
            units = link.output.shape[link.unit_axis]
            found += link.matrix.values.size * link.output.size / max(units * len(link.output), 1)
        return found

    def backward(self) -> dict[Link, Cotangent]:
        """∂C/∂output of every link."""
        found: dict[Link, Cotangent] = {}

        def walk(links: tuple[Link, ...], cotangent: Cotangent) -> None:
            arriving: dict[Link, list[Cotangent]] = defaultdict(list)
            if links:
                arriving[links[-1]].append(cotangent)
            for link in reversed(links):
                found[link] = total = Cotangent.total(arriving[link] or [Cotangent(np.zeros(link.output.shape))])
                walk(link.branch, total)
                walk(link.shortcut, total)
                for source, part in zip(link.sources, link.pull(total), strict=True):
                    if isinstance(source, Link):
                        arriving[source].append(part)

        walk(self.links, self.from_loss)
        return found

    def first_not_finite(self) -> tuple[str, int] | None:
        """The first link whose output has infinities or NaN, and the number of the linear map it belongs to."""
        layer = 0
        for link in self.flat():
            layer += link.role == WEIGHTS
            if not np.isfinite(link.output).all():
                return link.name, max(layer, 1)
        return None


def flat(links: tuple[Link, ...]) -> Iterator[Link]:
    """Links and those of branches inside them."""
    for link in links:
        yield from flat(link.branch)
        yield from flat(link.shortcut)
        yield link
