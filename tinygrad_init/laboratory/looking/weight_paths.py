"""One weight of a network under the microscope: the paths from the loss of one sample back to it.

The nodes are the preactivations z and activations a of the layers above; where a layer has more units than are shown,
those stay through which most of the derivative comes. Every number is that of the whole network: what units that are
not shown contribute is one number beside the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...diagnosis import run as run_network
from ...diagnosis.network import ACTIVATION, RESIDUAL, WEIGHTS, Cotangent, Link, Network
from ..experiment.evaluation import evaluation
from ..messages.frames import Contribution, Microscope, Node
from ..messages.message_schema import Invalid
from .measure import Watched

Array = np.ndarray[Any, Any]

MOST_UNITS, MOST_SHOWN = 8, 60  # of a layer, and of all layers above the weight together


class Drawing:
    """Nodes so far; inputs come before what is made of them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, op: str, label: str, inputs: dict[int, float], value: float, incoming: float) -> int:
        """A node with its local derivatives by its inputs; returns its number."""
        i = len(self.nodes)
        self.nodes.append(Node(i, op, label, tuple(inputs), value, i, 0, tuple(inputs.values()), incoming, ()))
        return i

    def finish(self) -> Microscope:
        """With contributions, and the order backward."""
        n = len(self.nodes)
        flows: list[list[Contribution]] = [[] for _ in self.nodes]
        for node in reversed(self.nodes):
            for source, local in zip(node.inputs, node.local, strict=True):
                flows[source].append(Contribution(node.id, local * node.incoming))
        found = []
        for node, shown in zip(self.nodes, flows, strict=True):
            hidden = node.incoming - sum(flow.value for flow in shown)
            if node.id < n - 1 and abs(hidden) > 1e-9 * abs(node.incoming):
                shown.append(Contribution(None, hidden))
            fields = {**vars(node), "contributions": tuple(shown), "backward_order": n - 1 - node.id}
            found.append(Node(**fields))
        return Microscope("microscope", tuple(found), n - 1)


def weight_paths(watched: Watched, layer: int, unit: int, input: int, sample: int) -> Microscope:
    """The graph from one weight to the loss of one sample.

    Batch normalization has the mean and variance of the samples that were last looked at, as numbers that stand still.

    Raises
    ------
    Invalid
        There is no such weight or sample, a layer is not dense, or layers do not follow one another.
    """
    samples = watched.samples
    if layer >= len(watched.linears):
        raise Invalid("layer", "up_to", most=len(watched.linears) - 1, got=layer)
    if any(linear.weight.ndim > 2 for linear in watched.linears[layer:]):
        raise Invalid("layer", "dense")
    shape = watched.linears[layer].weight.shape
    for name, value, many in (
        ("unit", unit, shape[0]),
        ("input", input, shape[1]),
        ("sample", sample, len(samples.x)),
    ):
        if value >= many:
            raise Invalid(name, "up_to", most=many - 1, got=value)
    one = slice(sample, sample + 1)
    with evaluation(watched.run.model):
        network = run_network(watched.run.model, samples.x[one], samples.target[one], watched.run.loss)
    if not network.is_chain:
        raise Invalid("layer", "chain")
    return Paths(network, layer).draw(unit, input)


@dataclass
class Shown:
    """The units of a signal that are shown: the number of their node, and their derivative by the weight.

    The derivative is the one through nodes that are shown; it decides which units of the next layer are worth showing.
    """

    nodes: dict[int, int]
    tangent: dict[int, float]


