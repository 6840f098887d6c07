"""Backward: from the cotangent of a result to the cotangents of everything it was made from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .graph import NEEDS, OUT, PARAM, SHAPE, SHAPES, Memory, Node, Operation, describe_place, schedule
from .modes import mode
from .tensor import Tensor, above, blank, number, wrap

try:
    import cython
except ImportError:
    from . import _interpreted as cython

# Two threads that add to one `.grad` must not lose either's part.
_delivering = threading.Lock()

if not cython.compiled:
    # Only compiled code reaches these: interpreted, operations have no number in the C table.
    scalar_vjp: Any = None
    unary_vjp_kernel: Any = None


def differentiate(
    outputs: list[Any],
    gradients: list[Any],
    inputs: list[Any] | None,
    retain_graph: bool,
    create_graph: bool,
) -> list[Any]:
    """Pull cotangents of `outputs` back; leave them in the leaves' `.grad`, or return those of `inputs`.

    With `inputs`, only the nodes between them and the outputs are visited and no `.grad` is touched.
    """
    roots: list[Any] = []
    output: Tensor
    for output in outputs:
        if output._node is None:
            raise RuntimeError("backward: the tensor does not depend on anything that requires grad")
        roots.append(output._node)
    seeds = [seed(output, gradient, create_graph) for output, gradient in zip(outputs, gradients, strict=True)]
    order, edges, root_slots, freed = schedule(roots)
    if freed is not None:
        raise RuntimeError(
            f"backward: the graph was freed by an earlier backward (met at {freed.op.name}); "
            "pass retain_graph=True to the first one to go through it again"
        )
    restricted: bool = inputs is not None
    results: list[Any] = [] if inputs is None else [None] * len(inputs)
    wanted: dict[Any, list[int]] = {}
    if inputs is not None:
        for i, output in enumerate(inputs):
            if output._node is None:
                raise RuntimeError(f"grad: input {i} does not require grad")
            wanted.setdefault(output._node, []).append(i)
    asked = asked_for(wanted, order, edges) if restricted else bytearray(b"\1") * len(order)
    recording: bool = mode.grad
    mode.grad = create_graph
    try:
        walk(order, edges, asked, [root_slots, seeds], wanted, results, retain_graph or create_graph)
    finally:
        mode.grad = recording
    return results


def walk(
    order: list[Any],
    edges: Any,
    asked: Any,
    start: list[Any],
    wanted: dict[Any, list[int]],
    results: list[Any],
    keep: bool,
) -> None:
    """Visit each node once, after everything that uses it, and hand its cotangent on to its parents."""
    node: Node
    op: Operation
    edge: cython.Py_ssize_t = 0
    slot: cython.Py_ssize_t
    target: cython.Py_ssize_t
    i: cython.Py_ssize_t
    degree: cython.Py_ssize_t
    cotangents: list[Any] = [None] * len(order)
    sums = bytearray(len(order))  # 1: the cotangent is a sum that was made here and that nobody else holds
    for slot, found in zip(*start, strict=True):
        cotangents[slot] = accumulate(cotangents[slot], found, sums, slot)
    for slot in range(len(order)):
        node = order[slot]
        found = cotangents[slot]
        order[slot] = cotangents[slot] = None
        if node.parents is None:
            raise RuntimeError("backward: another backward, in another thread, has freed this graph in the meantime")
        degree = len(node.parents)
        if found is not None:
            g: Tensor = found
            op = node.op
            if node in wanted:
                if op is not None or len(wanted[node]) > 1:
                    g._shared = True  # the walk goes on with it, or it is asked for twice
                for i in wanted[node]:
                    results[i] = exclusive(g)
            elif op is None and asked[slot] & 1:
                deliver(node, g)
            if op is not None and asked[slot] & 1:
                needs: list[Any] = [edges[i] >= 0 and asked[edges[i]] != 0 for i in range(edge, edge + degree)]
                parts: list[Any] = pull_back(op, node, g, needs)
                for i in range(degree):
                    if parts[i] is not None and needs[i]:
                        target = edges[edge + i]
                        part = fit(op, i, parts[i], node.parents[i])
                        cotangents[target] = accumulate(cotangents[target], part, sums, target)
                if not keep:
                    node.free()
        edge += degree


def asked_for(wanted: dict[Any, list[int]], order: list[Any], edges: Any) -> bytearray:
    """For each node of the order: bit 0 if a way to a wanted node leads through its parents, bit 1 if it is wanted."""
    node: Node
    edge: cython.Py_ssize_t = len(edges)
    slot: cython.Py_ssize_t
    asked = bytearray(len(order))
    for slot in range(len(order) - 1, -1, -1):
        node = order[slot]
        if node in wanted:
            asked[slot] |= 2
        for _ in range(len(node.parents)):
            edge -= 1
            if edges[edge] >= 0 and asked[edges[edge]] != 0:
                asked[slot] |= 1
    return asked


def pull_back(op: Operation, node: Node, g: Tensor, asked: list[Any]) -> list[Any]:
    """The cotangents of the node's inputs, None where none is asked for.

    A rule that hands on the cotangent it got, or the same tensor twice, leaves two owners of one array: marked shared.
    """
    if node.memories is not None:
        check_memories(op, node)
    if op.code >= 0 and not mode.grad:
        quick = pull_back_by_kernel(op, node, g, asked)
        if quick is not None:
            return quick
    if op.joint:
        parts: list[Any] = list(op.rules[0](*[fetch(node, what, g, asked) for what in op.plans[0]]))
        if len(parts) != len(asked):
            raise RuntimeError(f"the rule of {op.name} returned {len(parts)} cotangents for {len(asked)} inputs")
    else:
        parts = [
            op.rules[i](*[fetch(node, what, g, asked) for what in op.plans[i]])
            if asked[i] and op.rules[i] is not None
            else None
            for i in range(len(asked))
        ]
    part: Tensor
    for i, found in enumerate(parts):
        if found is not None:
            if not isinstance(found, Tensor):
                raise TypeError(f"the rule of {op.name} for input {i} returned {type(found).__name__}, not a tensor")
            part = found
            if part is g or any(part is other for other in parts[:i]):
                part._shared = True
    return parts


def pull_back_by_kernel(op: Operation, node: Node, g: Tensor, asked: list[Any]) -> list[Any] | None:
    """The same for an elementwise function of the C table, in one pass; None where the rules must do it."""
    p: float = node.params[0] if node.params else 0.0
    kept: Any
    if g._array is None:
        x: float = 0.0 if node.saved is None or node.saved[0] is None else node.saved[0]
        y: float = 0.0 if node.saved is None or node.saved[-1] is None else node.saved[-1]
        out: float = 0.0 if node.out is None else node.out
        first: float = scalar_vjp(op.code, 0, g._value, x, y, out, p) if asked[0] else 0.0
        if len(asked) == 1:
            return [number(first, g._single)]
        second: float = scalar_vjp(op.code, 1, g._value, x, y, out, p) if asked[1] else 0.0
        return [number(first, g._single) if asked[0] else None, number(second, g._single) if asked[1] else None]
    if len(asked) != 1:
        return None
    kept = node.saved[0] if node.saved is not None else node.out
    if kept is None:
        return None
    return [wrap(unary_vjp_kernel(op.code, g._array, kept, p))]


def fetch(node: Node, what: cython.int, g: Tensor, asked: list[Any]) -> Any:
    """One argument of a rule, as its plan says."""
    if what == -1:
        return g
    if what < OUT:
        return unpack(node, what)
    if what == OUT:
        return unpack(node, -1)
    if what == NEEDS:
        return tuple(asked)
    if what == SHAPES:
        return node.shapes
    if what < SHAPE:
        return node.params[what - PARAM]
    return node.shapes[what - SHAPE]


def unpack(node: Node, i: cython.Py_ssize_t) -> Tensor:
    """What the node saved of input `i` (-1: of its result), with its history if backward itself is being recorded."""
    kept = node.out if i < 0 else node.saved[i]
    out: Tensor = blank(node.single)
    if isinstance(kept, float):
        out._value = kept
    else:
        out._array = kept
    out._shared = True
    if mode.grad:
        out._node = node if i < 0 else node.parents[i]
        if node.memories is not None:
            for j, memory, _ in node.memories:
                if j == i:
                    out._memory = memory
    return out


def check_memories(op: Operation, node: Node) -> None:
    """Refuse to differentiate with numbers that are no longer those of the forward pass."""
    memory: Memory
    for i, memory, version in node.memories:
        if memory.version != version:
            name = f"tensor {memory.label!r}" if memory.label else "an unnamed tensor"
            raise RuntimeError(
                f"backward of {op.name}: input {i} ({name}, shape {node.saved[i].shape}) was changed in place after "
                f"{op.name} saved it at {describe_place(node.place)}; "
                "run the forward pass again, or change the tensor after backward"
            )


def fit(op: Operation, i: cython.Py_ssize_t, part: Tensor, parent: Node) -> Tensor:
    """A cotangent in the shape and dtype of what it belongs to: a stretched operand's is summed back."""
    if part._single != parent.single:
        raise TypeError(f"the rule of {op.name} for input {i} returned {part.dtype}; expected the input's own dtype")
    if part.shape == parent.shape:
        return part
    if not op.broadcasts:
        raise ValueError(f"the rule of {op.name} for input {i} returned shape {part.shape}; expected {parent.shape}")
    return above["sum_to"](part, parent.shape)


