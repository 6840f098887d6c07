"""What a module consists of: the modules that it calls one after the other, and the functions between them."""

from __future__ import annotations

from typing import Any

from ...engine.history import between
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...nn import ACTIVATIONS, Activation, Module, PReLU, Residual, Sequential, is_linear_map, observe, undisturbed


def parts_of(module: Module, x: Tensor) -> list[Module] | None:
    """The modules that a module applies one after the other, and the operations between them as modules.

    None if the module is a link itself.

    Raises
    ------
    TypeError
        They are no chain: what goes into one of them comes from elsewhere than the one before.
    """
    if type(module).forward is Sequential.forward:
        return list(module)  # type: ignore[call-overload]
    own = {id(child) for _, child in module.children()}
    if not own or is_linear_map(module) or isinstance(module, Activation | PReLU | Residual):
        return None
    with undisturbed(module), enable_grad(), observe() as calls:
        end = module(x)
    parts: list[Module] = []
    before = x
    for call in calls:
        if id(call.module) in own:
            parts += functions_between(before, call.inputs, f"goes into {call.module!r} in {type(module).__name__}")
            parts.append(call.module)
            before = call.output
    return parts + functions_between(before, (end,), f"comes out of {type(module).__name__}")


def functions_between(before: Tensor, inputs: tuple[Any, ...], what: str) -> list[Module]:
    """The operations that lead from what came out of a module to what goes into the next."""
    found = between(before, inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], Tensor) else None
    if found is None:
        raise TypeError(
            f"expected modules that are called one after the other, with nothing but functions of one tensor between "
            f"them, but what {what} does not come from the module before alone; use nn.Residual for connections around"
        )
    return [as_module(op, params) for op, params in found]


def as_module(op: Any, params: tuple[Any, ...]) -> Module:
    """An operation with its parameters as a link of a chain."""
    if op.name in ACTIVATIONS:
        return Activation(op.name, **dict(zip(op.param_names, params, strict=False)))
    return Function(op, params)


class Function(Module):
    """An operation on one tensor, such as `reshape`, that a model calls between its modules."""

    def __init__(self, op: Any, params: tuple[Any, ...]) -> None:
        self.op, self.params = op, params

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.op(x, *self.params)
        return found
