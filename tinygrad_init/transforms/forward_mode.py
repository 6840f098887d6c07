"""Forward mode: tangents pushed along the graph of a function, from what goes in to what comes out.

Backward has a rule for each operation that maps a cotangent of its result to cotangents of its inputs: ḡ ↦ Jᵀ ḡ. It is
linear in ḡ and made of operations, so that its own derivative by ḡ is the other direction: J t = ∂⟨Jᵀ ḡ, t⟩/∂ḡ
(Townsend, "A new trick for calculating Jacobian vector products", 2017; here one operation at a time, so that a pass
forward costs as much as a pass back). Of elementwise operations J is diagonal, and their rule does both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.backward import pull_back
from ..engine.gradients import grad
from ..engine.graph import refuse_freed, schedule
from ..engine.history import node_of
from ..engine.modes import enable_grad, is_grad_enabled
from ..engine.tensor import Tensor, wrap
from .variables import Variables, one_or_all


def push(outputs: list[Any], tangents: dict[Any, Tensor]) -> list[Tensor]:
    """The tangents of outputs, given those of nodes that they depend on.

    Parameters
    ----------
    outputs
        Tensors.
    tangents
        By node, of the node's shape.

    Returns
    -------
    list of Tensor
        One for each output, of its shape; zeros where it depends on none of the nodes.
    """
    roots = [node for node in map(node_of, outputs) if node is not None]
    found: dict[Any, Any] = dict(tangents)
    if roots:
        order, _, _, freed = schedule(roots)
        refuse_freed(freed)
        for node in reversed(order):
            if node.op is None or node in found:
                continue
            incoming = [found.get(node.parent(i)) for i in range(node.degree)]
            if any(t is not None for t in incoming):
                found[node] = push_through(node, incoming)
    nodes = [node_of(x) for x in outputs]
    return [
        found[n] if found.get(n) is not None else _zeros(x.shape, x.dtype) for n, x in zip(nodes, outputs, strict=True)
    ]


def push_through(node: Any, tangents: list[Any]) -> Tensor:
    """The tangent of one operation's result, from those of its inputs (None: zero)."""
    asked = [t is not None for t in tangents]
    dtype = np.dtype(np.float32 if node.single else np.float64)
    if node.op.elementwise:
        total: Any = None
        for i, t in enumerate(tangents):
            if t is not None:
                spread = t if t.shape == node.shape else ops.broadcast_to(t, node.shape)
                part = pull_back(node.op, node, spread, [i == j for j in range(len(asked))])[i]
                total = part if total is None else total + part
        return total if total is not None else _zeros(node.shape, dtype)
    recording = is_grad_enabled()
    with enable_grad():
        cotangent = Tensor(np.zeros(node.shape), dtype, requires_grad=True)
        parts = pull_back(node.op, node, cotangent, asked)
        products = [
            (ops.sum_to(part, t.shape) * t).sum()
            for part, t in zip(parts, tangents, strict=True)
            if part is not None and t is not None
        ]
        products = [p for p in products if p.requires_grad]
        if not products:
            return _zeros(node.shape, dtype)
        return grad(sum(products[1:], products[0]), cotangent, create_graph=recording)[0]


def _zeros(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return wrap(np.zeros(shape, dtype))


def linearize(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """A function's value at a point, and its derivative there as a function of tangents.

    Parameters
    ----------
    function
        From tensors to a tensor, or to nested tuples, lists and dictionaries of them.
    primals
        The point: tensors, arrays or numbers, or nested ones.

    Returns
    -------
    output, push
        `push(*tangents)` is the tangent of the output; it may be called many times, and goes along the graph of this
        one call of the function.
    """
    at = Variables(primals)
    output = at.call(function)
    ends = at.tensors(output, "linearize")

    def along(*tangents: Any) -> Any:
        given = at.like("linearize", tangents)
        pushed = push(ends, dict(zip(at.nodes, given, strict=True)))
        return at.released(output, pushed)

    return at.released(output), along


def jacfwd(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The Jacobian as a function, column by column: for functions of few numbers.

    Parameters
    ----------
    function
        From tensors to one tensor.
    argnums
        By which arguments.

    Returns
    -------
    callable
        Of the same arguments; gives a tensor of shape (*output, *input), for several arguments a tuple of them.
    """

    def jacobian_of(*args: Any) -> Any:
        at = Variables(args, argnums)
        (y,) = at.tensors(at.call(function), "jacfwd", one=True)
        found = columns(y, at)
        return one_or_all(at.released(found, found), argnums)

    return jacobian_of


def unit_vectors(x: Tensor) -> list[Tensor]:
    """One tensor of the same shape for each element, with a one there and zeros elsewhere."""
    return [wrap(row.reshape(x.shape)) for row in np.eye(int(x.size), dtype=x.dtype)]


def columns(y: Tensor, at: Variables) -> list[Tensor]:
    """The Jacobians of an output by all variables, a push for each column."""
    found = []
    for node, x in zip(at.nodes, at.values, strict=True):
        pushed = [push([y], {node: basis})[0] for basis in unit_vectors(x)]
        shape = (*y.shape, *x.shape)
        found.append(ops.reshape(ops.stack(pushed, -1), shape) if pushed else _zeros(shape, y.dtype))
    return found
