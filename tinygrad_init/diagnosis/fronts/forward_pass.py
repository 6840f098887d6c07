"""What a forward that is written by hand does: calls of modules and operations, in the order in which they run.

The graph alone would not do: it does not keep the constants that a tensor is added to. So a run is watched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.history import node_of
from ...engine.modes import enable_grad, mode
from ...engine.storage import refuse_masked
from ...engine.tensor import Tensor
from ...nn import Call, Module, Parameter, role_of, undisturbed
from ..network import OTHER
from .functions import LINEAR

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Step:
    """A call of a module, or the application of an operation.

    Attributes
    ----------
    what
        The module or operation.
    inputs, output
        Tensors of the run.
    constants
        By their place the numbers of those inputs that nothing is differentiated by, as they were then.
    params
        Of an operation, what it takes besides tensors.
    """

    what: Any
    inputs: tuple[Tensor, ...]
    output: Tensor
    constants: dict[int, Array] = field(default_factory=dict)
    params: tuple[Any, ...] = ()

    @property
    def draws(self) -> bool:
        """Whether it is an operation that no derivative goes through, such as a draw: each time another."""
        return not isinstance(self.what, Module) and all(rule is None for rule in self.what.rules)


def steps_of(module: Module, x: Tensor) -> tuple[list[Step], Any]:
    """The steps that lead from an input to a module's output, and that output; the module is left as it was.

    Linear maps, activations, residual blocks and whatever is not made of other modules are one step if they make a
    tensor of a tensor, and of nothing else but constants and parameters; of all others the steps inside are told.

    Raises
    ------
    TypeError
        It does not return a tensor.
    """
    watched = Watched()
    with undisturbed(module), enable_grad(), watched:
        end = module.forward(x)
    if not isinstance(end, Tensor):
        raise TypeError(
            f"expected {type(module).__name__} to return a tensor, got {type(end).__name__}; "
            "write a module whose forward returns the predictions alone"
        )
    return leading_to(end, [step for _, steps in watched.open for step in steps]), end


def leading_to(end: Tensor, steps: list[Step]) -> list[Step]:
    """The steps that a tensor came from; what made constants is none, unless it draws."""
    wanted, found = {key(end)}, []
    for step in reversed(steps):
        if key(step.output) in wanted and (step.draws or not is_constant(step.output)):
            found.append(step)
            wanted |= {key(tensor) for tensor in step.inputs}
    return found[::-1]


def key(tensor: Tensor) -> int:
    """What tells tensors apart: their place in the graph, where a module that hands on changes nothing."""
    node = node_of(tensor)
    return id(tensor if node is None else node)


def is_constant(tensor: Tensor) -> bool:
    """Whether nothing is differentiated by a tensor, and it is no parameter."""
    return node_of(tensor) is None and not isinstance(tensor, Parameter)


class Watched:
    """A context in which operations and calls of modules are written down while they happen.

    It stands where the trace of a function that is captured would (`mode.trace`), and is asked the same by the engine;
    but everything is computed at once.
    """

    def __init__(self) -> None:
        self.recorder = self  # whom a trace has for checks
        self.open: list[tuple[Module | None, list[Step]]] = [(None, [])]  # modules that are running, and their steps
        self.operands: list[Tensor] = []
        self.applied: Any = None
        self.fresh: list[Array] = []  # of tensors that were made meanwhile

    def __enter__(self) -> None:
        mode.enter("trace", self)
        mode.enter("observer", self.called)

    def __exit__(self, *exception: object) -> None:
        mode.leave()
        mode.leave()

    # Modules

    def visits(self, module: Module) -> None:
        """A call begins."""
        self.open.append((module, []))

    def called(self, call: Call) -> None:
        """A call has ended; one that failed, and was caught, has never ended."""
        inside: list[Step] = []
        module = None
        while module is not call.module:
            module, steps = self.open.pop()
            inside = steps + inside
        self.open[-1][1].extend(inside if made_of_steps(call, inside) else [whole(call)])

    # Operations

    def enters_no_grad(self) -> None:
        """What is computed is watched all the same."""

    def detached(self, tensor: Tensor) -> Array:
        """The numbers of a tensor without its history."""
        return self.operand(tensor)

    def operand(self, value: Any) -> Array:
        """The numbers of an operand."""
        if isinstance(value, Tensor):
            self.operands.append(value)
            return value.numpy()
        refuse_masked(value)
        return np.asarray(value)

    def apply(self, op: Any, arrays: list[Array], params: tuple[Any, ...]) -> Array:
        """Compute an operation, whose operands were asked for just before."""
        inputs = tuple(self.operands[-len(arrays) :])
        self.operands.clear()
        self.applied = op, inputs, constants(inputs), params
        return np.asarray(op.forward(*arrays, *params))

    def made(self, out: Tensor) -> None:
        """The tensor that came of it."""
        op, inputs, fixed, params = self.applied
        self.open[-1][1].append(Step(op, inputs, out, fixed, params))

    def constant(self, array: Any) -> Array:
        """The array of a tensor that is made from numbers."""
        self.fresh.append(np.array(array))
        return self.fresh[-1]

    def own(self, tensor: Tensor) -> Array:
        """What to write to; what was there before stays as it was, so of that a copy is written to and thrown away."""
        view = tensor.numpy()
        if not any(view.base is array for array in self.fresh):
            return np.array(view)
        view.flags.writeable = True
        return view

    def check(self, array: Array, low: float, high: float, error: Any, show: Array | None = None) -> None:
        """Raise what `error` makes of the numbers unless all lie within limits."""
        if not np.all((array >= low) & (array <= high)):
            raise error(array if show is None else show)

    def refuse(self, message: str) -> None:
        """What a captured function may not do, this one may: its numbers are there."""

    def pull_back(self, *of: Any) -> None:
        """No kernel of a program goes backward: the operation's rules do."""

    def gradient(self, tensor: Tensor) -> Tensor | None:
        """The gradient that a tensor has."""
        mode.enter("trace", None)
        try:
            return tensor.grad
        finally:
            mode.leave()

    def changes_gradient(self, tensor: Tensor) -> None:
        """Nothing depends on it."""


def constants(inputs: tuple[Tensor, ...]) -> dict[int, Array]:
    """Copies of the constants among operands, by their place: they may be changed later."""
    return {place: np.array(tensor.numpy()) for place, tensor in enumerate(inputs) if is_constant(tensor)}


def whole(call: Call) -> Step:
    """The call of a module that is one step."""
    return Step(call.module, call.inputs, call.output, constants(call.inputs))


def made_of_steps(call: Call, inside: list[Step]) -> bool:
    """Whether a call is no step itself."""
    function = len(call.inputs) == 1 and not call.options and isinstance(call.inputs[0], Tensor)
    if not (function and isinstance(call.output, Tensor) and closed(inside, call.inputs[0])):
        return True
    if role_of(call.module) != OTHER:
        return False
    return any(True for _ in call.module.children()) or any(map(multiplies, inside))


def multiplies(step: Step) -> bool:
    """Whether a step is a product with a matrix that is a parameter."""
    places = () if isinstance(step.what, Module) else LINEAR.get(step.what.name, ())
    return any(isinstance(step.inputs[place], Parameter) for place in places if place < len(step.inputs))


def closed(steps: Iterable[Step], x: Tensor) -> bool:
    """Whether steps depend on nothing but one tensor, constants and parameters."""
    known = {key(x)}
    for step in steps:
        if any(key(t) not in known and not is_constant(t) and not isinstance(t, Parameter) for t in step.inputs):
            return False
        known.add(key(step.output))
    return True
