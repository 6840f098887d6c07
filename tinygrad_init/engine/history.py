"""Looking back: by which operations one tensor came from others."""

from __future__ import annotations

from typing import Any

from .graph import Node
from .tensor import Tensor

__all__ = ["node_of", "origin"]


def node_of(tensor: Tensor) -> Any:
    """What stands for a tensor in the graph; None of a constant."""
    return tensor._node


def origin(node: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """The operation that made a node, its parameters, and the nodes of what went in.

    The operation of a leaf is None; so is the node of a constant.
    """
    here: Node = node
    if here.op is None:
        return None, (), ()
    return here.op, here.params, tuple([here.parent(i) for i in range(here.op.arity)])
