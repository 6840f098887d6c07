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
        self.steps: dict[int, list[tuple[Any, Module]] | None] = {}  # by node, those that were asked for
        self.calls: dict[int, list[Call]] = {}  # by the node of their result; there may be several that change nothing
        for call in calls:
            if isinstance(call.output, Tensor):
                self.calls.setdefault(id(node_of(call.output)), []).append(call)

    def parts(self, end: Tensor, start: Tensor) -> list[Module]:
        """The modules that lead from one tensor to another, first to last.

        Raises
        ------
        TypeError
            They do not.
        """
        found: list[Module] = []
        node, first = node_of(end), node_of(start)
        while node is not first:
            step = None if node is None else self.step(node)
            if step is None:
                raise TypeError(self.refusal(node))
            for node, module in step:
                found.append(module)
                if node is first:  # what only hands on comes from where it went
                    break
        return found[::-1]

    def step(self, node: Any) -> list[tuple[Any, Module]] | None:
        """What made a node, each with the node that it was made of, the last first; None if nothing that is known."""
        if id(node) not in self.steps:
            self.steps[id(node)] = self.by_call(node) or self.by_operation(node)
        return self.steps[id(node)]

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
        return self.sum_of(*inputs)

    def sum_of(self, left: Any, right: Any) -> list[tuple[Any, Module]] | None:
        """A sum of two that have come from the same node, as a residual block on that.

        Both ways are gone back only as far as they must be, and over another sum last: else a sum would ask for all
        sums before it.
        """
        ways: tuple[list[tuple[Any, Module]], list[tuple[Any, Module]]] = ([], [])
        ends, seen = [left, right], ({id(left)}, {id(right)})
        while id(ends[0]) not in seen[1] and id(ends[1]) not in seen[0]:
            open_ = [side for side in (0, 1) if ends[side] is not None]
            sums = {side: not self.calls.get(id(ends[side])) and len(origin(ends[side])[2]) > 1 for side in open_}
            steps = ((side, self.step(ends[side])) for side in sorted(open_, key=lambda side: sums[side]))
            side, step = next(((side, step) for side, step in steps if step is not None), (0, None))
            if step is None:
                return None
            for ends[side], module in step:
                ways[side].append((ends[side], module))
                seen[side].add(id(ends[side]))
        start = ends[0] if id(ends[0]) in seen[1] else ends[1]
        sides = [behind(way, start, end) for way, end in zip(ways, (left, right), strict=True)]
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


def behind(way: list[tuple[Any, Module]], start: Any, end: Any) -> list[Module]:
    """The modules of a way back from a node that lie behind another one on it, first to last."""
    found: list[Module] = []
    if end is start:
        return found
    for node, module in way:
        found.append(module)
        if node is start:
            break
    return found[::-1]
