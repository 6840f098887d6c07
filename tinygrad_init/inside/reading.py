"""From a graph to what it consists of: its tensors in forward order, their numbers and their names."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.ancestors import Ancestor, inputs_of, value_of
from ..engine.graph import Node, refuse_freed
from ..engine.history import node_of
from ..engine.modes import FLOAT32, FLOAT64, no_grad
from ..engine.places import describe_place
from ..engine.tensor import Tensor, apply


@dataclass(eq=False)
class Vertex:
    """A tensor of a graph while the graph is being read; `node` is None of a constant."""

    node: Node | None
    value: Tensor | None
    own_name: str | None
    inputs: tuple[Vertex, ...] = ()
    name: str = ""
    number: int = 0
    used: list[Vertex] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...] | None:
        return self.node.shape if self.node is not None else None if self.value is None else self.value.shape

    @property
    def dtype(self) -> Any:
        if self.node is not None:
            return FLOAT32 if self.node.single else FLOAT64
        return None if self.value is None else self.value.dtype

    @property
    def parameters(self) -> dict[str, Any]:
        if self.node is None or self.node.op is None:
            return {}
        return dict(zip(self.node.op.param_names, self.node.params, strict=True))

    def place(self) -> tuple[str, str]:
        """Where the code stands that made it, and that line."""
        where = None if self.node is None else self.node.place
        if where is None:
            return "", ""
        told = describe_place(where)
        file, _, rest = told.partition(" in ")[0].rpartition(":")
        return told, linecache.getline(file, int(rest)).strip()


def read(end: Tensor, names: Mapping[str, Tensor] | None = None) -> list[Vertex]:
    """The tensors that lead to one, itself last: each after everything that it was made from.

    Raises
    ------
    RuntimeError
        Backward has freed the graph.
    """
    vertices = in_order(node_of(end))
    last = vertices[-1]
    last.value = end.detach()
    last.own_name = end.name
    for name, tensor in (names or {}).items():
        for vertex in vertices:
            if stands_for(vertex, tensor):
                vertex.own_name = name
    recompute(vertices)
    give_names(vertices)
    return vertices


def in_order(root: Node) -> list[Vertex]:
    """Leaves first and from left to right, as an expression is worked out; without recursion."""
    found: dict[Node, Vertex] = {}
    constants: list[Vertex] = []
    order: list[Vertex] = []
    stack: list[tuple[Node, tuple[Vertex | Node, ...] | None]] = [(root, None)]
    while stack:
        node, parts = stack.pop()
        if node in found:
            continue
        if parts is None:
            parts = ingredients(node, constants)
            stack.append((node, parts))
            stack += [(part, None) for part in reversed(parts) if not isinstance(part, Vertex) and part not in found]
            continue
        vertex = Vertex(node, value_of(node), name_of(node))
        vertex.inputs = tuple(part if isinstance(part, Vertex) else found[part] for part in parts)
        for part in vertex.inputs:
            if part.node is None and not part.used:
                order.append(part)
            part.used.append(vertex)
        found[node] = vertex
        order.append(vertex)
        learn_from_user(vertex)
    for number, vertex in enumerate(order, 1):
        vertex.number = number
    return order


def ingredients(node: Node, constants: list[Vertex]) -> tuple[Vertex | Node, ...]:
    """What an operation was applied to: nodes, and constants, of which one that comes twice is one."""
    refuse_freed(node if node.freed else None)
    parts: list[Vertex | Node] = []
    for i, found in enumerate(inputs_of(node)):
        parent = node.parent(i)
        parts.append(constant(found, constants) if parent is None else parent)
    return tuple(parts)


def constant(found: Any, known: list[Vertex]) -> Vertex:
    """A constant: the one that was met before if name and numbers are the same; bare numbers stand each for itself."""
    value = found.value
    for vertex in known:
        other = vertex.value
        if (
            value is not None
            and other is not None
            and value.ndim
            and vertex.own_name == found.name
            and same(value, other)
        ):
            return vertex
    known.append(Vertex(None, value, found.name))
    return known[-1]


def same(x: Tensor, y: Tensor) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype and x.numpy().tobytes() == y.numpy().tobytes()


def stands_for(vertex: Vertex, tensor: Tensor) -> bool:
    """Whether a vertex is a tensor: by its node or, of constants, which have none, by the numbers."""
    if tensor.requires_grad:
        return vertex.node is node_of(tensor)
    return vertex.node is None and vertex.value is not None and same(vertex.value, tensor)


def name_of(node: Node) -> str | None:
    """What the tensor of a leaf is called."""
    leaf = node.owner() if node.op is None else None
    return None if leaf is None else leaf.name


def learn_from_user(vertex: Vertex) -> None:
    """Values and names of inputs that only the operation which used them has kept."""
    assert vertex.node is not None
    for part, found in zip(vertex.inputs, inputs_of(vertex.node), strict=True):
        if isinstance(found, Ancestor):
            part.value = found.value if part.value is None else part.value
        part.own_name = part.own_name or found.name


def recompute(vertices: list[Vertex]) -> None:
    """Run forward again where everything that went in is known and the result was not kept."""
    with no_grad():
        for vertex in vertices:
            if vertex.value is None and vertex.node is not None and vertex.node.op is not None:
                inputs = tuple(part.value for part in vertex.inputs if part.value is not None)
                if len(inputs) == len(vertex.inputs):
                    vertex.value = apply(vertex.node.op, inputs, vertex.node.params)


def give_names(vertices: list[Vertex]) -> None:
    """Own names, numbered where several tensors share one; bare numbers as they are; x and the place for others."""
    shared: dict[str, list[Vertex]] = {}
    for vertex in vertices:
        if vertex.own_name:
            shared.setdefault(vertex.own_name, []).append(vertex)
    for name, several in shared.items():
        for i, vertex in enumerate(several, 1):
            vertex.name = name if len(several) == 1 else f"{name}_{i}"
    for vertex in vertices:
        if not vertex.name:
            bare = vertex.node is None and vertex.value is not None and vertex.value.ndim == 0
            vertex.name = f"{vertex.value.item():g}" if bare and vertex.value is not None else f"x{vertex.number}"


def values(vertex: Vertex) -> np.ndarray[Any, Any] | None:
    """The numbers of a vertex as an array of its own."""
    return None if vertex.value is None else np.array(vertex.value.numpy())
