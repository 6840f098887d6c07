"""Backward through graphs of bare numbers, where a node costs less than anything that could be kept about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Node, Operation, count_edges, refuse_freed, scheduling

try:
    import cython
except ImportError:
    from . import _interpreted as cython

if not cython.compiled:

    def round_to_single(value: float) -> float:
        with np.errstate(over="ignore"):
            return float(np.float32(value))

    # Only compiled code reaches it: interpreted, operations have no number in the C table.
    scalar_vjp: Any = None


def walk_numbers(roots: list[Any], seeds: list[Any], keep: cython.bint) -> Any:
    """As `backward.walk`, for graphs of nothing but bare numbers: the cotangent of a node is a number inside it.

    Returns the leaves and their gradients, or None, and has done nothing, if the graph is another one.
    """
    node: Node
    i: cython.Py_ssize_t
    top: Node | None = None  # of a stack: each node on it knows the one below
    leaves: list[Any] = []
    seen: list[Any] = []
    for node in roots:
        if not node.numbers:
            return None
    with scheduling:
        try:
            refuse_freed(count_edges(roots, seen))
            for node in seen:
                if (not node.numbers and node.op is not None) or node.hooks is not None or node.seen is not None:
                    for node in seen:
                        node.pending = 0
                    return None
                node.cotangent = 0.0
            for i in range(len(roots)):
                top = give(roots[i], seeds[i], top)
            while top is not None:
                node = top
                top = node.below
                node.below = None
                if node.op is None:
                    leaves.append((node, node.cotangent))
                    continue
                op: Operation = node.op
                p: float = node.params[0] if node.params else 0.0
                g: cython.double = node.cotangent
                x: cython.double = node.x_value
                y: cython.double = node.y_value
                out: cython.double = node.out_value
                if node.left is not None:
                    top = give(node.left, scalar_vjp(op.code, 0, g, x, y, out, p), top)
                if node.right is not None:
                    top = give(node.right, scalar_vjp(op.code, 1, g, x, y, out, p), top)
                if not keep:  # as `free`: it holds nothing else
                    node.freed = True
                    node.degree = 0
                    node.left = node.right = None
        except BaseException:
            for node in seen:
                node.pending = 0
                node.below = None
            raise
    return leaves


def give(parent: Node, part: cython.double, top: Node | None) -> Any:
    """Add to a node's cotangent; after the last part it is put on the stack, whose top is returned."""
    parent.cotangent += part
    if parent.single:
        parent.cotangent = round_to_single(parent.cotangent)
    parent.pending -= 1
    if parent.pending > 0:
        return top
    parent.below = top
    return parent
