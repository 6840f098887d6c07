"""Changes of a network's design that help gradients on their way: normalization, residual connections, activations."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import numpy as np

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...nn import MLP, Activation, BatchNorm, Module, PReLU, Residual, Sequential, dtype_of, is_linear_map


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
        if is_linear_map(module) and i < last_map(chain) and is_activation(chain[i + 1]):
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
    """With another activation between its layers, outside residual blocks; what comes after the last layer stays.

    None if that changes nothing, or the model is no chain.
    """
    chain = parts(model)
    if chain is None:
        return None
    last = last_map(chain)
    changed = [
        Activation(name)
        if i < last and is_activation(module) and not (isinstance(module, Activation) and module.name == name)
        else module
        for i, module in enumerate(chain)
    ]
    return Sequential(*changed) if any(new is not old for new, old in zip(changed, chain, strict=True)) else None


def without_output_activation(model: Module) -> Module | None:
    """Without what comes after the last layer and has no parameters; None if nothing does, or the model is no chain."""
    chain = parts(model)
    if chain is None:
        return None
    last = last_map(chain)
    if last < 0 or last == len(chain) - 1 or any(list(module.parameters()) for module in chain[last + 1 :]):
        return None
    return Sequential(*chain[: last + 1])


def last_map(chain: list[Module]) -> int:
    """Where the last module stands in which there is a linear map; -1 if there is none."""
    there = [any(is_linear_map(inner) for _, inner in module.named_modules()) for module in chain]
    return max((i for i, has in enumerate(there) if has), default=-1)


def is_activation(module: Module) -> bool:
    """Whether a module is an activation, ours or one that somebody wrote: without parameters, number by number."""
    if isinstance(module, Activation | PReLU):
        return True
    if type(module).__module__.startswith(Module.__module__.partition(".")[0] + ".") or list(module.parameters()):
        return False  # the package's other modules are known not to be
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6)).astype(np.float32)
    other = np.where(rng.random(x.shape) < 0.5, x, x + 1)
    try:
        with no_grad():
            a, b = (np.asarray(module(Tensor(values)).numpy()) for values in (x, other))
    except Exception:  # whatever somebody's own module wants, it does not take numbers of this shape
        return False
    return a.shape == x.shape and bool(np.array_equal(a[x == other], b[x == other]) and not np.array_equal(a, b))


def units(module: Module) -> int:
    """The outputs of a linear map."""
    known = vars(module)
    return int(known["out_features"] if "out_features" in known else known["out_channels"])
