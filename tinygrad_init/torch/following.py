"""Which activation a model's weights are followed by, without data: the model is traced, not run (`torch.fx`).

What cannot be traced is asked for its `nn.Sequential`s, where the order of modules is that of the calls.
"""

from __future__ import annotations

import copy
from functools import cache
from itertools import chain
from typing import Any

from torch import fx, nn

from ..activations import ActivationRecord, activation
from ..ops.activations import ACTIVATIONS, activation_name
from ..theory import gains
from .roles import NORMS

PASSING = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.Identity, nn.Flatten)
OPTIONS = ("negative_slope", "alpha", "beta")


def activations_after(model: nn.Module) -> dict[str, ActivationRecord]:
    """For the name of a module with a weight the activation its output goes through, as far as that is known."""
    modules = dict(model.named_modules())
    try:
        # Parameters and buffers are shared with the copy, so that nothing large is copied and no attribute changed.
        shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
        graph = fx.Tracer().trace(copy.deepcopy(model, shared))
    except Exception:  # whatever a forward function does that cannot be traced
        return in_sequences(modules)
    found = {}
    for node in graph.nodes:
        if node.op == "call_module" and getattr(modules.get(str(node.target)), "weight", None) is not None:
            record = following(node, modules)
            if record is not None:
                found[str(node.target)] = record
    return found


def following(node: Any, modules: dict[str, nn.Module]) -> ActivationRecord | None:
    """The activation that the only user of a node is, past what leaves the signal as it is."""
    while len(node.users) == 1:
        (node,) = node.users
        if node.op == "call_module":
            module = modules[str(node.target)]
            if not isinstance(module, PASSING):
                return of_module(module)
        elif node.op == "call_method":
            return named(str(node.target))
        elif node.op == "call_function":
            return named(getattr(node.target, "__name__", ""))
        else:
            return None
    return None


def in_sequences(modules: dict[str, nn.Module]) -> dict[str, ActivationRecord]:
    """Of neighbours in `nn.Sequential`, and in the layers of `nn.Transformer`."""
    found = {}
    for prefix, module in modules.items():
        head = f"{prefix}." if prefix else ""
        if isinstance(module, nn.Sequential):
            for i, (name, inner) in enumerate(module.named_children()):
                if isinstance(getattr(inner, "weight", None), nn.Parameter):
                    later = (m for m in list(module.children())[i + 1 :] if not isinstance(m, PASSING))
                    found[f"{head}{name}"] = next((of_module(m) for m in later), None)
        elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            function = module.activation
            known = of_module(function) if isinstance(function, nn.Module) else named(function.__name__)
            found[f"{head}linear1"] = known
    return {name: record for name, record in found.items() if record is not None}


def of_module(module: nn.Module) -> ActivationRecord | None:
    """What this package knows of an activation module."""
    if isinstance(module, (*NORMS, nn.Identity)):
        return None
    options = {name: float(getattr(module, name)) for name in OPTIONS if isinstance(getattr(module, name, None), float)}
    return named(type(module).__name__, **options)


def named(name: str, **options: float) -> ActivationRecord | None:
    """An activation by the name of a module or function."""
    try:
        found = activation_name(name)
        return activation(found, **options) if found in ACTIVATIONS and found != "identity" else None
    except (ValueError, TypeError):
        return None


@cache
def factors(record: ActivationRecord) -> tuple[float, float]:
    """√E φ² and √E φ'² at z ~ N(0, 1): what the activation makes of a signal and of a gradient."""
    found = gains(record)
    return 1 / found.forward, 1 / found.backward