class Paths:
    """The drawing from one layer's weight upwards.

    Parameters
    ----------
    network
        Run on one sample.
    layer
        Which linear map the weight is of.
    """

    def __init__(self, network: Network, layer: int) -> None:
        self.network, self.drawing = network, Drawing()
        self.cotangents = network.backward()
        linears = network.linears()
        self.at, self.number = linears[layer], layer + 1
        self.most = max(1, min(MOST_UNITS, MOST_SHOWN // max(1, len(linears) - layer)))

    def draw(self, unit: int, input: int) -> Microscope:
        """All nodes from the weight to the loss; units and inputs are counted from 1, as on the page."""
        shown = self.begin(unit, input)
        for link, inside in self.above():
            # What comes out of a branch meets what went past it, which the weight has no part in.
            shown = self.meet(link, shown, Shown({}, {})) if inside else self.through(link, shown)
        start = numbers(self.network.from_loss)
        slopes = {node: start[unit] for unit, node in shown.nodes.items()}
        self.drawing.add("loss", "C", slopes, self.network.loss, 1.0)
        return self.drawing.finish()

    def begin(self, unit: int, input: int) -> Shown:
        """The weight, its input, and the unit's z."""
        at, add, number = self.at, self.drawing.add, self.number
        weight, entering, z = float(at.matrix.values[unit, input]), row(at.x)[input], row(at.output)[unit]
        delta = numbers(self.cotangents[at])[unit]
        first = add("weight", f"w{number}[{unit + 1},{input + 1}]", {}, weight, delta * entering)
        name = f"a{number - 1}[{input + 1}]" if number > 1 else f"x[{input + 1}]"
        second = add("input", name, {}, entering, delta * weight)
        product = add("*", "w·a", {first: entering, second: weight}, weight * entering, delta)
        rest = add("rest", "the other inputs and the bias", {}, z - weight * entering, delta)
        return Shown({unit: add("+", f"z{number}[{unit + 1}]", {product: 1.0, rest: 1.0}, z, delta)}, {unit: entering})

    def above(self) -> Iterator[tuple[Link, bool]]:
        """The links above the weight; True for a block in whose branch it lies."""
        yield from ((link, False) for link in self.network.after(self.at))
        inner = self.at
        while True:
            own, _ = self.network.places[inner]
            around = next((link for link in self.network.flat() if own in (link.branch, link.shortcut)), None)
            if around is None:
                return
            yield around, True
            yield from ((link, False) for link in self.network.after(around))
            inner = around

    def through(self, link: Link, shown: Shown) -> Shown:
        """What a link makes of the units that are shown."""
        if link.role == RESIDUAL:
            branch = shown
            for inner in link.branch:
                branch = self.through(inner, branch)
            past = shown
            for inner in link.shortcut:
                past = self.through(inner, past)
            return self.meet(link, branch, past)
        if link.role == ACTIVATION:
            slopes = link.activation.slope(link.x)[0]
            locals_ = {unit: {node: float(slopes[unit])} for unit, node in shown.nodes.items()}
            moved = {unit: value * slopes[unit] for unit, value in shown.tangent.items()}
            return self.add(link, link.label, f"a{self.number}", locals_, moved)
        letter = "n"
        if link.role == WEIGHTS:
            self.number += 1
            letter = "z"
        matrix = link.matrix.values if link.role == WEIGHTS else jacobian(link)
        moved_all = sum(value * matrix[:, unit] for unit, value in shown.tangent.items())
        moved = dict(enumerate(np.asarray(moved_all).tolist()))
        locals_ = {k: {node: float(matrix[k, unit]) for unit, node in shown.nodes.items()} for k in moved}
        return self.add(link, "linear" if letter == "z" else link.label, f"{letter}{self.number}", locals_, moved)

    def meet(self, link: Link, branch: Shown, past: Shown) -> Shown:
        """The sum at the end of a residual block."""
        units = sorted({*branch.nodes, *past.nodes})
        both = {unit: [part.nodes[unit] for part in (branch, past) if unit in part.nodes] for unit in units}
        moved = {unit: branch.tangent.get(unit, 0.0) + past.tangent.get(unit, 0.0) for unit in units}
        return self.add(link, "+", f"h{self.number}", {unit: dict.fromkeys(both[unit], 1.0) for unit in units}, moved)

    def add(
        self, link: Link, op: str, name: str, locals_: dict[int, dict[int, float]], moved: dict[int, float]
    ) -> Shown:
        """Nodes for the units through which most of the derivative comes."""
        delta, out = numbers(self.cotangents[link]), row(link.output)
        kept = sorted(sorted(moved, key=lambda unit: -abs(moved[unit] * delta[unit]))[: self.most])
        nodes = {
            unit: self.drawing.add(op, f"{name}[{unit + 1}]", locals_[unit], out[unit], delta[unit]) for unit in kept
        }
        return Shown(nodes, {unit: float(moved[unit]) for unit in kept})


def jacobian(link: Link) -> Array:
    """The derivatives of a link's outputs by its inputs, for one sample, of shape (outputs, inputs)."""
    return np.array([numbers(link.pull(Cotangent(one))[0]) for one in np.eye(link.output.size)])


def row(signal: Array) -> list[float]:
    """The numbers of the one sample."""
    return [float(value) for value in signal[0]]


def numbers(cotangent: Cotangent) -> list[float]:
    """A cotangent of one sample as it is."""
    return [float(value) for value in cotangent.numbers().reshape(-1)]
