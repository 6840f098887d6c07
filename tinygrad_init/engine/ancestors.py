"""`t.parents`: what a result was made from, and what that was made from, back to the leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Node, Operation, refuse_freed
from .history import node_of
from .methods import PROPERTIES
from .modes import FLOAT32, FLOAT64
from .tensor import Tensor, apply, wrap

UNKNOWN = "not kept; build it within tgi.inspecting()"


class Ancestor:
    """A tensor that went into an operation, as far as the graph remembers it.

    Attributes
    ----------
    op
        The operation that made it, None of a constant and of a leaf.
    parents
        What that operation was applied to: leaves as the tensors that they are, others like this one.
    shape, dtype
        None of a constant that was not kept.
    value
        The numbers, as a tensor without a history; None if they were not kept.
    requires_grad
        False of a constant.
    name
        What the tensor is called, or None.
    """

    __slots__ = ("dtype", "name", "node", "shape", "value")

    def __init__(self, node: Node | None, value: Tensor | None) -> None:
        self.node = node
        self.value = value
        self.name: str | None = None if value is None else value.name
        self.shape: tuple[int, ...] | None = None
        self.dtype: np.dtype[Any] | None = None
        if node is not None:
            self.shape, self.dtype = node.shape, FLOAT32 if node.single else FLOAT64
        elif value is not None:
            self.shape, self.dtype = value.shape, value.dtype

    @property
    def op(self) -> Operation | None:
        return None if self.node is None else self.node.op

    @property
    def parents(self) -> tuple[Tensor | Ancestor, ...]:
        return () if self.node is None else inputs_of(self.node)

    @property
    def requires_grad(self) -> bool:
        return self.node is not None

    def __repr__(self) -> str:
        what = "a constant" if self.node is None else "a leaf" if self.op is None else f"result of {self.op.name}"
        shape = "" if self.shape is None else f" of shape {self.shape}"
        return (
            f"<{what}{shape}{f', {self.name!r}' if self.name else ''}: {UNKNOWN if self.value is None else self.value}>"
        )


def inputs_of(node: Node) -> tuple[Tensor | Ancestor, ...]:
    """What the operation of a node was applied to, in order; of a leaf nothing.

    Raises
    ------
    RuntimeError
        Backward has freed the node.
    """
    refuse_freed(node if node.freed else None)
    seen = node.seen[0] if node.seen is not None else (None,) * node.degree
    found: list[Tensor | Ancestor] = []
    for i in range(node.degree):
        parent, value = node.parent(i), seen[i]
        if value is None:
            value = kept_input(node, i)
        if parent is not None and parent.op is None:
            leaf = parent.owner()
            found.append(Ancestor(parent, value) if leaf is None else leaf)
        else:
            found.append(Ancestor(parent, value_of(parent) if parent is not None and value is None else value))
    return tuple(found)


def kept_input(node: Node, i: int) -> Tensor | None:
    """The numbers of input `i`, if the node has kept them for its rules."""
    try:
        kept = node.kept(i)
    except TypeError:  # of a third input and those after it nothing at all was kept
        return None
    return None if kept is None else as_kept(kept, node)


def as_kept(kept: Any, node: Node) -> Tensor:
    """An array, or a bare number, that a node has kept."""
    return wrap(kept.copy()) if isinstance(kept, np.ndarray) else Tensor(kept, FLOAT32 if node.single else FLOAT64)


def value_of(node: Node) -> Tensor | None:
    """The numbers of a node's result, if they were kept."""
    if node.op is None:
        leaf = node.owner()
        return None if leaf is None else leaf.detach()
    if node.seen is not None:
        result: Tensor = node.seen[1]
        return result
    if node.numbers:
        inputs = tuple([Tensor(node.kept(i), FLOAT32 if node.single else FLOAT64) for i in range(node.degree)])
        return apply(node.op, inputs, node.params)
    return None if node.out is None else as_kept(node.out, node)


def parents(tensor: Tensor) -> tuple[Tensor | Ancestor, ...]:
    """What the operation that made a tensor was applied to: constants, too.

    Leaves that still exist come as themselves, everything else as an `Ancestor`. Numbers are known if the graph was
    made within `inspecting()`, or as far as derivative rules need them.

    Raises
    ------
    RuntimeError
        Backward has freed the graph; `retain_graph=True` keeps it, and `inspecting()` does.
    """
    node = node_of(tensor)
    return () if node is None else inputs_of(node)


PROPERTIES.update(parents=parents, value=lambda tensor: tensor.detach())
