"""What applying an operation leaves behind: a node that keeps what the rules will ask for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import INPUT_BITS, OUT_BIT, SHAPES_BIT, Memory, Node, Operation, new_node
from .modes import mode
from .places import place_in_user_code
from .storage import Storage, memory_of

try:
    import cython
except ImportError:
    from . import _interpreted as cython


def record_elementwise(op: Operation, x: Storage, y: Storage | None, params: tuple[Any, ...], out: Storage) -> None:
    """Leave a node for an operation of the C table: as `record`, for one or two inputs."""
    node: Node = new_node(op, params, out._dims(), out._single)
    node.left = x._node
    node.degree = 1
    mask: cython.long = 0 if x._node is None else op.x_mask
    if y is not None:
        node.right = y._node
        node.degree = 2
        if y._node is not None:
            mask |= op.y_mask
    if out._array is None:
        node.numbers = True
        node.x_value = x._value
        node.out_value = out._value
        if y is not None:
            node.y_value = y._value
    else:
        if mask & OUT_BIT:
            node.out = out._array
        if mask & 1:
            keep(op, node, 0, x, x._value if x._array is None else x._array)
        if mask & 2 and y is not None:
            keep(op, node, 1, y, y._value if y._array is None else y._array)
    out._node = node
    if mode.unusual != 0:
        look(node, (x,) if y is None else (x, y), out)


def look(node: Node, inputs: tuple[Any, ...], out: Storage) -> None:
    """Keep for those who look for faults the line of code, and for those who look into graphs all numbers as well."""
    if mode.trace is None and (mode.inspecting or mode.anomaly):
        node.place = place_in_user_code()
        if mode.inspecting:
            node.seen = tuple([snapshot(x) for x in inputs]), snapshot(out), node.place


def snapshot(tensor: Storage) -> Any:
    """The numbers as they are now."""
    made: Storage = tensor.detach()  # type: ignore[attr-defined]
    if made._array is not None:
        made._array = made._array.copy()
    made._memory = None
    made._shared = False
    return made


def keep(op: Operation, node: Node, i: cython.int, x: Storage, array: Any) -> None:
    """Save an input, and which state of its memory it was if that may change."""
    memory: Memory | None = None if x._array is None else memory_of(x)
    if i == 0:
        node.x = array
        node.x_memory = memory
    elif i == 1:
        node.y = array
        node.y_memory = memory
    else:
        version: cython.Py_ssize_t = 0 if memory is None else memory.version
        node.rest = (*node.rest[: i - 2], (array, memory, version), *node.rest[i - 1 :])
    if memory is not None:
        if i == 0:
            node.x_version = memory.version
        elif i == 1:
            node.y_version = memory.version
        if node.place is None:
            node.place = place_in_user_code()


def record(op: Operation, inputs: tuple[Any, ...], params: tuple[Any, ...], out: Storage, arrays: list[Any]) -> None:
    """Leave a node that keeps what the rules of the inputs that require a gradient ask for, and nothing else."""
    x: Storage
    mask: cython.long = 0
    i: cython.Py_ssize_t
    node: Node = new_node(op, params, out._dims(), out._single)
    node.degree = len(inputs)
    for i in range(len(inputs)):
        x = inputs[i]
        if x._node is not None:
            mask |= op.masks[0] if op.joint else op.masks[i]
    x = inputs[0]
    node.left = x._node
    if len(inputs) > 1:
        x = inputs[1]
        node.right = x._node
    if len(inputs) > 2:
        others: list[Any] = []
        for x in inputs[2:]:
            others.append(x._node)
        node.others = tuple(others)
        node.rest = (None,) * len(others)
    if mask & OUT_BIT:
        node.out = out._value if out._array is None else out._array
    if mask & SHAPES_BIT:
        node.shapes = tuple([x.shape for x in inputs])
    for i in range(len(inputs)):
        if mask & INPUT_BITS & (1 << i):
            x = inputs[i]
            keep(op, node, i, x, x._value if x._array is None and isinstance(arrays[i], np.ndarray) else arrays[i])
    out._node = node
    if mode.unusual != 0:
        look(node, inputs, out)