def accumulate(total: Any, g: Tensor, sums: Any, slot: cython.Py_ssize_t) -> Tensor:
    """Add a cotangent to what has come so far; the third and later ones in place, into a sum that only we hold."""
    if total is None:
        return g
    held: Tensor = total
    if sums[slot] == 0 or mode.grad or held._array is None:
        sums[slot] = 1
        return above["add"](held, g)
    np.add(held._array, g._array, out=held._array)
    return held


def exclusive(g: Tensor) -> Tensor:
    """A gradient whose array nobody else holds, to be given away.

    One that is part of a graph needs no copy: it cannot change or, as an alias of a leaf, is copied before it does.
    """
    if g._node is None and g._array is not None and (g._shared or g._array.base is not None):
        return wrap(np.array(g._array))
    return g


def deliver(node: Node, g: Tensor) -> None:
    """Add a gradient to the `.grad` of the leaf's tensor, if that is still there."""
    found = node.owner()
    if found is not None:
        tensor: Tensor = found
        with _delivering:
            tensor._grad = exclusive(g) if tensor._grad is None else above["add"](tensor._grad, g)


def seed(output: Tensor, gradient: Any, create_graph: bool) -> Tensor:
    """The cotangent to start from: an alias, so that nothing that happens to it happens to the caller's tensor."""
    if gradient is None:
        if output.size != 1:
            raise RuntimeError(
                f"backward: a tensor of shape {output.shape} needs a gradient of that shape; "
                "only a tensor with one element starts from 1 by itself"
            )
        return wrap(np.ones(output.shape, output.dtype))
    given: Tensor = gradient if isinstance(gradient, Tensor) else Tensor(gradient, output.dtype)
    if given.shape != output.shape or given._single != output._single:
        raise ValueError(
            f"backward: expected a gradient of shape {output.shape} and {output.dtype}, "
            f"got shape {given.shape} and {given.dtype}"
        )
    alias: Tensor = blank(given._single)
    alias._array = given._array
    alias._value = given._value
    alias._memory = given._memory
    alias._node = given._node if create_graph else None
    alias._shared = True
    return alias


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    create_graph: bool = False,
    *,
    gradients: Any = None,
    retain_graph: bool = False,
) -> Any:
    """The derivatives of (the sum of) `outputs` by `inputs`, without touching any `.grad`.

    Parameters
    ----------
    outputs
        One tensor or several.
    inputs
        One tensor or several, leaves or results of operations.
    create_graph, retain_graph
        As in `Tensor.backward`.
    gradients
        The cotangents to start from, one an output; an output with one element starts from 1 by itself.

    Returns
    -------
    Tensor or list of Tensor
        In the shape of `inputs`. An input that the outputs do not depend on gets zeros.
    """
    ends: list[Any] = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    starts: list[Any] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    seeds: list[Any] = (
        [None] * len(ends) if gradients is None else [gradients] if isinstance(outputs, Tensor) else list(gradients)
    )
    for kind, tensors in (("outputs", ends), ("inputs", starts)):
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"grad: expected {kind} to be tensors, got {type(tensor).__name__}")
    if len(seeds) != len(ends):
        raise ValueError(f"grad: expected {len(ends)} gradients, one an output, got {len(seeds)}")
    found = differentiate(ends, seeds, starts, retain_graph, create_graph)
    filled = [wrap(np.zeros(x.shape, x.dtype)) if d is None else d for x, d in zip(starts, found, strict=True)]
    return filled[0] if isinstance(inputs, Tensor) else filled
