"""Of what a module consists: the modules and functions that lead from its input to its output, read off the graph."""

from __future__ import annotations

from typing import Any

from ...engine.history import node_of, origin
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...nn import ACTIVATIONS, Activation, Call, Module, Residual, Sequential, observe, role_of, undisturbed
from ..network import OTHER


class Function(Module):
    """An operation on one tensor, such as `reshape`, that a model calls between its modules."""

    def __init__(self, op: Any, params: tuple[Any, ...]) -> None:
        self.op, self.params = op, params

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.op(x, *self.params)
        return found


def as_module(op: Any, params: tuple[Any, ...]) -> Module:
    """An operation with its parameters as a module."""
    if op.name in ACTIVATIONS:
        return Activation(op.name, **dict(zip(op.param_names, params, strict=False)))
    return Function(op, params)


def functions_between(start: Any, end: Any) -> list[Module] | None:
    """The functions of one tensor that lead from one to another, as modules; None if there is no such way."""
    if not (isinstance(start, Tensor) and isinstance(end, Tensor)):
        return None
    found: list[Module] = []
    node, first = node_of(end), node_of(start)
    while node is not first:
        op, params, inputs = (None, (), ()) if node is None else origin(node)
        if op is None or len(inputs) != 1:
            return None
        found.append(as_module(op, params))
        (node,) = inputs
    return found[::-1]


def parts_of(module: Module, x: Tensor) -> list[Module] | None:
    """The modules that a module applies one after the other, and the operations between them as modules.

    A sum with what was there some steps before, x + f(x), is a residual block. None if the module is a link itself.

    Raises
    ------
    TypeError
        They are no chain: something else puts two tensors together, or does not come from the input.
    """
    if type(module).forward is Sequential.forward:
        return list(module)  # type: ignore[call-overload]
    own = {id(child) for _, child in module.children()}
    if not own or role_of(module) != OTHER:
        return None
    with undisturbed(module), enable_grad(), observe() as calls:
        end = module(x)
    if not isinstance(end, Tensor):
        raise TypeError(f"expected {type(module).__name__} to return a tensor, got {type(end).__name__}")
    return History(type(module).__name__, [call for call in calls if id(call.module) in own]).parts(end, x)


class History:
    """How tensors came about: by calls of some modules, and by operations between them.

    Parameters
    ----------
    owner
        What errors call the model.
    calls
        Those of its modules, in order.
    """

    def __init__(self, owner: str, calls: list[Call]) -> None:
        self.owner = owner
        self.calls: dict[int, list[Call]] = {}  # by the node of their result; there may be several that change nothing
        for call in calls:
            if isinstance(call.output, Tensor):
                self.calls.setdefault(id(node_of(call.output)), []).append(call)

    def parts(self, end: Tensor, start: Tensor) -> list[Module]:
        """The modules that lead from one tensor to another, first to last."""
        way = self.back(node_of(end))
        return self.until(way, node_of(start), node_of(end))

    def until(self, way: list[tuple[Any, Module]], first: Any, last: Any) -> list[Module]:
        """Those of a way back that lie behind a node.

        Raises
        ------
        TypeError
            The node is not on it.
        """
        found: list[Module] = []
        if last is first:
            return found
        for node, module in way:
            found.append(module)
            if node is first:
                return found[::-1]
        raise TypeError(self.refusal(way[-1][0] if way else last))

    def back(self, node: Any) -> list[tuple[Any, Module]]:
        """Step by step from a node to what it came from: where each step began, and the module that made it.

        It ends where a node came from nothing, or from more than one without being a sum of two ways from a third.
        """
        found: list[tuple[Any, Module]] = []
        while node is not None:
            step = self.by_call(node) or self.by_operation(node)
            if step is None:
                return found
            found += step
            node = step[-1][0]
        return found

    def by_call(self, node: Any) -> list[tuple[Any, Module]] | None:
        """The calls of modules that made a node, the last first."""
        found: list[tuple[Any, Module]] = []
        for call in reversed(self.calls.get(id(node), [])):
            if len(call.inputs) != 1 or not isinstance(call.inputs[0], Tensor):
                return None
            before = node_of(call.inputs[0])
            found.append((before, call.module))
            if before is not node:
                return found
        # Modules that hand on what they get, before whatever has made that.
        made = self.by_operation(node) if found else None
        return found + made if made else None

    def by_operation(self, node: Any) -> list[tuple[Any, Module]] | None:
        """The operation that made a node: on one tensor, or a sum of two that have come from the same one."""
        op, params, inputs = origin(node)
        if op is None:
            return None
        if len(inputs) == 1:
            return [(inputs[0], as_module(op, params))]
        if op.name != "add" or None in inputs:
            return None
        left, right = (self.back(one) for one in inputs)
        passed = {id(inputs[1]), *(id(before) for before, _ in right)}
        nodes = [inputs[0], *(before for before, _ in left)]
        start = next((one for one in nodes if one is not None and id(one) in passed), None)
        if start is None:
            return None
        sides = [self.until(way, start, end) for way, end in zip((left, right), inputs, strict=True)]
        branch, shortcut = sorted(sides, key=len, reverse=True)
        if not branch:  # twice the same
            return None
        return [(start, Residual(Sequential(*branch), Sequential(*shortcut) if shortcut else None))]

    def refusal(self, node: Any) -> str:
        """What cannot be followed further."""
        op = None if node is None else origin(node)[0]
        what = "what does not come from its input" if op is None else f"{op.name!r}, which puts together what it gets"
        return (
            f"expected modules that are called one after the other, with nothing but functions of one tensor between "
            f"them and sums x + f(x) around them; in {self.owner} there is {what}"
        )
