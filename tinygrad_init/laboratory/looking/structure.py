"""The layers of any model: its linear maps in the order in which they are called, each with its activation.

An activation may be a module, shared between layers or not, or a function that the model calls between its modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...diagnosis.fronts.functions import functions_between
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...layering import ACTIVATION, OTHER, RESIDUAL, Step, activation_after
from ...nn import Activation, Call, Module, is_linear_map, observe, role_of, undisturbed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Layer:
    """A linear map and what its output goes through, unit by unit.

    Attributes
    ----------
    linear
        The linear map.
    activation
        An `Activation` or `PReLU`; None without one.
    offset
        How many calls after that of the linear map the activation is: its own call or, if it is a function, that of
        the module whose output goes into it.
    function
        Whether it is a function, which has no call of its own.
    """

    linear: Any
    activation: Any = None
    offset: int = 0
    function: bool = False

    @property
    def name(self) -> str:
        """What the activation is called; "" without one."""
        if self.activation is None:
            return ""
        return self.activation.name if isinstance(self.activation, Activation) else "prelu"


@dataclass(frozen=True)
class Passed:
    """What went through a layer: what came in, z, what went into the activation, and a."""

    x: Any
    z: Any
    into: Any
    a: Any


def layers_of(model: Module, x: Array) -> list[Layer]:
    """The layers of a model, found by running it on some samples; it is left as it was.

    Raises
    ------
    TypeError
        A linear map is not called, or called more than once.
    ValueError
        There is no linear map.
    """
    maps = [module for _, module in model.named_modules() if is_linear_map(module)]
    if not maps:
        raise ValueError(f"lab: expected a model with linear maps, got {type(model).__name__} without any")
    with undisturbed(model), enable_grad(), observe() as calls:
        end = model(Tensor(x, x.dtype, requires_grad=True))
    called = [id(call.module) for call in calls if is_linear_map(call.module)]
    if sorted(called) != sorted(map(id, maps)):
        raise TypeError("lab: expected each linear map of the model to be called, and only once")
    places = [i for i, call in enumerate(calls) if is_linear_map(call.module)]
    ends = [*places[1:], len(calls)]
    return [
        find_activation(calls[start:stop], following(calls, stop, end))
        for start, stop in zip(places, ends, strict=True)
    ]


def following(calls: list[Call], stop: int, end: Any) -> Any:
    """What goes into the next linear map, or comes out of the model."""
    return calls[stop].inputs[0] if stop < len(calls) else end


def find_activation(calls: list[Call], following: Any) -> Layer:
    """A layer from the call of its linear map and those before the next one, and what goes into that."""
    return activation_after(steps(calls, following)) or Layer(calls[0].module)


def steps(calls: list[Call], following: Any) -> Iterator[Step[Layer]]:
    """What happens to a linear map's output until the next one, by modules and by functions between them."""
    first = before = calls[0]
    for offset, call in enumerate(calls[1:], 1):
        function = function_between(before.output, call.inputs[0] if call.inputs else None)
        if function is not None:
            yield Step(Layer(first.module, function, offset - 1, function=True), ACTIVATION)
        adds = call.output is not before.output and any(True for _ in call.module.children())
        role = role_of(call.module) if role_of(call.module) == ACTIVATION else RESIDUAL if adds else OTHER
        yield Step(Layer(first.module, call.module, offset), role, same_shape(call, first))
        before = call
    function = function_between(before.output, following)
    if function is not None:
        yield Step(Layer(first.module, function, len(calls) - 1, function=True), ACTIVATION)


def same_shape(call: Call, first: Call) -> bool:
    """Whether what comes out of a call has the shape of what came out of the linear map."""
    return bool(getattr(call.output, "shape", None) == first.output.shape)


def function_between(start: Any, end: Any) -> Module | None:
    """The first activation among the functions that lead from one tensor to another."""
    found = functions_between(start, end) or ()
    return next((function for function in found if isinstance(function, Activation)), None)


def passed(calls: list[Call], layers: list[Layer]) -> Iterator[Passed]:
    """What went through every layer in a run of the model."""
    places = {id(call.module): i for i, call in enumerate(calls)}
    for layer in layers:
        at = places[id(layer.linear)]
        (x, *_), z = calls[at].inputs, calls[at].output
        after = calls[at + layer.offset]
        if layer.activation is None:
            yield Passed(x, z, z, z)
        elif layer.function:
            yield Passed(x, z, after.output, layer.activation(after.output))
        else:
            yield Passed(x, z, after.inputs[0], after.output)
