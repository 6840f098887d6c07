"""Backward: from the cotangent of a result to the cotangents of everything it was made from."""

from __future__ import annotations

from typing import Any

import numpy as np

from .bound import BOUND
from .graph import NEEDS, OUT, PARAM, SHAPE, SHAPES, Memory, Node, Operation, refuse_freed, schedule
from .hooks import refuse_not_finite, run_hooks
from .modes import lock_across_forks, mode
from .numbers import walk_numbers
from .places import describe_place
from .storage import Storage  # noqa: F401 (named in the .pxd)
from .tensor import Tensor, blank, number, wrap

try:
    import cython
except ImportError:
    from . import _interpreted as cython

bound = BOUND

# Two threads that add to one `.grad` must not lose either's part.
_delivering = lock_across_forks()

if not cython.compiled:
    from .modes import hear_signals

    def same_array_shape(kept: Any, array: Any) -> bool:
        return isinstance(kept, np.ndarray) and bool(kept.shape == array.shape)

    # Only compiled code reaches these: interpreted, operations have no number in the C table.
    scalar_vjp: Any = None
    unary_vjp_kernel: Any = None
    binary_vjp_kernel: Any = None
    add_into_kernel: Any = None


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
    node: Node
    for output in outputs:
        if output._node is None:
            raise RuntimeError("backward: the tensor does not depend on anything that requires grad")
        roots.append(output._node)
    seeds = [seed(output, gradient, create_graph) for output, gradient in zip(outputs, gradients, strict=True)]
    if inputs is None and not create_graph and (mode.unusual == 0 or (mode.trace is None and not mode.anomaly)):
        leaves = walk_numbers(roots, start_values(seeds), retain_graph)
        if leaves is not None:
            for node, value in leaves:
                deliver(node, number(value, node.single))
            return []
    order, edges, root_slots, freed = schedule(roots)
    refuse_freed(freed)
    if cython.compiled and inputs is None and not create_graph and mode.unusual == 0:
        found = bound.replay(order, edges, root_slots, seeds, tuple([g is not None for g in gradients]))
        if found is not None:
            hand_over(order, found, retain_graph)
            return []
    restricted: bool = inputs is not None
    results: list[Any] = [] if inputs is None else [None] * len(inputs)
    wanted: dict[Any, list[int]] = {}
    if inputs is not None:
        for i, output in enumerate(inputs):
            if output._node is None:
                raise RuntimeError(f"grad: input {i} does not require grad")
            wanted.setdefault(output._node, []).append(i)
    asked = asked_for(wanted, order, edges) if restricted else bytearray(b"\1") * len(order)
    mode.enter("grad", create_graph)
    try:
        walk(order, edges, asked, [root_slots, seeds], wanted, results, retain_graph or create_graph)
    finally:
        mode.leave()
    return results


def hand_over(order: list[Any], gradients: list[Any], keep: cython.bint) -> None:
    """Deliver the gradients of the leaves of a graph that was walked some other way, and free it."""
    node: Node
    i: cython.Py_ssize_t = 0
    with _delivering:  # once, and not for each leaf again
        for node in order:
            if node.op is None:
                deliver(node, gradients[i])
                i += 1
            elif not keep:
                node.free()


def start_values(seeds: list[Any]) -> list[Any]:
    """The seeds as numbers, for a graph of such; of others they mean nothing."""
    found: list[Any] = []
    seed: Tensor
    for seed in seeds:
        found.append(seed._value)
    return found


