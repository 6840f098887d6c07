"""The graph: operations, the nodes that their applications leave, and the order in which to walk them back.

A `Node` says which operation was applied, whose results it used (`parents`) and which arrays its rules will want to see
again (`saved`). Edges point from results to inputs and never back, so a graph holds no reference cycle and goes away by
itself with the last tensor that leads to it.
"""

from __future__ import annotations

import os
import sys
import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

try:
    import cython
except ImportError:  # interpreted, and Cython is not installed: only `cython.compiled` is ever asked for
    from . import _interpreted as cython

COMPILED: bool = cython.compiled

# What a derivative rule may ask for, as numbers in its plan: -1 the cotangent, i >= 0 the saved input i, and these.
OUT, NEEDS, SHAPES, PARAM, SHAPE = 100, 101, 102, 200, 300
MISSING: Any = object()  # the default of a parameter that has none
# What an operation keeps, as bits of a mask: the saved input i is bit i.
OUT_BIT, SHAPES_BIT = 1 << 20, 1 << 21
INPUT_BITS = OUT_BIT - 1

_package = str(Path(__file__).parent.parent) + os.sep
_scheduling = threading.Lock()
call: list[Any] = [None]  # how to apply an operation to operands; `tensor` puts it here


class Operation:
    # Its docstring is that of the function it stands for, so what would be here is a comment.
    #
    # A differentiable function: a forward kernel on arrays and, for each input, a vector-Jacobian product.
    #
    # The decorators and tables of `ops` make operations; `ops.registry` tells what a rule may ask for.
    #
    # forward
    #     From arrays and parameters to an array.
    # rules, plans, masks
    #     For each input its rule (None: not differentiable), what the rule's parameters ask for, and as a bit mask
    #     which inputs and whether the result must be saved for it. A `joint` operation has one rule for all inputs.
    # arity
    #     How many leading arguments are tensors; -1: all positional ones.
    # broadcasts
    #     Whether inputs are stretched to a common shape, so that their cotangents must be summed back to their own.
    # view
    #     Whether the result may share memory with the first input.
    # code
    #     The operation's number in the C table of elementwise functions, or -1.
    # spec
    #     What tests and documentation need to know (`ops.registry.Spec`).

    __slots__ = (
        "__doc__", "arity", "broadcasts", "code", "defaults", "forward", "joint", "masks", "name", "param_names",
        "plans", "rules", "spec", "view",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        doc: str,
        forward: Callable[..., Any],
        rules: tuple[Any, ...],
        plans: tuple[Any, ...],
        masks: tuple[Any, ...],
        arity: int,
        param_names: tuple[str, ...],
        defaults: tuple[Any, ...],
        joint: bool,
        broadcasts: bool,
        view: bool,
        code: int,
        spec: Any,
    ) -> None:
        self.name = name
        self.__doc__ = doc
        self.forward = forward
        self.rules = rules
        self.plans = plans
        self.masks = masks
        self.arity = arity
        self.param_names = param_names
        self.defaults = defaults
        self.joint = joint
        self.broadcasts = broadcasts
        self.view = view
        self.code = code
        self.spec = spec

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arity: int = self.arity if self.arity >= 0 else len(args)
        if len(args) < arity or arity == 0:
            raise TypeError(f"{self.name}: expected {max(arity, 1)} tensors, got {len(args)}")
        return call[0](self, args[:arity], self.bind_params(args[arity:], kwargs))

    def bind_params(self, extra: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The parameters in the order of the signature, defaults filled in."""
        if not extra and not kwargs and MISSING not in self.defaults:
            return self.defaults
        if len(extra) > len(self.param_names):
            raise TypeError(f"{self.name}: {len(extra) - len(self.param_names)} arguments too many")
        values = list(self.defaults)
        values[: len(extra)] = extra
        for key, value in kwargs.items():
            if key not in self.param_names:
                raise TypeError(f"{self.name}: no parameter {key!r}; it has {', '.join(self.param_names) or 'none'}")
            values[self.param_names.index(key)] = value
        for name, value in zip(self.param_names, values, strict=True):
            if value is MISSING:
                raise TypeError(f"{self.name}: parameter {name!r} is missing")
        return tuple(values)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return registered, (self.name,)


def registered(name: str) -> Any:
    """The operation of this name: what a pickled one comes back as."""
    from ..ops.registry import REGISTRY

    return REGISTRY[name]


class Memory:
    """Counts the in-place changes of the memory that a tensor and its views share."""

    __slots__ = ("label", "version")

    def __init__(self, label: str | None) -> None:
        self.version = 0
        self.label = label


class Node:
    """One application of an operation or, with no operation, a leaf: a tensor whose gradient somebody wants.

    A leaf knows its tensor only weakly (`owner`): the tensor holds the leaf and, in `.grad`, perhaps a graph that leads
    back to it. `parents` is None once backward has freed the node.
    """

    __slots__ = (
        "__weakref__", "memories", "op", "out", "owner", "params", "parents", "pending", "place", "saved", "shape",
        "shapes", "single", "slot",
    )  # fmt: skip

    op: Any
    params: Any
    parents: Any
    shape: Any
    single: bool
    saved: Any
    out: Any
    shapes: Any
    memories: Any
    place: Any
    owner: Any
    pending: int
    slot: int

    def free(self) -> None:
        """Let go of everything the node kept for backward."""
        self.parents = self.saved = self.out = self.shapes = self.memories = None


def new_node(op: Any, params: Any, parents: Any, shape: Any, single: cython.bint) -> Node:
    """A node that keeps nothing yet. Nodes are made here, not by `Node(...)`: compiled, that is much faster."""
    node: Node = Node.__new__(Node)
    node.op = op
    node.params = params
    node.parents = parents
    node.shape = shape
    node.single = single
    node.saved = node.out = node.shapes = node.memories = node.place = node.owner = None
    node.pending = node.slot = 0
    return node


def schedule(roots: list[Any]) -> tuple[list[Any], Any, Any, Node | None]:
    """Order the nodes that lead to `roots` so that each comes before its parents (Kahn's algorithm, no recursion).

    The two working fields of a node (`pending`, `slot`) are used only here and only under a lock, so threads, and rules
    that differentiate by themselves, may walk overlapping graphs at the same time.

    Returns
    -------
    order, edges, root_slots, freed
        The nodes; the parents' places in that order, node after node (-1: no parent needs a gradient); the places of
        the roots; and a freed node that was met on the way, or None.
    """
    freed: Node | None = None
    order: list[Any] = []
    seen: list[Any] = []
    edges = array("q")
    root_slots = array("q")
    node: Node
    with _scheduling:
        try:
            freed = count_edges(roots, seen)
            lay_out(roots, order, edges)
        except BaseException:  # also an interrupt must not leave counters behind that a later walk would believe
            for node in seen:
                node.pending = 0
            raise
        for node in roots:
            root_slots.append(node.slot)
    return order, edges, root_slots, freed


def count_edges(roots: list[Any], seen: list[Any]) -> Node | None:
    """Count in `pending` the edges that lead to each node, and each root's seats; a freed node is returned."""
    node: Node
    parent: Node
    freed: Node | None = None
    stack: list[Any] = []
    for node in roots:
        if node.pending == 0:
            seen.append(node)
            stack.append(node)
        node.pending += 1
    while stack:
        node = stack.pop()
        if node.parents is None:
            freed = node
            continue
        for parent in node.parents:
            if parent is not None:
                if parent.pending == 0:
                    seen.append(parent)
                    stack.append(parent)
                parent.pending += 1
    return freed


def lay_out(roots: list[Any], order: list[Any], edges: Any) -> None:
    """Count down again: a node is next when everything that leads to it has been laid out."""
    node: Node
    parent: Node
    stack: list[Any] = []
    for node in roots:
        node.pending -= 1
        if node.pending == 0:
            stack.append(node)
    while stack:
        node = stack.pop()
        node.slot = len(order)
        order.append(node)
        if node.parents is not None:
            for parent in node.parents:
                if parent is not None:
                    parent.pending -= 1
                    if parent.pending == 0:
                        stack.append(parent)
    for node in order:
        if node.parents is not None:
            for parent in node.parents:
                edges.append(-1 if parent is None else parent.slot)


def place_in_user_code() -> tuple[CodeType, int] | None:
    """Where the code that uses this package stands now: cheap to keep, and holding no frame alive."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(_package):
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lasti)


def describe_place(place: tuple[CodeType, int] | None) -> str:
    """`file.py:12 in function`, for an error message."""
    if place is None:
        return "an unknown place"
    code, instruction = place
    lines = list(code.co_positions())
    line = lines[instruction // 2][0] if instruction // 2 < len(lines) else code.co_firstlineno
    return f"{code.co_filename}:{line} in {code.co_name}"
