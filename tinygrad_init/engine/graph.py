"""The graph: operations, the nodes that their applications leave, and the order in which to walk them back.

A `Node` says which operation was applied, whose results it used and which arrays its rules will want to see again.
Edges point from results to inputs and never back, so a graph holds no reference cycle and goes away by
itself with the last tensor that leads to it.
"""

from __future__ import annotations

import inspect
from array import array
from collections.abc import Callable
from typing import Any

from .modes import lock_across_forks

try:
    import cython
except ImportError:  # interpreted, and Cython is not installed: only `cython.compiled` is ever asked for
    from . import _interpreted as cython

if not cython.compiled:
    from .modes import hear_signals

    def goes_too(node: Any, i: int) -> bool:
        return True


COMPILED: bool = cython.compiled
# What a derivative rule may ask for, as numbers in its plan: -1 the cotangent, i >= 0 the saved input i, and these.
OUT, NEEDS, SHAPES, PARAM, SHAPE = 100, 101, 102, 200, 300
MISSING: Any = object()  # the default of a parameter that has none
# PyTorch's names of parameters that have NumPy's here; both are taken.
SPELLINGS = {
    "a_max": "high", "a_min": "low", "dim": "axis", "dims": "axes", "input": "x", "keepdim": "keepdims", "max": "high",
    "min": "low", "other": "y",
}  # fmt: skip
# What an operation keeps, as bits of a mask: the saved input i is bit i.
OUT_BIT, SHAPES_BIT = 1 << 20, 1 << 21
INPUT_BITS = OUT_BIT - 1

scheduling = lock_across_forks()
call: list[Any] = [None]  # how to apply an operation to operands; `tensor` puts it here