def walk(
    order: list[Any],
    edges: Any,
    asked: bytearray,
    start: list[Any],
    wanted: dict[Any, list[int]],
    results: list[Any],
    keep: cython.bint,
) -> None:
    """Visit each node once, after everything that uses it, and hand its cotangent on to its parents."""
    node: Node
    op: Operation
    part: Tensor
    edge: cython.Py_ssize_t = 0
    slot: cython.Py_ssize_t
    target: cython.Py_ssize_t
    i: cython.Py_ssize_t
    degree: cython.Py_ssize_t
    recording: cython.bint = mode.grad
    trace: Any = mode.trace
    careful: cython.bint = mode.unusual != 0 and trace is None and mode.anomaly
    places: cython.longlong[:] = edges
    cotangents: list[Any] = [None] * len(order)
    sums: bytearray = bytearray(len(order))  # 1: the cotangent was made here and nobody else holds it
    for slot, found in zip(*start, strict=True):
        cotangents[slot] = accumulate(cotangents[slot], found, sums, slot, False, recording)
    for slot in range(len(order)):
        hear_signals(slot)
        node = order[slot]
        found = cotangents[slot]
        order[slot] = cotangents[slot] = None
        if node.freed:
            raise RuntimeError("backward: another backward, in another thread, has freed this graph in the meantime")
        degree = node.degree
        if found is not None:
            g: Tensor = found
            op = node.op
            if node.hooks is not None:
                g = run_hooks(node.hooks, g)
            if wanted and node in wanted:
                if op is not None or len(wanted[node]) > 1:
                    g._shared = True  # the walk goes on with it, or it is asked for twice
                for i in wanted[node]:
                    results[i] = exclusive(g)
            elif op is None and asked[slot] & 1:
                deliver(node, g)
            if op is not None and asked[slot] & 1:
                if node.x_memory is not None or node.y_memory is not None or node.rest is not None:
                    check_memories(op, node)
                if not recording and trace is None and not careful and has_kernel(op, node, g):
                    for i in range(degree):
                        target = places[edge + i]
                        if target >= 0 and asked[target] != 0:
                            part = by_kernel(op, node, i, g)
                            fresh: cython.bint = part is not g
                            if part._dims() != node.parent(i).shape:
                                part = fit(op, i, part, node.parent(i))
                            cotangents[target] = accumulate(cotangents[target], part, sums, target, fresh, recording)
                else:
                    needs: list[Any] = [places[i] >= 0 and asked[places[i]] != 0 for i in range(edge, edge + degree)]
                    parts: list[Any] = pull_back(op, node, g, needs)
                    if careful:
                        refuse_not_finite(node, g, parts)
                    for i in range(degree):
                        if parts[i] is not None and needs[i]:
                            target = places[edge + i]
                            part = fit(op, i, parts[i], node.parent(i))
                            cotangents[target] = accumulate(cotangents[target], part, sums, target, False, recording)
                if not keep and node.seen is None:
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
        for _ in range(node.degree):
            edge -= 1
            if edges[edge] >= 0 and asked[edges[edge]] != 0:
                asked[slot] |= 1
    return asked


def pull_back(op: Operation, node: Node, g: Tensor, asked: list[Any]) -> list[Any]:
    """The cotangents of the node's inputs, None where none is asked for.

    A rule that hands on the cotangent it got, or the same tensor twice, leaves two owners of one array: marked shared.
    """
    trace = mode.trace
    if trace is not None and not mode.grad:
        quick = trace.pull_back(op, node, g, asked)
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
            if part is g or any([part is other for other in parts[:i]]):  # noqa: C419 (no closure: it is compiled)
                part._shared = True
    return parts


def has_kernel(op: Operation, node: Node, g: Tensor) -> bool:
    """Whether the C table can pull back through the node: what its derivative reads must have the result's shape."""
    if op.code < 0:
        return False
    if g._array is None:
        return node.numbers
    if node.degree == 1:
        return True
    mask: cython.long = (0 if node.left is None else op.x_mask) | (0 if node.right is None else op.y_mask)
    return (not mask & 1 or same_array_shape(node.x, g._array)) and (not mask & 2 or same_array_shape(node.y, g._array))


