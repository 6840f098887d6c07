"""The linear maps of any model, and what comes out of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..init.distributions import zeros_
from ..nn import Module, Parameter, is_linear_map, observe, undisturbed

Array = np.ndarray[Any, Any]


def named_linear_maps(model: Module) -> Iterator[tuple[str, Any]]:
    """Every linear map under its name (`nn.is_linear_map`); a weight that is shared counts once.

    Raises
    ------
    TypeError
        There is none.
    """
    seen: set[int] = set()
    for name, module in model.named_modules():
        if is_linear_map(module) and id(vars(module)["weight"]) not in seen:
            seen.add(id(vars(module)["weight"]))
            yield name, module
    if not seen:
        raise TypeError(f"expected a model with linear maps (modules with a weight of at least 2 axes), got {model!r}")


def bias_of(module: Any) -> Parameter | None:
    """The bias of a linear map, if it has one."""
    bias = getattr(module, "bias", None)
    return bias if isinstance(bias, Parameter) else None


def without_biases(model: Module) -> None:
    """Set the biases of all linear maps to 0."""
    for _, module in named_linear_maps(model):
        if (bias := bias_of(module)) is not None:
            zeros_(bias)


def outputs(model: Module, x: Any) -> dict[int, list[Array]]:
    """What comes out of every linear map that is called, by the id of the module, in the order of their first calls."""
    maps = {id(module) for _, module in named_linear_maps(model)}
    found: dict[int, list[Array]] = {}
    with undisturbed(model), no_grad(), observe() as calls:
        model(x)
    for call in calls:
        if id(call.module) in maps:
            found.setdefault(id(call.module), []).append(np.asarray(call.output.numpy(), np.float64))
    return found
