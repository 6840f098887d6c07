"""One weight of a network under the microscope: the paths from the loss of one sample back to it.

The nodes are the preactivations z and activations a of the layers above; where a layer has more units than are shown,
those stay through which most of the derivative comes. Every number is that of the whole network: what units that are
not shown contribute is one number beside the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..diagnosis import run as run_chain
from ..diagnosis.chain import ACTIVATION, WEIGHTS, Chain, Cotangent, Link
from ..diagnosis.slopes import derivative
from ..ops.losses import LOSSES
from .frames import Contribution, Microscope, Node
from .measure import Watched
from .shapes import Invalid

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

    Raises
    ------
    Invalid
        There is no such weight or sample, or the network is more than dense layers and activations.
    """
    config, samples = watched.run.config, watched.samples
    if config.normalization != "none" or config.residual:
        raise Invalid("layer", "expected a network without normalization and residual connections")
    if layer >= len(watched.linears):
        raise Invalid("layer", f"expected 0 to {len(watched.linears) - 1}, got {layer}")
    units, inputs = watched.linears[layer].weight.shape
    for name, value, many in (("unit", unit, units), ("input", input, inputs), ("sample", sample, len(samples.x))):
        if value >= many:
            raise Invalid(name, f"expected 0 to {many - 1}, got {value}")
    one = slice(sample, sample + 1)
    chain = run_chain(watched.run.model, samples.x[one], samples.target[one], LOSSES[config.loss])
    return draw(chain, layer, unit, input)


def draw(chain: Chain, layer: int, unit: int, input: int) -> Microscope:
    """The nodes from a weight to the loss."""
    cotangents = chain.backward()
    linears = chain.linears()
    at = linears[layer]
    weight, entering, z = float(at.weight.numpy()[unit, input]), float(at.x.numpy()[0, input]), row(at)[unit]
    delta = numbers(cotangents[at])[unit]
    drawing = Drawing()
    name = f"w{layer + 1}[{unit},{input}]"
    first = drawing.add("weight", name, {}, weight, delta * entering)
    second = drawing.add("input", f"a{layer}[{input}]" if layer else f"x[{input}]", {}, entering, delta * weight)
    product = drawing.add("*", "w·a", {first: entering, second: weight}, weight * entering, delta)
    rest = drawing.add("rest", "the other inputs and the bias", {}, z - weight * entering, delta)
    shown = {unit: drawing.add("+", f"z{layer + 1}[{unit}]", {product: 1.0, rest: 1.0}, z, delta)}
    tangent = {unit: entering}  # by the weight, through the units that are shown
    most = max(1, min(MOST_UNITS, MOST_SHOWN // max(1, len(linears) - layer)))
    links = list(chain.flat())
    number = layer + 1
    for link in links[links.index(at) + 1 :]:
        delta_row, out = numbers(cotangents[link]), row(link)
        if link.kind == ACTIVATION:
            slopes = derivative(link.module, link.x.numpy())[0]
            tangent = {u: t * slopes[u] for u, t in tangent.items()}
            shown = {
                u: drawing.add(link.label, f"a{number}[{u}]", {i: float(slopes[u])}, out[u], delta_row[u])
                for u, i in shown.items()
            }
        elif link.kind == WEIGHTS:
            number += 1
            matrix = link.weight.numpy()
            moved = sum(t * matrix[:, u] for u, t in tangent.items())
            order = np.argsort(-np.abs(np.asarray(moved) * delta_row), kind="stable")[:most]
            kept = sorted(int(u) for u in order)
            tangent = {u: float(np.asarray(moved)[u]) for u in kept}
            shown = {
                k: drawing.add(
                    "linear",
                    f"z{number}[{k}]",
                    {i: float(matrix[k, u]) for u, i in shown.items()},
                    out[k],
                    delta_row[k],
                )
                for k in kept
            }
    start = numbers(chain.start)
    drawing.add("loss", "C", {i: start[u] for u, i in shown.items()}, chain.loss, 1.0)
    return drawing.finish()


def row(link: Link) -> list[float]:
    """What comes out of a link for the one sample."""
    return [float(value) for value in link.out.numpy()[0]]


def numbers(cotangent: Cotangent) -> list[float]:
    """A cotangent of one sample as it is."""
    return [float(value) for value in cotangent.unit.reshape(-1) * 10.0**cotangent.log10]