def by_kernel(op: Operation, node: Node, i: cython.int, g: Tensor) -> Tensor:
    """The cotangent of input `i`, in one pass of a kernel; `g` itself where it is the same."""
    out: Tensor
    p: float = node.params[0] if node.params else 0.0
    if g._array is None:
        return number(
            scalar_vjp(op.code, i, g._value, node.x_value, node.y_value, node.out_value, p),
            g._single,
        )
    if op is bound.add or (op is bound.sub and i == 0):
        g._shared = True
        return g
    out = blank(g._single)
    out._shape = g._shape
    if node.degree == 1:
        kept: Any = node.x if node.x is not None else node.out
        out._array = unary_vjp_kernel(op.code, g._array, g._array if kept is None else kept, p)
    else:
        out._array = binary_vjp_kernel(op.code, i, g._array, node.x, node.y, node.out)
    return out


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


def unpack(node: Node, i: cython.int) -> Tensor:
    """What the node saved of input `i` (-1: of its result), with its history if backward itself is being recorded."""
    kept: Any = (node.out_value if node.numbers else node.out) if i < 0 else node.kept(i)
    out: Tensor = blank(node.single)
    if isinstance(kept, float):
        out._value = kept
    else:
        out._array = kept
    out._shared = True
    if mode.grad:
        out._node = node if i < 0 else node.parent(i)
        out._memory = None if i < 0 else node.x_memory if i == 0 else node.y_memory if i == 1 else node.rest[i - 2][1]
    return out


def check_memories(op: Operation, node: Node) -> None:
    """Refuse to differentiate with numbers that are no longer those of the forward pass."""
    check_memory(op, node, 0, node.x_memory, node.x_version)
    check_memory(op, node, 1, node.y_memory, node.y_version)
    if node.rest is not None:
        for i, entry in enumerate(node.rest):
            if entry is not None:
                check_memory(op, node, i + 2, entry[1], entry[2])


def check_memory(op: Operation, node: Node, i: cython.int, memory: Memory | None, version: cython.Py_ssize_t) -> None:
    """The same for one input."""
    if memory is not None and memory.version != version:
        name = f"tensor {memory.label!r}" if memory.label else "an unnamed tensor"
        raise RuntimeError(
            f"backward of {op.name}: input {i} ({name}, shape {node.kept(i).shape}) was changed in place after "
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
    return bound.sum_to(part, parent.shape)


def accumulate(
    total: Any, g: Tensor, sums: bytearray, slot: cython.Py_ssize_t, fresh: cython.bint, recording: cython.bint
) -> Tensor:
    """Add a cotangent to what has come so far, in place where that was made here and nobody else holds it."""
    if total is None:
        if fresh:
            sums[slot] = 1
        return g
    held: Tensor = total
    if sums[slot] == 0 or held._array is None or recording or (mode.unusual != 0 and mode.trace is not None):
        sums[slot] = 1
        return bound.add(held, g)
    if cython.compiled and same_array_shape(held._array, g._array):
        add_into_kernel(held._array, g._array)
    else:
        with np.errstate(all="ignore"):
            np.add(held._array, g._array, out=held._array)
    return held


def exclusive(g: Tensor) -> Tensor:
    """A gradient whose array nobody else holds, to be given away.

    One that is part of a graph needs no copy: it cannot change or, as an alias of a leaf, is copied before it does.
    """
    if mode.trace is not None:
        return g
    if g._node is None and g._array is not None and (g._shared or g._array.base is not None):
        return wrap(np.array(g._array))
    return g


def deliver(node: Node, g: Tensor) -> None:
    """Add a gradient to the `.grad` of the leaf's tensor, if that is still there."""
    found = node.owner()
    if found is not None:
        tensor: Tensor = found
        trace = mode.trace
        if trace is not None:
            before: Any = trace.gradient(tensor)
            trace.changes_gradient(tensor)
            tensor._grad = g if before is None else bound.add(before, g)
            return
        with _delivering:
            tensor._grad = exclusive(g) if tensor._grad is None else bound.add(tensor._grad, g)


def seed(output: Tensor, gradient: Any, create_graph: bool) -> Tensor:
    """The cotangent to start from: an alias, so that nothing that happens to it happens to the caller's tensor."""
    if gradient is None:
        if output._array is None:
            return number(1.0, output._single)
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
    if mode.trace is not None:
        alias._array = mode.trace.operand(given)
    return alias
