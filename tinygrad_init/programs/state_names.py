"""What the tensors and arrays that a program reaches from outside are called."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .program import Program


def state_names(program: Program) -> dict[Any, str]:
    """Names by the id of a tensor or an array, by (id of a tensor, "grad"), and by (id of an owner, attribute).

    As the function says them: `net.0.weight`, `optimizer.momentum.net.0.weight`, `optimizer.lr`. What it reaches in
    another way is called by its class.
    """
    found: dict[Any, str] = {}
    named = [(name, value) for _, name, value in program.names]
    named += [(type(owner).__name__.lower(), owner) for owner, _ in program.visited]
    owners = {id(value) for _, value in named}
    for name, value in named:
        if isinstance(value, Tensor | np.ndarray):
            found.setdefault(id(value), name)
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                if isinstance(item, Tensor | np.ndarray):
                    found.setdefault(id(item), f"{name}.{i}")
    # Outermost modules first: those inside of others have their names from there.
    modules = [(name, value) for name, value in named if hasattr(type(value), "named_parameters")]
    for name, module in sorted(modules, key=lambda pair: -size_of(pair[1], owners)):
        for part, tensor in (*module.named_parameters(), *module.named_buffers()):
            found.setdefault(id(tensor), f"{name}.{part}")
    for name, optimizer in named:
        if hasattr(type(optimizer), "add_param_group"):
            name_optimizer(found, name, optimizer)
    for binding in program.bindings:
        if binding.tensor is not None:
            found.setdefault((id(binding.tensor), "grad"), f"{found.get(id(binding.tensor), 'tensor')}.grad")
    for gradient in program.gradients:
        found.setdefault((id(gradient.tensor), "grad"), f"{found.get(id(gradient.tensor), 'tensor')}.grad")
    for owner, name, _ in program.attributes:
        found.setdefault((id(owner), name), f"{type(owner).__name__.lower()}.{name}")
    return found


def size_of(module: Any, owners: set[int]) -> int:
    """How many of the known modules a module has inside."""
    return sum(id(part) in owners for _, part in module.named_modules())


def name_optimizer(found: dict[Any, str], name: str, optimizer: Any) -> None:
    """Name what an optimizer remembers of each parameter, and the options that every run reads."""
    groups = optimizer.param_groups
    for i, group in enumerate(groups):
        prefix = name if len(groups) == 1 else f"{name}.{i}"
        for option in ("lr", "momentum", "beta1", "beta2"):
            found.setdefault((id(group), option), f"{prefix}.{option}")
        for k, parameter in enumerate(group["params"]):
            of = found.get(id(parameter), f"{i}.{k}")
            for part, array in optimizer.state.get(parameter, {}).items():
                if isinstance(array, np.ndarray):
                    found.setdefault(id(array), f"{name}.{part}.{of}")
