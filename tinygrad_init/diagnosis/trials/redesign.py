"""Changes of a network's design that help gradients on their way: normalization, residual connections, activations."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import MLP, Activation, BatchNorm, Module, Residual, Sequential, dtype_of, is_linear_map


def modules_of(model: Module) -> list[Module] | None:
    """The modules of nested chains, one after the other; None if the model is no chain."""
    if isinstance(model, MLP):
        return modules_of(model.layers)
    if not isinstance(model, Sequential):
        return None
    found: list[Module] = []
    for module in model:
        inner = modules_of(module)
        found += [module] if inner is None else inner
    return found


def parts(model: Module) -> list[Module] | None:
    """The same as copies."""
    found = modules_of(model)
    return None if found is None else [copy.deepcopy(module) for module in found]


def normalized(model: Module) -> Module | None:
    """With batch normalization between every linear map and its activation (Ioffe and Szegedy 2015).

    None if the model is no chain, or has it already.
    """
    chain = parts(model)
    if chain is None or any(isinstance(module, BatchNorm) for module in chain):
        return None
    found: list[Module] = []
    for i, module in enumerate(chain):
        found.append(module)
        follows = chain[i + 1] if i + 1 < len(chain) else None
        if is_linear_map(module) and isinstance(follows, Activation):
            found.append(BatchNorm(units(module), dtype=vars(module)["weight"].dtype))
    return Sequential(*found) if len(found) > len(chain) else None


def residual(model: Module, x: Any) -> Module | None:
    """With a connection around every linear map (and what follows until the next) that keeps the shape.

    He et al. 2016, "Identity mappings in deep residual networks". None if the model is no chain, or nothing keeps its
    shape.

    Parameters
    ----------
    x
        Some samples, to see which shapes there are.
    """
    chain = parts(model)
    if chain is None:
        return None
    starts = [i for i, module in enumerate(chain) if is_linear_map(module)]
    found: list[Module] = chain[: starts[0]] if starts else []
    with no_grad():
        signal: Any = Sequential(*copy.deepcopy(found)).eval()(Tensor(x, dtype_of(model)))
        for start, end in pairwise([*starts, len(chain)]):
            block = Sequential(*chain[start:end])
            out = copy.deepcopy(block).eval()(signal)
            inside = end < len(chain) and out.shape == signal.shape
            found += [Residual(block)] if inside else chain[start:end]
            signal = out
    return Sequential(*found) if any(isinstance(module, Residual) for module in found) else None


def activated(model: Module, name: str) -> Module | None:
    """With another activation outside residual blocks; None if that changes nothing, or the model is no chain."""
    chain = parts(model)
    if chain is None:
        return None
    changed = [
        Activation(name) if isinstance(module, Activation) and module.name != name else module for module in chain
    ]
    return Sequential(*changed) if any(new is not old for new, old in zip(changed, chain, strict=True)) else None


def units(module: Module) -> int:
    """The outputs of a linear map."""
    known = vars(module)
    return int(known["out_features"] if "out_features" in known else known["out_channels"])