@cython.binding(False)
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

    # elementwise
    #     Whether it is a function of one or two numbers, applied number by number.
    # complete
    #     Whether all parameters have defaults.
    # x_mask, y_mask
    #     The masks of the first two inputs.
    # whole
    #     What it is of arrays of whole numbers, or None: there it is a function of floats.

    __slots__ = (
        "__doc__", "arity", "broadcasts", "code", "complete", "defaults", "elementwise", "forward", "joint", "masks",
        "name", "param_names", "plans", "rules", "spec", "view", "whole", "x_mask", "y_mask",
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
        elementwise: bool,
        spec: Any,
        whole: Callable[..., Any] | None = None,
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
        self.elementwise = elementwise
        self.complete = MISSING not in defaults
        self.x_mask = masks[0]
        self.y_mask = masks[min(1, len(masks) - 1)]
        self.spec = spec
        self.whole = whole

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == self.arity and self.complete:
            return call[0](self, args, self.defaults)
        arity: int = self.arity if self.arity >= 0 else len(args)
        if len(args) < arity or arity == 0:
            raise TypeError(f"{self.name}: expected {max(arity, 1)} tensors, got {len(args)}")
        return call[0](self, args[:arity], self.bind_params(args[arity:], kwargs))

    def bind_params(self, extra: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The parameters in the order of the signature, defaults filled in."""
        if not kwargs:
            if not extra and self.complete:
                return self.defaults
            if len(extra) == len(self.param_names):
                return extra
        if len(extra) > len(self.param_names):
            raise TypeError(f"{self.name}: {len(extra) - len(self.param_names)} arguments too many")
        values = list(self.defaults)
        values[: len(extra)] = extra
        for key, value in kwargs.items():
            if key not in self.param_names:
                key = SPELLINGS.get(key, key)
            if key not in self.param_names:
                raise TypeError(f"{self.name}: no parameter {key!r}; it has {', '.join(self.param_names) or 'none'}")
            values[self.param_names.index(key)] = value
        if not self.complete:
            for name, value in zip(self.param_names, values, strict=True):
                if value is MISSING:
                    raise TypeError(f"{self.name}: parameter {name!r} is missing")
        return tuple(values)

    @property
    def __signature__(self) -> Any:
        """What it takes, as `inspect` and `help` show it."""
        parameters = list(inspect.signature(self.forward).parameters.values())
        known = [p for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
        return inspect.Signature(known, return_annotation="Tensor")

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return registered, (self.name,)


OPERATIONS: dict[str, Operation] = {}  # all of them by name; `ops` fills it


def registered(name: str) -> Any:
    """The operation of this name: what a pickled one comes back as."""
    return OPERATIONS[name]


@cython.binding(False)
class Memory:
    """Counts the in-place changes of the memory that a tensor and its views share.

    Bare numbers have no memory to share: `twins` are the tensors that are to have the same one, weakly.
    """

    __slots__ = ("label", "twins", "version")

    def __init__(self, label: str | None) -> None:
        self.version = 0
        self.label = label
        self.twins: list[Any] | None = None


BOTTOM = 8  # of the heap: a list that becomes empty gives its memory back, and asks for it anew
_heap: list[Any] = [None] * BOTTOM
_clearing: bool = False


@cython.no_gc
@cython.binding(False)
@cython.freelist(4096)
@cython.cclass
class Node:
    """One application of an operation or, with no operation, a leaf: a tensor whose gradient somebody wants.

    What most operations need has a field of its own: the nodes of the first two inputs (`left`, `right`; None where no
    gradient is needed) and their saved arrays (`x`, `y`); those of further inputs are in `others` and, with memory and
    version, in `rest`. Of an operation on bare numbers (`numbers`) all three values are kept. `x_version` says which
    state of the array was saved:
    `x_memory` counts its changes.

    A leaf knows its tensor only weakly (`owner`): the tensor holds the leaf and, in `.grad`, perhaps a graph that leads
    back to it. So no reference cycle goes through a node, and the garbage collector need not look at it.

    `hooks` are functions that see the cotangent on its way back. `seen` is kept only within `inspecting`: the inputs,
    the result and the line of code.
    """

    __slots__ = (
        "below", "cotangent", "degree", "freed", "hooks", "left", "numbers", "op", "others", "out", "out_value",
        "owner", "params", "pending", "place", "rest", "right", "seen", "shape", "shapes", "single", "slot", "x",
        "x_memory", "x_value", "x_version", "y", "y_memory", "y_value", "y_version",
    )  # fmt: skip

    below: Any
    op: Any
    params: Any
    shape: Any
    single: bool
    numbers: bool
    freed: bool
    degree: int
    left: Any
    right: Any
    others: Any
    shapes: Any
    x: Any
    y: Any
    out: Any
    rest: Any
    x_memory: Any
    y_memory: Any
    x_version: int
    y_version: int
    pending: int
    slot: int
    place: Any
    owner: Any
    hooks: Any
    seen: Any
    x_value: float
    y_value: float
    out_value: float
    cotangent: float

    def __dealloc__(self) -> None:
        # Compiled only. A long graph must not be taken down by recursion: what nobody else holds is laid on a heap, and
        # the first to come clears it away, one after the other. (One after the other are they looked at, too: left and
        # right may be the same node.)
        global _clearing
        if self.left is not None:
            if goes_too(self, 0):
                _heap.append(self.left)
            self.left = None
        if self.right is not None:
            if goes_too(self, 1):
                _heap.append(self.right)
            self.right = None
        if self.others is not None:
            _heap.append(self.others)
            self.others = None
        if not _clearing and len(_heap) > BOTTOM:
            _clearing = True
            while len(_heap) > BOTTOM:
                _heap.pop()
            _clearing = False

    def free(self) -> None:
        """Let go of everything the node kept for backward."""
        self.freed = True
        self.degree = 0
        self.left = self.right = self.others = self.x = self.y = self.rest = self.out = self.shapes = None
        self.hooks = None  # nothing comes here any more; they may well hold the tensor, and so the node
        self.x_memory = self.y_memory = None

    def parent(self, i: cython.int) -> Any:
        """The node of input `i`, None if no gradient is needed there."""
        return self.left if i == 0 else self.right if i == 1 else self.others[i - 2]

    def kept(self, i: cython.int) -> Any:
        """What was saved of input `i`: an array, or a float of a bare number."""
        if self.numbers:
            return self.x_value if i == 0 else self.y_value
        return self.x if i == 0 else self.y if i == 1 else self.rest[i - 2][0]


def new_node(op: Any, params: Any, shape: Any, single: cython.bint) -> Node:
    """A node that keeps nothing yet. Nodes are made here, not by `Node(...)`: compiled, that is much faster."""
    node: Node = Node.__new__(Node)
    node.op = op
    node.params = params
    node.shape = shape
    node.single = single
    if not cython.compiled:  # where it is, all fields start as None and 0
        node.below = node.left = node.right = node.others = node.x = node.y = node.out = node.rest = node.shapes = None
        node.x_memory = node.y_memory = node.place = node.owner = node.hooks = node.seen = None
        node.numbers = node.freed = False
        node.degree = node.pending = node.slot = node.x_version = node.y_version = 0
        node.x_value = node.y_value = node.out_value = node.cotangent = 0.0
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
    node: Node
    parent: Node
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t = 0
    with scheduling:
        try:
            freed = count_edges(roots, seen)
            lay_out(roots, order)
        except BaseException:  # also an interrupt must not leave counters behind that a later walk would believe
            for node in seen:
                node.pending = 0
                node.below = None
            raise
        edges = array("q", bytes(8 * sum([node.degree for node in order])))
        places: cython.longlong[:] = edges
        for node in order:
            for i in range(node.degree):
                parent = node.parent(i)
                places[at] = -1 if parent is None else parent.slot
                at += 1
        root_slots = array("q", [node.slot for node in roots])
    return order, edges, root_slots, freed


def count_edges(roots: list[Any], seen: list[Any]) -> Node | None:
    """Count in `pending` the edges that lead to each node, and each root's seats; a freed node is returned."""
    node: Node
    parent: Node
    i: cython.int
    at: cython.Py_ssize_t = 0
    freed: Node | None = None
    for node in roots:
        if node.pending == 0:
            seen.append(node)
        node.pending += 1
    while at < len(seen):
        hear_signals(at)
        node = seen[at]
        at += 1
        if node.freed:
            freed = node
        for i in range(node.degree):
            parent = node.parent(i)
            if parent is not None:
                if parent.pending == 0:
                    seen.append(parent)
                parent.pending += 1
    return freed


def lay_out(roots: list[Any], order: list[Any]) -> None:
    """Count down again: a node is next when everything that leads to it has been laid out."""
    node: Node
    parent: Node
    i: cython.int
    top: Node | None = None  # of a stack: each node on it knows the one below
    for node in roots:
        node.pending -= 1
        if node.pending == 0:
            node.below = top
            top = node
    while top is not None:
        hear_signals(len(order))
        node = top
        top = node.below
        node.below = None
        node.slot = len(order)
        order.append(node)
        for i in range(node.degree):
            parent = node.parent(i)
            if parent is not None:
                parent.pending -= 1
                if parent.pending == 0:
                    parent.below = top
                    top = parent


def refuse_freed(freed: Node | None) -> None:
    """Raise if a walk met a node that an earlier one has freed."""
    if freed is not None:
        raise RuntimeError(
            f"backward: the graph was freed by an earlier backward (met at {freed.op.name}); "
            "pass retain_graph=True to the first one to go through it again"
        )
