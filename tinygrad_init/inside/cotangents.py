"""What backward computes, looked at while it computes it: the cotangent of every tensor on the way.

It is the engine's own walk, so the numbers are those of `backward`, to the last bit (of graphs of bare numbers, which
`backward` walks by a shorter way, a zero may have the other sign). No `.grad` is left changed and the graph is kept.
Hooks that are there run as they would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.backward import differentiate
from ..engine.graph import OUT, Node, Operation
from ..engine.modes import enable_grad
from ..engine.tensor import Tensor, apply
from .reading import Vertex
from .steps import Array

_looking = threading.Lock()  # a node has one place for hooks


def cotangents(end: Tensor, gradient: Any, vertices: Sequence[Vertex]) -> dict[Node, Array]:
    """The cotangent of every node that backward from `end` comes to.

    Raises
    ------
    RuntimeError
        The graph was freed, or numbers that it kept were changed in place.
    """
    nodes = [vertex.node for vertex in vertices if vertex.node is not None]
    found: dict[Node, Array] = {}
    leaves = [node.owner() for node in nodes if node.op is None]
    alive = [leaf for leaf in leaves if leaf is not None]
    with _looking:
        before = [(node, node.hooks) for node in nodes]
        gradients = [(leaf, leaf.grad) for leaf in alive]
        try:
            for node, hooks in before:
                others = {} if hooks is None else {key: hook for key, hook in hooks.items() if key != "retain_grad"}
                node.hooks = {**others, "tape": noting(found, node)}
            # A leaf that is gone can be asked for nothing: then backward goes to all of them, and `.grad` is put back.
            differentiate([end], [gradient], alive if len(alive) == len(leaves) else None, True, False)
        finally:
            for node, hooks in before:
                node.hooks = hooks
            if len(alive) < len(leaves):
                for leaf, gradient in gradients:
                    leaf.grad = gradient
    return found


def noting(found: dict[Node, Array], node: Node) -> Callable[[Tensor], None]:
    """A hook that writes down what comes to a node."""

    def note(g: Tensor) -> None:
        found[node] = np.array(g.numpy())

    return note


def pulled(
    op: Operation, params: tuple[Any, ...], inputs: Sequence[Tensor], needs: Sequence[bool], g: Array
) -> list[Any]:
    """What goes back to each input of one application of an operation: the operation is applied again, by itself."""
    leaves = [Tensor(x, x.dtype, requires_grad=need) for x, need in zip(inputs, needs, strict=True)]
    with enable_grad():
        out = apply(op, tuple(leaves), params)
    asked = [leaf for leaf in leaves if leaf.requires_grad]
    parts = iter(differentiate([out], [Tensor(g, out.dtype)], asked, False, False) if asked else [])
    return [next(parts) if need else None for need in needs]


def operands(
    op: Operation, i: int, values: Sequence[Tensor | None], shapes: Sequence[Any], out: tuple[int, ...], dtype: Any
) -> list[Tensor] | None:
    """What to apply an operation to again for the rule of input `i`: zeros for what is not known and not read either.

    None if something is read that is not known.
    """
    reads = op.plans[0] if op.joint else op.plans[i]
    unknown = [k for k, value in enumerate(values) if value is None]
    if unknown and (OUT in reads or any(k in reads for k in unknown)):
        return None
    if any(shapes[k] is None for k in unknown) and not op.broadcasts:
        return None
    return [
        Tensor(np.zeros(out if shape is None else shape), dtype) if value is None else value
        for value, shape in zip(values, shapes, strict=True)
    ]


def handed(vertex: Vertex, g: Array | None, found: dict[Node, Array]) -> tuple[Array | None, ...]:
    """What goes back from a result to each input; None for constants and where it cannot be known."""
    node, shape = vertex.node, vertex.shape
    if g is None or node is None or node.op is None or shape is None:
        return (None,) * len(vertex.inputs)
    values, shapes = [part.value for part in vertex.inputs], [part.shape for part in vertex.inputs]
    parts: list[Array | None] = []
    for i, part in enumerate(vertex.inputs):
        if part.node is None:
            parts.append(None)
        elif (inputs := operands(node.op, i, values, shapes, shape, vertex.dtype)) is not None:
            back = pulled(node.op, node.params, inputs, [k == i for k in range(len(inputs))], g)[i]
            parts.append(None if back is None else np.array(back.numpy()))
        else:  # where nobody else uses an input, all that came to it came from here
            parts.append(found.get(part.node) if len(part.used) == 1 else None)
    return tuple(parts)
