"""Operations that a model calls between its modules, as modules themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine.history import node_of, origin
from ...engine.tensor import Tensor
from ...nn import ACTIVATIONS, Activation, Module, Parameter

Array = np.ndarray[Any, Any]

# Which operand of an operation is the weight, and which the bias, of a linear map: written x @ W, or with functions.
LINEAR = {
    "matmul": {1: "weight"},
    "linear": {1: "weight", 2: "bias"},
    "conv": {1: "weight"},
    "biased_conv": {1: "weight", 2: "bias"},
}


class Turned:
    """A parameter of which the transposed is used, `W.T`."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter


Fixed = Array | Parameter | Turned


class Function(Module):
    """An operation, such as `reshape` or `mul`.

    Parameters
    ----------
    op, params
        The operation and its parameters.
    fixed
        By the place of an operand what it is if it is no input: a constant, a parameter, or a parameter transposed.
    """

    def __init__(self, op: Any, params: tuple[Any, ...] = (), fixed: Mapping[int, Fixed] | None = None) -> None:
        self.op = op
        self.params = dict(zip(op.param_names, params, strict=False))
        self.constants: dict[int, Tensor] = {}
        self.names: dict[int, str] = {}  # of the attributes in which parameters are
        self.turned: set[int] = set()
        for place, value in (fixed or {}).items():
            if isinstance(value, np.ndarray):
                self.constants[place] = Tensor(value, value.dtype)
                continue
            parameter = value.parameter if isinstance(value, Turned) else value
            self.turned |= {place} if isinstance(value, Turned) else set()
            self.names[place] = name_of_operand(op, place, parameter)
            setattr(self, self.names[place], parameter)
        # x @ W has a column for each unit, linear maps otherwise a row.
        self.columns = op.name == "matmul" and 1 in self.names and 1 not in self.turned

    def forward(self, *inputs: Tensor) -> Tensor:
        given = iter(inputs)
        operands = [self.operand(place, given) for place in range(len(inputs) + len(self.constants) + len(self.names))]
        found: Tensor = self.op(*operands, **self.params)
        return found

    def operand(self, place: int, given: Any) -> Tensor:
        """What stands at a place: a constant, a parameter, or the next input."""
        if place in self.names:
            found: Tensor = getattr(self, self.names[place])
            return found.T if place in self.turned else found
        constant = self.constants.get(place)
        return next(given) if constant is None else constant

    def by_unit(self, weights: Array) -> Array:
        """The weights of a linear map, or what has their shape, with a row for each unit."""
        return weights.T if self.columns else weights.reshape(len(weights), -1)


def name_of_operand(op: Any, place: int, parameter: Parameter) -> str:
    """What a parameter is in an operation: "weight" and "bias" of a linear map."""
    name = LINEAR.get(op.name, {}).get(place, "")
    return f"operand{place}" if not name or (op.name == "matmul" and parameter.ndim != 2) else name


def as_module(op: Any, params: tuple[Any, ...], fixed: Mapping[int, Fixed] | None = None) -> Module:
    """An operation with its parameters as a module."""
    if op.name in ACTIVATIONS and not fixed:
        return Activation(op.name, **dict(zip(op.param_names, params, strict=False)))
    return Function(op, params, fixed)


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
