"""A graph like another one, that keeps stand-ins: to trace the walk back through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.graph import Node, new_node

try:
    import cython
except ImportError:
    from ..engine import _interpreted as cython


def shadow(order: list[Any], edges: Any, traced: Any) -> list[Any]:
    """A graph like this one, which keeps stand-ins."""
    node: Node
    copy: Node
    made: list[Any] = []
    for node in order:
        copy = new_node(node.op, node.params, node.shape, node.single)
        copy.degree = node.degree
        made.append(copy)
        if node.op is None:
            continue
        copy.shapes = node.shapes
        if node.numbers:
            copy.x, copy.y, copy.out = [number_like(next(traced), node.single) for _ in range(3)]
            continue
        copy.x, copy.y, copy.out = [like(kept, traced, node.single) for kept in (node.x, node.y, node.out)]
        if node.rest is not None:
            copy.rest = tuple(
                [None if entry is None else (like(entry[0], traced, node.single), None, 0) for entry in node.rest]
            )
        copy.params = tuple([next(traced) if isinstance(p, np.ndarray) else p for p in node.params])
    at: cython.Py_ssize_t = 0
    for copy in made:
        parents: list[Any] = [None if edges[at + i] < 0 else made[edges[at + i]] for i in range(copy.degree)]
        at += copy.degree
        copy.left = parents[0] if copy.degree > 0 else None
        copy.right = parents[1] if copy.degree > 1 else None
        copy.others = tuple(parents[2:]) if copy.degree > 2 else None
    return made


def like(kept: Any, traced: Any, single: bool) -> Any:
    """The next stand-in, if it is for something that is kept."""
    if kept is None:
        return None
    return number_like(next(traced), single) if isinstance(kept, float) else next(traced)


def number_like(traced: Any, single: bool) -> Any:
    """A bare number, which nodes keep in float64, in its own dtype."""
    return traced.recorder.converted(traced, np.dtype(np.float32)) if single else traced
