"""Looking back: by which operations one tensor came from another."""

from __future__ import annotations

from typing import Any

from .graph import Node
from .tensor import Tensor

__all__ = ["between"]


def between(start: Tensor, end: Tensor) -> list[tuple[Any, tuple[Any, ...]]] | None:
    """The operations that lead from one tensor to another, each with its parameters, first to last.

    None if there is no such way, or if an operation on it has more than one input.
    """
    first: Node = start._node
    node: Node = end._node
    found: list[tuple[Any, tuple[Any, ...]]] = []
    while node is not first:
        if node is None or node.op is None or node.op.arity != 1:
            return None
        found.append((node.op, node.params))
        node = node.left
    return found[::-1]
